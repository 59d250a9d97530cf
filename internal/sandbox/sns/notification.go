package sns

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"
)

// notification is one published message.
type notification struct {
	messageID string
	topicARN  string
	subject   string
	message   string
	timestamp string
	signature string
	certURL   string
	endpoint  string
}

func (s *Service) newNotification(t *topic, subject, message string) notification {
	signature := make([]byte, 256) // the size of SNS's; it proves nothing here
	rand.Read(signature)           // never fails: crypto/rand aborts the program instead
	return notification{
		messageID: newID(), topicARN: t.arn, subject: subject, message: message,
		timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		signature: base64.StdEncoding.EncodeToString(signature),
		certURL:   s.cfg.Endpoint + "/SimpleNotificationService-sandbox.pem",
		endpoint:  s.cfg.Endpoint,
	}
}

func (n notification) unsubscribeURL(subscriptionARN string) string {
	return n.endpoint + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(subscriptionARN)
}

// lambdaEvent returns what a subscribed function is invoked with
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html). A message
// without a subject has null there.
func (n notification) lambdaEvent(subscriptionARN string) ([]byte, error) {
	type entity struct {
		Type              string
		MessageID         string `json:"MessageId"`
		TopicARN          string `json:"TopicArn"`
		Subject           *string
		Message           string
		Timestamp         string
		SignatureVersion  string
		Signature         string
		SigningCertURL    string `json:"SigningCertUrl"`
		UnsubscribeURL    string `json:"UnsubscribeUrl"`
		MessageAttributes map[string]any
	}
	type record struct {
		EventSource          string
		EventVersion         string
		EventSubscriptionARN string `json:"EventSubscriptionArn"`
		SNS                  entity `json:"Sns"`
	}
	e := entity{
		Type: "Notification", MessageID: n.messageID, TopicARN: n.topicARN, Message: n.message,
		Timestamp: n.timestamp, SignatureVersion: "1", Signature: n.signature, SigningCertURL: n.certURL,
		UnsubscribeURL: n.unsubscribeURL(subscriptionARN), MessageAttributes: map[string]any{},
	}
	if n.subject != "" {
		e.Subject = &n.subject
	}
	return encode(map[string][]record{"Records": {{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionARN: subscriptionARN, SNS: e,
	}}})
}

// deadLetter returns the body of a dead letter: the notification as SNS sends
// it to a queue
// (https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html). The
// unsubscribe URL is what names the subscription.
func (n notification) deadLetter(subscriptionARN string) ([]byte, error) {
	return encode(struct {
		Type             string
		MessageID        string `json:"MessageId"`
		TopicARN         string `json:"TopicArn"`
		Subject          string `json:",omitempty"`
		Message          string
		Timestamp        string
		SignatureVersion string
		Signature        string
		SigningCertURL   string
		UnsubscribeURL   string
	}{
		Type: "Notification", MessageID: n.messageID, TopicARN: n.topicARN, Subject: n.subject, Message: n.message,
		Timestamp: n.timestamp, SignatureVersion: "1", Signature: n.signature,
		SigningCertURL: n.certURL, UnsubscribeURL: n.unsubscribeURL(subscriptionARN),
	})
}

// encode writes JSON and leaves characters as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
