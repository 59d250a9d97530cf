package s3

import (
	"net/url"
	"testing"
)

// FuzzCopySource checks that what is accepted names a bucket and a key, and is
// read back the same once it is written as the function writes it.
func FuzzCopySource(f *testing.F) {
	for _, seed := range []string{
		"b/k", "/b/a%20b+c?versionId=v", "b/k?versionId=v&x=1", "arn:aws:s3:::b/k", "b/%zz", "b/%00", "?versionId=", "b/k?versionId=%0d%0a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got, err := parseCopySource(header)
		if err != nil {
			return
		}
		if got.bucket == "" || got.key == "" {
			t.Fatalf("%q: got %+v", header, got)
		}
		again := "/" + url.QueryEscape(got.bucket) + "/" + url.QueryEscape(got.key)
		if got.versionID != "" {
			again += "?versionId=" + url.QueryEscape(got.versionID)
		}
		if back, err := parseCopySource(again); err != nil || back != got {
			t.Errorf("%q: got %+v, and %+v, %v of %q", header, got, back, err, again)
		}
	})
}

// FuzzCopyRange checks that an accepted range lies within the source.
func FuzzCopyRange(f *testing.F) {
	f.Add("bytes=0-9", int64(10))
	f.Add("bytes=9223372036854775807-9223372036854775807", int64(1)<<62)
	f.Add("bytes=-1-5", int64(10))
	f.Add("", int64(0))
	f.Fuzz(func(t *testing.T, header string, source int64) {
		if source < 0 {
			t.Skip("no object is smaller than nothing")
		}
		first, size, err := parseCopyRange(header, source)
		if err == nil && (first < 0 || size < 0 || size > maxCopySize || first > source-size) {
			t.Errorf("%q of %d bytes: got %d from %d", header, source, size, first)
		}
	})
}
