package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/fault"
)

// A client whose connection is cut gets no answer, be the request done or not;
// what is done is done whole, with its notification.
func TestCutRequestsAreDoneOrNot(t *testing.T) {
	w := newWorld(t)
	if err := w.faults.Set(fault.Fault{Region: here, Kind: fault.S3Cut, Rate: 1}); err != nil {
		t.Fatal(err)
	}
	const n = 32
	w.messages(t) // without the test event of the bucket
	for i := range n {
		_, err := w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String(fmt.Sprint("k", i)), Body: strings.NewReader("body"),
		})
		if response := (*awshttp.ResponseError)(nil); err == nil || errors.As(err, &response) && response.HTTPStatusCode() != 0 {
			t.Errorf("%d: %v, want a connection that was closed", i, err)
		}
	}
	if err := w.faults.Set(fault.Fault{Region: here, Kind: fault.S3Cut}); err != nil {
		t.Fatal(err)
	}
	list, err := w.client(here).ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String(hereBucket)})
	if err != nil {
		t.Fatal(err)
	}
	done := len(list.Contents)
	if done == 0 || done == n {
		t.Errorf("%d of %d were done, want some", done, n)
	}
	if got := len(w.messages(t)); got != done {
		t.Errorf("%d notifications for %d objects", got, done)
	}
	for _, o := range list.Contents {
		if got := w.get(t, here, hereBucket, *o.Key); got != "body" {
			t.Errorf("%s has %q", *o.Key, got)
		}
	}
}

// The ways are told apart by the writer alone.
func TestCutAfterClosesInPlaceOfTheAnswer(t *testing.T) {
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // what was panicked with, not an error that was returned
			t.Errorf("recovered %v, want http.ErrAbortHandler", got)
		}
	}()
	cutNever.before()
	cutAfter.before()
	cutAfter.after(nil).WriteHeader(http.StatusOK)
}
