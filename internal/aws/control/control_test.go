package control_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"go.uber.org/goleak"

	"s3fanout/internal/aws/control"
	"s3fanout/internal/operator/batchjob"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/sigv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A path with characters that have to be encoded is signed as S3 reads it: an access
// point's ARN, and what somebody types for a job's ID. The other endpoint's host stays
// as it is.
func TestPathsAreSignedAsTheyAreSent(t *testing.T) {
	store := iam.NewStore("aws", "111122223333")
	who := store.Admin()
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := sigv4.Authenticate(r, store, time.Now())
		if err != nil || id.Region != "eu-west-1" {
			t.Errorf("%s in %s: %v", r.URL.Path, id.Region, err)
		}
		paths = append(paths, r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(who.AccessKeyID, who.SecretAccessKey, ""),
	}
	const point, account = "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap", "111122223333"
	client := control.New(config, "eu-west-1", time.Minute)
	_, _ = client.GetMultiRegionAccessPointRoutes(t.Context(), &s3control.GetMultiRegionAccessPointRoutesInput{
		AccountId: aws.String(account), Mrap: aws.String(point),
	})
	_, _ = batchjob.Describe(t.Context(), batchjob.NewClient(config, "eu-west-1"), "eu-west-1", account, "a job: one")
	if want := []string{"/v20180820/mrap/instances/" + point + "/routes", "/v20180820/jobs/a job: one"}; !slices.Equal(paths, want) {
		t.Errorf("asked for %q, want %q", paths, want)
	}
}
