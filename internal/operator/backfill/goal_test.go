package backfill

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
)

// What was deleted at a target on purpose does not come back, whether a page of
// versions tells or a HEAD, and also what is copied in parts; it is counted, in a
// dry run too. Who wants it back says so.
func TestWhatWasDeletedStaysDeleted(t *testing.T) {
	for _, c := range []struct {
		name         string
		keys         int // that b lacks; every fourth was deleted there
		large        bool
		denied       bool // versions may not be listed
		pages, heads int  // that b is asked for
		dryHeads     int
	}{
		{"few", 4, false, false, 0, 4, 4},
		{"many", 400, false, false, 2, 0, 0},
		{"many, and versions may not be listed", 20, false, true, 1, 20, 20},
		{"large", 4, true, false, 0, 4, 4},
		{"many large", 40, true, false, 0, 40, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, mode := range []string{"dry run", "run", "restore"} {
				w := newWorld("a", "b")
				w.fill(c.keys)
				for i := range c.keys {
					if i%4 == 0 {
						w.remove("b", fmt.Sprintf("key-%05d", i))
					}
				}
				w.onVersions = func(string) error {
					if c.denied {
						return answer(403, "AccessDenied")
					}
					return nil
				}
				report := w.fillIn(t, func(o *Options) {
					o.To = []string{"b"}
					o.DryRun, o.RestoreDeleted = mode == "dry run", mode == "restore"
					if c.large {
						o.Threshold = 1
					}
				}, Observer{})
				b, gone := report.Targets[0], c.keys/4
				want := Target{Region: "b", Missing: c.keys, MissingBytes: int64(100 * (c.keys - gone)), Deleted: gone}
				heads := c.heads
				switch mode {
				case "dry run":
					heads = c.dryHeads
				case "restore":
					want.Deleted, want.MissingBytes, want.Copied = 0, int64(100*c.keys), c.keys
					heads = 0
				default:
					want.Copied = c.keys - gone
					if c.heads > 0 { // found when they are copied, and not before
						want.MissingBytes = int64(100 * c.keys)
					}
				}
				want.Bytes, want.Requests = int64(100*want.Copied), b.Requests
				if b != want || b.Requests.Copy != want.Copied {
					t.Errorf("%s: got %+v, want %+v", mode, b, want)
				}
				if w.heads["b"] != heads {
					t.Errorf("%s: %d HEADs of the target, want %d", mode, w.heads["b"], heads)
				}
				if mode == "run" && w.versions["b"] != c.pages {
					t.Errorf("%d pages of the target's versions, want %d", w.versions["b"], c.pages)
				}
				if copied := len(w.keys("b")); copied != want.Copied {
					t.Errorf("%s: the target has %d keys, want %d", mode, copied, want.Copied)
				}
				if mode != "dry run" && report.Left() != 0 {
					t.Errorf("%s: %d left", mode, report.Left())
				}
			}
		})
	}
}

// A try that fails does not ask the target again.
func TestATargetIsAskedOnceAboutAKey(t *testing.T) {
	w := newWorld("a", "b")
	w.fill(1)
	n := 0
	w.onCopy = func(context.Context, string, copier.Object) error {
		if n++; n < 2 {
			return failed(copier.Retryable, 500, "InternalError")
		}
		return nil
	}
	report := w.fillIn(t, func(o *Options) { o.Random = func() float64 { return 0 } }, Observer{})
	if b := report.Targets[1]; b.Copied != 1 || b.Requests.Head != 1 || w.heads["b"] != 1 {
		t.Errorf("%+v with %d HEADs", b, w.heads["b"])
	}
}

// What came to a target by itself costs no copy, and is told by its contents.
func TestWhatIsThereAlready(t *testing.T) {
	for _, c := range []struct {
		size   int64
		exists bool
	}{{100, true}, {101, false}} {
		w := newWorld("a", "b")
		w.fill(1)
		o := w.options(func(o *Options) { o.To = []string{"b"} })
		o.Members[1].S3 = late{memberS3{w, "b"}, func() { w.put("b", "key-00000", c.size, 1) }}
		report, err := Run(t.Context(), o, Observer{})
		if err != nil {
			t.Fatal(err)
		}
		if b := report.Targets[0]; (b.Exists == 1) != c.exists || (b.Diverged == 1) == c.exists || b.Requests.Copy != 0 || b.Left() != 0 {
			t.Errorf("%+v", b)
		}
	}
}

// A large object that a function is copying to the target is left to it: another
// copy would move all its bytes again for nothing.
func TestWhatIsBeingCopiedIsLeftToWhoCopiesIt(t *testing.T) {
	const ours, anns = "arn:aws:sts::111122223333:assumed-role/role-b/replicator", "arn:aws:iam::111122223333:user/ann"
	for _, c := range []struct {
		name      string
		initiator string
		large     bool
		denied    bool
		copying   bool
		asked     int
	}{
		{"by the function", ours, true, false, true, 1},
		{"by somebody else", anns, true, false, false, 1},
		{"a small one", ours, false, false, false, 0},
		{"and nobody may know", ours, true, true, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, restore := range []bool{false, true} {
				w := newWorld("a", "b")
				w.fill(2)
				w.uploads["b/key-00000"] = types.MultipartUpload{
					Initiated: aws.Time(time.Now()), Initiator: &types.Initiator{ID: aws.String(c.initiator)},
				}
				w.onUploads = func(string) error {
					if c.denied {
						return answer(403, "AccessDenied")
					}
					return nil
				}
				report := w.fillIn(t, func(o *Options) {
					o.To, o.Concurrency, o.RestoreDeleted = []string{"b"}, 1, restore
					if c.large {
						o.Threshold = 1
					}
				}, Observer{})
				b := report.Targets[0]
				copying := b.Copying == 1
				if copying != c.copying || b.Copied+b.Copying != 2 || report.Left() != 0 || report.Copying() != b.Copying {
					t.Errorf("%+v", b)
				}
				least := c.asked
				if c.large && !c.denied {
					least = 2 // for both keys
				}
				if w.asked < least || w.asked > 2 || c.asked == 0 && w.asked > 0 {
					t.Errorf("asked %d times", w.asked)
				}
				if (report.Unanswered != nil) != c.denied {
					t.Errorf("could not ask: %v", report.Unanswered)
				}
			}
		})
	}
}

// late is a target that an object comes to after it was listed.
type late struct {
	memberS3
	come func()
}

func (l late) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out, err := l.memberS3.ListObjectsV2(ctx, in, o...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.come()
	return out, err
}

// Ten copies in a row that find nobody end a run; those that others come between
// do not, whether these succeed or fail.
func TestFailuresInARowAreInARow(t *testing.T) {
	gone := &copier.Error{Op: "copy", Class: copier.Retryable, Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}
	for _, c := range []struct {
		name    string
		between error
	}{{"a success", nil}, {"another failure", failed(copier.Permanent, 400, "InvalidRequest")}} {
		var d Breaker
		for round := range 5 {
			for range opensAfter - 1 {
				if err := d.After(gone); err != nil {
					t.Fatalf("%s: stopped in round %d: %v", c.name, round, err)
				}
			}
			if err := d.After(c.between); err != nil {
				t.Fatal(err)
			}
		}
		for n := range opensAfter {
			err := d.After(gone)
			if stopped := err != nil; stopped != (n == opensAfter-1) {
				t.Errorf("%s: after %d in a row: %v", c.name, n+1, err)
			}
			if err != nil && !strings.Contains(err.Error(), "10 copies in a row got no answer") {
				t.Error(err)
			}
		}
	}
}
