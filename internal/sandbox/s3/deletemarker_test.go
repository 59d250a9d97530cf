package s3

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// notFound is the header of an answer 404.
func notFound(t *testing.T, err error) http.Header {
	t.Helper()
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusNotFound {
		t.Fatalf("got %v, want 404", err)
	}
	return response.Response.Header
}

// The answer to a HEAD or GET of a key says whether a delete marker hides it,
// and which.
func TestDeleteMarkerShows(t *testing.T) {
	w := newWorld(t)
	client, bucket := w.client(here), aws.String(hereBucket)
	read := map[string]func(key string) error{
		"HEAD": func(key string) error {
			_, err := client.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: bucket, Key: &key})
			return err
		},
		"GET": func(key string) error {
			_, err := client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: bucket, Key: &key})
			return err
		},
	}
	remove := func(key string) *string {
		t.Helper()
		out, err := client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: bucket, Key: &key})
		if err != nil || out.VersionId == nil {
			t.Fatalf("delete %s: %+v, %v", key, out, err)
		}
		return out.VersionId
	}
	want := func(key, marker string) {
		t.Helper()
		for name, ask := range read {
			header := notFound(t, ask(key))
			shown := ""
			if marker != "" {
				shown = "true"
			}
			if header.Get("x-amz-delete-marker") != shown || header.Get("x-amz-version-id") != marker {
				t.Errorf("%s of %s: marker %q, version %q, want version %q", name, key,
					header.Get("x-amz-delete-marker"), header.Get("x-amz-version-id"), marker)
			}
		}
	}
	first := w.put(t, here, hereBucket, "a/k", "one")
	want("a/other", "")
	want("a", "")
	one := remove("a/k")
	want("a/k", *one)
	two := remove("a/k")
	want("a/k", *two)
	// A version that is named is not hidden.
	if _, err := client.HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: bucket, Key: aws.String("a/k"), VersionId: first.VersionId,
	}); err != nil {
		t.Error(err)
	}
	_, err := client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("a/k"), VersionId: one})
	wantCode(t, err, http.StatusMethodNotAllowed, "MethodNotAllowed")
	// Without its marker the key is there again.
	for _, marker := range []*string{two, one} {
		_, err := client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: bucket, Key: aws.String("a/k"), VersionId: marker})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := w.get(t, here, hereBucket, "a/k"); got != "one" {
		t.Errorf("got %q, want what the marker hid", got)
	}
	want("never/there", "")
}

// Who may not list does not learn of a marker either.
func TestDeleteMarkerIsHiddenFromWhoMayNotList(t *testing.T) {
	w := newWorld(t)
	reader, _ := w.role(t, "reader", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)
	w.put(t, here, hereBucket, "k", "one")
	if _, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"),
	}); err != nil {
		t.Fatal(err)
	}
	_, err := w.client(here, reader).HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k")})
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusForbidden ||
		response.Response.Header.Get("x-amz-delete-marker") != "" {
		t.Errorf("got %v, want 403 without a marker", err)
	}
}
