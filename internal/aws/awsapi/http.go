// Package awsapi is what all requests of the command to AWS share: time limits
// of connections, and errors that are one line and say what to do.
package awsapi

import (
	"context"
	"io"
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

// bufferBytes is what a connection has for reading and as much for writing: enough for
// the headers of most requests. net/http's own 4 KiB add up where hundreds of copies, which
// have no body, are under way. What is longer takes more reads or writes, or has none.
const bufferBytes = 2 << 10

// HTTPClient is the configuration's HTTP client, which knows about
// AWS_CA_BUNDLE, with limits: five seconds for a connection, limit for a
// request with its answer (zero: none), and as many connections kept open to a
// host as requests are under way at once. It is safe for concurrent use.
func HTTPClient(config aws.Config, limit time.Duration, connections int) aws.HTTPClient {
	client, ok := config.HTTPClient.(*awshttp.BuildableClient)
	if outer, is := config.HTTPClient.(limited); is {
		client, ok = outer.client, true
	}
	if !ok {
		client = awshttp.NewBuildableClient()
	}
	client = client.
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTime }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, connections)
			t.MaxIdleConns = max(t.MaxIdleConns, connections)
			t.ReadBufferSize, t.WriteBufferSize = bufferBytes, bufferBytes
		})
	if limit == 0 {
		return client
	}
	return limited{client, limit}
}

// limited gives up a request that takes longer than the limit. net/http's own limit
// takes two goroutines for each request where the transport is the SDK's.
type limited struct {
	client *awshttp.BuildableClient
	limit  time.Duration
}

func (l limited) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), l.limit, tooLate{l.limit})
	res, err := l.client.Do(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	res.Body = limitedBody{res.Body, cancel}
	return res, nil
}

// limitedBody is an answer's, whose end ends the limit.
type limitedBody struct {
	io.ReadCloser
	end context.CancelFunc
}

func (b limitedBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// tooLate is the error of a request that took too long. As that of net/http it is a
// timeout, which may be tried again.
type tooLate struct{ limit time.Duration }

func (e tooLate) Error() string        { return "no complete answer within " + e.limit.String() }
func (e tooLate) Timeout() bool        { return true }
func (e tooLate) Temporary() bool      { return true }
func (e tooLate) Is(target error) bool { return target == context.DeadlineExceeded }
