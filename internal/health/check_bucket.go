package health

import (
	"slices"
	"strings"

	"s3fanout/internal/replicaset"
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

// notifications checks that each kind of creation is announced: of any key, or
// of those that the configuration chooses, and of no other.
func (c *checker) notifications(list []Notification) {
	wanted := c.facts.Set.Filters
	if len(wanted) == 0 {
		wanted = []replicaset.Filter{{}}
	}
	list = slices.DeleteFunc(slices.Clone(list), func(n Notification) bool { return n.TopicARN != c.topicARN(c.region.Name) })
	var silent, some, filters []string
	for _, event := range creations() {
		var announced []replicaset.Filter
		for _, n := range list {
			if slices.Contains(n.Events, event) || slices.Contains(n.Events, "s3:ObjectCreated:*") {
				announced = append(announced, n.Keys)
			}
		}
		short := strings.TrimPrefix(event, "s3:ObjectCreated:")
		switch {
		case len(announced) == 0:
			silent = append(silent, short)
		case !coverAll(announced, wanted):
			some = append(some, short)
			for _, f := range announced {
				filters = append(filters, f.String())
			}
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
	for _, n := range list {
		if !coverAll(wanted, []replicaset.Filter{n.Keys}) {
			what := "all keys"
			if n.Keys != (replicaset.Filter{}) {
				what = "keys with " + n.Keys.String()
			}
			c.add(checkNotifyKeys, Warning, "bucket %s tells of %s, more than the filters of cdk.json choose", c.bucketName(), what)
		}
	}
}

// coverAll says that each of the filters in some is covered by one of those in
// list: whatever it matches, that one does too.
func coverAll(list, some []replicaset.Filter) bool {
	for _, f := range some {
		covers := func(by replicaset.Filter) bool {
			return strings.HasPrefix(f.Prefix, by.Prefix) && strings.HasSuffix(f.Suffix, by.Suffix)
		}
		if !slices.ContainsFunc(list, covers) {
			return false
		}
	}
	return true
}
