// Package awsapi is what all requests of the command to AWS share: time limits
// of connections, and errors that are one line and say what to do.
package awsapi

import (
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// dialTime bounds the wait for a Region that does not answer.
const dialTime = 5 * time.Second

// RequestTime bounds a request that AWS answers within seconds, with a queue's
// long poll.
const RequestTime = 30 * time.Second

// HTTPClient is the configuration's HTTP client, which knows about
// AWS_CA_BUNDLE, with limits: five seconds for a connection, limit for a
// request with its answer (zero: none), and as many connections kept open to a
// host as requests are under way at once. It is safe for concurrent use.
func HTTPClient(config aws.Config, limit time.Duration, connections int) *awshttp.BuildableClient {
	client, ok := config.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		client = awshttp.NewBuildableClient()
	}
	return client.
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTime }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, connections)
			t.MaxIdleConns = max(t.MaxIdleConns, connections)
		}).
		WithTimeout(limit)
}
