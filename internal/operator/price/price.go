// Package price says about what AWS charges for what a replica set uses, in US
// dollars: S3's requests, transfer between Regions, and the services around
// them. It computes and asks nobody: AWS's list prices, before tax, discounts
// and free tiers, are in tables.
package price

// Region holds the list prices of one Region.
type Region struct {
	// Write is the price of 1,000 PUT, COPY, POST or LIST requests to objects
	// in STANDARD, and Read that of 1,000 others, HEAD among them.
	Write, Read float64
	// Transfer is the price of a GiB that leaves the Region for another one.
	// AWS's GB is a GiB there.
	Transfer float64
	// Logs is the price of a GB that CloudWatch Logs takes in.
	Logs float64
}

// Table is AWS's list prices by Region. What is cheaper for a pair of Regions,
// such as us-east-1 and us-east-2 ($0.01), is not in it, nor are storage classes
// whose requests are more expensive.
//
// The prices are those of https://aws.amazon.com/s3/pricing/ and
// https://aws.amazon.com/cloudwatch/pricing/. They were written down in November
// 2026 from copies of other people's, as AWS's price list
// (https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json) could not
// be asked:
//   - requests: quotations of the price list of July to October 2026 in public
//     repositories for us-east-1, eu-west-1 (both July), ap-southeast-2,
//     ca-central-1, eu-central-1, eu-west-2 and sa-east-1 (all September),
//     ap-south-1 and ap-southeast-1 (undated); itemised bills, which quote it
//     too, for ap-northeast-1 (2021), ap-northeast-2, eu-west-3 and us-west-2;
//   - transfer: itemised bills for ap-northeast-1, ap-northeast-2,
//     ap-northeast-3, ap-south-1, ap-southeast-1 and us-east-1, and a quotation
//     of 2026 for ca-central-1 and eu-west-1;
//   - logs: quotations for ap-northeast-1, ap-northeast-2, ap-southeast-1,
//     eu-central-1, eu-west-1, us-east-1, us-east-2 and us-west-1.
//
// What is not named there is unconfirmed, as no copy was found: the requests of
// ap-northeast-3, eu-north-1, us-east-2 and us-west-1, the transfer out of
// ap-southeast-2, sa-east-1 and half of the Regions at $0.02, and the other
// Regions' logs. Look before you rely on them.
func Table() map[string]Region {
	return map[string]Region{
		"ap-northeast-1": {0.0047, 0.00037, 0.09, 0.76},
		"ap-northeast-2": {0.0045, 0.00035, 0.08, 0.76},
		"ap-northeast-3": {0.0047, 0.00037, 0.09, 0.76},
		"ap-south-1":     {0.005, 0.0004, 0.086, 0.67},
		"ap-southeast-1": {0.005, 0.0004, 0.09, 0.70},
		"ap-southeast-2": {0.0055, 0.00044, 0.098, 0.67},
		"ca-central-1":   {0.0055, 0.00044, 0.02, 0.55},
		"eu-central-1":   {0.0054, 0.00043, 0.02, 0.63},
		"eu-north-1":     {0.005, 0.0004, 0.02, 0.543},
		"eu-west-1":      {0.005, 0.0004, 0.02, 0.57},
		"eu-west-2":      {0.0053, 0.00042, 0.02, 0.5985},
		"eu-west-3":      {0.0053, 0.00042, 0.02, 0.5985},
		"sa-east-1":      {0.007, 0.00056, 0.138, 0.90},
		"us-east-1":      {0.005, 0.0004, 0.02, 0.50},
		"us-east-2":      {0.005, 0.0004, 0.02, 0.50},
		"us-west-1":      {0.0055, 0.00044, 0.02, 0.67},
		"us-west-2":      {0.005, 0.0004, 0.02, 0.50},
	}
}

// Default stands for a Region that the table does not have. It is rather
// expensive, as those Regions are.
func Default() Region { return Region{Write: 0.0055, Read: 0.00044, Transfer: 0.11, Logs: 0.76} }

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
