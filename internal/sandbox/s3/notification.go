package s3

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Notifications are what a bucket tells of its objects' changes, and whom
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html).
// They are shown as they were set: IDs, filters and their order included.
type Notifications struct {
	Rules []NotificationRule
	// EventBridge is kept and shown: there is none here.
	EventBridge bool
}

// NotificationRule tells a topic, a queue or a function about events of keys
// that the filter matches.
type NotificationRule struct {
	ID     string   // made up if empty
	ARN    string   // of the topic, queue or function
	Events []string // as s3:ObjectCreated:*
	Filter []FilterRule
}

// FilterRule is one rule of a filter: Prefix or Suffix, and its value.
type FilterRule struct{ Name, Value string }

// The names of filter rules, as S3 shows them.
const (
	prefixRule = "Prefix"
	suffixRule = "Suffix"
)

// KeyFilter is the filter of a prefix and a suffix, each if it is not empty.
func KeyFilter(prefix, suffix string) (filter []FilterRule) {
	for _, r := range []FilterRule{{prefixRule, prefix}, {suffixRule, suffix}} {
		if r.Value != "" {
			filter = append(filter, r)
		}
	}
	return filter
}

// Services that can receive events.
const (
	topicService    = "sns"
	queueService    = "sqs"
	functionService = "lambda"
)

// Topic tells whether the rule is for a topic.
func (n NotificationRule) Topic() bool { return serviceOf(n.ARN) == topicService }

// Function tells whether the notification is for a function.
func (n Notification) Function() bool { return serviceOf(n.Destination) == functionService }

// Queue tells whether the notification is for a queue.
func (n Notification) Queue() bool { return serviceOf(n.Destination) == queueService }

func serviceOf(destination string) string {
	parsed, err := arn.Parse(destination)
	if err != nil {
		return ""
	}
	return parsed.Service
}

func (n NotificationRule) value(name string) string {
	for _, r := range n.Filter {
		if r.Name == name {
			return r.Value
		}
	}
	return ""
}

func (n NotificationRule) matches(event, key string) bool {
	return strings.HasPrefix(key, n.value(prefixRule)) && strings.HasSuffix(key, n.value(suffixRule)) && n.covers(event)
}

func (n NotificationRule) covers(event string) bool {
	return slices.ContainsFunc(n.Events, func(pattern string) bool { return covers(pattern, event) })
}

// errArgument is S3's refusal of a configuration, with what it is about.
func errArgument(message, name, value string) *apiError {
	e := errInvalidArgument(message)
	e.ArgumentName, e.ArgumentValue = name, value
	return e
}

// validate refuses what S3 refuses
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html).
func (n Notifications) validate(region string) error {
	for i, r := range n.Rules {
		if err := r.validate(region); err != nil {
			return err
		}
		for _, other := range n.Rules[:i] {
			if r.ID != "" && r.ID == other.ID {
				return errArgument("Same ID used for multiple configurations. IDs must be unique", "Id", r.ID)
			}
			if err := r.overlaps(other); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n NotificationRule) validate(region string) error {
	to, err := arn.Parse(n.ARN)
	known := slices.Contains([]string{topicService, queueService, functionService}, to.Service)
	switch {
	case err != nil || !known || to.Service != functionService && strings.Contains(to.Resource, ":"): // as a subscription's has
		return errArgument("The ARN could not be parsed, or is not that of a topic, a queue or a function", "ARN", n.ARN)
	case to.Region != region:
		return errArgument("The notification destination service region is not valid for the bucket location constraint", "ARN", n.ARN)
	case strings.HasSuffix(to.Resource, ".fifo"):
		return errArgument("FIFO topics and queues are not supported", "ARN", n.ARN)
	case len(n.ID) > maxNotificationID:
		return errArgument("The ID is longer than 255 characters", "Id", n.ID)
	case len(n.Events) == 0:
		return errArgument("A specified event is not supported for notifications", "Event", "")
	}
	for _, e := range n.Events {
		if !slices.Contains(allEvents(), e) {
			return errArgument("A specified event is not supported for notifications", "Event", e)
		}
	}
	return n.validateFilter()
}

const maxNotificationID = 255

func (n NotificationRule) validateFilter() error {
	seen := map[string]bool{}
	for _, r := range n.Filter {
		switch {
		case r.Name != prefixRule && r.Name != suffixRule:
			return errArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", r.Name)
		case seen[r.Name]:
			return errArgument("Cannot specify more than one "+strings.ToLower(r.Name)+" rule in a filter.", "FilterRule.Name", r.Name)
		}
		seen[r.Name] = true
	}
	return nil
}

// overlaps refuses two rules that some object's event could match both,
// whomever they tell.
func (n NotificationRule) overlaps(o NotificationRule) error {
	either := func(has func(s, part string) bool, a, b string) bool { return has(a, b) || has(b, a) }
	event := slices.ContainsFunc(allEvents(), func(e string) bool { return !strings.HasSuffix(e, "*") && n.covers(e) && o.covers(e) })
	switch {
	case !event || !either(strings.HasPrefix, n.value(prefixRule), o.value(prefixRule)) ||
		!either(strings.HasSuffix, n.value(suffixRule), o.value(suffixRule)):
		return nil
	case n.Filter == nil && o.Filter == nil:
		return errArgument("Configurations overlap. Configurations on the same bucket cannot share a common event type.",
			"Event", strings.Join(append(slices.Clone(o.Events), n.Events...), ", "))
	}
	return errInvalidArgument("Configuration is ambiguously defined. " +
		"Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.")
}

// withIDs gives the rules without one an ID.
func (n Notifications) withIDs() Notifications {
	n.Rules = slices.Clone(n.Rules)
	for i := range n.Rules {
		if n.Rules[i].ID == "" {
			n.Rules[i].ID = newIDs().request
		}
	}
	return n
}

// The document has the elements of
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html.
type (
	notificationConfiguration struct {
		XMLName     xml.Name            `xml:"http://s3.amazonaws.com/doc/2006-03-01/ NotificationConfiguration"`
		Topics      []topicElement      `xml:"TopicConfiguration"`
		Queues      []queueElement      `xml:"QueueConfiguration"`
		Functions   []functionElement   `xml:"CloudFunctionConfiguration"`
		EventBridge *eventBridgeElement `xml:"EventBridgeConfiguration"`
	}
	eventBridgeElement struct{}

	ruleElement struct {
		Events []string       `xml:"Event"`
		Filter *filterElement `xml:"Filter>S3Key"`
	}
	filterElement struct {
		Rules []FilterRule `xml:"FilterRule"`
	}
	topicElement struct {
		ID  string `xml:"Id"`
		ARN string `xml:"Topic"`
		ruleElement
	}
	queueElement struct {
		ID  string `xml:"Id"`
		ARN string `xml:"Queue"`
		ruleElement
	}
	functionElement struct {
		ID  string `xml:"Id"`
		ARN string `xml:"CloudFunction"`
		ruleElement
	}
)

func (n Notifications) document() (c notificationConfiguration) {
	for _, r := range n.Rules {
		element := ruleElement{Events: r.Events}
		if r.Filter != nil {
			element.Filter = &filterElement{r.Filter}
		}
		switch serviceOf(r.ARN) {
		case topicService:
			c.Topics = append(c.Topics, topicElement{r.ID, r.ARN, element})
		case queueService:
			c.Queues = append(c.Queues, queueElement{r.ID, r.ARN, element})
		case functionService:
			c.Functions = append(c.Functions, functionElement{r.ID, r.ARN, element})
		}
	}
	if n.EventBridge {
		c.EventBridge = &eventBridgeElement{}
	}
	return c
}

// parseNotifications reads what a bucket should notify of.
func parseNotifications(raw []byte) (n Notifications, err error) {
	var wanted struct {
		XMLName   xml.Name          `xml:"NotificationConfiguration"`
		Topics    []topicElement    `xml:"TopicConfiguration"`
		Queues    []queueElement    `xml:"QueueConfiguration"`
		Functions []functionElement `xml:"CloudFunctionConfiguration"`
		Bridges   []struct{}        `xml:"EventBridgeConfiguration"`
		Other     []other           `xml:",any"`
	}
	if err := xml.Unmarshal(raw, &wanted); err != nil || len(wanted.Other) > 0 {
		return n, errMalformedXML()
	}
	add := func(service, id, destination string, element ruleElement) {
		r := NotificationRule{ID: id, ARN: destination, Events: element.Events}
		if element.Filter != nil {
			r.Filter = []FilterRule{} // shown, even if it has no rules
			for _, f := range element.Filter.Rules {
				r.Filter = append(r.Filter, FilterRule{shownName(f.Name), f.Value})
			}
		}
		n.Rules = append(n.Rules, r)
		switch {
		case err != nil:
		case len(r.Events) == 0:
			err = errMalformedXML()
		case serviceOf(destination) != service:
			err = errArgument("The ARN is not well formed", fmt.Sprintf("%s ARN", service), destination)
		}
	}
	for _, t := range wanted.Topics {
		add(topicService, t.ID, t.ARN, t.ruleElement)
	}
	for _, q := range wanted.Queues {
		add(queueService, q.ID, q.ARN, q.ruleElement)
	}
	for _, f := range wanted.Functions {
		add(functionService, f.ID, f.ARN, f.ruleElement)
	}
	n.EventBridge = len(wanted.Bridges) > 0
	return n, err
}

// shownName is how S3 shows the name of a filter rule, which is taken in any case.
func shownName(name string) string {
	for _, known := range []string{prefixRule, suffixRule} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}
