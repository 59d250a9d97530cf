// Package price says about what S3 requests and transfer between Regions cost,
// in US dollars. It computes and asks nobody: AWS's list prices, before tax,
// discounts and free tiers, are in a table.
package price

// Region holds the list prices of one Region.
type Region struct {
	// Write is the price of 1,000 PUT, COPY, POST or LIST requests to objects
	// in STANDARD, and Read that of 1,000 others, HEAD among them.
	Write, Read float64
	// Transfer is the price of a GiB that leaves the Region for another one.
	// AWS's GB is a GiB there.
	Transfer float64
}

// Table is AWS's list prices by Region. What is cheaper for a pair of Regions,
// such as us-east-1 and us-east-2, is not in it, nor are storage classes that
// have dearer requests.
//
// The source is https://aws.amazon.com/s3/pricing/ (tabs "Requests & data
// retrievals" and "Data transfer"), whose figures are those of the price list
// https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonS3/current/;
// written down in November 2026.
func Table() map[string]Region {
	return map[string]Region{
		"ap-northeast-1": {0.0047, 0.00037, 0.09},
		"ap-northeast-2": {0.0045, 0.00035, 0.08},
		"ap-northeast-3": {0.0047, 0.00037, 0.09},
		"ap-south-1":     {0.005, 0.0004, 0.086},
		"ap-southeast-1": {0.005, 0.0004, 0.09},
		"ap-southeast-2": {0.0055, 0.00044, 0.098},
		"ca-central-1":   {0.0055, 0.00044, 0.02},
		"eu-central-1":   {0.0054, 0.00043, 0.02},
		"eu-north-1":     {0.005, 0.0004, 0.02},
		"eu-west-1":      {0.005, 0.0004, 0.02},
		"eu-west-2":      {0.0053, 0.00042, 0.02},
		"eu-west-3":      {0.0053, 0.00042, 0.02},
		"sa-east-1":      {0.007, 0.00056, 0.138},
		"us-east-1":      {0.005, 0.0004, 0.02},
		"us-east-2":      {0.005, 0.0004, 0.02},
		"us-west-1":      {0.0055, 0.00044, 0.02},
		"us-west-2":      {0.005, 0.0004, 0.02},
	}
}

// Default stands for a Region that the table does not have. It is on the dear
// side, as those Regions are.
func Default() Region { return Region{Write: 0.0055, Read: 0.00044, Transfer: 0.11} }

// Of returns a Region's prices, and whether the table has them; if not, they
// are the default.
func Of(region string) (prices Region, known bool) {
	if p, ok := Table()[region]; ok {
		return p, true
	}
	return Default(), false
}

// Requests is the price of requests sent to a Region: writes are PUT, COPY,
// POST and LIST, reads are HEAD and GET.
func Requests(region string, writes, reads int64) float64 {
	p, _ := Of(region)
	return (float64(writes)*p.Write + float64(reads)*p.Read) / 1000
}

// Transfer is the price of bytes that go from one Region to another; within a
// Region they are free.
func Transfer(from, to string, bytes int64) float64 {
	if from == to {
		return 0
	}
	p, _ := Of(from)
	return float64(bytes) / (1 << 30) * p.Transfer
}
