package e2e

import (
	"strings"
	"testing"

	"s3fanout/internal/sandbox/fault"
)

func TestFunctionThatCrashesOnceIsRetried(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	w.fault(w.regions[1], fault.LambdaCrash, 1, 1)
	o := object{key: "key", body: "body"}
	w.upload(w.regions[0], o)
	w.settle()
	w.wantEverywhere(o)
	got := w.sandbox.Stats().Regions[w.regions[1]].Lambda
	if got.Invocations != 2 || got.Errors != 1 || got.Retries != 1 {
		t.Errorf("%+v, want two attempts, the first of them an error", got)
	}
	w.wantLetters(w.regions[1], 0)
}

func TestFunctionThatAlwaysFailsEndsInDeadLetterAndIsRedriven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       fault.Kind
		wantReason string
	}{
		{fault.LambdaCrash, "Runtime exited with error: signal: killed"},
		{fault.S3Unavailable, "ServiceUnavailable"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			w := start(t, threeRegions(t))
			home, broken := w.regions[0], w.regions[1]
			w.fault(broken, c.kind, 1, 0)
			o := object{key: "with spaces + ünïcode", body: "body", tags: "a=b"}
			w.upload(home, o)
			w.settle()
			stats := w.sandbox.Stats().Regions[broken].Lambda
			if stats.Invocations != 3 || stats.Errors != 3 || stats.Retries != 2 {
				t.Errorf("%+v, want three attempts that all failed", stats)
			}
			w.wantLetters(broken, 1)
			letters := w.letters(broken)
			if len(letters) != 1 || !strings.Contains(letters[0], c.wantReason) ||
				!strings.Contains(letters[0], `"condition":"RetriesExhausted"`) {
				t.Errorf("letters %q, want one that names %s", letters, c.wantReason)
			}
			w.wantIn(w.regions[2], o)

			// While the cause lasts, a redrive changes nothing and loses nothing.
			if code, out := w.redrive(); code != 3 || !strings.Contains(out, c.wantReason) {
				t.Errorf("redrive during the failure: exit %d, want 3\n%s", code, out)
			}
			w.wantLetters(broken, 1)

			w.fault(broken, c.kind, 0, 0)
			if code, out := w.redrive(); code != 0 {
				t.Errorf("redrive after the failure: exit %d, want 0\n%s", code, out)
			}
			w.settle()
			w.wantLetters(broken, 0)
			w.wantEverywhere(o)
		})
	}
}
