package trace

import (
	"encoding/json"
	"fmt"
	"testing"
)

const event = `{"Records":[{"awsRegion":"us-east-1","s3":{"bucket":{"name":"b"},"object":{"key":"a+b%2F1","versionId":"v"}}}]}`

func TestNoteReadsBothForms(t *testing.T) {
	around, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"Sns": map[string]any{"Message": event}}}})
	if err != nil {
		t.Fatal(err)
	}
	tr := New()
	tr.Note(Announced, "", []byte(event), "")
	tr.Note(Failed, "eu-west-1", around, "why")
	for _, other := range []string{"", "{", `{"Service":"Amazon S3","Event":"s3:TestEvent"}`, `{"Records":[{}]}`} {
		tr.Note(Done, "eu-west-1", []byte(other), "")
	}
	steps := tr.Steps()
	if len(steps) != 2 {
		t.Fatalf("%+v", steps)
	}
	for i, want := range []string{"announced us-east-1  b a b/1 v ", "failed us-east-1 eu-west-1 b a b/1 v why"} {
		s := steps[i]
		got := fmt.Sprint(string(s.Stage), " ", s.Source, " ", s.Target, " ", s.Bucket, " ", s.Key, " ", s.VersionID, " ", s.Detail)
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	select {
	case <-tr.Changed():
	default:
		t.Error("nobody is told of new steps")
	}
}

func TestTraceIsBounded(t *testing.T) {
	var none *Trace
	none.Note(Done, "", []byte(event), "")
	tr := New()
	for range most + 1 {
		tr.Note(Done, "", []byte(event), "")
	}
	if n := len(tr.Steps()); n > most || n < most/2 {
		t.Errorf("%d steps", n)
	}
}

// A watcher sees each step, also those that are forgotten by now.
func TestWatchSeesAllSteps(t *testing.T) {
	tr, seen := New(), 0
	tr.Add(Step{Key: "before"})
	tr.Watch(func(Step) { seen++ })
	for range 3 * most {
		tr.Add(Step{Key: "k"})
	}
	if kept := len(tr.Steps()); seen != 3*most || kept > most {
		t.Errorf("%d steps were seen and %d kept, of %d", seen, kept, 3*most)
	}
}
