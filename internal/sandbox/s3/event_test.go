package s3

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

func onlyRecord(t *testing.T, w *world) eventRecord {
	t.Helper()
	m := w.messages(t)
	if len(m) != 1 {
		t.Fatalf("got %d notifications, want 1", len(m))
	}
	return recordOf(t, m[0])
}

func lastRecord(t *testing.T, w *world) eventRecord {
	t.Helper()
	m := w.messages(t)
	if len(m) == 0 {
		t.Fatal("got no notification")
	}
	return recordOf(t, m[len(m)-1])
}

func recordOf(t *testing.T, n Notification) eventRecord {
	t.Helper()
	var e eventMessage
	d := json.NewDecoder(bytes.NewReader(n.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || len(e.Records) != 1 {
		t.Fatalf("message %s: %v", n.Body, err)
	}
	return e.Records[0]
}

func TestEvent(t *testing.T) {
	w := newWorld(t)
	test := w.messages(t)
	if len(test) != 1 ||
		!regexp.MustCompile(
			`^\{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"\S+Z","Bucket":"`+hereBucket+`","RequestId":"\w+","HostId":"\S+"\}$`,
		).Match(test[0].Body) {
		t.Errorf("test event: got %q", test)
	}
	creds, caller := w.role(t, "writer", `[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]`)
	out, err := w.client(here, creds).PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("dir/red flower+ü.jpg"), Body: strings.NewReader("12345"),
	})
	if err != nil {
		t.Fatal(err)
	}
	first := onlyRecord(t, w)
	want := eventRecord{
		EventVersion: "2.6", EventSource: "aws:s3", AWSRegion: here, EventTime: first.EventTime, EventName: "ObjectCreated:Put",
		UserIdentity:      principal{"AWS:" + caller.PrincipalID},
		RequestParameters: map[string]string{"sourceIPAddress": "127.0.0.1"},
		ResponseElements:  first.ResponseElements,
		S3: eventEntity{
			SchemaVersion: "1.0", ConfigurationID: "all",
			Bucket: eventBucket{Name: hereBucket, OwnerIdentity: first.S3.Bucket.OwnerIdentity, ARN: "arn:aws:s3:::" + hereBucket},
			Object: eventObject{
				Key: "dir/red+flower%2B%C3%BC.jpg", Size: aws.Int64(5), ETag: strings.Trim(*out.ETag, `"`), VersionID: *out.VersionId,
				Sequencer: first.S3.Object.Sequencer,
			},
		},
	}
	got, _ := json.Marshal(first)
	wanted, _ := json.Marshal(want)
	if !bytes.Equal(got, wanted) {
		t.Errorf("got  %s\nwant %s", got, wanted)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", first.EventTime); err != nil {
		t.Error(err)
	}
	if len(first.ResponseElements["x-amz-request-id"]) != 16 || first.ResponseElements["x-amz-id-2"] == "" {
		t.Errorf("response elements %v", first.ResponseElements)
	}
	w.put(t, here, hereBucket, "dir/red flower+ü.jpg", "6")
	if second := onlyRecord(t, w); second.S3.Object.Sequencer <= first.S3.Object.Sequencer || len(second.S3.Object.Sequencer) < 16 {
		t.Errorf("sequencer %s does not follow %s", second.S3.Object.Sequencer, first.S3.Object.Sequencer)
	}
	_, err = w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("dir/red flower+ü.jpg"), Body: strings.NewReader(""), IfNoneMatch: aws.String("*"),
	})
	wantCode(t, err, 412, "PreconditionFailed")
	if m := w.messages(t); len(m) != 0 {
		t.Errorf("a refused write sent %d notifications", len(m))
	}
}
