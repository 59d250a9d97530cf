package history

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

const account = "111122223333"

// bucketOf answers for a bucket with so many versions of the key and some of a key
// that begins like it, in pages of two. heads counts.
func bucketOf(t *testing.T, versions int, key string, heads *atomic.Int64) S3 {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			heads.Add(1)
			id := r.URL.Query().Get("versionId")
			if id == "v1" { // destroyed since it was listed
				w.WriteHeader(http.StatusNotFound)
				return
			}
			entry := policy.EntryFor(policy.Write{Region: "us-east-1", VersionID: "origin", Seconds: 1}, key, 1_700_000_000, 0)
			w.Header().Set("x-amz-meta-"+policy.EntryName, entry.String())
			return
		}
		query := r.URL.Query()
		type entry struct{ key, id string }
		var all []entry
		for i := versions; i > 0; i-- {
			all = append(all, entry{key, fmt.Sprintf("v%d", i)})
		}
		all = append(all, entry{key + "s", "x1"}, entry{key + "s", "x2"})
		from := 0
		if marker := query.Get("version-id-marker"); marker != "" {
			from = slices.IndexFunc(all, func(e entry) bool { return e.id == marker }) + 1
		}
		_, _ = fmt.Fprint(w, "<ListVersionsResult><EncodingType>url</EncodingType>")
		to := min(from+2, len(all))
		for _, e := range all[from:to] {
			_, _ = fmt.Fprintf(w, "<Version><Key>%s</Key><VersionId>%s</VersionId><Size>4</Size>"+
				"<LastModified>2023-11-14T22:13:20Z</LastModified></Version>", escaped(e.key), e.id)
		}
		_, _ = fmt.Fprintf(w, "<IsTruncated>%t</IsTruncated>", to < len(all))
		if to < len(all) {
			_, _ = fmt.Fprintf(w, "<NextKeyMarker>%s</NextKeyMarker><NextVersionIdMarker>%s</NextVersionIdMarker>",
				escaped(all[to-1].key), all[to-1].id)
		}
		_, _ = fmt.Fprint(w, "</ListVersionsResult>")
	}))
	t.Cleanup(server.Close)
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials:      credentials.NewStaticCredentialsProvider("a", "b", ""),
		RetryMaxAttempts: 1, HTTPClient: server.Client(),
	})
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(strings.ReplaceAll(s, " ", "+")))
	return b.String()
}

func set(follow replicaset.Follow) replicaset.Config {
	return replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Follow: follow}
}

// All pages of exactly the key are read, and no more than asked for; each version's
// metadata only where they can say something.
func TestRunReadsAllPages(t *testing.T) {
	for _, tt := range []struct {
		follow          bool
		most            int
		versions, heads int
		more            bool
	}{
		{false, 0, 5, 0, false}, {true, 0, 5, 5, false}, {false, 3, 3, 0, true}, {true, 4, 4, 4, true}, {false, 5, 5, 0, false},
	} {
		var heads atomic.Int64
		o := Options{Config: set(replicaset.Follow{Overwrites: tt.follow}), Account: account, Key: "a b", MaxVersions: tt.most,
			S3: map[string]S3{
				"us-east-1": bucketOf(t, 0, "a b", new(atomic.Int64)), "eu-west-1": bucketOf(t, 5, "a b", &heads),
			}}
		f, err := Run(t.Context(), o)
		if err != nil || f.Err() != nil {
			t.Fatal(err, f.Err())
		}
		if r := f.Regions[0]; len(r.Stack) != 0 || r.More {
			t.Errorf("%+v: a key that begins like it counts: %+v", tt, r)
		}
		r := f.Regions[1]
		if len(r.Stack) != tt.versions || r.More != tt.more || int(heads.Load()) != tt.heads {
			t.Errorf("%+v: %d versions, more %t, %d HEADs", tt, len(r.Stack), r.More, heads.Load())
		}
		if tt.follow {
			if v := r.Stack[0]; !v.Read || !v.Replica || v.Write.Region != "us-east-1" {
				t.Errorf("the newest is not read as a replica: %+v", v)
			}
		}
	}
}

// A Region that cannot be asked is unknown, and the others are told.
func TestRunTellsTheOthers(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	down := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(closed.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1,
	})
	f, err := Run(t.Context(), Options{Config: set(replicaset.Follow{}), Account: account, Key: "k", S3: map[string]S3{
		"us-east-1": down, "eu-west-1": bucketOf(t, 1, "k", new(atomic.Int64)),
	}})
	if err != nil || f.Regions[0].Err == nil || f.Regions[1].Err != nil || len(Line(f)) != 1 {
		t.Errorf("%v: %+v", err, f)
	}
	if err := f.Err(); err == nil || !strings.HasPrefix(err.Error(), "region us-east-1: ") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{
		Config: set(replicaset.Follow{}), Account: account, Key: "k", S3: map[string]S3{"us-east-1": down, "eu-west-1": down},
	}); err == nil {
		t.Error("no error of a context that has ended")
	}
}
