package health

import (
	"slices"
	"testing"
)

func TestByUrgency(t *testing.T) {
	findings := []Finding{
		{Check: "a", Severity: Note}, {Check: CheckDeadLetters, Severity: Failed}, {Check: checkNotification, Severity: Failed},
		{Check: "b", Severity: Warning},
		{Check: checkQueue, Severity: Failed}, {Check: "c", Severity: Unknown}, {Check: checkTopic, Severity: Failed},
		{Check: checkActions, Severity: Failed, What: "role r may not sqs:SendMessage"}, {Check: checkQueue, Severity: Unknown},
	}
	var got []string
	for _, f := range ByUrgency(findings) {
		got = append(got, f.Check)
	}
	want := []string{checkQueue, checkActions, checkNotification, checkTopic, CheckDeadLetters, "c", checkQueue, "b", "a"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if findings[0].Check != "a" {
		t.Error("the findings given were reordered")
	}
}
