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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"s3fanout/internal/function/client"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/replicator"
)

// eventBus sends events to the Region's default bus of EventBridge. It makes the
// one request itself, signed by the SDK, as selfInvoker does and for its reason.
type eventBus struct {
	client      aws.HTTPClient
	credentials aws.Credentials
	region      string
	url         string
}

func newEventBus(getenv func(string) string, httpClient aws.HTTPClient, credentials aws.Credentials, region string) (*eventBus, error) {
	base, err := client.ServiceURL(getenv, "AWS_ENDPOINT_URL_EVENTBRIDGE", "events", region)
	if err != nil {
		return nil, err
	}
	return &eventBus{client: httpClient, credentials: credentials, region: region, url: base + "/"}, nil
}

// Put sends the event once
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
// It is not repeated: whoever waits for it copies for others.
func (b *eventBus) Put(ctx context.Context, late replicator.Late) error {
	detail, err := json.Marshal(late)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"Entries": []any{map[string]string{
		"Source": functionenv.EventSource, "DetailType": late.Type, "Detail": string(detail),
	}}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(
		ctx, b.credentials, request, hex.EncodeToString(hash[:]), "events", b.region, time.Now(),
	); err != nil {
		return err
	}
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response, answer)
	}
	var taken struct {
		FailedEntryCount int
		Entries          []struct{ ErrorCode, ErrorMessage string }
	}
	if err := json.Unmarshal(answer, &taken); err != nil {
		return err
	}
	switch {
	case taken.FailedEntryCount == 0:
		return nil
	case len(taken.Entries) == 0:
		return errors.New("EventBridge did not take the event, and does not say why")
	}
	return fmt.Errorf("%s: %s", taken.Entries[0].ErrorCode, taken.Entries[0].ErrorMessage)
}
