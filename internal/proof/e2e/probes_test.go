package e2e

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/sandbox/fault"
)

// A probe does what needs one permission, and says what went wrong: "" if
// nothing did. On the templates as they are, every probe says "".
type probe func(w *world, name string) (trouble string)

// probes has one probe for every action that the role is granted. An action
// without a probe fails TestEveryRoleActionIsNeeded.
func probes() map[string]probe {
	return map[string]probe{
		"s3:PutObject":                replicates(object{body: "plain"}),
		"s3:PutObjectTagging":         replicates(object{body: "tagged", tags: "a=b"}),
		"s3:GetObjectVersion":         replicates(object{body: "plain"}),
		"s3:GetObjectVersionTagging":  replicates(object{body: "tagged", tags: "a=b"}),
		"s3:GetObject":                recognisesReplicaEvent,
		"s3:ListBucket":               acceptsGoneSource,
		"s3:ListBucket of the target": copiesMissingReplica,
		"s3:ListMultipartUploadParts": continuesUpload,
		"s3:AbortMultipartUpload":     givesUpUpload,
		"lambda:InvokeFunction":       handsOver,
		"logs:CreateLogStream":        logs,
		"logs:PutLogEvents":           logs,
	}
}

func replicates(o object) probe {
	return func(w *world, name string) string {
		o.key = name
		w.upload(w.regions[0], o)
		w.settle()
		for _, region := range w.regions[1:] {
			if _, ok := w.read(region, name); !ok {
				return fmt.Sprintf("missing in %s; dead letters: %s", region, w.letters(region))
			}
		}
		return ""
	}
}

// recognisesReplicaEvent delivers a replica event that the filter would have dropped.
func recognisesReplicaEvent(w *world, name string) string {
	w.upload(w.regions[0], object{key: name, body: "echoed"})
	w.settle()
	return w.invoke(w.regions[1], w.replicaEvent(w.regions[0], name))
}

// copiesMissingReplica delivers the event of a replica of an object that the target lacks: the
// HEAD has to be answered with 404, not with 403.
func copiesMissingReplica(w *world, name string) string {
	w.upload(w.regions[0], object{key: name, body: "echoed"})
	w.settle()
	target := w.regions[1]
	versions, err := w.s3(target).ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{
		Bucket: aws.String(w.bucket(target)), Prefix: aws.String(name),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range versions.Versions {
		_, err := w.s3(target).DeleteObject(w.t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String(w.bucket(target)), Key: v.Key, VersionId: v.VersionId,
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.wantMissing(target, name)
	if trouble := w.invoke(target, w.replicaEvent(w.regions[0], name)); trouble != "" {
		return trouble
	}
	w.wantIn(target, object{key: name, body: "echoed"})
	return ""
}

func acceptsGoneSource(w *world, name string) string {
	home := w.regions[0]
	w.fault(home, fault.S3Unannounced, 1, 0)
	version := w.upload(home, object{key: name, body: "gone soon"})
	w.fault(home, fault.S3Unannounced, 0, 0)
	event := w.event(home, name, "ObjectCreated:Put", "AWS:AIDAEXAMPLEEXAMPLE00")
	_, err := w.s3(home).DeleteObject(w.t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(w.bucket(home)), Key: aws.String(name), VersionId: aws.String(version),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.invoke(w.regions[1], event)
}

func logs(w *world, name string) string {
	w.upload(w.regions[0], object{key: name, body: "logged"})
	w.settle()
	if w.logLines(w.regions[1], name) != "" {
		return ""
	}
	return "the function's log says nothing of the key"
}

// replicaEvent is what a function gets for the event of a replica, when no filter
// drops it.
func (w *world) replicaEvent(region, key string) []byte {
	w.t.Helper()
	return w.event(region, key, "ObjectCreated:Copy", "AWS:AROAEXAMPLEEXAMPLE00:"+w.state.Regions[region].FunctionName)
}

// event is what a function gets for the event of an object that somebody has made.
func (w *world) event(region, key, name, principalID string) []byte {
	w.t.Helper()
	head, err := w.s3(region).HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(w.bucket(region)), Key: aws.String(key)})
	if err != nil {
		w.t.Fatal(err)
	}
	event := map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": region, "eventTime": "2026-11-20T12:00:00.000Z",
		"eventName":    name,
		"userIdentity": map[string]string{"principalId": principalID},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0",
			"bucket":          map[string]string{"name": w.bucket(region), "arn": "arn:aws:s3:::" + w.bucket(region)},
			"object": map[string]any{
				"key": key, "size": aws.ToInt64(head.ContentLength), "eTag": contents.TrimETag(aws.ToString(head.ETag)),
				"versionId": aws.ToString(head.VersionId), "sequencer": "0055AED6DCD90281E5",
			},
		},
	}}}
	message, err := json.Marshal(event)
	if err != nil {
		w.t.Fatal(err)
	}
	payload, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": w.state.Regions[region].TopicARN + ":echo",
		"Sns": map[string]any{
			"Type": "Notification", "MessageId": "echo", "TopicArn": w.state.Regions[region].TopicARN,
			"Message": string(message), "Timestamp": "2026-11-20T12:00:00.000Z",
		},
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return payload
}
