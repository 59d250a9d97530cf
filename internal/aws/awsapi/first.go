package awsapi

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A command's first request finds out whether anybody answers. So it is not
// waited for as long as others: ten seconds and a little in all.
const (
	firstTime     = 5 * time.Second
	firstAttempts = 2
)

// First is the configuration for a command's first request to a Region, which
// has to be one that AWS answers at once.
func First(config aws.Config) aws.Config {
	first := config.Copy()
	first.HTTPClient = HTTPClient(config, firstTime, 1)
	if first.RetryMaxAttempts == 0 || first.RetryMaxAttempts > firstAttempts {
		first.RetryMaxAttempts = firstAttempts
	}
	return first
}
