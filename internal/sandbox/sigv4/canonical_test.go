package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// and https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
func TestDocumentedExamples(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	const credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
	empty := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, tt := range []struct {
		name, target  string
		header        map[string]string
		signedHeaders string
		payload, want string
	}{
		{"GET object", "/test.txt", map[string]string{"Range": "bytes=0-9"}, "host;range;x-amz-content-sha256;x-amz-date",
			empty, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"GET bucket lifecycle", "/?lifecycle", nil, "host;x-amz-content-sha256;x-amz-date",
			empty, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"list objects", "/?max-keys=2&prefix=J", nil, "host;x-amz-content-sha256;x-amz-date",
			empty, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, tt.target, nil)
			r.Host = "examplebucket.s3.amazonaws.com"
			r.Header.Set("X-Amz-Date", "20130524T000000Z")
			r.Header.Set("X-Amz-Content-Sha256", tt.payload)
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			r.Header.Set("Authorization", algorithm+" Credential="+credential+",SignedHeaders="+tt.signedHeaders+",Signature="+tt.want)
			raw, err := splitRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			a, err := parseAuthorization(r, raw)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.sign(secret, a.canonicalRequest(r, raw, tt.payload)); got != tt.want {
				t.Errorf("signature = %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("presigned URL", func(t *testing.T) {
		want := "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
		r := httptest.NewRequest(http.MethodGet,
			"/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"+
				"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="+want, nil)
		r.Host = "examplebucket.s3.amazonaws.com"
		raw, err := splitRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		a, err := parseAuthorization(r, raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.sign(secret, a.canonicalRequest(r, raw, unsignedPayload)); got != want {
			t.Errorf("signature = %s, want %s", got, want)
		}
	})
}

func TestSigningKey(t *testing.T) {
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html signs with the same key as the examples above.
	got := hex.EncodeToString(SigningKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"))
	if want := "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"; got != want {
		t.Errorf("key = %s, want %s", got, want)
	}
}

func TestCanonicalPath(t *testing.T) {
	for _, tt := range []struct{ service, path, want string }{
		{"s3", "/b/a%20b", "/b/a%20b"},
		{"s3", "/b/a+b", "/b/a%2Bb"},
		{"s3", "/b/a%2bb", "/b/a%2Bb"},
		{"s3", "/b//a/../c/", "/b//a/../c/"},
		{"s3", "/b/%7E(", "/b/~%28"},
		{"lambda", "/a%3Ab", "/a%253Ab"},
		{"lambda", "/", "/"},
		{"lambda", "//a//b/", "/a/b/"},
		{"lambda", "/a/./b/../c", "/a/c"},
		{"lambda", "/../..", "/"},
		{"lambda", "/a/..", "/"},
		{"lambda", "/a/b/..", "/a/"},
	} {
		if got := canonicalPath(tt.service, tt.path); got != tt.want {
			t.Errorf("canonicalPath(%s, %s) = %s, want %s", tt.service, tt.path, got, tt.want)
		}
	}
}

func FuzzAuthenticate(f *testing.F) {
	fx := newFixture(f)
	f.Add("/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20261120%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20261120T235930Z"+
		"&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=0", "", "")
	f.Add("/", "AWS4-HMAC-SHA256 Credential=a/20261120/r/s3/aws4_request, SignedHeaders=host, Signature=0", "20261120T235930Z")
	f.Add("/%2F?;=%", "AWS4-HMAC-SHA256 Credential=,SignedHeaders=;,Signature=", "x")
	f.Fuzz(func(t *testing.T, target, authorization, date string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RequestURI = target
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		id, err := Authenticate(r, fx.store, signedAt)
		if err == nil {
			t.Errorf("Authenticate accepted %+v without a key", id)
		}
	})
}
