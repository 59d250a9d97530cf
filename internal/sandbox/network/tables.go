package network

import "time"

// quantiles say what part of all times is at most so long; times between are
// interpolated. The first part is 0 and the last 1.
type quantiles []quantile

type quantile struct {
	part float64
	ms   float64
}

// at is the time that a part of all times is shorter than.
func (q quantiles) at(part float64) time.Duration {
	for i := 1; i < len(q); i++ {
		if a, b := q[i-1], q[i]; part <= b.part {
			return milliseconds(a.ms + (b.ms-a.ms)*(part-a.part)/(b.part-a.part))
		}
	}
	return milliseconds(q[len(q)-1].ms)
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// answers is how long a service takes to answer one request in its own Region, by the
// name that its requests are signed for.
//
//   - s3: 15 to 30 ms, and one in a hundred ten times as long. AWS says only "first-byte-out
//     latencies of 100 to 200 milliseconds", https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html,
//     which is the tail here.
//   - sqs: https://bitesizedserverless.com/bite/serverless-messaging-latency-compared/ has 13.7, 16.2, 33.8 and 105 ms at p10, p50,
//     p90 and p99 for two requests, from sending to a receive that waits: half of it is one.
//   - lambda, without the function's own time; and all others: about like SQS, an assumption.
//   - dynamodb: "single-digit millisecond", https://aws.amazon.com/dynamodb/.
func answers(service string) quantiles {
	switch service {
	case "s3":
		return quantiles{{0, 15}, {0.99, 30}, {0.99, 150}, {1, 300}}
	case "dynamodb":
		return quantiles{{0, 2}, {0.5, 4}, {0.99, 10}, {1, 50}}
	}
	return quantiles{{0, 6}, {0.1, 7}, {0.5, 8}, {0.9, 17}, {0.99, 52}, {1, 150}}
}

// steps is how long a step takes within a Region.
//
//   - announce: S3 says "typically in seconds but can sometimes take a minute or longer",
//     https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html. Nobody has published its part alone;
//     that it takes some hundreds of milliseconds is an assumption.
//   - deliver and dequeue together take 62, 73, 125 and 225 ms at p10, p50, p90 and p99, from the page named with sqs;
//     how they share it is an assumption.
//   - init: the whole of a cold start is about 100 ms for Go, of which the program's own start is part of the sandbox's time.
func steps(step Step) quantiles {
	switch step {
	case Announce:
		return quantiles{{0, 100}, {0.5, 300}, {0.9, 700}, {0.99, 1500}, {1, 5000}}
	case Deliver:
		return quantiles{{0, 48}, {0.5, 58}, {0.9, 90}, {0.99, 170}, {1, 400}}
	case Dequeue:
		return quantiles{{0, 8}, {0.5, 14}, {0.9, 34}, {0.99, 80}, {1, 200}}
	case Init:
		return quantiles{{0, 60}, {0.5, 80}, {0.9, 130}, {0.99, 300}, {1, 1000}}
	}
	return quantiles{{0, 0}, {1, 0}}
}

const (
	// Signals in fibre go at two thirds of the speed of light, and cables are half as
	// long again as the way along the earth.
	fibre  = 200_000 // kilometres a second
	detour = 1.5

	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html:
	// 85 to 90 MB a second for each connection.
	bytesPerSecond = 85e6

	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
	writesPerSecond = 3500
	readsPerSecond  = 5500
)
