package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// invokeTimeout bounds one attempt. Lambda answers an asynchronous
	// invocation as soon as it is queued.
	invokeTimeout = 3 * time.Second
	// maxAnswerBytes is as much of an answer as is read.
	maxAnswerBytes = 4 << 10
	// traceKey is where aws-lambda-go leaves the invocation's trace header,
	// and traceHeader the header's name.
	traceKey    = "x-amzn-trace-id"
	traceHeader = "X-Amzn-Trace-Id"
)

// selfInvoker invokes this function asynchronously. It makes the one request
// itself, signed by the SDK: the SDK's Lambda client would take 0.8 MiB more of
// the binary, a tenth of it, which each cold start loads.
type selfInvoker struct {
	client      aws.HTTPClient
	credentials aws.Credentials
	region      string
	url         string
	sleep       func(context.Context, time.Duration) error
}

// newSelfInvoker addresses the function by its name, which means its
// unpublished version, the one that subscriptions and retries run.
func newSelfInvoker(getenv func(string) string, client aws.HTTPClient, credentials aws.Credentials, region, function string) (*selfInvoker, error) {
	base, err := endpointFrom(getenv, "AWS_ENDPOINT_URL_LAMBDA")
	if err != nil {
		return nil, err
	}
	if base == "" {
		base = lambdaEndpoint(region, isTrue(getenv("AWS_USE_FIPS_ENDPOINT")), isTrue(getenv("AWS_USE_DUALSTACK_ENDPOINT")))
	}
	return &selfInvoker{
		client: client, credentials: credentials, region: region, sleep: sleep,
		url: strings.TrimSuffix(base, "/") + "/2015-03-31/functions/" + url.PathEscape(function) + "/invocations",
	}, nil
}

// lambdaEndpoint follows the endpoint rules of the SDK's Lambda client
// (https://docs.aws.amazon.com/general/latest/gr/lambda-service.html).
func lambdaEndpoint(region string, fips, dualStack bool) string {
	host, suffix := "lambda", "amazonaws.com"
	china := strings.HasPrefix(region, "cn-")
	switch {
	case dualStack && china:
		suffix = "api.amazonwebservices.com.cn"
	case dualStack:
		suffix = "api.aws"
	case china:
		suffix = "amazonaws.com.cn"
	}
	if fips {
		host = "lambda-fips"
	}
	return "https://" + host + "." + region + "." + suffix
}

// invokeError is a refused invocation.
type invokeError struct {
	status        int
	code, message string
}

func (e *invokeError) Error() string {
	return fmt.Sprintf("%s: %s (status %d)", e.code, e.message, e.status)
}

// retryable reports whether another attempt can help.
func (e *invokeError) retryable() bool {
	return e.status == http.StatusTooManyRequests || e.status >= http.StatusInternalServerError
}

// Invoke queues an invocation with the payload and returns once Lambda has
// accepted it (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
// An attempt whose answer is lost is repeated, so the invocation can happen
// twice. The error is an *invokeError, or that of the network or the context.
func (s *selfInvoker) Invoke(ctx context.Context, payload []byte) error {
	backoff := retry.NewExponentialJitterBackoff(time.Second)
	for attempt := 1; ; attempt++ {
		err := s.try(ctx, payload)
		if err == nil || attempt == maxAttempts || ctx.Err() != nil {
			return err
		}
		if refused := (*invokeError)(nil); errors.As(err, &refused) && !refused.retryable() {
			return err
		}
		delay, delayErr := backoff.BackoffDelay(attempt, err)
		if delayErr != nil || s.sleep(ctx, delay) != nil {
			return err
		}
	}
}

func (s *selfInvoker) try(ctx context.Context, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, invokeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Amz-Invocation-Type", "Event")
	// Lambda follows a chain of invocations by this header, and stops one that
	// does not end: the guard has to see ours.
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
	if trace, _ := ctx.Value(traceKey).(string); trace != "" {
		request.Header.Set(traceHeader, trace)
	}
	hash := sha256.Sum256(payload)
	if err := v4.NewSigner().SignHTTP(ctx, s.credentials, request, hex.EncodeToString(hash[:]), "lambda", s.region, time.Now()); err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// An answer that is cut off still has its status.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if response.StatusCode == http.StatusAccepted {
		return nil
	}
	return refusal(response, body)
}

// refusal reads the error that Lambda answers with.
func refusal(response *http.Response, body []byte) *invokeError {
	e := &invokeError{status: response.StatusCode, message: "no message"}
	e.code, _, _ = strings.Cut(response.Header.Get("X-Amzn-Errortype"), ":")
	// The member's name differs in case from error to error, which is the same
	// to encoding/json.
	var said struct{ Message string }
	if json.Unmarshal(body, &said) == nil && said.Message != "" {
		e.message = strings.Join(strings.Fields(said.Message), " ")
	}
	if e.code == "" {
		e.code = http.StatusText(response.StatusCode)
	}
	return e
}

// sleep waits for d or for the context's end, whichever comes first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
