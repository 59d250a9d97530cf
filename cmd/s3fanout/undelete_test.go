package main

import "testing"

// Without copiesByUsers what undelete restores by one request stays in its Region until a
// backfill of just that.
func TestUndeleteNamesTheBackfillThatFollows(t *testing.T) {
	const text = "copiesByUsers is false, so S3 does not announce what was restored; " +
		"to copy it, and what else only some Regions have deleted: s3fanout backfill --restore-deleted"
	for _, tt := range []struct {
		flags undeleteFlags
		want  string
	}{
		{undeleteFlags{}, text},
		{undeleteFlags{prefix: "it's/"}, text + ` --prefix='it'\''s/'`},
		{undeleteFlags{keys: []string{"-a", "b"}}, text + " --key='-a' --key='b'"},
	} {
		if got := tt.flags.unannounced(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
