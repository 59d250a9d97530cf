package s3

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestRanges(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "0123456789")
	w.put(t, here, hereBucket, "empty", "")
	for _, tt := range []struct {
		key, header, body, where string
		status                   int
	}{
		{"k", "bytes=0-0", "0", "bytes 0-0/10", 206},
		{"k", "bytes=2-4", "234", "bytes 2-4/10", 206},
		{"k", "bytes=7-", "789", "bytes 7-9/10", 206},
		{"k", "bytes=8-99", "89", "bytes 8-9/10", 206},
		{"k", "bytes=-3", "789", "bytes 7-9/10", 206},
		{"k", "bytes=-99", "0123456789", "bytes 0-9/10", 206},
		{"k", "bytes=10-", "", "bytes */10", 416},
		{"k", "bytes=-0", "", "bytes */10", 416},
		{"empty", "bytes=0-", "", "bytes */0", 416},
		{"k", "bytes=4-2", "0123456789", "", 200}, // what is no range is none
		{"k", "bytes=0-1,3-4", "0123456789", "", 200},
		{"k", "lines=0-1", "0123456789", "", 200},
		{"empty", "", "", "", 200},
	} {
		var header []string
		if tt.header != "" {
			header = []string{"Range", tt.header}
		}
		status, got, body := do(t, w.raw(t, http.MethodGet, "/"+hereBucket+"/"+tt.key, emptyHash, nil, header...))
		if status != tt.status || got.Get("Content-Range") != tt.where {
			t.Errorf("%s of %s: %d, %q, want %d, %q", tt.header, tt.key, status, got.Get("Content-Range"), tt.status, tt.where)
		}
		if status == http.StatusRequestedRangeNotSatisfiable {
			if !strings.Contains(body, "<RangeRequested>"+tt.header) {
				t.Errorf("%s: %s does not name the range", tt.header, body)
			}
		} else if body != tt.body || got.Get("Accept-Ranges") != "bytes" {
			t.Errorf("%s of %s: %q %v, want %q", tt.header, tt.key, body, got, tt.body)
		}
	}
	status, _, _ := do(t, w.raw(t, http.MethodGet, "/"+hereBucket+"/k?partNumber=1", emptyHash, nil, "Range", "bytes=0-1"))
	if status != http.StatusBadRequest {
		t.Errorf("a range of a part: %d, want 400", status)
	}
	for part, want := range map[string]int{"1": 206, "2": 416, "0": 400} {
		if status, _, _ := do(t, w.raw(t, http.MethodHead, "/"+hereBucket+"/k?partNumber="+part, emptyHash, nil)); status != want {
			t.Errorf("part %s of an object without parts: %d, want %d", part, status, want)
		}
	}
}

func TestConditionalReads(t *testing.T) {
	w := newWorld(t)
	etag := *w.put(t, here, hereBucket, "k", "x").ETag
	modified := *w.head(t, here, hereBucket, "k").LastModified
	at := modified.UTC().Format(http.TimeFormat)
	before, after := modified.Add(-time.Hour).UTC().Format(http.TimeFormat), modified.Add(time.Hour).UTC().Format(http.TimeFormat)
	for _, tt := range []struct {
		header []string
		want   int
	}{
		{[]string{"If-Match", etag}, 200},
		{[]string{"If-Match", strings.Trim(etag, `"`)}, 200},
		{[]string{"If-Match", `"0", ` + etag}, 200},
		{[]string{"If-Match", `"0"`}, 412},
		{[]string{"If-None-Match", etag}, 304},
		{[]string{"If-None-Match", "*"}, 304},
		{[]string{"If-None-Match", `"0"`}, 200},
		{[]string{"If-Modified-Since", before}, 200},
		{[]string{"If-Modified-Since", at}, 304},
		{[]string{"If-Modified-Since", "yesterday"}, 200},
		{[]string{"If-Unmodified-Since", before}, 412},
		{[]string{"If-Unmodified-Since", at}, 200},
		{[]string{"If-Match", etag, "If-Unmodified-Since", before}, 200},
		{[]string{"If-None-Match", `"0"`, "If-Modified-Since", after}, 200},
		{[]string{"If-None-Match", etag, "If-Modified-Since", before}, 304},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			status, header, body := do(t, w.raw(t, method, "/"+hereBucket+"/k", emptyHash, nil, tt.header...))
			if status != tt.want {
				t.Errorf("%s with %q: %d, want %d", method, tt.header, status, tt.want)
			}
			if status == http.StatusNotModified && (body != "" || header.Get("ETag") != etag) {
				t.Errorf("%s with %q: %q %v, want no body, and the tag", method, tt.header, body, header)
			}
		}
	}
}

func TestHeadersOfTheAnswerAreOverridden(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "x", func(in *sdk.PutObjectInput) { in.ContentType = aws.String("text/plain") })
	out, err := w.client(here).GetObject(t.Context(), &sdk.GetObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), ResponseContentType: aws.String("text/html"),
		ResponseCacheControl: aws.String("no-store"),
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	if *out.ContentType != "text/html" || aws.ToString(out.CacheControl) != "no-store" {
		t.Errorf("got %s, %s", *out.ContentType, aws.ToString(out.CacheControl))
	}
}

func TestAttributesOfAnObject(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "source", strings.Repeat("x", 6*mib), func(in *sdk.PutObjectInput) {
		in.StorageClass = types.StorageClassStandardIa
	})
	u := w.begin(t, "parts")
	u.mustCopy(copySource(hereBucket, "source", ""), "0-5242879")
	u.mustCopy(copySource(hereBucket, "source", ""), "5242880-6291455")
	if _, err := u.complete(); err != nil {
		t.Fatal(err)
	}
	all := []types.ObjectAttributes{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}
	get := func(
		region, bucket, key string, most *int32, marker *string, wanted ...types.ObjectAttributes,
	) (*sdk.GetObjectAttributesOutput, error) {
		return w.client(region).GetObjectAttributes(t.Context(), &sdk.GetObjectAttributesInput{
			Bucket: &bucket, Key: &key, ObjectAttributes: wanted, MaxParts: most, PartNumberMarker: marker,
		})
	}
	out, err := get(there, farBucket, "parts", aws.Int32(1), nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	p := out.ObjectParts
	if *out.ObjectSize != 6*mib || !strings.HasSuffix(*out.ETag, "-2") || strings.Contains(*out.ETag, `"`) ||
		out.Checksum.ChecksumType != "FULL_OBJECT" || out.StorageClass != "STANDARD" ||
		*p.TotalPartsCount != 2 || !*p.IsTruncated || len(p.Parts) != 1 || *p.Parts[0].Size != 5*mib ||
		aws.ToString(p.Parts[0].ChecksumCRC64NVME) == "" {
		t.Errorf("got %+v with %+v", out, p)
	}
	out, err = get(there, farBucket, "parts", nil, p.NextPartNumberMarker, "ObjectParts")
	if err != nil || len(out.ObjectParts.Parts) != 1 || *out.ObjectParts.Parts[0].PartNumber != 2 || *out.ObjectParts.IsTruncated ||
		out.ETag != nil {
		t.Errorf("the next page: %+v (%v), want part 2 alone", out, err)
	}
	out, err = get(here, hereBucket, "source", nil, nil, all...)
	if err != nil || out.ObjectParts != nil || out.StorageClass != types.StorageClassStandardIa {
		t.Errorf("without parts: %+v (%v)", out, err)
	}
	_, err = get(here, hereBucket, "source", nil, nil, "Colour")
	wantCode(t, err, 400, "InvalidArgument")
	_, err = get(here, hereBucket, "never", nil, nil, all...)
	wantCode(t, err, 404, "NoSuchKey")
}

func TestParametersThatS3Refuses(t *testing.T) {
	w := newWorld(t)
	for target, code := range map[string]string{
		"?list-type=2&max-keys=-1":                 "InvalidArgument",
		"?list-type=2&max-keys=many":               "InvalidArgument",
		"?list-type=2&continuation-token=":         "InvalidArgument",
		"?list-type=2&continuation-token=%25":      "InvalidArgument",
		"?list-type=3":                             "InvalidArgument",
		"?encoding-type=base64":                    "InvalidArgument",
		"?versions&version-id-marker=x":            "InvalidArgument",
		"?versions&key-marker=a&version-id-marker": "InvalidArgument",
		"?uploads&max-uploads=x":                   "InvalidArgument",
		"/k?versionId=":                            "InvalidArgument",
		"/k?uploadId=none&max-parts=x":             "InvalidArgument",
		"/k?uploadId=none":                         "NoSuchUpload",
	} {
		_, _, answer := do(t, w.raw(t, http.MethodGet, "/"+hereBucket+target, emptyHash, nil))
		if !strings.Contains(answer, "<Code>"+code+"</Code>") {
			t.Errorf("%s: %s, want %s", target, answer, code)
		}
	}
	for _, body := range []string{"", "<", "<Delete></Delete>", "<Tagging></Tagging>"} {
		_, _, answer := do(t,
			w.raw(t, http.MethodPost, "/"+hereBucket+"?delete", "UNSIGNED-PAYLOAD", []byte(body), "Content-MD5", md5Of(body)))
		if !strings.Contains(answer, "<Code>MalformedXML</Code>") {
			t.Errorf("%s: %s, want MalformedXML", body, answer)
		}
	}
	_, _, answer := do(t, w.raw(t, http.MethodPost, "/"+hereBucket+"?delete", "UNSIGNED-PAYLOAD", []byte("<Delete></Delete>")))
	if !strings.Contains(answer, "Content-MD5") {
		t.Errorf("without a checksum: %s, want one asked for", answer)
	}
}
