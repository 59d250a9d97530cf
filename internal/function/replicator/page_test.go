package replicator

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/replicaset"
)

// What the function's own errors say is a reason that redrive has advice for.
func TestOwnErrorsAreAdvised(t *testing.T) {
	const redeploy, resume = deadletter.NextDeploy, "redrive within 7 days"
	for said, want := range map[error]string{errSource: redeploy, errHandover: resume} {
		if got := deadletter.Next(said.Error()); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}

// The page for operators names every key of a record's log line and no other,
// every metric and dimension of it.
func TestOperationsPageTellsWhatTheFunctionLogs(t *testing.T) {
	text, err := os.ReadFile("../../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	names := func(from, to string) []string {
		_, section, ok := strings.Cut(page, from)
		section, _, end := strings.Cut(section, to)
		if !ok || !end {
			t.Fatalf("the page has no %q … %q", from, to)
		}
		var listed []string
		for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(section, -1) {
			listed = append(listed, m[1])
		}
		return listed
	}
	listed := append(names("with the keys ", ". The outcome "), names("missing data is not a fault:", "The dimensions are")...)
	listed = append(listed, names("The dimensions are", ".")...)
	slices.Sort(listed)
	listed = slices.Compact(listed)

	f := &fakeCopier{
		err:     map[string]error{"failing": errors.New("no")},
		uploads: map[string]copier.Upload{"large": openUpload("upload-1")},
		outcome: map[string]copier.Outcome{"there": copier.Exists, "other": copier.Diverged, "gone": copier.SourceGone},
	}
	h, out := newTestHandler(f)
	h.Config.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
	if _, err := h.with(&fakeSelf{}).Invoke(
		ctx,
		eventtest.Payload(
			eventtest.Message(
				eventtest.Upload("small"), eventtest.Upload("failing"), eventtest.Upload("large"), eventtest.Upload("there"),
				eventtest.Upload("other"), eventtest.Upload("gone"), eventtest.Upload("tmp/a"),
				eventtest.Record("made-up-1", "stranger", "k", ""),
			),
		),
	); err == nil {
		t.Fatal("got no error of the failing one")
	}
	if _, err := h.Invoke(ctx, batchOf("", task("t", "media-us", "small"))); err != nil {
		t.Fatal(err)
	}
	late := strings.Replace(eventtest.Upload("late"), "2026-11-20T", "2026-11-19T", 1)
	if _, err := h.Invoke(ctx, eventtest.Payload(eventtest.Message(late))); err != nil {
		t.Fatal(err)
	}
	h.following(fakeFollower{
		"replaced": {Outcome: copier.Replaced, Waited: 500 * time.Millisecond}, "superseded": {Outcome: copier.Superseded},
		"deleted": {Outcome: copier.Deleted}, "retagged": {Outcome: copier.Retagged},
	})
	if _, err := h.Invoke(
		ctx,
		eventtest.Payload(
			eventtest.Message(
				eventtest.Upload("replaced"), eventtest.Upload("superseded"), eventtest.Upload("deleted"), eventtest.Upload("retagged"),
			),
		),
	); err != nil {
		t.Fatal(err)
	}
	logged := map[string]bool{}
	for _, line := range lines(t, out) {
		for key := range line {
			logged[key] = true
		}
	}
	for _, own := range []string{"timestamp", "level", "msg", "_aws"} { // slog's, and the metrics' envelope
		delete(logged, own)
	}
	if got := slices.Sorted(maps.Keys(logged)); !slices.Equal(got, listed) {
		t.Errorf("the function logs\n%v, the page lists\n%v", got, listed)
	}
}
