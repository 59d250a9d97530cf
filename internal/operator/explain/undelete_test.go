package explain

import (
	"testing"
	"time"
)

// What is said of a key that all Regions have deleted is what undelete then does: without
// copiesByUsers S3 does not announce what it restores, it leaves a key that is not
// selected, and where versions are not known, only it can tell.
func TestUndeleteThatIsAdvisedRestores(t *testing.T) {
	const undelete = `s3fanout undelete --since 2026-11-20T12:00:00Z --key='films/it'\''s one.mp4'`
	const unsure = "to restore it; not all its versions are known: try first, with an earlier time if nothing is found"
	version := Version{VersionID: "v1", Size: 10}
	hidden, markers := in(eu, versions(marker(noon), version)), in(us, versions(marker(noon)))
	later := in(us, versions(marker(noon.Add(time.Minute))))
	more := in(us, func(r *Region) { r.MoreVersions = true })
	unknown := func(r *Region) { r.Deleted, r.Versions = &Version{Marker: true}, nil }
	for _, tc := range []struct {
		what  string
		facts Facts
		step  Step
		said  string // at the end of the verdict
	}{
		{"all is known", world(nil, nil, nil, markers, hidden), Step{"to restore it", undelete}, ""},
		{"copies by users are not announced", world(nil, nil, nil, markers, hidden, func(f *Facts) { f.NoUserCopies = true }),
			Step{"to restore it", undelete + ` && s3fanout backfill --key='films/it'\''s one.mp4' --restore-deleted`}, ""},
		{"left out", world(nil, nil, nil, markers, hidden, leftOut),
			Step{"to restore it, add a filter that selects it, deploy, and restore it", undelete},
			"; undelete leaves it, because no filter in cdk.json selects its key"},
		{"excluded", world(nil, nil, nil, markers, hidden, leftOut, func(f *Facts) { f.Excluded = true }),
			Step{"to restore it, change the excluded keys, deploy, and restore it", undelete},
			"; undelete leaves it, because cdk.json excludes its key"},
		{"more versions", world(nil, nil, nil, later, more, hidden),
			Step{unsure, undelete + " --dry-run"}, ""},
		{"versions of one Region are not known", world(nil, nil, nil, in(us, unknown), hidden),
			Step{unsure, undelete + " --dry-run"}, ""},
		{"no versions are known", world(nil, nil, nil, in(us, unknown)),
			Step{"find out why its versions are not known, and check again", "s3fanout doctor --region us-east-1"}, ""},
	} {
		v := Judge(tc.facts)
		if v.Code != CodeNowhere || len(v.Steps) != 1 || v.Steps[0] != tc.step {
			t.Errorf("%s: got %+v, want %+v", tc.what, v, tc.step)
		}
		deleted := "no Region has it any more: it was deleted in " + deletions(atDeleted(tc.facts))
		if v.Text != deleted+tc.said {
			t.Errorf("%s: got %q, want %q at its end", tc.what, v.Text, tc.said)
		}
	}
}

// atDeleted are the Regions that show a marker.
func atDeleted(f Facts) (gone []Region) {
	for _, r := range f.Regions {
		if r.Deleted != nil {
			gone = append(gone, r)
		}
	}
	return gone
}
