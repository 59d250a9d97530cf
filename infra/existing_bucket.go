package infra

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3notifications"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"

	"s3fanout/internal/replicaset"
)

// checkExistingBucket reports why a bucket of the app cannot be the Region's: the other
// Regions go by a name that is in the configuration, and copies name versions. Of
// a bucket that is imported, only its name is known here.
func (s site) checkExistingBucket(bucket awss3.IBucket) error {
	want, path := s.Buckets[s.Region], *bucket.Node().Path()
	if want == "" {
		return fmt.Errorf("bucket %s: Config.Buckets has no name for %s; put the bucket's name there, because the other Regions use it",
			path, s.Region)
	}
	name := bucket.BucketName()
	made, ok := bucket.Node().DefaultChild().(awss3.CfnBucket)
	if ok {
		name = made.BucketName()
		if made.VersioningConfiguration() == nil {
			return fmt.Errorf(
				"bucket %s keeps no versions; set Versioned in its props, because a copy names the version in its event",
				path,
			)
		}
	}
	known := !*awscdk.Token_IsUnresolved(name)
	switch {
	case ok && !known:
		return fmt.Errorf("bucket %s gets its name when it is deployed; set BucketName in its props to %s, which the other Regions use",
			path, want)
	case known && *name != want:
		return fmt.Errorf("bucket %s is called %s, but Config.Buckets has %s in %s; give the same name in both",
			path, *name, want, s.Region)
	}
	return nil
}

// notifyOfExistingBucket has a bucket that the set does not make tell the topic what
// it has to know. It is the CDK's own way to add to a bucket's notifications, because
// S3 has one configuration for each bucket: in an app that makes the bucket, the
// CDK writes it as a whole, and would take out what anything else put there.
func (s site) notifyOfExistingBucket(bucket awss3.IBucket, topic topicParts, handle awssns.ITopic) {
	destination := awss3notifications.NewSnsDestination(handle)
	filters := s.Filters
	if len(filters) == 0 {
		filters = []replicaset.Filter{{}}
	}
	for _, f := range filters {
		var keys []*awss3.NotificationKeyFilter
		if f.Prefix != "" || f.Suffix != "" {
			keys = append(keys, &awss3.NotificationKeyFilter{
				Prefix: optionalString(replicaset.EncodeFilterValue(f.Prefix)),
				Suffix: optionalString(replicaset.EncodeFilterValue(f.Suffix)),
			})
		}
		for _, event := range s.Events(s.FollowOf(f)) {
			bucket.AddEventNotification(eventType(event), destination, keys...)
		}
	}
	// S3 checks that it may publish.
	for _, child := range *bucket.Node().Children() {
		if *child.Node().Id() == "Notifications" {
			child.Node().AddDependency(topic.Policy)
		}
	}
}

// eventType is what the CDK calls a kind of event.
func eventType(event string) awss3.EventType {
	switch event {
	case "s3:ObjectCreated:*":
		return awss3.EventType_OBJECT_CREATED
	case "s3:ObjectCreated:Put":
		return awss3.EventType_OBJECT_CREATED_PUT
	case "s3:ObjectCreated:Post":
		return awss3.EventType_OBJECT_CREATED_POST
	case "s3:ObjectCreated:CompleteMultipartUpload":
		return awss3.EventType_OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD
	case "s3:ObjectRemoved:DeleteMarkerCreated":
		return awss3.EventType_OBJECT_REMOVED_DELETE_MARKER_CREATED
	case "s3:ObjectTagging:*":
		return awss3.EventType_OBJECT_TAGGING
	}
	panic("no event of the CDK for " + event) // a test has all events
}
