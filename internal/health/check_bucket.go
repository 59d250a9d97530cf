package health

import (
	"fmt"
	"slices"
	"strings"
)

func (c *checker) bucket() {
	name := c.bucketName()
	if !there(c, checkBucket, c.region.Bucket, "bucket "+name) {
		return
	}
	bucket := c.region.Bucket.Value
	if bucket.Region != "" && bucket.Region != c.region.Name {
		c.find(checkBucketRegion, "bucket %s is in %s", name, bucket.Region)
	}
	if told(c, checkVersioning, bucket.Versioning) && bucket.Versioning.Value != "Enabled" {
		status := strings.ToLower(bucket.Versioning.Value)
		if status == "" {
			status = "off"
		}
		c.find(checkVersioning, "versioning of bucket %s is %s", name, status)
	}
	if told(c, checkNotification, bucket.Notifications) {
		c.notifications(bucket.Notifications.Value)
	}
	if told(c, checkUploads, bucket.AbortDays) && bucket.AbortDays.State == Absent {
		c.find(checkUploads, "bucket %s has no lifecycle rule that removes unfinished uploads", name)
	}
}

// creations are the events that a new object may cause
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html).
func creations() []string {
	return []string{"s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload"}
}

// notifications checks that each kind of creation of any key is announced.
func (c *checker) notifications(list []Notification) {
	list = slices.DeleteFunc(slices.Clone(list), func(n Notification) bool { return n.TopicARN != c.topicARN(c.region.Name) })
	var silent, some, filters []string
	for _, event := range creations() {
		announced, everyKey := false, false
		for _, n := range list {
			if !slices.Contains(n.Events, event) && !slices.Contains(n.Events, "s3:ObjectCreated:*") {
				continue
			}
			announced = true
			if len(n.Filters) == 0 {
				everyKey = true
			} else {
				filters = append(filters, strings.Join(n.Filters, " and "))
			}
		}
		short := strings.TrimPrefix(event, "s3:ObjectCreated:")
		switch {
		case !announced:
			silent = append(silent, short)
		case !everyKey:
			some = append(some, short)
		}
	}
	switch {
	case len(silent) == len(creations()):
		c.find(checkNotification, "bucket %s does not tell topic %s of new objects", c.bucketName(), c.facts.Set.TopicName())
	case len(silent) > 0:
		c.find(checkNotification, "bucket %s does not tell topic %s of objects made by %s",
			c.bucketName(), c.facts.Set.TopicName(), strings.Join(silent, ", "))
	}
	if len(some) > 0 {
		slices.Sort(filters)
		c.find(checkNotifyKeys, "bucket %s tells of keys with %s only", c.bucketName(), strings.Join(slices.Compact(filters), " or with "))
	}
}

// describeFilter is one rule of a notification's filter in words.
func describeFilter(name, value string) string {
	return fmt.Sprintf("%s %q", strings.ToLower(name), value)
}
