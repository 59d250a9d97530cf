package deadletter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

const (
	envelopeVersion  = "1.0"
	conditionSuccess = "Success"
	conditionAge     = "EventAgeExceeded"
	snsSource        = "aws:sns"
	snsEventVersion  = "1.0"
	notification     = "Notification"
)

// decodeEnvelope reads the record that Lambda sends to a destination.
func decodeEnvelope(m members) (Letter, error) {
	// A record without a version is one of the first, which is all there are.
	if version, _ := m.text("version"); m.has("version") && version != envelopeVersion {
		return Letter{}, fmt.Errorf("%w: an on-failure record of version %s, only %s is known",
			ErrUnknown, excerpt(m["version"]), envelopeVersion)
	}
	request, ok := m.object("requestContext")
	if !ok {
		return Letter{}, fmt.Errorf("%w: requestContext is not an object", ErrUnknown)
	}
	function, _ := request.text("functionArn")
	if function == "" {
		return Letter{}, fmt.Errorf("%w: requestContext.functionArn is missing", ErrUnknown)
	}
	condition, _ := request.text("condition")
	switch condition {
	case "":
		return Letter{}, fmt.Errorf("%w: requestContext.condition is missing", ErrUnknown)
	case conditionSuccess:
		return Letter{}, fmt.Errorf("%w: it records a success, not a failure", ErrUnknown)
	}
	if _, ok := m.object("requestPayload"); !ok {
		return Letter{}, fmt.Errorf("%w: requestPayload is not an object", ErrUnknown)
	}
	l := Letter{Kind: OnFailure, Payload: m["requestPayload"], FunctionARN: function}
	// The count informs people; a strange one must not keep a dead letter from being
	// replayed.
	if n := 0; json.Unmarshal(request["approximateInvokeCount"], &n) == nil && n > 0 {
		l.Attempts = n
	}
	l.Reason, l.ErrorType = envelopeReason(m, condition)
	return l, nil
}

func envelopeReason(m members, condition string) (reason, errorType string) {
	response, ok := m.object("responsePayload")
	if ok {
		message, _ := response.text("errorMessage")
		kind, _ := response.text("errorType")
		reason, errorType = Line(message), Line(kind)
	} else if raw := string(m["responsePayload"]); raw != "" && raw != "null" {
		reason = Line(raw)
	}
	switch {
	case reason != "":
	case condition == conditionAge:
		reason = "the event grew older than the function's maximum event age"
	case errorType != "":
		reason = errorType
	default:
		reason = Line(condition)
	}
	return cmp.Or(reason, noReason), errorType
}

// decodeEvent reads what a function's DeadLetterConfig sends: the event as it
// was.
func decodeEvent(body string, attributes map[string]string) Letter {
	reason, code := attributeReason(attributes)
	return Letter{Kind: FunctionQueue, Payload: []byte(body), Reason: reason, ErrorType: code}
}

// snsMembers are the members of a notification that SNS hands to a function,
// under the names that they have there
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html). The values are
// carried as they are, so that not a byte of the message changes.
func snsMembers(m members) members {
	sns := members{"Subject": json.RawMessage("null"), "MessageAttributes": json.RawMessage("{}")}
	for _, name := range []struct{ from, to string }{
		{"Type", "Type"},
		{"MessageId", "MessageId"},
		{"TopicArn", "TopicArn"},
		{"Subject", "Subject"},
		{"Message", "Message"},
		{"Timestamp", "Timestamp"},
		{"SignatureVersion", "SignatureVersion"},
		{"Signature", "Signature"},
		{"SigningCertURL", "SigningCertUrl"},
		{"UnsubscribeURL", "UnsubscribeUrl"},
		{"MessageAttributes", "MessageAttributes"},
	} {
		if m.has(name.from) {
			sns[name.to] = m[name.from]
		}
	}
	return sns
}

// decodeNotification reads the JSON form of an SNS message
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html)
// and makes it the event that the function would have been invoked with.
func decodeNotification(m members, attributes map[string]string) (Letter, error) {
	if kind, _ := m.text("Type"); kind != notification {
		return Letter{}, fmt.Errorf("%w: an SNS message of type %s, only %s can be replayed", ErrUnknown, excerpt(m["Type"]), notification)
	}
	topic, _ := m.text("TopicArn")
	if topic == "" {
		return Letter{}, fmt.Errorf("%w: TopicArn is not a string", ErrUnknown)
	}
	if _, ok := m.text("Message"); !ok {
		return Letter{}, fmt.Errorf("%w: an SNS notification without a Message", ErrUnknown)
	}
	subscription, err := subscriptionARN(m, topic)
	if err != nil {
		return Letter{}, err
	}
	payload, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"EventSource":          snsSource,
		"EventVersion":         snsEventVersion,
		"EventSubscriptionArn": subscription,
		"Sns":                  snsMembers(m),
	}}})
	if err != nil {
		return Letter{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	reason, code := attributeReason(attributes)
	return Letter{
		Kind: SubscriptionQueue, Payload: payload,
		TopicARN: topic, SubscriptionARN: subscription,
		Reason: reason, ErrorType: code,
	}, nil
}

// subscriptionARN takes the subscription's ARN from the notification's
// UnsubscribeURL, the only place that has it. Without one the result is empty.
func subscriptionARN(m members, topic string) (string, error) {
	link, ok := m.text("UnsubscribeURL")
	if !ok || link == "" {
		return "", nil
	}
	u, err := url.Parse(link)
	if err != nil {
		return "", fmt.Errorf("%w: UnsubscribeURL %s is not a URL", ErrUnknown, excerpt([]byte(link)))
	}
	arn := u.Query().Get("SubscriptionArn")
	if arn != "" && !strings.HasPrefix(arn, topic+":") {
		return "", fmt.Errorf("%w: the subscription %s of UnsubscribeURL is not one of the topic %s",
			ErrUnknown, excerpt([]byte(arn)), excerpt([]byte(topic)))
	}
	return arn, nil
}

func attributeReason(attributes map[string]string) (reason, code string) {
	code = Line(attributes[attrErrorCode])
	reason = Line(attributes[attrErrorMessage])
	if reason == "" && code != "" {
		reason = "error " + code
	}
	return cmp.Or(reason, noReason), code
}
