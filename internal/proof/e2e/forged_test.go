package e2e

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// record is what a forger can write into an event.
type record struct {
	region, bucket, key, version, topic string
	size                                int // 6 if zero
}

// forgery is the payload of an invocation with one record; the key is encoded
// as S3 does.
func forgery(r record) []byte {
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": r.region, "eventTime": "2026-11-20T12:00:00.000Z",
		"eventName":    "ObjectCreated:Put",
		"userIdentity": map[string]string{"principalId": "AWS:AIDAFORGER"},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0",
			"bucket":          map[string]string{"name": r.bucket, "arn": "arn:aws:s3:::" + r.bucket},
			"object": map[string]any{
				"key": url.QueryEscape(r.key), "size": cmp.Or(r.size, 6), "eTag": "0", "versionId": r.version, "sequencer": "00",
			},
		},
	}}})
	if err != nil {
		panic(err) // strings can be encoded
	}
	payload, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": r.topic + ":forged",
		"Sns": map[string]any{
			"Type": "Notification", "MessageId": "forged", "TopicArn": r.topic, "Message": string(event),
			"Timestamp": "2026-11-20T12:00:00.000Z",
		},
	}}})
	if err != nil {
		panic(err)
	}
	return payload
}

// apart is a replica set whose Regions do not deliver to each other, so that
// each bucket has what was uploaded to it, with the same key in a bucket
// outside of the set.
func apart(t *testing.T) (s scene, genuine record) {
	t.Helper()
	a := editable(t, threeRegions(t))
	for _, region := range defaultSet().Regions {
		a.remove("s3fanout-" + region + "-mesh")
	}
	s = scene{world: withOutside(t, a.files)}
	version := s.upload(there, object{key: "dir/only", body: "genuine"})
	if _, err := s3.NewFromConfig(s.administrator().in(here)).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(outsideBucket), Key: aws.String("dir/only"), Body: strings.NewReader("secret"),
	}); err != nil {
		t.Fatal(err)
	}
	s.upload(here, object{key: "own", body: "own"})
	s.settle()
	return s, record{region: there, bucket: s.bucket(there), key: "dir/only", version: version, topic: s.state.Regions[there].TopicARN}
}

// leaves is how S3 refuses a key whose ".." lead out of the bucket. Any other
// is the name of one more object that is not there, and where it is, that very
// object is copied under that very name.
const leaves = "InvalidURI"

// Whoever may invoke the function can say what he likes in an event: nothing is
// copied from outside of the set, nothing is written outside of the function's
// own bucket or under another key than the source's, and what is refused is
// said on one line.
func TestForgedEventsAreRefused(t *testing.T) {
	t.Parallel()
	s, genuine := apart(t)
	before := s.contents()
	for _, c := range []struct {
		what  string
		forge func(r *record)
		want  string // in the error; "": the object is not there, which is no error, and nothing is written
	}{
		{"a bucket outside of the set", func(r *record) { r.region, r.bucket, r.version = here, outsideBucket, "" }, "has no such bucket"},
		{"a bucket outside of the set, said to be in a member's Region", func(r *record) { r.bucket, r.version = outsideBucket, "" },
			"has no such bucket"},
		{"another account's bucket of such a name", func(r *record) { r.bucket = "s3fanout-999999999999-eu-west-1" }, "has no such bucket"},
		{"a bucket whose name begins with a member's", func(r *record) { r.bucket += "-an" }, "has no such bucket"},
		{"a member's name in capitals", func(r *record) { r.bucket = strings.ToUpper(r.bucket) }, "has no such bucket"},
		{"a member with a path", func(r *record) { r.bucket += "/../" + outsideBucket }, "has no such bucket"},
		{"an ARN for a bucket", func(r *record) { r.bucket = "arn:aws:s3:::" + r.bucket }, "has no such bucket"},
		{"an access point", func(r *record) { r.bucket = "arn:aws:s3:eu-west-1:123456789012:accesspoint/any" }, "has no such bucket"},
		{"a bucket with a line break", func(r *record) { r.bucket += "\r\nX: y" }, "has no such bucket"},
		{"no bucket", func(r *record) { r.bucket = "" }, "s3.bucket.name is missing"},
		{"a member in another Region", func(r *record) { r.region = "ap-northeast-1" }, "the replica set has the bucket in eu-west-1"},
		{"a member in no Region", func(r *record) { r.region = "" }, "the replica set has the bucket in eu-west-1"},
		{"the function's own bucket", func(r *record) { r.region, r.bucket, r.key, r.version = here, s.bucket(here), "own", "" },
			"the function's own bucket"},

		{"a key that leaves the bucket", func(r *record) { r.key = "../" + outsideBucket + "/dir/only" }, leaves},
		{"a key that goes up", func(r *record) { r.key = "../x" }, leaves},
		{"a key that goes up in the middle", func(r *record) { r.key = "a/../../b" }, leaves},
		{"a key that leads to another", func(r *record) { r.key = "dir/../dir/only" }, ""},
		{"a file of the machine", func(r *record) { r.key = "/etc/passwd" }, ""},
		{"two slashes first", func(r *record) { r.key = "//" + outsideBucket + "/dir/only" }, ""},
		{"an encoded way up", func(r *record) { r.key = "%2e%2e/dir/only" }, ""},
		{"a backslash", func(r *record) { r.key = `..\dir\only` }, ""},
		{"a line break", func(r *record) { r.key = "dir/only\r\nx-amz-acl: public-read" }, ""},
		{"a NUL", func(r *record) { r.key = "dir/only\x00.jpg" }, ""},
		{"a version in the key", func(r *record) { r.key = "dir/only?versionId=" + r.version }, ""},
		{"a request in the key", func(r *record) { r.key = "?policy" }, ""},
		{"no key", func(r *record) { r.key = "" }, "s3.object.key is missing"},
		{"a key that is too long", func(r *record) { r.key = strings.Repeat("k", 1025) }, "decodes to 1025 bytes, S3 allows 1024"},

		{"a version that is none", func(r *record) { r.version = "none" }, "InvalidArgument"},
		{"a version with a line break", func(r *record) { r.version += "\r\nx-amz-acl: public-read" }, "InvalidArgument"},
		{"a version with more parameters", func(r *record) { r.version += "&acl=&x=y" }, "InvalidArgument"},
		{"a version with a path", func(r *record) { r.version = "../../" + outsideBucket + "/dir/only" }, "InvalidArgument"},
		{"a long version", func(r *record) { r.version = strings.Repeat("v", 4000) }, "InvalidArgument"},
	} {
		t.Run(c.what, func(t *testing.T) {
			forged := genuine
			c.forge(&forged)
			got := s.invoke(here, forgery(forged))
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("error %q, want %q in it", got, c.want)
			}
			var answer struct{ ErrorMessage string }
			if got != "" {
				if err := json.Unmarshal([]byte(got), &answer); err != nil || answer.ErrorMessage == "" {
					t.Errorf("%s: %v", got, err)
				}
			}
			if strings.ContainsFunc(answer.ErrorMessage, unicode.IsControl) {
				t.Errorf("the error is not one printable line: %q", answer.ErrorMessage)
			}
			if after := s.contents(); !slices.Equal(before, after) {
				t.Fatalf("the buckets had\n%s\nand now have\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		})
	}
	// The same event, unforged, is obeyed: nothing but its forgery stopped it.
	if trouble := s.invoke(here, forgery(genuine)); trouble != "" {
		t.Fatal(trouble)
	}
	s.wantIn(here, object{key: "dir/only", body: "genuine"})
}
