package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/fault"
)

// oddKeys are keys that AWS takes, and that file systems, URLs or documents
// have trouble with.
func oddKeys() []string {
	return []string{
		"plain", "with space", " ", "plus+plus", "percent%20sign", "100%", "slash/inside/deep", "unicode-äöü-日本-🙂", "quest?ion&amp=1#hash",
		"a?versionId=b",
		"quote'\"<>", "trailing-dot.", ".hidden", "~tilde*!()", "back\\slash", "a=b;c:d,e@f$g", strings.Repeat("long/", 200),
		"a//b", "/leading", "//", "a/b", "a", "folder/", "folder", "folder/../up", ".", "./a", "a/./b", ".sgwtmp/x", ".name.sgwtmp.1",
		strings.Repeat("x", 256), strings.Repeat("ü", 512), "line\nfeed", "tab\t", "nul\x00", "\x7f", "e\u0301", "\u00e9", "\ufeff",
	}
}

// Every key that AWS takes is written, announced, copied, read and listed as it
// is, one beside the other.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	for _, key := range oddKeys() {
		t.Run(key[:min(len(key), 30)], func(t *testing.T) {
			body := "body of " + key
			w.put(t, here, hereBucket, key, body)
			if got := w.get(t, here, hereBucket, key); got != body {
				t.Errorf("got %q, want %q", got, body)
			}
			m := w.messages(t)
			if len(m) == 0 {
				t.Fatal("no notification")
			}
			var e eventMessage
			if err := json.Unmarshal(m[len(m)-1].Body, &e); err != nil {
				t.Fatal(err)
			}
			encoded := e.Records[0].S3.Object.Key
			if got, err := url.QueryUnescape(encoded); err != nil || got != key {
				t.Errorf("event key %q decodes to %q (%v), want %q", encoded, got, err, key)
			}
			_, err := w.client(there).CopyObject(t.Context(), &sdk.CopyObjectInput{
				Bucket: aws.String(farBucket), Key: &key, CopySource: copySource(hereBucket, key, ""), IfNoneMatch: aws.String("*"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := w.get(t, there, farBucket, key); got != body {
				t.Errorf("copy: got %q, want %q", got, body)
			}
		})
	}
	want := oddKeys()
	slices.Sort(want)
	var got []string
	pages := sdk.NewListObjectsV2Paginator(w.client(there), &sdk.ListObjectsV2Input{
		Bucket: aws.String(farBucket), EncodingType: "url", MaxKeys: aws.Int32(7),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			key, err := url.QueryUnescape(*o.Key)
			if err != nil {
				t.Error(err)
			}
			got = append(got, key)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q,\nwant %q", got, want)
	}
}

// bad input: sb-10
func TestKeysThatS3Refuses(t *testing.T) {
	w := newWorld(t)
	for key, code := range map[string]string{
		strings.Repeat("x", 1025): "KeyTooLongError",
		"..":                      "InvalidURI",
		"../x":                    "InvalidURI",
		"a/../../x":               "InvalidURI",
		"a//../../x":              "InvalidURI",
		"\xff":                    "InvalidURI",
	} {
		t.Run(key[:min(len(key), 20)], func(t *testing.T) {
			_, err := w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
				Bucket: aws.String(hereBucket), Key: &key, Body: strings.NewReader("x"),
			})
			wantCode(t, err, 400, code)
		})
	}
}

func TestUploadSizesAndChecksums(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	for _, size := range []int{0, 1, 64 << 10, 100 << 20} {
		body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		in := &sdk.PutObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("sized"), Body: bytes.NewReader(body)}
		out, err := c.PutObject(t.Context(), in)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if out.ChecksumCRC32 == nil && out.ChecksumCRC64NVME == nil {
			t.Errorf("%d bytes: no checksum in the answer", size)
		}
		got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: in.Bucket, Key: in.Key})
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if err != nil || !bytes.Equal(read, body) {
			t.Errorf("%d bytes: read %d bytes back (%v), not the same", size, len(read), err)
		}
	}
}

func TestWrongChecksumIsRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader("body"), ChecksumCRC32: aws.String("AAAAAA=="),
	})
	wantCode(t, err, 400, "BadDigest")
}

func TestPresignedURLs(t *testing.T) {
	w := newWorld(t)
	p := sdk.NewPresignClient(w.client(here))
	put, err := p.PresignPutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("pre signed"), Body: strings.NewReader("hello"),
	})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, put.URL, strings.NewReader("hello"))
	req.Header = put.SignedHeader
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("put: %s: %s", res.Status, answer)
	}
	if got := w.get(t, here, hereBucket, "pre signed"); got != "hello" {
		t.Errorf("got %q, want hello", got)
	}
	// Headers of the request are parameters of the URL.
	get, err := p.PresignGetObject(t.Context(), &sdk.GetObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("pre signed"), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil || !strings.Contains(strings.ToLower(get.URL), "x-amz-checksum-mode=enabled") {
		t.Fatalf("%+v (%v) does not have the header as a parameter", get, err)
	}
	res, err = http.Get(get.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" {
		t.Errorf("get: %s %v, want the checksum", res.Status, res.Header)
	}
	res, err = http.Get(strings.Replace(put.URL, "pre%20signed", "other", 1))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a URL signed for another request: got %s, want 403", res.Status)
	}
}

func TestWrongRegionIsRedirected(t *testing.T) {
	w := newWorld(t)
	_, err := w.client(there).PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader(""),
	})
	wantCode(t, err, 301, "PermanentRedirect")
	_, err = w.client(there).ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("nowhere")})
	wantCode(t, err, 404, "NoSuchBucket")
}

func TestUnknownIsRefusedByName(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	_, err := c.GetObjectAcl(t.Context(), &sdk.GetObjectAclInput{Bucket: aws.String(hereBucket), Key: aws.String("k")})
	wantCode(t, err, 501, "NotImplemented")
	_, err = c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String("another"), ObjectLockEnabledForBucket: aws.Bool(true)})
	wantCode(t, err, 501, "NotImplemented")
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader(""), ObjectLockMode: "GOVERNANCE",
	})
	wantCode(t, err, 501, "NotImplemented")
	if err == nil || !strings.Contains(err.Error(), "x-amz-object-lock-mode") {
		t.Errorf("error %v does not name the header", err)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "x")
	_, err := w.client(there).CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String(farBucket), Key: aws.String("k"), CopySource: copySource(hereBucket, "k", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	regions, _ := w.counters.Snapshot()
	admin := "arn:aws:iam::" + account + ":user/administrator"
	if got := regions[here].S3[admin]["PutObject"]; got != 1 {
		t.Errorf("PutObject in %s: %d, want 1", here, got)
	}
	if got := regions[there].S3[admin]; len(got) != 1 || got["CopyObject"] != 1 {
		t.Errorf("requests in %s: %v, want one CopyObject", there, got)
	}
}

func TestFaults(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "x")
	set := func(region string, k fault.Kind, rate float64) {
		t.Helper()
		if err := w.faults.Set(fault.Fault{Region: region, Kind: k, Rate: rate}); err != nil {
			t.Fatal(err)
		}
	}
	get := func() error {
		_, err := w.client(here).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k")})
		return err
	}
	set(here, fault.S3SlowDown, 1)
	wantCode(t, get(), 503, "SlowDown")
	set(here, fault.S3SlowDown, 0)
	set(here, fault.S3Unavailable, 1)
	wantCode(t, get(), 503, "ServiceUnavailable")
	big := &sdk.PutObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: bytes.NewReader(make([]byte, 8<<20))}
	_, err := w.client(here).PutObject(t.Context(), big)
	wantCode(t, err, 503, "ServiceUnavailable")
	_, err = w.client(there).CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String(farBucket), Key: aws.String("k"), CopySource: copySource(hereBucket, "k", ""),
	})
	wantCode(t, err, 503, "ServiceUnavailable")
	set(here, fault.S3Unavailable, 0)
	if err := get(); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

func TestCreateBucketRefuses(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]BucketConfig{
		"already exists": {Name: hereBucket},
		"3 to 63":        {Name: "Up"},
		"two dots":       {Name: "a..b"},
		"IP address":     {Name: "10.0.0.1"},
		"event is not supported": {
			Name: "fine", Notifications: Notifications{Rules: []NotificationRule{{ARN: topic, Events: []string{"s3:ObjectInvented:*"}}}},
		},
		"ambiguously defined": {Name: "fine", Notifications: Notifications{Rules: []NotificationRule{
			{ARN: topic, Events: []string{"s3:ObjectCreated:*"}},
			{ARN: topic, Events: []string{"s3:ObjectCreated:Put"}, Filter: KeyFilter("a", "")},
		}}},
		"region is not valid": {Name: "fine", Notifications: Notifications{Rules: []NotificationRule{
			{ARN: strings.Replace(topic, here, there, 1), Events: []string{"s3:ObjectCreated:*"}},
		}}},
	} {
		err := w.service.CreateBucket(t.Context(), here, c)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: got %v, want an error with %q", c, err, name)
		}
	}
	w.service.config.NotifyTest = func(context.Context, Notification) error { return errors.New("topic policy") }
	c := BucketConfig{
		Name: "fine", Notifications: Notifications{Rules: []NotificationRule{{ARN: topic, Events: []string{"s3:ObjectCreated:*"}}}},
	}
	if err := w.service.CreateBucket(t.Context(), here, c); err == nil ||
		!strings.Contains(err.Error(), "nable to validate the following destination configurations") {
		t.Errorf("got %v, want AWS's error about the destination", err)
	}
	w.service.config.NotifyTest = w.notify
	if err := w.service.CreateBucket(t.Context(), here, c); err != nil {
		t.Errorf("the name stays taken after a failure: %v", err)
	}
}
