package s3

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/iam"
)

// grant is a statement that allows an action on a resource.
type grant struct{ action, resource string }

func statements(grants []grant) string {
	list := make([]string, len(grants))
	for i, g := range grants {
		list[i] = fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":"arn:aws:s3:::%s"}`, g.action, g.resource)
	}
	return "[" + strings.Join(list, ",") + "]"
}

// Each operation passes with exactly the permissions that it needs, and is
// denied when any one of them is missing.
func TestPermissionsAreNecessaryAndSufficient(t *testing.T) {
	w := newWorld(t)
	tagged := w.put(t, here, hereBucket, "tagged", "x", func(in *sdk.PutObjectInput) { in.Tagging = aws.String("a=b") })
	w.put(t, here, hereBucket, "plain", "x")
	from, to := hereBucket+"/*", farBucket+"/*"
	tests := map[string]struct {
		grants []grant
		call   func(context.Context, *sdk.Client, string) error
		region string
	}{
		"copy": {[]grant{{"s3:GetObject", from}, {"s3:PutObject", to}}, func(ctx context.Context, c *sdk.Client, unique string) error {
			in := copyThere("plain", "")
			in.Key = &unique
			_, err := c.CopyObject(ctx, in)
			return err
		}, there},
		"copy version with tags": {
			[]grant{{"s3:GetObjectVersion", from}, {"s3:GetObjectVersionTagging", from}, {"s3:PutObject", to}, {"s3:PutObjectTagging", to}},
			func(ctx context.Context, c *sdk.Client, unique string) error {
				in := copyThere("tagged", *tagged.VersionId)
				in.Key = &unique
				_, err := c.CopyObject(ctx, in)
				return err
			}, there,
		},
		"copy without the tags": {[]grant{{"s3:GetObject", from}, {"s3:PutObject", to}},
			func(ctx context.Context, c *sdk.Client, unique string) error {
				in := copyThere("tagged", "")
				in.Key, in.TaggingDirective = &unique, types.TaggingDirectiveReplace
				_, err := c.CopyObject(ctx, in)
				return err
			}, there},
		"put with tags": {[]grant{{"s3:PutObject", to}, {"s3:PutObjectTagging", to}},
			func(ctx context.Context, c *sdk.Client, unique string) error {
				_, err := c.PutObject(ctx, &sdk.PutObjectInput{
					Bucket: aws.String(farBucket), Key: &unique, Body: strings.NewReader("x"), Tagging: aws.String("a=b"),
				})
				return err
			}, there},
		"head": {[]grant{{"s3:GetObject", from}}, func(ctx context.Context, c *sdk.Client, _ string) error {
			out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("plain")})
			if err == nil {
				_, err = io.Copy(io.Discard, out.Body)
			}
			return err
		}, here},
		"list": {[]grant{{"s3:ListBucket", hereBucket}}, func(ctx context.Context, c *sdk.Client, _ string) error {
			_, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String(hereBucket)})
			return err
		}, here},
		"delete": {[]grant{{"s3:DeleteObject", to}}, func(ctx context.Context, c *sdk.Client, unique string) error {
			_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: aws.String(farBucket), Key: &unique})
			return err
		}, there},
	}
	n := 0
	try := func(t *testing.T, grants []grant, region string, call func(context.Context, *sdk.Client, string) error) error {
		t.Helper()
		n++
		creds, _ := w.role(t, fmt.Sprintf("role-%d", n), statements(grants))
		return call(t.Context(), w.client(region, creds), fmt.Sprintf("key-%d", n))
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := try(t, test.grants, test.region, test.call); err != nil {
				t.Fatalf("with %v: %v", test.grants, err)
			}
			for i, g := range test.grants {
				rest := slices.Delete(slices.Clone(test.grants), i, i+1)
				rest = append(rest, grant{"s3:GetBucketLocation", hereBucket}) // a policy must allow something
				t.Run("without "+g.action, func(t *testing.T) {
					wantCode(t, try(t, rest, test.region, test.call), 403, "AccessDenied")
				})
			}
		})
	}
}

func TestMissingKeyIsHiddenFromThoseWhoMayNotList(t *testing.T) {
	w := newWorld(t)
	blind, _ := w.role(t, "blind", statements([]grant{{"s3:GetObject", "*"}, {"s3:PutObject", "*"}}))
	seeing, _ := w.role(t, "seeing", statements([]grant{{"s3:GetObject", "*"}, {"s3:PutObject", "*"}, {"s3:ListBucket", hereBucket}}))
	get := &sdk.GetObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("missing")}
	head := &sdk.HeadObjectInput{Bucket: get.Bucket, Key: get.Key}

	_, err := w.client(here, blind).GetObject(t.Context(), get)
	wantCode(t, err, 403, "AccessDenied")
	_, err = w.client(here, seeing).GetObject(t.Context(), get)
	wantCode(t, err, 404, "NoSuchKey")
	_, err = w.client(here, blind).HeadObject(t.Context(), head)
	wantCode(t, err, 403, "Forbidden")
	_, err = w.client(here, seeing).HeadObject(t.Context(), head)
	wantCode(t, err, 404, "NotFound")
	_, err = w.client(there, blind).CopyObject(t.Context(), copyThere("missing", ""))
	wantCode(t, err, 403, "AccessDenied")
	_, err = w.client(there, seeing).CopyObject(t.Context(), copyThere("missing", ""))
	wantCode(t, err, 404, "NoSuchKey")
}

func TestBucketPolicy(t *testing.T) {
	w := newWorld(t)
	creds, caller := w.role(t, "nobody", statements([]grant{{"s3:GetBucketLocation", hereBucket}}))
	put := func(c ...iam.Credentials) error {
		_, err := w.client(here, c...).PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader("x"),
		})
		return err
	}
	set := func(policy string) {
		t.Helper()
		d, err := iam.ParseDocument([]byte(policy))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.service.SetBucketPolicy(hereBucket, d, []byte(policy)); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, put(creds), 403, "AccessDenied")
	set(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + caller.Role.ARN +
		`"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::` + hereBucket + `/*"}]}`)
	if err := put(creds); err != nil {
		t.Errorf("allowed by the bucket policy: %v", err)
	}
	// What every bucket that wants TLS has: these requests stand for HTTPS.
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::` + hereBucket +
		`/*","Condition":{"Bool":{"aws:SecureTransport":"%s"}}}]}`
	set(fmt.Sprintf(deny, "false"))
	if err := put(); err != nil {
		t.Errorf("denied without TLS only: %v", err)
	}
	set(fmt.Sprintf(deny, "true"))
	wantCode(t, put(), 403, "AccessDenied")
	got, err := w.client(here).GetBucketPolicy(t.Context(), &sdk.GetBucketPolicyInput{Bucket: aws.String(hereBucket)})
	if err != nil || *got.Policy != fmt.Sprintf(deny, "true") {
		t.Errorf("got policy %v (%v)", got, err)
	}
}

func TestDeleteObjectsDecidesEachObject(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "may/a", "x")
	w.put(t, here, hereBucket, "no/b", "x")
	creds, _ := w.role(t, "deleter", statements([]grant{{"s3:DeleteObject", hereBucket + "/may/*"}}))
	out, err := w.client(here, creds).DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{
		Bucket: aws.String(hereBucket),
		Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("may/a")}, {Key: aws.String("no/b")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Deleted) != 1 || *out.Deleted[0].Key != "may/a" || !aws.ToBool(out.Deleted[0].DeleteMarker) {
		t.Errorf("deleted %+v, want may/a by a marker", out.Deleted)
	}
	if len(out.Errors) != 1 || *out.Errors[0].Key != "no/b" || *out.Errors[0].Code != "AccessDenied" {
		t.Errorf("errors %+v, want no/b denied", out.Errors)
	}
	if got := w.get(t, here, hereBucket, "no/b"); got != "x" {
		t.Errorf("no/b is %q", got)
	}
}

func TestNeeds(t *testing.T) {
	tests := map[string]struct {
		method, url string
		header      map[string]string
		want        []need
	}{
		"head":    {"HEAD", "/b/k", nil, []need{{"s3:GetObject", "b", "k", false}}},
		"version": {"GET", "/b/k?versionId=v", nil, []need{{"s3:GetObjectVersion", "b", "k", false}}},
		"list":    {"GET", "/b?list-type=2", nil, []need{{"s3:ListBucket", "b", "", false}}},
		"put tags": {"PUT", "/b/k", map[string]string{"x-amz-tagging": "a=b"},
			[]need{{"s3:PutObject", "b", "k", false}, {"s3:PutObjectTagging", "b", "k", false}}},
		"copy a version": {"PUT", "/b/k", map[string]string{"x-amz-copy-source": "src/a%20key?versionId=v"},
			[]need{{"s3:PutObject", "b", "k", false}, {"s3:GetObjectVersion", "src", "a key", true}}},
		"copy a part": {"PUT", "/b/k?partNumber=1&uploadId=u", map[string]string{"x-amz-copy-source": "/src/k"},
			[]need{{"s3:PutObject", "b", "k", false}, {"s3:GetObject", "src", "k", true}}},
		"abort":    {"DELETE", "/b/k?uploadId=u", nil, []need{{"s3:AbortMultipartUpload", "b", "k", false}}},
		"complete": {"POST", "/b/k?uploadId=u", nil, []need{{"s3:PutObject", "b", "k", false}}},
		"parts":    {"GET", "/b/k?uploadId=u", nil, []need{{"s3:ListMultipartUploadParts", "b", "k", false}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.url, nil)
			for k, v := range test.header {
				r.Header.Set(k, v)
			}
			req, err := parseRequest(r, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := req.needs(); !slices.Equal(got, test.want) {
				t.Errorf("%s: got %v, want %v", req.operation.name, got, test.want)
			}
		})
	}
}
