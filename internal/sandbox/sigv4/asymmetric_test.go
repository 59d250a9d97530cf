package sigv4

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/iam"
)

// The keys of AWS's SDKs' own tests: of aws-c-auth and the SDK for Go, and of the
// signing test suite.
func TestPublicKeysOfAWSVectors(t *testing.T) {
	for _, tt := range []struct{ id, secret, x, y string }{
		{"AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom",
			"15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb",
			"0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0"},
		{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
			"b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1",
			"865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518"},
	} {
		key := publicKey(tt.id, tt.secret)
		if key == nil {
			t.Fatal("no key")
		}
		raw, err := key.Bytes()
		if got := hex.EncodeToString(raw); err != nil || got != "04"+tt.x+tt.y {
			t.Errorf("%s: got %s, %v\nwant 04%s%s", tt.id, got, err, tt.x, tt.y)
		}
	}
}

// The requests "get-vanilla" of AWS's signing test suite for Version 4A, with a
// signature that AWS made.
const (
	vectorHeader = "GET / HTTP/1.1\r\nHost:example.amazonaws.com\r\n" +
		"Authorization:AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20150830/service/aws4_request, " +
		"SignedHeaders=host;x-amz-date;x-amz-region-set, " +
		"Signature=3046022100fddaaf816a31e30d04973875b13bc27b98da10907a3a1872fd5819a221334abc022100de2ee81d83b54f31efc82834de07e6cd4d5c6f25bfa08e0f29a15bb0977c343e\r\n" +
		"X-Amz-Date:20150830T123600Z\r\nX-Amz-Region-Set:us-east-1\r\n\r\n"
	vectorQuery = "GET /?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fservice%2Faws4_request" +
		"&X-Amz-Date=20150830T123600Z" +
		"&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-Region-Set=us-east-1" +
		"&X-Amz-Signature=3045022100a28466db6c76223d5aa6ed436a8451b30e21ba0a076e7f2f943dd1f3d2816249022049e4b3746929cd2a2cb7b7984dbe0f5d40a300e7d9a7a7f1307c196b6f96b61a HTTP/1.1\r\n" +
		"Host:example.amazonaws.com\r\n\r\n"
)

func authenticateVector(t *testing.T, text string) (Identity, *Error) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	store := iam.NewStoreOf("aws", "123456789012", iam.Credentials{
		AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	})
	return Authenticate(r, store, time.Date(2015, 8, 30, 12, 36, 30, 0, time.UTC))
}

func TestAsymmetricVectors(t *testing.T) {
	for name, text := range map[string]string{"header": vectorHeader, "query": vectorQuery} {
		id, err := authenticateVector(t, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if id.Service != "service" || id.Region != "" || id.RegionSet != "us-east-1" || id.Presigned != (name == "query") {
			t.Errorf("%s: %+v", name, id)
		}
		for _, change := range [][2]string{
			{"GET / ", "PUT / "}, {"GET /?", "GET /a?"}, {"example.amazonaws.com", "example.amazonaws.org"}, {"us-east-1", "us-east-2"},
			{"T123600Z", "T123601Z"},
			{"fddaaf81", "fddaaf82"}, {"a28466db", "a28466dc"}, {"/service/", "/services/"}, {"%2Fservice%2F", "%2Fservices%2F"},
		} {
			if other := strings.ReplaceAll(text, change[0], change[1]); other != text {
				if _, err := authenticateVector(t, other); err == nil || err.Code != "SignatureDoesNotMatch" {
					t.Errorf("%s: with %s in place of %s: %v, want SignatureDoesNotMatch", name, change[1], change[0], err)
				}
			}
		}
	}
}

func TestAsymmetricRefusals(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{"/20150830/service/", "/20150830/us-east-1/service/", "IncompleteSignature"},
		{"X-Amz-Region-Set:us-east-1", "X-Amz-Region-Set:", "IncompleteSignature"},
		{"x-amz-date;x-amz-region-set", "x-amz-date", "SignatureDoesNotMatch"}, // it is there and not signed
		{"Signature=3046", "Signature=zz46", "SignatureDoesNotMatch"},
		{"Signature=3046022100fddaaf81", "Signature=00", "SignatureDoesNotMatch"},
		{"AKIDEXAMPLE", "AKIDOTHER", "InvalidClientTokenId"},
		{"AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256", "IncompleteSignature"},
		{"AWS4-ECDSA-P256-SHA256", "AWS4-RSA-SHA256", "IncompleteSignature"},
	} {
		if _, err := authenticateVector(t, strings.Replace(vectorHeader, tt.old, tt.new, 1)); err == nil || err.Code != tt.want {
			t.Errorf("%s in place of %s: %v, want %s", tt.new, tt.old, err, tt.want)
		}
	}
}

// A request of Version 4 that names Regions beside its scope's is one of Version 4:
// it holds for the scope's Region.
func TestRegionSetMeansNothingToVersion4(t *testing.T) {
	f := newFixture(t)
	for name, r := range map[string]*http.Request{
		"header":    f.sign(t, call{header: http.Header{"X-Amz-Region-Set": {"*"}}}),
		"presigned": f.presign(t, call{query: "X-Amz-Region-Set=%2A"}, "60"),
	} {
		if got := f.send(t, r); got != "" || f.identity.Region != "eu-west-1" || f.identity.RegionSet != "" {
			t.Errorf("%s: %q, %+v, want eu-west-1 and no set of Regions", name, got, f.identity)
		}
	}
}

// Chunks with signatures of their own are refused in Version 4A for what they are,
// and those that only it has in Version 4.
func TestAsymmetricChunks(t *testing.T) {
	for _, declared := range []string{
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
	} {
		text := strings.NewReplacer("/service/", "/s3/", "host;x-amz-date", "host;x-amz-content-sha256;x-amz-date",
			"X-Amz-Date:", "X-Amz-Content-Sha256:"+declared+"\r\nX-Amz-Date:").Replace(vectorHeader)
		_, err := authenticateVector(t, text)
		if err == nil || err.Status != http.StatusNotImplemented || err.Code != "NotImplemented" ||
			!strings.HasPrefix(err.Message, "The sandbox does not verify "+declared+";") {
			t.Errorf("%s: %v, want 501 NotImplemented", declared, err)
		}
	}
	f := newFixture(t)
	if got := f.send(t, f.sign(t, call{payloadHash: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"})); got != "InvalidArgument" {
		t.Errorf("by a signature of Version 4: %q, want InvalidArgument", got)
	}
}

// arrived keeps what the SDK sends to an access point.
type arrived struct{ requests []*http.Request }

func (a *arrived) RoundTrip(r *http.Request) (*http.Response, error) {
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		return nil, err
	}
	read, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		return nil, err
	}
	a.requests = append(a.requests, read)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// What the SDK for Go signs for an access point is accepted, by an identity's own
// credentials and a session's, and by another's secret it is not.
func TestAsymmetricBySDK(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]iam.Credentials{"administrator": f.admin, "session": f.session} {
		var wire arrived
		client := s3.New(s3.Options{
			Region: "eu-west-1", HTTPClient: &http.Client{Transport: &wire}, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		})
		point := aws.String("arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap")
		for _, key := range []string{"a", "a b/ü+=&?*'()!~", "a//b/./c"} {
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: point, Key: &key, Body: strings.NewReader("1"), Metadata: map[string]string{"two": "a  b"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		// Of a key that has to be encoded the SDK presigns a path that is encoded twice,
		// which S3 refuses.
		presigned, err := s3.NewPresignClient(client).PresignGetObject(t.Context(), &s3.GetObjectInput{
			Bucket: point, Key: aws.String("a/b"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := http.NewRequest(http.MethodGet, presigned.URL, nil); err != nil {
			t.Fatal(err)
		} else if _, err := wire.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if len(wire.requests) != 4 {
			t.Fatalf("%d requests arrived, want 4", len(wire.requests))
		}
		for _, r := range wire.requests {
			id, err := Authenticate(r, f.store, time.Now())
			if err != nil {
				t.Errorf("%s: %s %s: %v", name, r.Method, r.RequestURI, err)
				continue
			}
			if id.Service != "s3" || id.RegionSet != "*" || r.Host != "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com" {
				t.Errorf("%s: %+v for %s", name, id, r.Host)
			}
			other := iam.NewStoreOf("aws", "123456789012", iam.Credentials{
				AccessKeyID: c.AccessKeyID, SecretAccessKey: "other" + c.SecretAccessKey,
			})
			if _, err := Authenticate(r, other, time.Now()); err == nil {
				t.Errorf("%s: accepted by another secret", name)
			}
		}
	}
}
