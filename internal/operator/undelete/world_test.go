package undelete_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/policy"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	sandbox "s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/sigv4"
	"s3fanout/internal/sandbox/stats"
)

// world is the sandbox's S3 with a versioned bucket in each Region.
type world struct {
	t       *testing.T
	regions []string
	clients map[string]*s3.Client
	// calls counts S3's operations, of all Regions.
	calls func(operation string) int64
}

func newWorld(t *testing.T, regions ...string) *world {
	t.Helper()
	accounts, counters := iam.NewStore("aws", "123456789012"), stats.New(regions)
	quiet := func(context.Context, sandbox.Notification) error { return nil }
	service, err := sandbox.Start(t.Context(), sandbox.Config{
		Partition: "aws", AccountID: "123456789012", Dir: t.TempDir(), Regions: regions,
		Store: accounts, Counters: counters, Faults: fault.New(regions, 1), Notify: quiet, NotifyTest: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, refused := sigv4.Authenticate(r, accounts, time.Now())
		if refused != nil {
			http.Error(w, refused.Message, refused.Status)
			return
		}
		service.ServeAPI(w, r, id.Region, id.Caller)
	}))
	connections := &http.Transport{}
	t.Cleanup(func() {
		connections.CloseIdleConnections()
		server.Close()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, regions: regions, clients: map[string]*s3.Client{}}
	admin := accounts.Admin()
	for _, region := range regions {
		if err := service.CreateBucket(t.Context(), region, sandbox.BucketConfig{Name: "b-" + region, Versioned: true}); err != nil {
			t.Fatal(err)
		}
		w.clients[region] = s3.New(s3.Options{
			Region: region, BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: connections},
			Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
		})
	}
	w.calls = func(operation string) (n int64) {
		regions, _ := counters.Snapshot()
		for _, region := range regions {
			for _, operations := range region.S3 {
				n += operations[operation]
			}
		}
		return n
	}
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// put writes an object with user metadata, as names and values in turn.
func (w *world) put(region, key, body string, metadata ...string) {
	w.t.Helper()
	in := &s3.PutObjectInput{
		Bucket: aws.String("b-" + region), Key: &key, Body: strings.NewReader(body), Metadata: map[string]string{},
		ContentType: aws.String("text/x-test"), StorageClass: types.StorageClassStandardIa, Tagging: aws.String("colour=red"),
	}
	for i := 0; i+1 < len(metadata); i += 2 {
		in.Metadata[metadata[i]] = metadata[i+1]
	}
	_, err := w.clients[region].PutObject(w.t.Context(), in)
	w.check(err)
}

func (w *world) remove(region, key string) {
	w.t.Helper()
	_, err := w.clients[region].DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("b-" + region), Key: &key})
	w.check(err)
}

// body is what a key has, "-" if nothing.
func (w *world) body(region, key string) string {
	w.t.Helper()
	out, err := w.clients[region].GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: aws.String("b-" + region), Key: &key})
	if err != nil {
		var missing *types.NoSuchKey
		if errors.As(err, &missing) {
			return "-"
		}
		w.t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	w.check(err)
	return string(body)
}

// members are those of the world, with the copier that the command uses.
func (w *world) members() []undelete.Member {
	var members []undelete.Member
	for _, region := range w.regions {
		client, bucket := w.clients[region], "b-"+region
		members = append(members, undelete.Member{
			Region: region, Bucket: bucket, S3: client,
			Copier: copier.New(client, copier.Target{Region: region, Bucket: bucket},
				copier.Restoring(policy.EntryName), copier.WithLogger(slog.New(slog.DiscardHandler))),
		})
	}
	return members
}
