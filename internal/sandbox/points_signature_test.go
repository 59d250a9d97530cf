package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// refusal is what S3 says to a request that it does not take.
type refusal struct{ Code, Message string }

// sendV4 sends a request for the address, signed by Signature Version 4 for the
// Region with all headers.
func (s *Sandbox) sendV4(t *testing.T, client s3.HTTPClient, region, address string, header http.Header) (int, refusal) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	nothing := sha256.Sum256(nil)
	hash := hex.EncodeToString(nothing[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	for name, values := range header {
		r.Header[name] = values
	}
	c := aws.Credentials{AccessKeyID: s.state.AccessKeyID, SecretAccessKey: s.state.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hash, "s3", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var refused refusal
	if answer.StatusCode != http.StatusOK {
		if err := xml.Unmarshal(body, &refused); err != nil {
			t.Fatalf("%s: %v: %s", answer.Status, err, body)
		}
	}
	return answer.StatusCode, refused
}

// Version 4 names one Region, and an access point has none: it takes Version 4A
// alone, whatever headers a signature of Version 4 covers.
func TestAccessPointRefusesVersion4(t *testing.T) {
	s, point := startPoint(t)
	const region = "us-east-1"
	bucket := s.state.Regions[region].Bucket
	put := &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("a"), Body: strings.NewReader("1")}
	if _, err := s3.NewFromConfig(s.config(region)).PutObject(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	client := s.from(t, region, s.config(region)).Options().HTTPClient
	for name, header := range map[string]http.Header{"without a Region set": nil, "with a Region set": {"X-Amz-Region-Set": {"*"}}} {
		for _, signedFor := range []string{region, "eu-north-1"} {
			status, refused := s.sendV4(t, client, signedFor, "https://"+point.Alias+"."+pointDomain+"/a", header)
			want := refusal{
				"InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-ECDSA-P256-SHA256.",
			}
			if status != http.StatusBadRequest || refused != want {
				t.Errorf("%s, for %s: %d %+v, want 400 %+v", name, signedFor, status, refused, want)
			}
		}
	}
	// A bucket's own host goes by the Region of Version 4, and the header is nothing to it.
	address := s.state.Endpoint + "/" + bucket + "/a"
	if status, refused := s.sendV4(t, http.DefaultClient, region, address, http.Header{
		"X-Amz-Region-Set": {"*"},
	}); status != http.StatusOK {
		t.Errorf("by the bucket's name, with a Region set: %d %+v, want 200", status, refused)
	}
}

// resolved changes where the SDK sends a request, or what it is signed for.
type resolved func(e *smithyendpoints.Endpoint)

func (change resolved) ResolveEndpoint(ctx context.Context, p s3.EndpointParameters) (smithyendpoints.Endpoint, error) {
	e, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	if err == nil {
		change(&e)
	}
	return e, err
}

// getChanged reads an object by an access point as the client does, but for the change.
func getChanged(t *testing.T, client *s3.Client, arn string, change resolved) error {
	t.Helper()
	client = s3.New(client.Options(), func(o *s3.Options) { o.EndpointResolverV2 = change })
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &arn, Key: aws.String("a")})
	if err == nil {
		_ = out.Body.Close()
	}
	return err
}

// signedForRegions has Version 4A sign for these alone; the SDK does so for all.
func signedForRegions(regions ...string) resolved {
	return func(e *smithyendpoints.Endpoint) {
		options, _ := smithyauth.GetAuthOptions(&e.Properties)
		for _, o := range options {
			smithyhttp.SetSigV4ASigningRegions(&o.SignerProperties, regions)
		}
	}
}

// A signature of Version 4A holds in the Regions that it names, and a request that
// is routed to another one is refused.
func TestSignatureHoldsInItsRegions(t *testing.T) {
	s, point := startPoint(t)
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		bucket := s.state.Regions[region].Bucket
		put := &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("a"), Body: strings.NewReader("1")}
		if _, err := s3.NewFromConfig(s.config(region)).PutObject(t.Context(), put); err != nil {
			t.Fatal(err)
		}
	}
	client := s.from(t, "us-east-1", s.config("us-east-1"))
	for _, tt := range []struct {
		set  []string
		want string
	}{
		{[]string{"*"}, ""},
		{[]string{"us-east-1"}, ""},
		{[]string{"us-*"}, ""},
		{[]string{"eu-west-1", "us-east-1"}, ""},
		{[]string{"eu-west-1"}, "AccessDenied"},
		{[]string{"eu-*", "us-east-2"}, "AccessDenied"},
		{[]string{"us-east"}, "AccessDenied"},
	} {
		err := getChanged(t, client, point.ARN, signedForRegions(tt.set...))
		if code(err) != tt.want || tt.want == "" && err != nil {
			t.Errorf("signed for %v, routed to us-east-1: %v, want %q", tt.set, err, tt.want)
		}
		why := "does not have us-east-1, where the request is routed to"
		if tt.want != "" && (status(err) != http.StatusForbidden || !strings.Contains(err.Error(), why)) {
			t.Errorf("signed for %v: %v, want 403 and the Region", tt.set, err)
		}
	}
}

func status(err error) int {
	var e *smithyhttp.ResponseError
	if errors.As(err, &e) {
		return e.HTTPStatusCode()
	}
	return 0
}

// The sandbox's own endpoint goes by the Region of a signature, which Version 4A
// has not.
func TestEndpointRefusesVersion4A(t *testing.T) {
	s, point := startPoint(t)
	endpoint, err := url.Parse(s.state.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	err = getChanged(t, s3.NewFromConfig(s.config("us-east-1")), point.ARN, func(e *smithyendpoints.Endpoint) { e.URI = *endpoint })
	var refused smithy.APIError
	if !errors.As(err, &refused) || status(err) != http.StatusBadRequest || refused.ErrorCode() != "InvalidRequest" ||
		refused.ErrorMessage() != "Signature Version 4A names no Region, which this endpoint goes by. Please use AWS4-HMAC-SHA256." {
		t.Errorf("got %v, want 400 InvalidRequest", err)
	}
}

// A host below access points' domain that belongs to none of them is said not to exist.
func TestHostOfNoAccessPoint(t *testing.T) {
	s, _ := startPoint(t)
	client := s.from(t, "us-east-1", s.config("us-east-1"))
	err := getChanged(t, client, "arn:aws:s3::"+AccountID+":accesspoint/abcdefghijklm.mrap", func(*smithyendpoints.Endpoint) {})
	if code(err) != "NoSuchMultiRegionAccessPoint" || status(err) != http.StatusNotFound {
		t.Errorf("got %v, want 404 NoSuchMultiRegionAccessPoint", err)
	}
}
