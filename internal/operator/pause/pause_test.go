package pause

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"s3fanout/internal/replicaset"
)

// fake is a function in Lambda. It fails instead of its n-th change.
type fake struct {
	reserved *int32
	tags     map[string]string
	changes  int
	failAt   int
	full     bool // others have reserved everything
}

var errKilled = errors.New("killed")

func (f *fake) change() error {
	f.changes++
	if f.changes == f.failAt {
		return errKilled
	}
	return nil
}

func (f *fake) GetFunctionConcurrency(
	context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options),
) (*lambda.GetFunctionConcurrencyOutput, error) {
	return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: f.reserved}, nil
}

func (f *fake) PutFunctionConcurrency(
	_ context.Context, in *lambda.PutFunctionConcurrencyInput, _ ...func(*lambda.Options),
) (*lambda.PutFunctionConcurrencyOutput, error) {
	if err := f.change(); err != nil {
		return nil, err
	}
	if f.full && *in.ReservedConcurrentExecutions > 0 {
		return nil,
			&smithy.GenericAPIError{Code: "InvalidParameterValueException",
				Message: "Specified ReservedConcurrentExecutions for function " +
					"decreases account's UnreservedConcurrentExecution below its minimum value of [100]."}
	}
	f.reserved = in.ReservedConcurrentExecutions
	return &lambda.PutFunctionConcurrencyOutput{}, nil
}

func (f *fake) DeleteFunctionConcurrency(
	context.Context, *lambda.DeleteFunctionConcurrencyInput, ...func(*lambda.Options),
) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	if err := f.change(); err != nil {
		return nil, err
	}
	f.reserved = nil
	return &lambda.DeleteFunctionConcurrencyOutput{}, nil
}

func (f *fake) ListTags(context.Context, *lambda.ListTagsInput, ...func(*lambda.Options)) (*lambda.ListTagsOutput, error) {
	return &lambda.ListTagsOutput{Tags: maps.Clone(f.tags)}, nil
}

func (f *fake) TagResource(_ context.Context, in *lambda.TagResourceInput, _ ...func(*lambda.Options)) (*lambda.TagResourceOutput, error) {
	if err := f.change(); err != nil {
		return nil, err
	}
	maps.Copy(f.tags, in.Tags)
	return &lambda.TagResourceOutput{}, nil
}

func (f *fake) UntagResource(
	_ context.Context, in *lambda.UntagResourceInput, _ ...func(*lambda.Options),
) (*lambda.UntagResourceOutput, error) {
	if err := f.change(); err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(f.tags, key)
	}
	return &lambda.UntagResourceOutput{}, nil
}

func (f *fake) String() string {
	reserved := "none"
	if f.reserved != nil {
		reserved = fmt.Sprint(*f.reserved)
	}
	return fmt.Sprintf("reserved %s, tags %v", reserved, f.tags)
}

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// step looks at the function and changes it, as the commands do.
func step(t *testing.T, f *fake, configured *int, change func(State) Change) error {
	t.Helper()
	function := Function{Region: "eu-west-1", Name: "media-replicator", ARN: "arn:f", Configured: configured, Lambda: f}
	s, err := function.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return function.Apply(t.Context(), change(s))
}

func pausing(configured *int, now time.Time) func(State) Change {
	return func(s State) Change { return ToPause(s, configured, now) }
}

func resuming(configured *int) func(State) Change {
	return func(s State) Change { return ToResume(s, configured) }
}

// Whatever a function reserved comes back, whatever the deployment says meanwhile,
// although each command may be killed before any of its requests and is run again,
// and is run once more when it is done.
func TestWhatWasReservedComesBack(t *testing.T) {
	for _, before := range []*int32{nil, aws.Int32(1), aws.Int32(25)} {
		for failAt := range 6 {
			f := &fake{reserved: before, tags: map[string]string{"team": "media"}, failAt: failAt}
			began := f.String()
			until := func(change func(State) Change) {
				t.Helper()
				for range 2 { // again, after it is done
					for step(t, f, aws.Int(7), change) != nil {
					}
				}
			}
			until(pausing(aws.Int(7), noon))
			if f.reserved == nil || *f.reserved != 0 || f.tags[TagKey] == "" {
				t.Fatalf("killed at request %d: paused as %v", failAt, f)
			}
			until(resuming(aws.Int(7)))
			if f.String() != began {
				t.Errorf("killed at request %d: afterwards %v, want %v", failAt, f, began)
			}
		}
	}
}

// What a function had reserved may be given to others during the pause. Then it stays
// paused, with its memory, and the error says what to do (bad input: cm-51).
func TestResumeWhereOthersReservedMeanwhile(t *testing.T) {
	f := &fake{reserved: aws.Int32(0), tags: map[string]string{TagKey: "2026-11-29T12:00:00Z reserved=25"}, full: true}
	before := f.String()
	said := "it stays paused: leave it a reserved concurrency of 25 in the account, or have AWS raise the account's, then resume it again"
	err := step(t, f, nil, resuming(nil))
	if err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("got %v", err)
	}
	if f.String() != before {
		t.Errorf("afterwards %v, want %s", f, before)
	}
	f.full = false
	if err := step(t, f, nil, resuming(nil)); err != nil || f.String() != "reserved 25, tags map[]" {
		t.Errorf("afterwards %v, %v", f, err)
	}
}

// A second pause does not forget since when, and what there was.
func TestPausedTwice(t *testing.T) {
	f := &fake{reserved: aws.Int32(25), tags: map[string]string{}}
	for i := range 2 {
		if err := step(t, f, nil, pausing(nil, noon.Add(time.Duration(i)*time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	if want := "2026-11-29T12:00:00Z reserved=25"; f.tags[TagKey] != want || f.changes != 2 {
		t.Errorf("tag %q after %d changes, want %q after 2", f.tags[TagKey], f.changes, want)
	}
}

// Who stopped a function by hand left nothing to remember: it goes on with what the
// deployment gives it.
func TestStoppedByHand(t *testing.T) {
	for _, tag := range []string{"", "2026-11-29T12:00:00Z reserved=0", "later"} {
		f := &fake{reserved: aws.Int32(0), tags: map[string]string{}}
		if tag != "" {
			f.tags[TagKey] = tag
		}
		if err := step(t, f, aws.Int(7), resuming(aws.Int(7))); err != nil {
			t.Fatal(err)
		}
		if got := f.String(); got != "reserved 7, tags map[]" {
			t.Errorf("tag %q: resumed as %s", tag, got)
		}
	}
	f := &fake{reserved: aws.Int32(0), tags: map[string]string{}}
	if err := step(t, f, nil, pausing(nil, noon)); err != nil {
		t.Fatal(err)
	}
	if got := f.String(); got != "reserved 0, tags map[s3fanout:paused:2026-11-29T12:00:00Z reserved=none]" {
		t.Errorf("taken over as %s", got)
	}
}

// A deployment that gave the function its concurrency has ended the pause: its tag
// alone is left.
func TestResumeAfterADeployment(t *testing.T) {
	f := &fake{reserved: aws.Int32(9), tags: map[string]string{TagKey: "2026-11-29T12:00:00Z reserved=25"}}
	if err := step(t, f, aws.Int(9), resuming(aws.Int(9))); err != nil || f.String() != "reserved 9, tags map[]" {
		t.Errorf("%v, %v", f, err)
	}
}

func TestMemoryIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Memory{Since: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "since"), 0).UTC()}
		if rapid.Bool().Draw(t, "reserved") {
			m.Reserved = aws.Int(rapid.IntRange(1, 100000).Draw(t, "n"))
		}
		got, err := ParseMemory(m.String())
		if err != nil || got.String() != m.String() || !got.Since.Equal(m.Since) {
			t.Fatalf("%q is read as %q, %v", m, got, err)
		}
	})
	for _, bad := range []string{
		"", "reserved=none", "2026-11-29T12:00:00Z", "2026-11-29T12:00:00Z reserved=", "2026-11-29T12:00:00Z reserved=-1",
		"noon reserved=1",
	} {
		if m, err := ParseMemory(bad); err == nil {
			t.Errorf("%q is read as %v", bad, m)
		}
	}
}

// What writes into a bucket is paused: also the function that repairs on a schedule,
// and not one that only compares. That one is resumed all the same, as it may have
// been paused before a deployment took its repairs away, which leaves it stopped.
func TestFunctionsOfARegion(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, ReservedConcurrency: 25}
	alone, both := []string{"media-replicator"}, []string{"media-replicator", "media-reconcile"}
	for _, c := range []struct {
		reconcile       *replicaset.Reconcile
		paused, resumed []string
	}{
		{nil, alone, alone},
		{&replicaset.Reconcile{}, alone, both},
		{&replicaset.Reconcile{KeyRanges: 40}, alone, both},
		{&replicaset.Reconcile{Copy: true}, both, both},
		{&replicaset.Reconcile{Copy: true, KeyRanges: 40}, both, both},
	} {
		set.Reconcile = c.reconcile
		for what, functions := range map[string]struct {
			got  map[string][]Function
			want []string
		}{
			"paused":  {ToBePaused(aws.Config{}, set, "111122223333", []string{"eu-west-1"}), c.paused},
			"resumed": {ToBeResumed(aws.Config{}, set, "111122223333", []string{"eu-west-1"}), c.resumed},
		} {
			var names []string
			list := functions.got["eu-west-1"]
			for _, f := range list {
				names = append(names, f.Name)
				if f.ARN != "arn:aws:lambda:eu-west-1:111122223333:function:"+f.Name {
					t.Errorf("%s has the ARN %s", f.Name, f.ARN)
				}
			}
			if !slices.Equal(names, functions.want) || *list[0].Configured != 25 {
				t.Errorf("%+v: %s are %q, want %q", c.reconcile, what, names, functions.want)
			}
			if len(list) > 1 && *list[1].Configured != c.reconcile.AtOnce() {
				t.Errorf("%+v: it goes on with %d at once, want %d", c.reconcile, *list[1].Configured, c.reconcile.AtOnce())
			}
		}
	}
}
