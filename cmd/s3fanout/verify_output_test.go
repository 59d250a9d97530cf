package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"s3fanout/internal/operator/verify"
	"s3fanout/internal/table"
)

func TestVerifyOutput(t *testing.T) {
	regions := []string{"us-east-1", "ap-northeast-1"}
	both := func(kind verify.Kind, key string) verify.Difference {
		d := verify.Difference{Kind: kind, Key: key, Why: "absent", Objects: []verify.Object{{Region: "us-east-1"}}}
		if kind == verify.Missing {
			d.Without = []string{"ap-northeast-1"}
			return d
		}
		d.Differing, d.Why = []string{"us-east-1"}, "size"
		return d
	}
	complete := both(verify.Different, "x/d")
	complete.Objects = append(complete.Objects, verify.Object{Region: "ap-northeast-1"})
	differences := []verify.Difference{
		complete, both(verify.Different, "a"), both(verify.Missing, "b\nc\x1b[31m"), both(verify.Missing, "a"),
	}
	three := verify.Difference{
		Kind: verify.Missing, Key: "x/e", Why: "deleted", Without: regions, Deleted: regions[1:],
		Objects: []verify.Object{{Region: "eu-west-1"}},
	}
	differences = append(differences, three)
	tests := []struct {
		name           string
		keys           bool
		width          int
		stdout, stderr string
	}{
		{"lines", false, 0,
			"missing    ap-northeast-1  absent    a\n" +
				"different  us-east-1       size      a\n" +
				`missing    ap-northeast-1  absent    "b\nc\x1b[31m"` + "\n" +
				"different  us-east-1       size      x/d\n" +
				"missing    us-east-1       absent    x/e\n" +
				"missing    ap-northeast-1  deleted   x/e\n" +
				"REGION          MISSING  DIFFERENT  PREFIX\n" +
				"us-east-1             1          2  all\n" +
				"ap-northeast-1        3          0  all\n" +
				"us-east-1             1          1  x/\n" +
				"ap-northeast-1        2          0  no prefix\n" +
				"ap-northeast-1        1          0  x/\n" +
				"us-east-1             0          1  no prefix\n" +
				"4 keys, 0 B in each Region: 0 the same, 3 missing, 2 different, 1 both missing and different\n" +
				"0 LIST and 0 HEAD requests, estimated cost $0.000000\n",
			"region r: denied; so keys that are being deleted or copied may count as missing\n"},
		{"keys", true, 0, "a\nx/d\nx/e\n",
			`missing "b\nc\x1b[31m" has a line break and is not among the lines; --output json has it` + "\n" +
				"region r: denied; so keys that are being deleted or copied may count as missing\n" +
				"4 keys, 0 B in each Region: 0 the same, 3 missing, 2 different, 1 both missing and different\n" +
				"0 LIST and 0 HEAD requests, estimated cost $0.000000\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			a := &app{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }}
			o := a.newVerifyOutput(a.newProgress(), "media", regions, verifyFlags{keys: tt.keys})
			for _, d := range differences {
				if err := o.found.Add(d); err != nil {
					t.Fatal(err)
				}
			}
			defer o.close()
			if err := o.write(verify.Summary{
				Keys: 4, Missing: 3, Different: 2, Both: 1, Unanswered: errors.New("region r: denied"),
			}); err != nil {
				t.Fatal(err)
			}
			if stdout.String() != tt.stdout || stderr.String() != tt.stderr {
				t.Errorf("got\n%s%s\nwant\n%s%s", stdout.String(), stderr.String(), tt.stdout, tt.stderr)
			}
		})
	}
}

// On a terminal a line fits, its key's end is kept, and the status line is not
// left in between.
func TestVerifyOutputOnATerminal(t *testing.T) {
	var stdout bytes.Buffer
	p := &progress{w: &stdout, width: 60}
	o := &verifyOutput{w: &stdout, notes: p, region: 9, width: 60}
	p.status("1000 keys")
	key := strings.Repeat("directory/", 20) + "film.mp4"
	if err := o.difference(verify.Difference{Kind: verify.Missing, Key: key, Without: []string{"eu-west-1"}, Why: "absent"}); err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(stdout.String(), "1000 keys")
	line, cleared := strings.CutPrefix(line, "\r\x1b[K")
	if line = strings.TrimSuffix(line, "\n"); !cleared || table.Width(line) != 60 || !strings.HasSuffix(line, "/film.mp4") {
		t.Errorf("got %q", stdout.String())
	}
}

// The summary of a terminal fits, too.
func TestVerifySummaryFitsTheTerminal(t *testing.T) {
	var stdout bytes.Buffer
	o := &verifyOutput{w: &stdout, notes: &progress{w: &stdout, width: 60}, width: 60, counts: verify.NewCounts("", nil)}
	if err := o.summary(verify.Summary{Keys: 10, Missing: 3, Different: 2, Both: 1, SizeOnly: 2}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stdout.String()) {
		if table.Width(strings.TrimSuffix(line, "\n")) > 60 {
			t.Errorf("%q is wider than the terminal", line)
		}
	}
	got, want := strings.Join(strings.Fields(stdout.String()), " "), "1 both missing and different of the same, 2 by size alone"
	if !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

func TestVerifySummaryInWords(t *testing.T) {
	tests := []struct {
		summary verify.Summary
		want    []string
	}{
		{verify.Summary{Keys: 1, Bytes: 1023, Equal: 1}, []string{
			"1 key, 1023 B in each Region: 1 the same, 0 missing, 0 different", "0 LIST and 0 HEAD requests, estimated cost $0.000000"}},
		{verify.Summary{
			Keys: 10, Bytes: 3 << 40, Equal: 4, SizeOnly: 2, Missing: 3, Different: 2, Both: 1, Gone: 1, Unfinished: 1, Lists: 1_000_000,
			Heads: 1_000_000, Partial: true,
		}, []string{
			"Partial: 10 keys, 3.0 TiB in each Region: 4 the same, 3 missing, 2 different, 1 both missing and different, " +
				"1 deleted in the " +
				"meantime, 1 not looked at again",
			"of the same, 2 by size alone: their ETags and checksums cannot be compared",
			"1000000 LIST and 1000000 HEAD requests, estimated cost $5.40"}},
		{verify.Summary{Keys: 2, Copying: 1, Unsettled: 1, Tags: 1_000_000}, []string{
			"2 keys, 0 B in each Region: 0 the same, 0 missing, 0 different, 1 being copied, 1 unsettled",
			"0 LIST and 0 HEAD requests and 1000000 for tags, estimated cost $0.40"}},
	}
	for _, tt := range tests {
		if got := describeSummary(tt.summary); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestVerifyErrorSaysWhatToDo(t *testing.T) {
	const backfill, right = "; see why keys are missing: s3fanout doctor; copy them: s3fanout backfill",
		"; nothing was overwritten; see which object is right: s3fanout explain KEY"
	tests := []struct {
		summary verify.Summary
		flags   verifyFlags
		want    string
	}{
		{verify.Summary{Keys: 3, Equal: 3, SizeOnly: 3}, verifyFlags{}, ""},
		{verify.Summary{Missing: 1}, verifyFlags{}, "1 key not the same everywhere" + backfill},
		{verify.Summary{Different: 2}, verifyFlags{}, "2 keys not the same everywhere" + right},
		{verify.Summary{Missing: 2, Different: 2, Both: 1}, verifyFlags{}, "3 keys not the same everywhere" + backfill + right},
		{verify.Summary{Missing: 2, Deleted: 2}, verifyFlags{},
			"2 keys not the same everywhere; deleted keys stay deleted; to restore them: s3fanout backfill --restore-deleted"},
		{verify.Summary{Copying: 1, Unsettled: 1}, verifyFlags{},
			"2 keys not the same everywhere; what is being copied needs time: compare again later; what keeps changing cannot be " +
				"compared; see why: s3fanout explain KEY"},
		{verify.Summary{}, verifyFlags{prefix: "typo/\n"},
			`nothing was compared: no Region has a key with the prefix "typo/\n"; correct --prefix, or give --allow-empty if ` +
				`that is right`},
		{verify.Summary{}, verifyFlags{},
			"nothing was compared: no Region has a key that is to be replicated; give --allow-empty if that is right"},
		{verify.Summary{}, verifyFlags{prefix: "typo/", empty: true}, ""},
		{verify.Summary{Keys: 1, Gone: 1}, verifyFlags{}, ""},
	}
	for _, tt := range tests {
		got := ""
		if err := verifyError(tt.summary, tt.flags, false, fewKeys{}); err != nil {
			got = err.Error()
			if !errors.Is(err, errLeftOver) {
				t.Errorf("%s: not marked as left over", got)
			}
		}
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestVerifyErrorSaysWhatToDoWhereChangesAreFollowed(t *testing.T) {
	const bring = "; see why changes are missing: s3fanout doctor; copy them: s3fanout backfill; see which write won and why: " +
		"s3fanout explain KEY"
	for _, tt := range []struct {
		summary verify.Summary
		want    string
	}{
		{verify.Summary{Missing: 1, Deleted: 1, Different: 1}, "2 keys not the same everywhere" + bring},
		{verify.Summary{Undeleted: 1},
			"1 key not the same everywhere; to delete what was deleted in another Region: s3fanout backfill --hide-deleted"},
		{verify.Summary{Copying: 1}, "1 key not the same everywhere; what is being copied needs time: compare again later"},
	} {
		err := verifyError(tt.summary, verifyFlags{}, true, fewKeys{})
		if err == nil || err.Error() != tt.want || !errors.Is(err, errLeftOver) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestVerifyAdvisesNoBackfillInVain: what was destroyed where it was written, and tags,
// are left as they are by a backfill, which verify then advised again.
func TestVerifyAdvisesNoBackfillInVain(t *testing.T) {
	var few fewKeys
	for _, d := range []verify.Difference{
		{Kind: verify.Missing, Key: "a", Why: "destroyed", Without: []string{"eu-west-1"}},
		{Kind: verify.Different, Key: "a", Why: "destroyed", Differing: []string{"us-east-1"}},
		{Kind: verify.Different, Key: "b", Why: "tags", Differing: []string{"us-east-1"}},
	} {
		few.add(d)
	}
	s := verify.Summary{Missing: 1, Different: 2, Both: 1}
	want := "2 keys not the same everywhere; see which write won and why: s3fanout explain KEY"
	if err := verifyError(s, verifyFlags{}, true, few); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	s.Different++
	few.add(verify.Difference{Kind: verify.Different, Key: "c", Why: "stale", Differing: []string{"us-east-1"}})
	want = "copy them: s3fanout backfill --key='c'; see which write won and why"
	if err := verifyError(s, verifyFlags{}, true, few); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

// TestVerifyAdvisesNoBackfillOfDeletedKeys: a backfill leaves a key deleted that was deleted
// in one Region, where overwrites alone travel; verify then advised one of everything.
func TestVerifyAdvisesNoBackfillOfDeletedKeys(t *testing.T) {
	eu := []string{"eu-west-1"}
	var few fewKeys
	few.add(verify.Difference{Kind: verify.Missing, Key: "a", Why: "deleted", Without: eu, Deleted: eu, Left: true})
	const left = "deleted keys stay deleted; s3fanout explain KEY says how to restore them"
	want := "1 key not the same everywhere; " + left
	if err := verifyError(verify.Summary{Missing: 1, Deleted: 1}, verifyFlags{}, true, few); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	few.add(verify.Difference{Kind: verify.Missing, Key: "b", Why: "destroyed", Without: eu, Deleted: eu})
	want = "2 keys not the same everywhere; " + left + "; see which write won and why: s3fanout explain KEY"
	if err := verifyError(verify.Summary{Missing: 2, Deleted: 2}, verifyFlags{}, true, few); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	// The latest write comes after this deletion, and is brought.
	few.add(verify.Difference{Kind: verify.Missing, Key: "c", Why: "deleted", Without: eu, Deleted: eu})
	want = "copy them: s3fanout backfill --key='c'; " + left
	err := verifyError(verify.Summary{Missing: 3, Deleted: 3}, verifyFlags{}, true, few)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

// A few keys are named for backfill, which then need not list the buckets.
func TestVerifyNamesFewKeysForBackfill(t *testing.T) {
	missing := func(key string) verify.Difference {
		return verify.Difference{Kind: verify.Missing, Key: key, Without: []string{"eu-west-1"}}
	}
	deleted := verify.Difference{Kind: verify.Missing, Key: "d", Without: []string{"eu-west-1"}, Deleted: []string{"eu-west-1"}, Left: true}
	different := verify.Difference{Kind: verify.Different, Key: "films/one", Why: "stale"}
	for _, tt := range []struct {
		differences []verify.Difference
		follows     bool
		want        string
	}{
		{[]verify.Difference{missing("it's"), missing("-b"), deleted, different}, false, `s3fanout backfill --key='it'\''s' --key='-b'; `},
		{[]verify.Difference{missing("films/one"), different}, true, `s3fanout backfill --key='films/one'; `},
		{[]verify.Difference{missing("a"), missing("b"), missing("c")}, false, `s3fanout backfill --key='a' --key='b' --key='c'; `},
		{[]verify.Difference{missing("a"), missing("b"), missing("c"), missing("e")}, false, `s3fanout backfill; `},
		{[]verify.Difference{missing(strings.Repeat("k", 61))}, false, `s3fanout backfill; `},
	} {
		var few fewKeys
		for _, d := range tt.differences {
			few.add(d)
		}
		err := verifyError(verify.Summary{Missing: 2, Different: 1}, verifyFlags{}, tt.follows, few)
		if err == nil || !strings.Contains(err.Error(), ": "+tt.want) {
			t.Errorf("got %v, want %q in it", err, tt.want)
		}
	}
}
