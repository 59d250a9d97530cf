package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/function/client"
	"s3fanout/internal/function/replicator"
)

const (
	// invokeTimeout bounds one attempt. Lambda answers an asynchronous
	// invocation as soon as it is queued.
	invokeTimeout = 3 * time.Second
	// maxAnswerBytes is as much of an answer as is read, Lambda's own limit.
	maxAnswerBytes = 6 << 20
	// traceKey is where aws-lambda-go leaves the invocation's trace header,
	// and traceHeader the header's name.
	traceKey    = "x-amzn-trace-id"
	traceHeader = "X-Amzn-Trace-Id"
)

// selfInvoker invokes this function, or its twin in another Region. It makes
// the one request itself, signed by the SDK: the SDK's Lambda client would take
// 0.8 MiB more of the binary, a tenth of it, which each cold start loads.
type selfInvoker struct {
	client      aws.HTTPClient
	credentials aws.Credentials
	region      string
	url         string
	sleep       func(context.Context, time.Duration) error
}

// newSelfInvoker addresses the function by its name, which means its
// unpublished version, the one that subscriptions and retries run.
func newSelfInvoker(
	getenv func(string) string, httpClient aws.HTTPClient, credentials aws.Credentials, region, function string,
) (*selfInvoker, error) {
	base, err := client.ServiceURL(getenv, "AWS_ENDPOINT_URL_LAMBDA", "lambda", region)
	if err != nil {
		return nil, err
	}
	return &selfInvoker{
		client: httpClient, credentials: credentials, region: region, sleep: smithytime.SleepWithContext,
		url: base + "/2015-03-31/functions/" + url.PathEscape(function) + "/invocations",
	}, nil
}

// Invoke queues an invocation with the payload and returns once Lambda has
// accepted it (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
// An attempt whose answer is lost is repeated, so the invocation can happen
// twice. The error is an *replicator.InvokeError, or that of the network or the context.
func (s *selfInvoker) Invoke(ctx context.Context, payload []byte) error {
	_, err := s.retry(ctx, func() ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, invokeTimeout)
		defer cancel()
		return s.try(ctx, "Event", http.StatusAccepted, payload)
	})
	return err
}

// Call invokes with the payload, waits for the end as long as the context
// lasts, and returns the function's answer. It repeats and fails as Invoke
// does; the function's own failure is an *replicator.InvokeError, and is not repeated.
func (s *selfInvoker) Call(ctx context.Context, payload []byte) ([]byte, error) {
	return s.retry(ctx, func() ([]byte, error) {
		return s.try(ctx, "RequestResponse", http.StatusOK, payload)
	})
}

func (s *selfInvoker) retry(ctx context.Context, try func() ([]byte, error)) ([]byte, error) {
	backoff := retry.NewExponentialJitterBackoff(time.Second)
	for attempt := 1; ; attempt++ {
		answer, err := try()
		if err == nil || attempt == client.MaxAttempts || ctx.Err() != nil {
			return answer, err
		}
		if refused := (*replicator.InvokeError)(nil); errors.As(err, &refused) && !refused.Retryable() {
			return nil, err
		}
		delay, delayErr := backoff.BackoffDelay(attempt, err)
		if delayErr != nil || s.sleep(ctx, delay) != nil {
			return nil, err
		}
	}
}

func (s *selfInvoker) try(ctx context.Context, kind string, success int, payload []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Amz-Invocation-Type", kind)
	// Lambda follows a chain of invocations by this header, and stops one that
	// does not end: the guard has to see ours.
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
	if trace, _ := ctx.Value(traceKey).(string); trace != "" {
		request.Header.Set(traceHeader, trace)
	}
	hash := sha256.Sum256(payload)
	if err := v4.NewSigner().SignHTTP(
		ctx, s.credentials, request, hex.EncodeToString(hash[:]), "lambda", s.region, time.Now(),
	); err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	// An answer that is cut off still has its status.
	body, cut := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	switch failed := response.Header.Get("X-Amz-Function-Error"); {
	case response.StatusCode != success:
		return nil, refusal(response, body)
	case failed != "":
		return nil, &replicator.InvokeError{
			Status:  response.StatusCode,
			Code:    "the function failed: " + failed,
			Message: messageOf(body, "errorMessage"),
		}
	case success == http.StatusAccepted:
		return nil, nil
	}
	return body, cut
}

// refusal reads the error that Lambda answers with.
func refusal(response *http.Response, body []byte) *replicator.InvokeError {
	e := &replicator.InvokeError{Status: response.StatusCode, Message: messageOf(body, "message")}
	e.Code, _, _ = strings.Cut(response.Header.Get("X-Amzn-Errortype"), ":")
	if e.Code == "" {
		e.Code = http.StatusText(response.StatusCode)
	}
	return e
}

// messageOf finds the text in an error's JSON. The member's name differs in
// case from error to error.
func messageOf(body []byte, member string) string {
	var said map[string]any
	_ = json.Unmarshal(body, &said)
	for name, value := range said {
		if text, _ := value.(string); text != "" && strings.EqualFold(name, member) {
			return strings.Join(strings.Fields(text), " ")
		}
	}
	return "no message"
}
