package follow

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
)

// suspend is what nobody may do to a bucket of the set.
func (w *world) suspend(region string) {
	w.Helper()
	_, err := w.user(region).PutBucketVersioning(w.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(bucketIn(region)),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.follower.versioned = w.follower.versioned.Add(-versioningHolds)
}

// TestBadInput has a row of cmd/s3fanout/testdata/bad-input.txt each.
func TestBadInput(t *testing.T) {
	entry := func(in *s3.PutObjectInput, e policy.Entry) {
		in.Metadata = map[string]string{policy.EntryName: e.String()}
	}
	now := func(w *world) int64 { return w.clock().Unix() }
	for _, tt := range []struct {
		id string
		do func(w *world)
	}{
		{"fo-01", func(w *world) { // the target's versioning is suspended
			w.put(here, "k", "x")
			w.put(there, "old", "theirs")
			w.suspend(there)
			w.refused(request("k"), copier.Permanent,
				"versioning is suspended; follow mode would destroy what it replaces: enable versioning")
			w.later()
			w.put(here, "old", "x")
			w.remove(here, "old", "")
			w.refused(deletion("old"), copier.Permanent, "versioning is suspended")
			if w.look(there, "k") != nil || w.body(there, "old") != "theirs" {
				w.Error("the target was written to")
			}
		}},
		{"fo-02", func(w *world) { // the source's is
			w.suspend(here)
			w.put(here, "k", "x")
			w.follow(request("k"), copier.Copied)
			w.later()
			w.put(here, "k", "y")
			w.follow(request("k"), copier.Replaced)
			if got := w.write(there, "k").VersionID; got != "null" {
				w.Errorf("version %s, want null", got)
			}
		}},
		{"fo-03", func(w *world) { // a source without versions
			w.put(here, "k", "x")
			w.before = func(op string, r *http.Request) *http.Response {
				if op != "HEAD "+here {
					return nil
				}
				a := answer(r, http.StatusOK, "")
				a.Header.Set("ETag", `"e"`)
				a.Header.Set("Content-Length", "1")
				return a
			}
			w.refused(request("k"), copier.Permanent, "versioning was never enabled")
		}},
		{"fo-04", func(w *world) { // no room for the entry
			w.put(here, "k", "x", func(in *s3.PutObjectInput) {
				in.Metadata = map[string]string{"full": strings.Repeat("f", 2<<10-len("full"))}
			})
			w.refused(request("k"), copier.Permanent, "no room for the entry s3fanout-origin")
			w.put(here, "large", large("l"), func(in *s3.PutObjectInput) {
				in.Metadata = map[string]string{"full": strings.Repeat("f", 2<<10-len("full"))}
			})
			w.refused(request("large"), copier.Permanent, "no room for the entry s3fanout-origin")
			w.noUploads()
		}},
		{"fo-05", func(w *world) { // an entry of the far future is a user's own metadata
			w.put(here, "k", "x", func(in *s3.PutObjectInput) {
				entry(in, policy.EntryFor(policy.Write{Region: third, VersionID: "v", Seconds: now(w) + 1e9}, "k", now(w), 0))
			})
			w.follow(request("k"), copier.Copied)
			if got := w.write(there, "k"); got.Region != here || got.Seconds > now(w) {
				w.Errorf("the replica is of %+v", got)
			}
			w.later()
			w.put(there, "k", "theirs")
			w.follow(request("k"), copier.Superseded)
		}},
		{"fo-06", func(w *world) { // one of a foreign Region
			w.put(here, "k", "x", func(in *s3.PutObjectInput) {
				entry(in, policy.EntryFor(policy.Write{Region: "xx-nowhere-1", VersionID: "v", Seconds: now(w)}, "k", now(w), 0))
			})
			w.follow(request("k"), copier.Superseded)
		}},
		{"fo-07", func(w *world) { // one of another key
			w.put(here, "k", "x", func(in *s3.PutObjectInput) {
				entry(in, policy.EntryFor(policy.Write{Region: there, VersionID: "v", Seconds: now(w)}, "another", now(w), 0))
			})
			w.follow(request("k"), copier.Copied)
			if got := w.write(there, "k"); got.Region != here {
				w.Errorf("the replica is of %+v", got)
			}
		}},
		{"fo-08", func(w *world) { // more versions than a list shows
			for i := range 1_001 {
				w.put(here, "k", fmt.Sprint(i))
			}
			w.follow(request("k"), copier.Copied)
			w.remove(here, "k", "")
			w.follow(deletion("k"), copier.Deleted)
			w.want("HEAD target", "HEAD source", "COPY target", "HEAD target", "HEAD source", "LIST source", "DELETE target")
			w.later()
			w.put(there, "k", "theirs")
			w.follow(deletion("k"), copier.Superseded)
			w.want("HEAD target", "HEAD source", "LIST source", "LIST source")
		}},
		{"fo-09", func(w *world) { // noncurrent versions are removed after a day
			version := w.put(here, "k", "x")
			w.follow(request("k"), copier.Copied)
			w.remove(here, "k", "")
			w.remove(here, "k", version)
			w.follow(deletion("k"), copier.Deleted)
			w.put(there, "own", "theirs")
			w.later()
			version = w.put(here, "own", "x")
			w.remove(here, "own", "")
			w.remove(here, "own", version)
			w.follow(deletion("own"), copier.Superseded)
			if got := w.body(there, "own"); got != "theirs" {
				w.Errorf("the target has %q", got)
			}
		}},
		{"fo-10", func(w *world) { // an archived source
			w.put(here, "k", "x", func(in *s3.PutObjectInput) { in.StorageClass = types.StorageClassGlacier })
			w.refused(request("k"), copier.Permanent, "the source is archived (GLACIER), restore it first")
			w.replica(there, "k", "x", w.write(here, "k"))
			w.remove(here, "k", "")
			w.follow(deletion("k"), copier.Deleted)
		}},
		{"fo-11", func(w *world) { // metadata that requests cannot carry
			w.put(here, "k", "x")
			w.before = func(op string, r *http.Request) *http.Response {
				if op != "HEAD "+here {
					return nil
				}
				a := answer(r, http.StatusOK, "")
				a.Header.Set("X-Amz-Version-Id", "v")
				a.Header.Set("ETag", `"e"`)
				a.Header.Set("X-Amz-Missing-Meta", "1")
				a.Header.Set("Last-Modified", a.Header.Get("Date"))
				return a
			}
			w.refused(request("k"), copier.Permanent, "user metadata that HTTP headers cannot hold")
		}},
		{"fo-12", func(w *world) { // answers that do not say when
			w.before = func(_ string, r *http.Request) *http.Response {
				a := answer(r, http.StatusNotFound, "")
				a.Header.Del("Date")
				return a
			}
			w.refused(request("k"), copier.Permanent, "has no Date")
		}},
		{"fo-13", func(w *world) { // the source's bucket is gone
			r := request("k")
			r.Source.Bucket = "set-nowhere"
			w.refused(r, copier.Permanent, "NoSuchBucket")
		}},
		{"fo-14", func(w *world) { // clocks apart
			w.put(here, "k", "x")
			w.ahead[there] = -10 * 60e9
			w.refused(request("k"), copier.Retryable, "the clock of S3 in us-east-1 is ahead of that in eu-west-1")
		}},
	} {
		t.Run(tt.id, func(t *testing.T) { tt.do(newWorld(t)) })
	}
}
