package explain

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/proof/buckets"
)

// paged is S3 that answers with two versions at most.
type paged struct{ S3 }

func (p paged) ListObjectVersions(
	ctx context.Context, in *s3.ListObjectVersionsInput, opts ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	short := *in
	short.MaxKeys = aws.Int32(2)
	return p.S3.ListObjectVersions(ctx, &short, opts...)
}

// What more delete markers hide than fit on a page, or than versions are read of, is
// what was deleted, and not nothing.
func TestStackBeneathManyMarkers(t *testing.T) {
	w := buckets.New(t, storyA)
	version := w.Put(storyA, "k", "one")
	for range MaxVersions + 2 {
		w.Remove(storyA, "k")
	}
	b, err := bucket{region: storyA, name: buckets.Name(storyA), key: "k", client: paged{w.Clients[storyA]}}.stack(t.Context())
	register, ok := b.Register()
	if err != nil || !ok || !register.Deleted || register.Write.Write.VersionID != version {
		t.Errorf("got %+v, %t, %v: %d of the stack", register, ok, err, len(b.Stack))
	}
}

// Where deletions do not travel, a Region that has deleted the key has lost no event.
func TestVerdictOnDeletionsThatDoNotTravel(t *testing.T) {
	w := buckets.New(t, storyA, storyB)
	w.Put(storyA, "k", "one")
	w.Replicate(storyA, storyB, "k")
	w.Pass(2 * time.Second)
	w.Remove(storyB, "k")
	f := factsOf(t, w, "k")
	f.Followed.Deletions = false
	f.Now = f.Now.Add(time.Hour)
	v, states := Judge(f), States(f)
	if v.Code != CodeDeleted || states[0] != Present || states[1] != Deleted || len(v.Steps) != 1 ||
		!strings.HasPrefix(v.Steps[0].Command, "s3fanout undelete --since ") ||
		!strings.Contains(v.Text, "; us-east-1 shows it; it was deleted in eu-west-1 at ") ||
		!strings.HasSuffix(v.Text, ", and deletions are not replicated") {
		t.Errorf("got %s, %+v", states, v)
	}
	w.Remove(storyA, "k")
	f = factsOf(t, w, "k")
	f.Followed.Deletions = false
	if v := Judge(f); v.Code != CodeNowhere || len(v.Steps) != 1 ||
		!strings.HasPrefix(v.Text, "no Region has it any more; it was deleted in us-east-1 at ") {
		t.Errorf("deleted everywhere: got %+v", v)
	}
	// A later write that was deleted where it was made does not make the others stale.
	w.Pass(2 * time.Second)
	w.Put(storyA, "k", "two")
	w.Remove(storyA, "k")
	f = factsOf(t, w, "k")
	f.Followed.Deletions = false
	if v := Judge(f); v.Code != CodeNowhere || len(v.Steps) != 1 {
		t.Errorf("two deleted writes: got %+v", v)
	}
}

// What was deleted again while it was deleted is dated by the first marker, so that the
// command that is shown brings it back.
func TestUndeleteOfWhatWasDeletedTwice(t *testing.T) {
	for _, tt := range []struct {
		name    string
		follows bool
		from    []string // is deleted twice there
		code    Code
	}{
		{"in one Region", true, []string{storyB}, CodeDeleted},
		{"in both", true, []string{storyA, storyB}, CodeNowhere},
		{"in both, where the first write wins", false, []string{storyA, storyB}, CodeNowhere},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := buckets.New(t, storyA, storyB)
			w.Put(storyA, "k", "one")
			w.Replicate(storyA, storyB, "k")
			w.Pass(time.Minute)
			first := w.Now()
			for range 2 {
				for _, region := range tt.from {
					w.Remove(region, "k")
				}
				w.Pass(time.Minute)
			}
			f := factsOf(t, w, "k")
			if f.Followed.Deletions = false; !tt.follows {
				f.Followed = nil
			}
			v := Judge(f)
			want := undeleteKey("k", first.UTC())
			if v.Code != tt.code || len(v.Steps) != 1 || v.Steps[0].Command != want ||
				!strings.Contains(v.Text, "it was deleted in "+tt.from[0]+" "+at(first)) {
				t.Fatalf("got %+v, want %q", v, want)
			}
			o := undelete.Options{
				Span: undelete.Span{Since: sinceOf(t, v), Until: w.Now()}, Keys: []string{"k"},
				Follows: func(string) bool { return tt.follows }, DryRun: true,
			}
			for _, region := range w.Regions {
				o.Members = append(o.Members, undelete.Member{Region: region, Bucket: buckets.Name(region), S3: w.Clients[region]})
			}
			report, err := undelete.Run(t.Context(), o, undelete.Observer{})
			if err != nil || report.Sum().Objects != 1 || report.Earlier != 0 {
				t.Errorf("the command brings %d back, and %d were deleted earlier: %v", report.Sum().Objects, report.Earlier, err)
			}
		})
	}
}

// sinceOf is the time from which on the verdict's only command brings back.
func sinceOf(t *testing.T, v Verdict) time.Time {
	t.Helper()
	since, err := time.Parse(time.RFC3339, strings.Fields(v.Steps[0].Command)[3])
	if err != nil {
		t.Fatal(err)
	}
	return since
}

// Of objects from before follow mode the oldest is the one that was uploaded.
func TestStoryOfObjectsFromBefore(t *testing.T) {
	w := buckets.New(t, storyA, storyB)
	first := w.Put(storyB, "k", "one")
	w.Pass(time.Minute)
	w.Put(storyA, "k", "one")
	w.Tag(storyB, "k", "colour", "blue")
	f := factsOf(t, w, "k")
	f.Followed.Orders.Since = w.Now().Add(time.Minute).Unix()
	writes := Writes(f)
	if len(writes) != 1 || writes[0].Region != storyB || writes[0].VersionID != first || len(writes[0].Shown) != 2 {
		t.Errorf("got %+v", writes)
	}
	if v := Judge(f); v.Code != CodeTags || !strings.Contains(v.Text, "its tags are not those of eu-west-1, where it was written") {
		t.Errorf("got %+v", v)
	}
}

// Nothing tells which of two writes of one second came later, once one is destroyed.
func TestStoryOfADestroyedTwin(t *testing.T) {
	w := buckets.New(t, storyA, storyB)
	version := w.Put(storyA, "k", "one")
	w.Replicate(storyA, storyB, "k")
	w.Put(storyA, "k", "two")
	w.Remove(storyA, "k", version)
	writes := Writes(factsOf(t, w, "k"))
	if len(writes) != 2 || !writes[1].Destroyed || !strings.Contains(writes[1].Why, "destroyed in us-east-1") {
		t.Errorf("got %+v", writes)
	}
}

// Tags that could not be read are not said to be the same.
func TestTagsThatAreNotKnown(t *testing.T) {
	w := buckets.New(t, storyA, storyB)
	w.Put(storyA, "k", "one")
	w.Replicate(storyA, storyB, "k")
	f := factsOf(t, w, "k")
	f.Regions[1].Object.Tags = nil
	if v := Judge(f); v.Code != CodeEverywhere || !strings.Contains(v.Text, "whether its tags are the same is not known") {
		t.Errorf("got %+v", v)
	}
}
