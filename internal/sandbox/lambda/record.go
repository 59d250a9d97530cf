package lambda

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"s3fanout/internal/sandbox/sqs"
)

// Reasons why an asynchronous event was given up, as the records name them.
const (
	retriesExhausted = "RetriesExhausted"
	eventAgeExceeded = "EventAgeExceeded"
	zeroConcurrency  = "ZeroReservedConcurrency"

	// AWS documents that such an event goes to the destination or dead-letter
	// queue, but not under which condition.
	recursionDetected = "RecursiveInvocation"
)

// maxErrorMessage is where a dead-letter queue's ErrorMessage is cut off.
const maxErrorMessage = 1 << 10

// failure is an asynchronous event that was given up.
type failure struct {
	requestID   string
	functionARN string
	payload     []byte
	condition   string
	attempts    int
	last        outcome // of the last attempt, if there was one
}

// record is an invocation record as an on-failure destination gets it
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError"`
}

// destinationBody returns the message for an on-failure destination. Without
// any attempt there is no response to tell of.
func destinationBody(f failure, now time.Time) ([]byte, error) {
	r := record{
		Version:   "1.0",
		Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{
			RequestID: f.requestID, FunctionARN: f.functionARN + ":" + latest,
			Condition: f.condition, ApproximateInvokeCount: f.attempts,
		},
		RequestPayload: f.payload,
	}
	if f.attempts > 0 {
		r.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: latest, FunctionError: "Unhandled"}
		r.ResponsePayload = f.last.payload
		if !json.Valid(f.last.payload) {
			quoted, err := json.Marshal(string(f.last.payload))
			if err != nil {
				return nil, err
			}
			r.ResponsePayload = quoted
		}
	}
	return json.Marshal(r)
}

// deadLetterAttributes returns the message attributes with which a dead-letter
// queue gets the unchanged event
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq).
func deadLetterAttributes(f failure) map[string]sqs.Attribute {
	code, message := "200", errorMessage(f.last.payload)
	if f.attempts == 0 {
		code, message = "429", "Rate Exceeded."
		switch f.condition {
		case recursionDetected:
			code, message = "400", errRecursion().Message
		case zeroConcurrency:
			message = "Function not invoked. Function is configured with zero reserved concurrent executions"
		}
	}
	return map[string]sqs.Attribute{
		"RequestID":    sqs.StringAttribute(f.requestID),
		"ErrorCode":    sqs.NumberAttribute(code),
		"ErrorMessage": sqs.StringAttribute(message),
	}
}

// errorMessage reads the message of an error object, cut to the size that
// Lambda keeps; never empty, because a message attribute cannot be.
func errorMessage(payload []byte) string {
	var e struct {
		ErrorMessage string `json:"errorMessage"`
	}
	text := string(payload)
	if json.Unmarshal(payload, &e) == nil && e.ErrorMessage != "" {
		text = e.ErrorMessage
	}
	if text == "" {
		text = "unknown error"
	}
	if len(text) > maxErrorMessage {
		text = text[:maxErrorMessage]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return text
}
