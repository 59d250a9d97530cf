package sns

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

const (
	namespace = "http://sns.amazonaws.com/doc/2010-03-31/"
	version   = "2010-03-31"
	maxBody   = 1 << 20
)

// request is one API request that is already authenticated.
type request struct {
	*http.Request
	region string
	caller iam.Caller
	form   url.Values
}

// operation is one of the API's: the parameters that it knows, and what it
// does. The result is encoded as XML; nil means that there is none.
type operation struct {
	parameters []string
	run        func(*Service, request) (any, error)
}

func operations() map[string]operation {
	return map[string]operation{
		"GetSubscriptionAttributes": {[]string{"SubscriptionArn"}, (*Service).getSubscriptionAttributes},
		"GetTopicAttributes":        {[]string{"TopicArn"}, (*Service).getTopicAttributes},
		"ListSubscriptions":         {[]string{"NextToken"}, (*Service).listSubscriptions},
		"ListSubscriptionsByTopic":  {[]string{"TopicArn", "NextToken"}, (*Service).listSubscriptionsByTopic},
		"ListTopics":                {[]string{"NextToken"}, (*Service).listTopics},
		"Publish":                   {[]string{"TopicArn", "TargetArn", "Subject", "Message"}, (*Service).servePublish},
		"SetSubscriptionAttributes": {[]string{"SubscriptionArn", "AttributeName", "AttributeValue"}, (*Service).setSubscriptionAttributes},
		"Subscribe": {
			[]string{"TopicArn", "Protocol", "Endpoint", "ReturnSubscriptionArn", "Attributes.entry."},
			(*Service).serveSubscribe,
		},
		"Unsubscribe": {[]string{"SubscriptionArn"}, (*Service).unsubscribe},
	}
}

// refuse authorizes an operation on a topic that only templates make here: without the
// permission it is denied first, as on AWS.
func (s *Service) refuse(r request, action string) error {
	if !slices.Contains([]string{"AddPermission", "DeleteTopic", "RemovePermission", "SetTopicAttributes"}, action) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.topicOf(r, r.form.Get("TopicArn"), "sns:"+action)
	return err
}

// ServeAPI answers a request of SNS's query protocol that is already
// authenticated as caller, in the Region of its signature. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	id := newID()
	w.Header().Set("x-amzn-RequestId", id)
	w.Header().Set("Content-Type", "text/xml")
	action, result, err := s.serve(w, r, region, caller)
	if err != nil {
		writeError(w, err, id)
		return
	}
	answer := response{XMLName: xml.Name{Space: namespace, Local: action + "Response"}, RequestID: id}
	if result != nil {
		answer.Result = &wrapped{XMLName: xml.Name{Local: action + "Result"}, Content: result}
	}
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(answer) // the client has gone if this fails
}

type response struct {
	XMLName   xml.Name
	Result    *wrapped
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type wrapped struct {
	XMLName xml.Name
	Content any
}

// MarshalXML writes the content's elements directly into the result element.
func (w *wrapped) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(w.Content, xml.StartElement{Name: w.XMLName})
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (action string, result any, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return "", nil, invalid("the request cannot be read: %v", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", nil, invalid("the body is no form: %v", err)
	}
	action = form.Get("Action")
	op, ok := operations()[action]
	if !ok {
		if err := s.refuse(request{Request: r, region: region, caller: caller, form: form}, action); err != nil {
			return "", nil, err
		}
		return "", nil, &Error{
			Status: http.StatusBadRequest, Code: "InvalidAction",
			Message: fmt.Sprintf("The sandbox's SNS has no operation %q; it has %s.",
				action, strings.Join(slices.Sorted(maps.Keys(operations())), ", ")),
		}
	}
	if v := form.Get("Version"); v != version {
		return "", nil, &Error{
			Status:  http.StatusBadRequest,
			Code:    "InvalidParameterValue",
			Message: fmt.Sprintf("Version %q is not %s.", v, version),
		}
	}
	for name := range form {
		if name != "Action" && name != "Version" && !slices.ContainsFunc(op.parameters, func(known string) bool {
			return name == known || strings.HasSuffix(known, ".") && strings.HasPrefix(name, known)
		}) {
			return "", nil, invalid("%s Reason: the sandbox's SNS does not support it in %s", name, action)
		}
	}
	result, err = op.run(s, request{Request: r, region: region, caller: caller, form: form})
	return action, result, err
}

func writeError(w http.ResponseWriter, err error, requestID string) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error(), cause: err}
	}
	fault := "Sender"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w.WriteHeader(e.Status)
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName   xml.Name
		Type      string `xml:"Error>Type"`
		Code      string `xml:"Error>Code"`
		Message   string `xml:"Error>Message"`
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: namespace, Local: "ErrorResponse"}, fault, e.Code, e.Message, requestID})
}

// topicOf finds the topic that a request names, in its Region, and authorizes
// the action on it. s.mu is held.
func (s *Service) topicOf(r request, topicARN, action string) (*topic, error) {
	if topicARN == "" {
		return nil, invalid("TopicArn Reason: no value for required parameter")
	}
	t := s.topics[topicARN]
	switch {
	case t == nil:
		return nil, errNoTopic()
	case t.region != r.region:
		return nil, invalid("TopicArn Reason: the topic is in %s, and the request was for %s", t.region, r.region)
	}
	return t, s.authorize(r.caller, action, t.arn, t.policy)
}

// subscriptionOf finds the subscription that a request names and authorizes
// the action on its topic. s.mu is held.
func (s *Service) subscriptionOf(r request, action string) (*subscription, *topic, error) {
	sub := s.subscriptions[r.form.Get("SubscriptionArn")]
	if sub == nil {
		return nil, nil, errNoSubscription()
	}
	t, err := s.topicOf(r, sub.topicARN, action)
	return sub, t, err
}
