package replicator

import (
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/replicaset"
)

// A key that is excluded ends as Excluded, whatever happened to it: nothing is
// asked, and nothing fails. The key is as it is stored, not as events encode it.
func TestExcludedKeysAreLeftAlone(t *testing.T) {
	f := &fakeCopier{}
	h, out := newTestHandler(f)
	h.Config.Exclude = replicaset.Exclusions{{Prefix: "tmp files/"}, {Suffix: ".part"}}
	deleted := strings.Replace(eventtest.Upload("tmp+files/gone"), "ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated", 1)
	got, err := h.Invoke(t.Context(),
		eventtest.Payload(eventtest.Message(eventtest.Upload("tmp+files/a"), eventtest.Upload("b.part"), eventtest.Upload("c"), deleted)))
	if err != nil || !strings.Contains(string(got), `"copied":1,`) || !strings.Contains(string(got), `"excluded":3`) {
		t.Errorf("got %s, %v", got, err)
	}
	if !slices.Equal(f.keys(), []string{"c"}) {
		t.Errorf("copied %v, want c alone", f.keys())
	}
	if n := strings.Count(out.String(), `"outcome":"Excluded"`); n != 3 {
		t.Errorf("%d lines with the outcome Excluded, want 3: %s", n, out)
	}
}

// A record of a stranger's bucket stays an error, however its key is called.
func TestExcludedKeyOfAStrangerIsAnError(t *testing.T) {
	h, _ := newTestHandler(&fakeCopier{})
	h.Config.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}}
	_, err := h.Invoke(t.Context(),
		eventtest.Payload(eventtest.Message(eventtest.Record("us-east-1", "stranger", "tmp/a", "AWS:AIDAEXAMPLE"))))
	if err == nil {
		t.Error("got no error")
	}
}

// What was begun before its key was excluded is finished: an upload that nobody
// finishes is paid for.
func TestContinuationOfAnExcludedKeyIsFinished(t *testing.T) {
	f := &fakeCopier{}
	h, _ := newTestHandler(f)
	h.Config.Exclude = replicaset.Exclusions{{Prefix: "a "}}
	if _, err := h.Invoke(t.Context(), continuing(t, 1)); err != nil || !slices.Equal(f.keys(), []string{"a b"}) {
		t.Errorf("copied %v, %v", f.keys(), err)
	}
}

func TestExcludedTaskSucceeds(t *testing.T) {
	f := &fakeCopier{}
	h, _ := newTestHandler(f)
	h.Config.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}}
	a := answerOf(t, h, batchOf("", task("1", "media-us", "tmp/a"), task("2", "media-us", "b")))
	if len(a.Results) != 2 || a.Results[0].Code != succeeded || a.Results[0].Text != "Excluded" ||
		a.Results[1].Text != string(copier.Copied) {
		t.Errorf("got %+v", a.Results)
	}
	if !slices.Equal(f.keys(), []string{"b"}) {
		t.Errorf("copied %v", f.keys())
	}
}
