// Package projection says how a large replica set would behave on AWS: it
// simulates the way of notifications to one Region's function and of its copies,
// on virtual time, against AWS's published quotas.
//
// It is a projection and no measurement: the delays of AWS's services are
// assumptions (Assume), all Regions are alike and uploads spread evenly, so that
// one Region stands for all of them. What it is for is which limit is reached
// first, at which rate, and what a queue behind it means for the lag. The
// decisions of the function itself are simulated elsewhere (internal/proof/sim), with
// everything that can fail; here nothing fails but what is over a limit.
package projection

import (
	"math"
	"math/rand/v2"
	"time"

	"s3fanout/internal/operator/cost"
)

// Quotas are limits of one Region.
type Quotas struct {
	// Publishes is how many messages a second SNS takes. The Region's bucket
	// announces each object, uploaded or replicated.
	Publishes float64
	// Concurrency is how many invocations run at once.
	Concurrency int
	// Writes is how many copies a second S3 takes: at least 3,500 for each
	// partitioned prefix.
	Writes float64
}

// Delays are how long AWS takes where nothing waits.
type Delays struct {
	Notify Spread // S3, from the upload to the topic
	Topic  Spread // SNS, from the topic to the function's queue
	Start  float64
	Copy   Spread // the function, of which all but a millisecond is S3's copy
}

// Spread is a log-normal distribution, in seconds.
type Spread struct{ Median, P99 float64 }

func (s Spread) sample(r *rand.Rand) float64 {
	const z99 = 2.3263 // of the normal distribution
	return s.Median * math.Exp(r.NormFloat64()*math.Log(s.P99/s.Median)/z99)
}

// Assume returns the delays that are assumed.
//
// SNS: 73 ms in the median and 225 ms in the 99th percentile, measured by others
// in 2022 (https://bitesizedserverless.com/bite/serverless-messaging-latency-compared/).
// S3's notifications: seconds typically, sometimes a minute or longer
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html),
// taken to be a second, and ten in one of a hundred. A copy: what package cost
// assumes of a small object, and five times as long in one of a hundred. The
// start of an execution environment: 100 ms.
func Assume() Delays {
	request := cost.RequestTime.Seconds()
	return Delays{Notify: Spread{1, 10}, Topic: Spread{0.073, 0.225}, Start: 0.1, Copy: Spread{request, 5 * request}}
}

// DefaultQuotas are what AWS grants unasked: 1,000 concurrent executions
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), 3,500
// writes a second to a prefix
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html),
// and as many publishes as given: 30,000 in us-east-1, 9,000 in us-west-2 and
// eu-west-1, 1,500 in eight others, 300 in the rest
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
func DefaultQuotas(publishes float64) Quotas {
	return Quotas{Publishes: publishes, Concurrency: 1000, Writes: 3500}
}

// environmentsPerSecond is how fast Lambda adds execution environments to a
// function: 1,000 in ten seconds
// (https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html).
const environmentsPerSecond = 100

// Scenario is what to simulate: uploads at a rate, then for a while at another
// one, then at the first again until nothing waits.
type Scenario struct {
	Regions int
	Rate    float64       // uploads a second in all Regions together
	Burst   float64       // uploads a second during the burst
	Length  time.Duration // of the burst
	// Away says that S3 takes no copies during the burst.
	Away   bool
	Quotas Quotas
	Delays Delays
	Seed   uint64
}

// Projection is what came of a Scenario, in one Region.
type Projection struct {
	Replicas int // of uploads during the burst
	// Lag from upload to replica, of uploads during the burst.
	P50, P99    time.Duration
	Concurrency int // execution environments at work at once, at most
	// Refused are copies that S3 answered with SlowDown, and DeadLetters events
	// whose three attempts all ended so.
	Refused, DeadLetters int
	// Drained is how long after the burst's end its last replica was there.
	Drained time.Duration
}

// MonthSeconds is how long the month has that rates are taken of: 30 days.
const MonthSeconds = 30 * 24 * 3600
