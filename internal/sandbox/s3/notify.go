package s3

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"s3fanout/internal/sandbox/fault"
)

// TopicNotification tells a topic about events, one or more of
// s3:ObjectCreated:*, s3:ObjectRemoved:*, s3:ObjectTagging:* and their members,
// of keys with the prefix and suffix.
type TopicNotification struct {
	ID       string // made up if empty
	TopicARN string
	Events   []string
	Prefix   string
	Suffix   string
}

// notify sends the bucket's notifications about a change. It does not wait
// for their delivery, but when it returns they count as under way.
func (s *Service) notify(b *bucket, key string, c change, o origin) {
	if s.config.Faults.Strikes(b.region, fault.S3NoPrincipal) {
		o.caller.PrincipalID = s.config.AccountID // as the account itself, whoever it was
	}
	now := time.Now().Add(s.config.Faults.Clock(b.region))
	for _, n := range b.settings().notifications {
		if !n.matches(c.event, key) {
			continue
		}
		message := Notification{
			Region: b.region, Bucket: b.name, BucketARN: b.arn, TopicARN: n.TopicARN,
			Body: eventBody(b, n.ID, key, c, o, now),
		}
		end := s.config.Counters.Begin()
		s.running.Go(func() {
			defer end()
			if err := s.config.Notify(s.stopping, message); err != nil {
				s.logger.Warn("s3 notification", "region", message.Region, "bucket", message.Bucket, "topic", message.TopicARN, "error", err)
			}
		})
	}
}

func (n TopicNotification) validate(region string) error {
	topic, err := arn.Parse(n.TopicARN)
	if err != nil || topic.Service != "sns" || strings.Contains(topic.Resource, ":") { // as a subscription's has
		return fmt.Errorf("notification destination %q is not the ARN of a topic", n.TopicARN)
	}
	if topic.Region != region {
		return fmt.Errorf("unable to validate the following destination configurations: topic %s is not in the bucket's Region %s",
			n.TopicARN, region)
	}
	if len(n.Events) == 0 {
		return errors.New("a notification needs an event")
	}
	for _, e := range n.Events {
		if !slices.Contains(events(), e) {
			return fmt.Errorf("the sandbox's S3 does not have the event %q; it has %s", e, strings.Join(events(), ", "))
		}
	}
	return nil
}

func (n TopicNotification) matches(event, key string) bool {
	return strings.HasPrefix(key, n.Prefix) && strings.HasSuffix(key, n.Suffix) &&
		n.covers(event)
}

func (n TopicNotification) covers(event string) bool {
	return slices.ContainsFunc(n.Events, func(pattern string) bool { return covers(pattern, event) })
}

// overlaps says whether some object could match both, which S3 refuses.
func (n TopicNotification) overlaps(o TopicNotification) bool {
	prefix := strings.HasPrefix(n.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, n.Prefix)
	suffix := strings.HasSuffix(n.Suffix, o.Suffix) || strings.HasSuffix(o.Suffix, n.Suffix)
	event := slices.ContainsFunc(events(), func(e string) bool {
		return !strings.HasSuffix(e, "*") && n.covers(e) && o.covers(e)
	})
	return prefix && suffix && event
}
