package copier

import (
	"net/url"
	"strings"
	"testing"
)

func TestCopySource(t *testing.T) {
	for _, tt := range []struct{ key, version, want string }{
		{"plain.txt", "", "b/plain.txt"},
		{"a b", "", "b/a%20b"},
		{"a+b", "", "b/a%2Bb"},
		{"100%", "", "b/100%25"},
		{"%20", "", "b/%2520"},
		{"dir/sub//x", "", "b/dir/sub//x"},
		{"/lead", "", "b//lead"},
		{"q?versionId=1", "v2", "b/q%3FversionId%3D1?versionId=v2"},
		{"ü🐘\n", "", "b/%C3%BC%F0%9F%90%98%0A"},
		{"~-._", "a.B_c-9", "b/~-._?versionId=a.B_c-9"},
	} {
		if got := copySource(Object{Bucket: "b", Key: tt.key, VersionID: tt.version}); got != tt.want {
			t.Errorf("copySource(%q, %q): got %s, want %s", tt.key, tt.version, got, tt.want)
		}
	}
}

func TestObjectStringIsOneLine(t *testing.T) {
	for _, tt := range []struct{ key, want string }{
		{"a b/ü", "s3://b/a b/ü"},
		{"a\nb\x1b[31m", `s3://b/a\nb\x1b[31m`},
		{"\u202egpj.exe", `s3://b/\u202egpj.exe`},
	} {
		if got := (Object{Bucket: "b", Key: tt.key}).String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// FuzzCopySource checks that what S3 decodes is what was meant, by either
// reading of the plus sign, and that only allowed bytes go into the header.
func FuzzCopySource(f *testing.F) {
	f.Add("bucket", "key", "")
	f.Add("amzn-s3-demo-bucket", "reports/january.pdf", "QUpfdndhfd8438MNFDN93jdnJFkdmqnh893")
	f.Add("b", "a b+c%2B/ü🐘?versionId=x&y=z#f", "null")
	f.Fuzz(func(t *testing.T, bucket, key, version string) {
		got := copySource(Object{Bucket: bucket, Key: key, VersionID: version})
		for i := range len(got) {
			c := got[i]
			allowed := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/%?=", c) >= 0
			if !allowed {
				t.Fatalf("byte %q in %q", c, got)
			}
		}
		path, query, hasVersion := strings.Cut(got, "?")
		encodedBucket, encodedKey, _ := strings.Cut(path, "/")
		if hasVersion != (version != "") || hasVersion && !strings.HasPrefix(query, "versionId=") {
			t.Fatalf("version %q became %q", version, got)
		}
		for _, part := range [][2]string{
			{bucket, encodedBucket}, {key, encodedKey}, {version, strings.TrimPrefix(query, "versionId=")},
		} {
			for name, decode := range map[string]func(string) (string, error){"path": url.PathUnescape, "query": url.QueryUnescape} {
				if back, err := decode(part[1]); err != nil || back != part[0] {
					t.Errorf("%s decoding of %q: got %q, %v, want %q", name, part[1], back, err, part[0])
				}
			}
		}
	})
}
