package explain_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/operator/explain"
	"s3fanout/internal/policy"
)

func TestObjectAsS3SaysIt(t *testing.T) {
	for _, tc := range []struct {
		what   string
		header map[string]string
		want   func(*explain.Object)
	}{
		{"plain", nil, func(*explain.Object) {}},
		{"encrypted with S3's keys", map[string]string{"x-amz-server-side-encryption": "AES256"}, func(*explain.Object) {}},
		{"encrypted with KMS's", map[string]string{"x-amz-server-side-encryption": "aws:kms"}, func(o *explain.Object) { o.Opaque = true }},
		{"encrypted with the customer's", map[string]string{"x-amz-server-side-encryption-customer-algorithm": "AES256"},
			func(o *explain.Object) { o.Opaque = true }},
		{"in parts", map[string]string{"ETag": `"abc-2"`}, func(o *explain.Object) { o.ETag = "abc-2" }},
		{"checksum", map[string]string{"x-amz-checksum-crc64nvme": "AAAA", "x-amz-checksum-type": "FULL_OBJECT"},
			func(o *explain.Object) {
				o.Checksums = []policy.Checksum{{Algorithm: "CRC64NVME", Type: policy.FullObject, Value: "AAAA"}}
			}},
		{"archived", map[string]string{"x-amz-storage-class": "DEEP_ARCHIVE"},
			func(o *explain.Object) { o.StorageClass, o.Archived = "DEEP_ARCHIVE", true }},
		{"being restored", map[string]string{"x-amz-storage-class": "GLACIER", "x-amz-restore": `ongoing-request="true"`},
			func(o *explain.Object) { o.StorageClass, o.Archived = "GLACIER", true }},
		{"restored",
			map[string]string{
				"x-amz-storage-class": "GLACIER", "x-amz-restore": `ongoing-request="false", expiry-date="Fri, 21 Dec 2026 00:00:00 GMT"`,
			},
			func(o *explain.Object) { o.StorageClass = "GLACIER" }},
		{"archived by itself", map[string]string{"x-amz-storage-class": "INTELLIGENT_TIERING", "x-amz-archive-status": "ARCHIVE_ACCESS"},
			func(o *explain.Object) { o.StorageClass, o.Archived = "INTELLIGENT_TIERING", true }},
		{"read at once", map[string]string{"x-amz-storage-class": "GLACIER_IR"}, func(o *explain.Object) { o.StorageClass = "GLACIER_IR" }},
	} {
		t.Run(tc.what, func(t *testing.T) {
			header := map[string]string{
				"ETag": `"abc"`, "Content-Length": "7", "x-amz-version-id": "v1", "Last-Modified": "Fri, 20 Nov 2026 12:00:00 GMT",
			}
			want := explain.Object{
				VersionID: "v1", Figures: policy.Figures{Size: 7, ETag: "abc"}, StorageClass: "STANDARD",
				Modified: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
			}
			for name, value := range tc.header {
				header[name] = value
			}
			tc.want(&want)
			f := run(t, options(t, region{"HeadObject": {header: header}}, region{}, nil, nil))
			got := f.Regions[0].Object
			if got == nil || fmt.Sprint(*got) != fmt.Sprint(want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			if want := time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC); !f.Now.Equal(want) {
				t.Errorf("now: got %v, want S3's %v", f.Now, want)
			}
			if err := f.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Tags are asked for wherever there is an object, and that there is none in a
// Region is no failure.
func TestTags(t *testing.T) {
	header := map[string]string{"ETag": `"abc"`, "Content-Length": "7"}
	tags := answer{
		body: `<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value></Value></Tag></TagSet></Tagging>`,
	}
	for _, gone := range []answer{refused("NoSuchKey", http.StatusNotFound), refused("MethodNotAllowed", http.StatusMethodNotAllowed)} {
		f := run(t,
			options(t, region{"HeadObject": {header: header}, "GetObjectTagging": tags}, region{"GetObjectTagging": gone}, nil, nil))
		if got := f.Regions[0].Object.Tags; len(got) != 2 || got["a"] != "1" || f.Regions[1].Object != nil || f.Err() != nil {
			t.Errorf("got %v, %v (%v)", got, f.Regions[1].Object, f.Err())
		}
	}
}

// Who may not use the key of an object may know all but its checksums.
func TestWithoutTheKeyThereAreNoChecksums(t *testing.T) {
	header := map[string]string{"ETag": `"abc"`, "Content-Length": "7", "x-amz-server-side-encryption": "aws:kms"}
	f := run(t,
		options(t, region{"HeadObject": {header: header}, "HeadObject with checksums": {status: http.StatusForbidden}}, region{}, nil, nil))
	if o := f.Regions[0].Object; o == nil || o.Size != 7 || !o.Opaque || f.Err() != nil {
		t.Errorf("got %+v, %v", o, f.Err())
	}
}

func TestVersionsOfExactlyTheKey(t *testing.T) {
	encoded, longer := url.QueryEscape(key), url.QueryEscape(key+".bak")
	page := func(extra string) answer {
		return answer{body: `<ListVersionsResult><EncodingType>url</EncodingType>` +
			`<DeleteMarker><Key>` + encoded +
			`</Key><VersionId>m2</VersionId><IsLatest>true</IsLatest><LastModified>2026-11-20T12:00:01Z</LastModified></DeleteMarker>` +
			`<Version><Key>` + encoded + `</Key><VersionId>v2</VersionId><Size>7</Size><ETag>"abc"</ETag>` +
			`<LastModified>2026-11-20T12:00:01Z</LastModified></Version>` +
			`<DeleteMarker><Key>` + encoded +
			`</Key><VersionId>m1</VersionId><LastModified>2026-11-20T11:00:00Z</LastModified></DeleteMarker>` +
			`<Version><Key>` + encoded + `</Key><VersionId>v1</VersionId><Size>6</Size><ETag>"ab"</ETag>` +
			`<LastModified>2026-11-20T10:00:00Z</LastModified></Version>` +
			extra + `</ListVersionsResult>`}
	}
	for _, tc := range []struct {
		what, extra string
		more        bool
	}{
		{"all", "", false},
		{"another key",
			`<Version><Key>` + longer + `</Key><VersionId>x</VersionId><IsLatest>true</IsLatest></Version><IsTruncated>true</IsTruncated>` +
				`<NextKeyMarker>` + longer + `</NextKeyMarker>`, false},
		{"older ones", `<IsTruncated>true</IsTruncated><NextKeyMarker>` + encoded + `</NextKeyMarker>`, true},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := run(t, options(t, region{"ListObjectVersions": page(tc.extra)}, region{}, nil, nil))
			var ids []string
			for _, v := range f.Regions[0].Versions {
				ids = append(ids, v.VersionID)
			}
			if want := []string{"m2", "v2", "m1", "v1"}; !slices.Equal(ids, want) || f.Regions[0].MoreVersions != tc.more {
				t.Errorf("got %q, more %t; want %q, more %t", ids, f.Regions[0].MoreVersions, want, tc.more)
			}
			if d := f.Regions[0].Deleted; d == nil || d.VersionID != "m2" {
				t.Errorf("deleted by %v, want the marker m2", d)
			}
		})
	}
}

func TestUploadsOfExactlyTheKey(t *testing.T) {
	upload := func(key, id, initiator string) string {
		return `<Upload><Key>` + url.QueryEscape(key) + `</Key><UploadId>` + id +
			`</UploadId><Initiated>2026-11-20T12:00:00Z</Initiated><Initiator><ID>` + initiator + `</ID></Initiator></Upload>`
	}
	unfinished := answer{body: `<ListMultipartUploadsResult><EncodingType>url</EncodingType>` +
		upload(key, "u1", "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator") +
		upload(key+"2", "u2", "") + `</ListMultipartUploadsResult>`}
	parts := answer{body: `<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size>` +
		`<LastModified>2026-11-20T12:01:00Z</LastModified></Part>` +
		`<Part><PartNumber>2</PartNumber><Size>6</Size><LastModified>2026-11-20T12:02:00Z</LastModified></Part></ListPartsResult>`}
	f := run(t, options(t, region{}, region{"ListMultipartUploads": unfinished, "ListParts": parts}, nil, nil))
	want := []uploads.Upload{{
		UploadID: "u1", Initiated: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), By: initiator.ByReplicator, Parts: 2, Bytes: 11,
		Initiator: "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator",
		Last:      time.Date(2026, 11, 20, 12, 2, 0, 0, time.UTC),
	}}
	if got := f.Regions[1].Uploads; !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}

	// One that ends while it is looked at is no error, and not there.
	f = run(t,
		options(t, region{},
			region{"ListMultipartUploads": unfinished, "ListParts": refused("NoSuchUpload", http.StatusNotFound)}, nil, nil))
	if len(f.Regions[1].Uploads) != 0 || f.Err() != nil {
		t.Errorf("got %v (%v)", f.Regions[1].Uploads, f.Err())
	}
}

// TestNotAskedIsNotMissing shows what is unknown, and that it is said.
func TestNotAskedIsNotMissing(t *testing.T) {
	for _, tc := range []struct {
		what    string
		answers region
		unknown bool
		deleted bool
		class   error
		text    string
	}{
		{"no permission to read", region{"HeadObject": {status: http.StatusForbidden}}, true, false, nil, "without s3:ListBucket"},
		{"no bucket",
			region{"ListObjectVersions": refused("NoSuchBucket", http.StatusNotFound),
				"ListMultipartUploads": refused("NoSuchBucket", http.StatusNotFound)},
			true, false, awsapi.ErrMissing, "bucket media-111122223333-eu-west-1 does not exist"},
		{"out of order", region{"HeadObject": {status: http.StatusServiceUnavailable}}, true, false, nil, "s3:GetObject"},
		{"no permission to list versions", region{"ListObjectVersions": refused("AccessDenied", http.StatusForbidden)}, false, false,
			awsapi.ErrDenied, "s3:ListBucketVersions on bucket"},
		{"no permission to read tags",
			region{"HeadObject": {header: map[string]string{"ETag": `"abc"`}},
				"GetObjectTagging": refused("AccessDenied", http.StatusForbidden)},
			false, false, awsapi.ErrDenied, "s3:GetObjectTagging on bucket"},
		{"no permission to list uploads", region{"ListMultipartUploads": refused("AccessDenied", http.StatusForbidden)}, false, false,
			awsapi.ErrDenied, "s3:ListBucketMultipartUploads"},
		{"deleted, without a list", region{
			"HeadObject":         {status: http.StatusNotFound, header: map[string]string{"x-amz-delete-marker": "true"}},
			"ListObjectVersions": refused("AccessDenied", http.StatusForbidden),
		}, false, true, awsapi.ErrDenied, "region eu-west-1"},
		{"deleted, in the words for a marker that is named", region{
			"HeadObject":           {status: http.StatusMethodNotAllowed, header: map[string]string{"x-amz-delete-marker": "true"}},
			"ListMultipartUploads": refused("AccessDenied", http.StatusForbidden),
		}, false, true, awsapi.ErrDenied, "s3:ListBucketMultipartUploads"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			f := run(t, options(t, region{}, tc.answers, nil, nil))
			got := f.Regions[1]
			if (got.Err != nil) != tc.unknown || (got.Deleted != nil) != tc.deleted {
				t.Errorf("unknown: %v, want %t; deleted: %v, want %t", got.Err, tc.unknown, got.Deleted, tc.deleted)
			}
			err := f.Err()
			if err == nil || !strings.Contains(err.Error(), tc.text) || tc.class != nil && !errors.Is(err, tc.class) {
				t.Errorf("got %v, want one about %s", err, tc.text)
			}
		})
	}
}

func TestLettersAboutTheObject(t *testing.T) {
	const usBucket, euBucket = "media-111122223333-us-east-1", "media-111122223333-eu-west-1"
	inEU := &queue{bodies: []string{
		letter(eu, usBucket, key), letter(eu, usBucket, "another"), letter(eu, "elsewhere", key), "not a letter",
	}}
	inUS := &queue{bodies: []string{letter(us, euBucket, key)}}
	f := run(t, options(t, region{}, region{}, inUS, inEU))
	var got []string
	for _, l := range f.Letters {
		if !strings.Contains(l.Next, "S3 was busy or did not answer") {
			t.Errorf("what to do about it is %q", l.Next)
		}
		got = append(got, fmt.Sprint(l.Queue, l.Source, l.VersionID, l.Kind, l.Reason, l.Targets))
	}
	slices.Sort(got)
	want := []string{
		fmt.Sprint(eu, us, "v1", "on-failure", "SlowDown", []string{eu}),
		fmt.Sprint(us, eu, "v1", "on-failure", "SlowDown", []string{us}),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if q := f.Queues[1]; q.Region != eu || q.Looked != 4 || q.NotUnderstood != 1 || q.Cut || q.Err != nil {
		t.Errorf("got %+v, want 4 letters looked at, one of them not understood", q)
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}
}

func TestManyLettersAreNotAllLookedAt(t *testing.T) {
	inEU := &queue{}
	for range 500 {
		inEU.bodies = append(inEU.bodies, letter(eu, "elsewhere", key))
	}
	o := options(t, region{}, region{}, nil, inEU)
	o.MaxLetters = 50
	f := run(t, o)
	if q := f.Queues[1]; !q.Cut || q.Looked < 50 || q.Looked > 100 {
		t.Errorf("got %+v, want about 50 letters looked at, and that there are more", q)
	}
}

// Queues that are not to be read are left alone, and nothing is known of them.
func TestQueuesThatAreNotRead(t *testing.T) {
	o := options(t, region{}, region{}, nil, &queue{bodies: []string{letter(eu, "elsewhere", key)}})
	o.Queues = nil // a request would panic
	o.Turn = func(context.Context) (func(), error) { return nil, errors.New("a run has them") }
	f := run(t, o)
	if len(f.Letters) > 0 || len(f.Queues) != 2 || f.Queues[0].Err == nil || f.Queues[1].Err == nil {
		t.Errorf("got %+v and %+v, want nothing known of either queue", f.Letters, f.Queues)
	}
}

// The turn to read the queues is taken and given back once, and not held while the
// Regions answer.
func TestTurnIsHeldForTheQueuesAlone(t *testing.T) {
	ended := make(chan struct{})
	o := options(t, region{"ListObjectVersions": {body: "<Result></Result>", after: ended}}, region{}, nil,
		&queue{bodies: []string{letter(eu, set.Member(account, us).Bucket, key)}})
	o.Turn = func(context.Context) (func(), error) { return func() { close(ended) }, nil }
	if f := run(t, o); len(f.Letters) != 1 || f.Regions[0].Err != nil {
		t.Errorf("got %+v and %+v, want the dead letter, and that the Region answered", f.Letters, f.Regions[0])
	}
}

func TestAQueueThatCannotBeRead(t *testing.T) {
	f := run(t, options(t, region{}, region{}, nil, &queue{err: errors.New("out of order")}))
	if f.Queues[1].Err == nil || f.Err() == nil {
		t.Errorf("got %+v (%v), want the error", f.Queues[1], f.Err())
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := explain.Run(ctx, options(t, region{}, region{}, nil, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was interrupted", err)
	}
}
