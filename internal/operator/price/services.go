package price

// What the services around S3 cost, at the prices of us-east-1. All of them but
// the ingestion of logs, which is in Table, are the same in every Region of the
// table, or differ by so little that it does not show here.
//
// They were written down in November 2026, from quotations of AWS's price list
// and pricing pages in public repositories and articles of that year. One is
// less sure than the others: that of filtering, which only a copy of AWS's
// pricing calculator quotes.
const (
	// Publish is the price of a notification that S3 publishes to a standard
	// topic; a message up to 64 KB is one request. Deliveries to Lambda are free
	// (https://aws.amazon.com/sns/pricing/), and S3 charges nothing for the
	// notification.
	Publish = 0.50 / 1e6
	// FilterGiB is the price of a GiB of messages that a filter policy on the
	// message's body has scanned, once for each subscription that has one.
	FilterGiB = 0.09
	// Invocation is the price of an invocation, and GBSecond that of a second
	// of 1 GiB of memory on arm64, to the next millisecond
	// (https://aws.amazon.com/lambda/pricing/). GBSecondX86 is that of x86.
	Invocation  = 0.20 / 1e6
	GBSecond    = 0.0000133334
	GBSecondX86 = 0.0000166667
	// MetricMonth is the price of a custom metric with data in every hour of a
	// month, AlarmMonth that of each metric of a standard alarm, DashboardMonth
	// that of a dashboard (https://aws.amazon.com/cloudwatch/pricing/).
	MetricMonth    = 0.30
	AlarmMonth     = 0.10
	DashboardMonth = 3.00
	// ReplicationTimeControlGiB is what S3 Replication Time Control adds to the
	// transfer of a GiB (https://aws.amazon.com/s3/pricing/, "Replication").
	ReplicationTimeControlGiB = 0.015
	// DataEvent is the price of a data event that CloudTrail delivers to a trail
	// (https://aws.amazon.com/cloudtrail/pricing/).
	DataEvent = 0.10 / 100_000
	// RoutedGiB is the price of a GiB that a Multi-Region Access Point routes, in either
	// direction. For clients on the internet its acceleration is added: from
	// FromInternetLeast or ToInternetLeast, within North America, to InternetMost, between
	// Asia or South America and elsewhere (https://aws.amazon.com/s3/pricing/,
	// "Multi-Region Access Points", quoted in September 2026).
	RoutedGiB         = 0.0033
	FromInternetLeast = 0.0025
	ToInternetLeast   = 0.005
	InternetMost      = 0.06
	// EndpointHour is the price of an hour of an interface endpoint in one subnet, and
	// EndpointGiB that of a GiB through it (https://aws.amazon.com/privatelink/pricing/).
	EndpointHour = 0.01
	EndpointGiB  = 0.01
)

// What pages name, and no bill has: it depends on what the model does not know.
const (
	// KeyMonth is the price of a key of KMS, and once more for each of its first two
	// yearly rotations, KeyRequest that of a request with it
	// (https://aws.amazon.com/kms/pricing/).
	KeyMonth   = 1.00
	KeyRequest = 0.03 / 10_000
	// LogMonth is the price of keeping a GB of logs (https://aws.amazon.com/cloudwatch/pricing/).
	LogMonth = 0.03
	// Trace is the price of a trace (https://aws.amazon.com/xray/pricing/).
	Trace = 5.00 / 1e6
	// CustomEvent is the price of an event that is put on a bus
	// (https://aws.amazon.com/eventbridge/pricing/).
	CustomEvent = 1.00 / 1e6
	// BatchJob is the price of a job of S3 Batch Operations, and BatchObject that of each
	// of its objects (https://aws.amazon.com/s3/pricing/).
	BatchJob    = 0.25
	BatchObject = 1.00 / 1e6
)
