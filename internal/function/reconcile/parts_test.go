package reconcile_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/copier"
	"s3fanout/internal/copier/copiertest"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/proof/buckets"
	"s3fanout/internal/replicaset"
)

// tickEvery is the schedule's.
const tickEvery = 15 * time.Minute

const (
	replicator = "arn:aws:iam::123456789012:role/media-replicator"
	sessions   = "arn:aws:sts::123456789012:assumed-role/media-replicator/"
)

// inParts has objects of more than four bytes be copied in parts.
func (w *world) inParts() {
	w.config.MultipartThreshold, w.config.Role = 4, replicator
}

// copier is that of the function, with a client.
func (w *world) copier(client *s3.Client) *copier.Copier {
	options := []copier.Option{copier.WithLogger(w.quiet()), copiertest.WithRandom(func() float64 { return 0 })} // no back-off
	if w.config.MultipartThreshold > 0 {
		options = append(options, copier.WithMultipart(w.config.MultipartThreshold, 1), copier.WithRole(replicator))
	}
	return copier.New(writer{client}, copier.Target{Region: here, Bucket: buckets.Name(here)}, options...)
}

// reader is a client for reading.
func (w *world) reader(client *s3.Client) reconcile.S3 {
	if w.config.Role == "" {
		return client
	}
	return begun{client, sessions + cmp.Or(w.session, "media-replicator-reconcile")}
}

// begun are buckets whose unfinished uploads a session of the replicator's role has
// begun: the test's client is nobody's role.
type begun struct {
	reconcile.S3
	by string
}

func (b begun) ListMultipartUploads(
	ctx context.Context, in *s3.ListMultipartUploadsInput, o ...func(*s3.Options),
) (*s3.ListMultipartUploadsOutput, error) {
	out, err := b.S3.ListMultipartUploads(ctx, in, o...)
	if err == nil {
		for i := range out.Uploads {
			out.Uploads[i].Initiator = &types.Initiator{ID: aws.String(b.by)}
		}
	}
	return out, err
}

// writer has begun what it writes as the replicator's role.
type writer struct{ *s3.Client }

func (c writer) ListParts(ctx context.Context, in *s3.ListPartsInput, o ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	out, err := c.Client.ListParts(ctx, in, o...)
	if err == nil {
		out.Initiator = &types.Initiator{ID: aws.String(replicator)}
	}
	return out, err
}

// begin begins an upload to the function's own bucket, on which nobody works.
func (w *world) begin(key string) (uploadID string) {
	w.t.Helper()
	out, err := w.Clients[here].CreateMultipartUpload(w.t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(buckets.Name(here)), Key: &key,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.UploadId
}

// open are the keys of unfinished uploads to the function's own bucket.
func (w *world) open() (keys []string) {
	w.t.Helper()
	out, err := w.Clients[here].ListMultipartUploads(w.t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(buckets.Name(here))})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range out.Uploads {
		keys = append(keys, *u.Key)
	}
	return keys
}

// A large copy whose process died looks for a while as if somebody were at work. It is
// no proof that it was seen so: the next tick looks again, and copies.
func TestALargeCopyThatDiedIsNotSkipped(t *testing.T) {
	for name, follow := range follows {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, follow)
			w.inParts()
			w.Put(there, "a", "a")
			w.Put(there, "large", "in parts")
			w.Put(there, "z", "z")
			w.begin("large")
			if a := w.tick(); a.Status != reconcile.Paused || a.Repaired == 0 || a.Young > 0 {
				t.Errorf("got %+v", a)
			}
			if s := w.checkpoints.state(t); !s.Proof.IsZero() || s.After != "a" || s.Lease != nil {
				t.Errorf("the checkpoint is %+v", s)
			}
			w.Pass(uploads.IdleTime)
			w.wantCounts(w.tick(), reconcile.Counts{Compared: 3, Missing: 3, Repaired: 3})
			w.shows("large", "in parts", "in parts", "-")
			if s := w.checkpoints.state(t); s.Waits != 0 {
				t.Errorf("the checkpoint is %+v", s)
			}
			if open := w.open(); open != nil {
				t.Errorf("parts of the copy that died stay: uploads of %q are open", open)
			}
		})
	}
}

// What somebody else uploads is not given up, however long it takes.
func TestWhatOthersUploadIsNotGivenUp(t *testing.T) {
	w := newWorld(t, nil)
	w.inParts()
	w.config.Role = strings.Replace(replicator, "media", "other", 1)
	w.Put(there, "large", "in parts")
	w.begin("large")
	w.Pass(uploads.IdleTime)
	w.wantCounts(w.tick(), reconcile.Counts{Compared: 1, Missing: 1, Repaired: 1})
	if open := w.open(); len(open) != 1 {
		t.Errorf("uploads of %q are open", open)
	}
}

// A copy that is begun anew leaves nothing of the one that was to be gone on with.
func TestAReplacedPausedCopyIsGivenUp(t *testing.T) {
	w := newWorld(t, nil)
	w.inParts()
	w.Put(there, "large", "in parts")
	for range 2 {
		id := w.begin("large")
		w.change = func(h *reconcile.Handler) { h.Copier = pausesAlways{h.Copier, id} }
		w.Pass(uploads.IdleTime)
		if a := w.tick(); a.Status != reconcile.Paused {
			t.Fatalf("got %+v", a)
		}
	}
	w.change = nil
	w.Put(here, "large", "in parts")
	if a := w.tick(); a.Status != reconcile.Complete {
		t.Errorf("got %+v", a)
	}
	if open := w.open(); open != nil {
		t.Errorf("uploads of %q are open", open)
	}
}

// pausesAlways has each copy go on in another invocation as an upload of its own.
type pausesAlways struct {
	reconcile.Copier
	id string
}

func (p pausesAlways) Copy(_ context.Context, r copier.Request) (copier.Result, error) {
	return copier.Result{Outcome: copier.Unfinished, Upload: &copier.Upload{Source: r.Source, UploadID: p.id, PartSize: 5}}, nil
}

// cannotCopy fails to copy.
type cannotCopy struct{ reconcile.Copier }

func (cannotCopy) Copy(context.Context, copier.Request) (copier.Result, error) {
	return copier.Result{}, errors.New("access denied")
}

// What an event waiting in Lambda's queue, a dead letter or a backfill goes on with stands
// still for longer than any invocation lives, and is not given up.
func TestWhatALetterContinuesIsNotGivenUp(t *testing.T) {
	for _, session := range []string{"media-replicator", "media-replicator-operator"} {
		t.Run(session, func(t *testing.T) {
			w := newWorld(t, nil)
			w.inParts()
			w.session = session
			version := w.Put(there, "large", "in parts")
			source, err := w.Clients[there].HeadObject(t.Context(), &s3.HeadObjectInput{
				Bucket: aws.String(buckets.Name(there)), Key: aws.String("large"),
			})
			if err != nil {
				t.Fatal(err)
			}
			u := copier.Upload{UploadID: w.begin("large"), PartSize: 5 << 20, Source: copier.Object{
				Region: there, Bucket: buckets.Name(there), Key: "large", VersionID: version, Size: *source.ContentLength,
				ETag: *source.ETag,
			}}
			w.Pass(2 * 24 * time.Hour)
			w.change = func(h *reconcile.Handler) { h.Copier = cannotCopy{h.Copier} }
			w.wantCounts(w.tick(), reconcile.Counts{Compared: 1, Missing: 1, Unrepaired: 1})
			if open := w.open(); len(open) != 1 {
				t.Fatalf("after a tick, uploads of %q are open", open)
			}
			r, err := w.copier(w.Clients[here]).Copy(t.Context(), copier.Request{Source: u.Source, Resume: &u})
			if err != nil || r.Outcome != copier.Copied {
				t.Errorf("the letter ends as %s, %v", r.Outcome, err)
			}
			w.shows("large", "in parts", "in parts", "-")
			if open := w.open(); open != nil {
				t.Errorf("uploads of %q are open", open)
			}
		})
	}
}

// A copy that was to be gone on with, and is not needed any more, leaves no parts behind.
func TestAPausedCopyThatIsNotNeededIsGivenUp(t *testing.T) {
	for name, change := range map[string]func(*world){
		"the key has come":               func(w *world) { w.Put(here, "large", "in parts") },
		"it was deleted here":            func(w *world) { w.Put(here, "large", "in parts"); w.Remove(here, "large") },
		"nobody has it any more":         func(w *world) { w.Remove(there, "large") },
		"the configuration has changed":  func(w *world) { w.config.Exclude = replicaset.Exclusions{{Prefix: "large"}} },
		"another comparison is complete": func(w *world) { w.Put(here, "large", "in parts"); w.overtake() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.inParts()
			w.Put(there, "a", "a")
			w.Put(there, "large", "in parts")
			seen := w.pausesAs("large", w.begin("large"))
			w.Pass(uploads.IdleTime)
			if a := w.tick(); a.Status != reconcile.Paused || len(*seen) != 1 {
				t.Fatalf("got %+v", a)
			}
			w.change = nil
			change(w)
			if a := w.tomorrow(); a.Status != reconcile.Complete {
				t.Errorf("got %+v", a)
			}
			if open := w.open(); open != nil {
				t.Errorf("uploads of %q are open", open)
			}
		})
	}
}

// What somebody goes on copying holds a comparison up for some ticks, and is named
// then.
func TestALargeCopyHoldsUpSomeTicksAtMost(t *testing.T) {
	w := newWorld(t, nil)
	w.inParts()
	const n = 3
	for i := range n {
		w.Put(there, fmt.Sprint("large/", i), "in parts")
	}
	w.Put(there, "z", "z")
	var a reconcile.Answer
	ticks := 0
	for a.Status = reconcile.Paused; a.Status == reconcile.Paused && ticks < 20; ticks++ {
		for i := range n {
			w.begin(fmt.Sprint("large/", i))
		}
		a = w.tick()
	}
	w.wantCounts(a, reconcile.Counts{Compared: n + 1, Missing: n + 1, Repaired: 1, Unrepaired: n})
	if ticks != 9 || w.why("large/0") == "" {
		t.Errorf("%d ticks, named because %q", ticks, w.why("large/0"))
	}
	w.wantCounts(w.tomorrow(), reconcile.Counts{Compared: n + 1, Missing: n, Repaired: n})
}
