package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (c *checker) bucket() {
	name := c.here().Bucket
	if c.here().Adopted {
		c.adopted()
		return
	}
	if !exists(c, checkBucket, c.region.Bucket, "bucket "+name) {
		return
	}
	bucket := c.region.Bucket.Value
	if bucket.Region != "" && bucket.Region != c.region.Name {
		c.find(checkBucketRegion, "bucket %s is in %s", name, bucket.Region)
	}
	c.versioning(bucket.Versioning)
	if answered(c, checkNotification, bucket.Notifications) {
		c.notifications(bucket.Notifications.Value)
		c.followed(bucket.Notifications.Value)
	}
	c.lifecycle(bucket)
	c.bucketEncryption(bucket.Encryption)
	c.onlyByAccessPoint(bucket.Policy)
	if answered(c, checkUploads, bucket.AbortDays) && bucket.AbortDays.State == Absent {
		c.find(checkUploads, "bucket %s has no lifecycle rule that removes unfinished uploads", name)
	}
}

func (c *checker) versioning(look Look[string]) {
	if answered(c, checkVersioning, look) && look.Value != "Enabled" {
		status := strings.ToLower(look.Value)
		if status == "" {
			status = "off"
		}
		c.find(checkVersioning, "versioning of bucket %s is %s", c.here().Bucket, status)
	}
}

// conditions checks what Probe tried.
func (c *checker) conditions() {
	if !c.facts.Probed {
		return
	}
	if c.region.Scratch.Why != "" {
		c.find(CheckLeftovers, "the probe's test object could not be removed: %s", c.region.Scratch.Why)
	}
	if !answered(c, checkCopyIf, c.region.Conditions) {
		return
	}
	for _, tried := range []struct {
		id, request string
		Enforcement
	}{
		{checkCopyIf, "CopyObject", c.region.Conditions.Value.Copy},
		{checkCompleteIf, "CompleteMultipartUpload", c.region.Conditions.Value.Complete},
	} {
		switch tried.Enforcement {
		case Enforced:
		case Ignored:
			c.find(tried.id, "S3 overwrote an existing key although %s had If-None-Match: *", tried.request)
		case Refused:
			c.add(
				tried.id, Warning,
				"S3 refuses %s with If-None-Match (501): the function looks with HEAD and then copies without the condition",
				tried.request,
			)
		}
	}
	if by := c.region.Conditions.Value.Initiator; by != "" {
		c.find(checkInitiator, "S3 names %s as the initiator of an upload by the function's role", by)
	}
}

const eventCopy = "s3:ObjectCreated:Copy"

// creations are the events that a new object may cause
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html),
// without those that the configuration leaves out.
func (c *checker) creations() []string {
	events := []string{"s3:ObjectCreated:Put", "s3:ObjectCreated:Post", eventCopy, "s3:ObjectCreated:CompleteMultipartUpload"}
	return slices.DeleteFunc(events, func(event string) bool { return event == eventCopy && c.facts.Set.NoUserCopies })
}

// tells reports whether the notification tells the Region's topic of an event.
func (c *checker) notifies(n Notification, event string) bool {
	return n.TopicARN == c.here().TopicARN() && announces(n.Events, event)
}

// notifications checks that each kind of creation is announced, of the keys
// that the configuration chooses: all of them, unless it has filters.
func (c *checker) notifications(list []Notification) {
	want := map[string]bool{}
	for _, f := range c.facts.Set.Filters {
		want[describeKeys(f.Prefix, f.Suffix)] = true
	}
	if len(want) == 0 {
		want[allKeys] = true
	}
	var silent []string
	others := map[string]bool{} // what is announced instead
	for _, event := range c.creations() {
		notified := map[string]bool{}
		for _, n := range list {
			if c.notifies(n, event) {
				notified[describeKeys(n.Prefix, n.Suffix)] = true
			}
		}
		switch {
		case len(notified) == 0:
			silent = append(silent, strings.TrimPrefix(event, "s3:ObjectCreated:"))
		case !maps.Equal(notified, want):
			maps.Copy(others, notified)
		}
	}
	switch {
	case len(silent) == len(c.creations()):
		c.find(checkNotification, "bucket %s sends topic %s no events of new objects", c.here().Bucket, c.facts.Set.TopicName())
	case len(silent) > 0:
		c.find(checkNotification, "bucket %s sends topic %s no events of objects made by %s",
			c.here().Bucket, c.facts.Set.TopicName(), strings.Join(silent, ", "))
	}
	copies := func(n Notification) bool { return c.notifies(n, eventCopy) }
	if c.facts.Set.NoUserCopies && slices.ContainsFunc(list, copies) {
		c.add(
			checkNotification, Warning,
			"bucket %s sends topic %s events of copies, though copiesByUsers is false: each replica costs one",
			c.here().Bucket, c.facts.Set.TopicName(),
		)
	}
	if len(others) > 0 {
		c.find(checkNotifyKeys, "bucket %s sends events of %s; cdk.json selects %s", c.here().Bucket, oneOf(others), oneOf(want))
	}
}

const allKeys = "every key"

// describeKeys says which keys a filter chooses.
func describeKeys(prefix, suffix string) string {
	switch {
	case prefix != "" && suffix != "":
		return fmt.Sprintf("keys with prefix %q and suffix %q", prefix, suffix)
	case prefix != "":
		return fmt.Sprintf("keys with prefix %q", prefix)
	case suffix != "":
		return fmt.Sprintf("keys with suffix %q", suffix)
	}
	return allKeys
}

func oneOf(texts map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(texts)), " or ")
}
