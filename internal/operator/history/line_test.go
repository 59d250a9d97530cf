package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/audit"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// version is one with plain contents.
func version(id string, at int64, etag string) policy.Version {
	return policy.Version{ID: id, Modified: at, Figures: policy.Figures{Size: 4, ETag: etag}}
}

// read is one whose metadata name the write; of a Region and version of its own if
// those are empty.
func read(v policy.Version, region, of, ofVersion string, at int64) policy.Version {
	v.Read, v.Write = true, policy.Write{Region: region, VersionID: v.ID, Seconds: v.Modified}
	if of != "" {
		v.Replica, v.Write = true, policy.Write{Region: of, VersionID: ofVersion, Seconds: at}
	}
	return v
}

func marker(id string, at int64) policy.Version {
	return policy.Version{ID: id, Modified: at, Marker: true}
}

// describe is a line of time in short: time, Region, what, of which, "?" if it is not
// certain, "*" for the current one.
func describe(f Facts) string {
	var lines []string
	for _, e := range Line(f) {
		s := fmt.Sprintf("%d %s %s %s", e.Modified, e.Region, e.ID, e.What)
		if e.Of.Region != "" {
			s += " of " + e.Of.Region + "/" + e.Of.VersionID
		}
		if !e.Certain {
			s += "?"
		}
		if e.Current {
			s += "*"
		}
		lines = append(lines, s)
	}
	return strings.Join(lines, "\n")
}

func TestLine(t *testing.T) {
	const a, b = "841a2d689ad86bd1611447453c22c6fc", "9b74c9897bac770ffc029102a200c5de"
	follow := replicaset.Follow{Overwrites: true, Deletions: true}
	legacy := version("e0", 10, a)
	for _, tt := range []struct {
		what  string
		facts Facts
		want  string
	}{
		{"the first write wins", Facts{Regions: []Region{
			{Region: "us", Stack: []policy.Version{version("u2", 30, b), version("u1", 10, a)}},
			{Region: "eu", Stack: []policy.Version{version("e1", 12, a)}},
			{Region: "ap", Stack: []policy.Version{marker("a2", 20), version("a1", 13, a)}},
		}}, "10 us u1 write?\n12 eu e1 replica of us/u1?*\n13 ap a1 replica of us/u1?\n20 ap a2 deletion*\n30 us u2 write?*"},
		{"a parts' ETag says nothing", Facts{Regions: []Region{
			{Region: "us", Stack: []policy.Version{version("u1", 10, a+"-2")}},
			{Region: "eu", Stack: []policy.Version{version("e1", 12, a)}},
		}}, "10 us u1 write?*\n12 eu e1 version?*"},
		{"a user's second upload of the same is no replica of its own Region's", Facts{Regions: []Region{
			{Region: "us", Stack: []policy.Version{version("u2", 12, a), version("u1", 10, a)}},
		}}, "10 us u1 write?\n12 us u2 write?*"},
		{"what follows says so", Facts{Rule: follow, Regions: []Region{
			{
				Region: "us",
				Stack: []policy.Version{
					marker("u3", 31), read(version("u2", 25, b), "us", "eu", "e2", 20), read(version("u1", 10, a), "us", "", "", 0),
				},
			},
			{
				Region: "eu",
				Stack: []policy.Version{
					marker("e3", 30), read(version("e2", 20, b), "eu", "", "", 0), read(version("e1", 12, a), "eu", "us", "u1", 10),
				},
			},
		}}, "10 us u1 write\n12 eu e1 replica of us/u1\n20 eu e2 write\n25 us u2 replica of eu/e2\n30 eu e3 deletion*\n" +
			"31 us u3 deletion of eu/e3?*"},
		{"deletions of two writes", Facts{Rule: follow, Regions: []Region{
			{Region: "us", Stack: []policy.Version{marker("u2", 31), read(version("u1", 10, a), "us", "", "", 0)}},
			{Region: "eu", Stack: []policy.Version{marker("e2", 30), read(version("e1", 11, b), "eu", "", "", 0)}},
		}}, "10 us u1 write\n11 eu e1 write\n30 eu e2 deletion*\n31 us u2 deletion*"},
		{"from before following", Facts{Rule: follow, Since: 20, Regions: []Region{
			{Region: "us", Stack: []policy.Version{read(version("u1", 8, a), "us", "", "", 0)}},
			{Region: "eu", Stack: []policy.Version{read(version("e1", 25, b), "eu", "", "", 0), read(legacy, "eu", "", "", 0)}},
		}}, "8 us u1 write?*\n10 eu e0 replica of us/u1?\n25 eu e1 write*"},
		{"one second, S3's order", Facts{Regions: []Region{
			{Region: "us", Stack: []policy.Version{marker("m2", 10), marker("m1", 10), version("u1", 10, a)}},
			{Region: "eu", Stack: []policy.Version{version("e1", 10, a)}},
		}}, "10 us u1 version?\n10 us m1 deletion\n10 us m2 deletion*\n10 eu e1 version?*"},
		{"of one second either is the write", Facts{Regions: []Region{
			{Region: "us", Stack: []policy.Version{version("u1", 10, a)}},
			{Region: "eu", Stack: []policy.Version{version("e1", 10, a)}},
			{Region: "ap", Stack: []policy.Version{version("a1", 11, a)}},
		}}, "10 us u1 version?*\n10 eu e1 version?*\n11 ap a1 replica of us/u1?*"},
		{"of one second, but with other contents", Facts{Regions: []Region{
			{Region: "us", Stack: []policy.Version{version("u1", 10, a)}},
			{Region: "eu", Stack: []policy.Version{version("e1", 10, b)}},
		}}, "10 us u1 write?*\n10 eu e1 write?*"},
		{"nothing", Facts{Regions: []Region{{Region: "us"}}}, ""},
	} {
		if got := describe(tt.facts); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.what, got, tt.want)
		}
	}
}

// The audit trail says who made what: a write of the same second, a replica of which
// nothing is known, an operator's copy, and what is not there any more.
func TestLineWithTheAuditTrail(t *testing.T) {
	const a, b = "841a2d689ad86bd1611447453c22c6fc", "9b74c9897bac770ffc029102a200c5de"
	event := func(region, made string, change func(*audit.Event)) audit.Event {
		e := audit.Event{Region: region, Name: "PutObject", Key: "k", Made: made, Who: "jo"}
		if change != nil {
			change(&e)
		}
		return e
	}
	own := func(e *audit.Event) { e.Own = true }
	f := Facts{Regions: []Region{
		{Region: "us", Stack: []policy.Version{version("u2", 20, b), version("u1", 10, a)}},
		{Region: "eu", Stack: []policy.Version{version("e3", 30, b), version("e1", 10, a)}},
		{Region: "ap", Stack: []policy.Version{version("a1", 10, a)}},
	}, Audit: &audit.Trail{Events: []audit.Event{
		event("eu", "e1", nil), event("us", "u2", own), event("eu", "e3", func(e *audit.Event) { e.Operator = true }),
		event("ap", "a0", func(e *audit.Event) { e.Name, e.Named, e.Time = "DeleteObject", "a0", time.Unix(40, 0) }),
		event("ap", "a1", func(e *audit.Event) { e.Name = "PutObjectTagging" }), // makes no version
		event("ap", "a9", func(e *audit.Event) { e.Name, e.Named, e.Error = "DeleteObject", "a9", "AccessDenied" }),
	}}}
	want := "10 us u1 replica of eu/e1?\n10 eu e1 write\n10 ap a1 replica of eu/e1?*\n20 us u2 replica?*\n30 eu e3 replica of us/u2?*\n" +
		"40 ap a0 destroyed"
	if got := describe(f); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Of deletions in one second, the one that the audit trail knows to be a user's is the
// first: the set's order had the user's follow another's.
func TestDeletionsWithTheAuditTrail(t *testing.T) {
	const a = "841a2d689ad86bd1611447453c22c6fc"
	regions := []Region{
		{Region: "us", Stack: []policy.Version{marker("u2", 30), read(version("u1", 10, a), "us", "", "", 0)}},
		{Region: "eu", Stack: []policy.Version{marker("e2", 30), read(version("e1", 11, a), "eu", "us", "u1", 10)}},
		{Region: "ap", Stack: []policy.Version{marker("a2", 31), read(version("a1", 11, a), "ap", "us", "u1", 10)}},
	}
	for what, tt := range map[string]struct {
		events []audit.Event
		want   string
	}{
		"one user": {
			[]audit.Event{{Region: "eu", Name: "DeleteObject", Key: "k", Made: "e2", Who: "jo"}},
			"30 us u2 deletion of eu/e2?*\n30 eu e2 deletion*\n31 ap a2 deletion of eu/e2?*",
		},
		"two users": {
			[]audit.Event{
				{Region: "eu", Name: "DeleteObject", Key: "k", Made: "e2", Who: "jo"},
				{Region: "us", Name: "DeleteObject", Key: "k", Made: "u2", Who: "eve"},
			},
			"30 us u2 deletion*\n30 eu e2 deletion*\n31 ap a2 deletion of us/u2?*",
		},
		"functions": {
			[]audit.Event{{Region: "us", Name: "DeleteObject", Key: "k", Made: "u2", Own: true}},
			"30 us u2 deletion*\n30 eu e2 deletion of us/u2?*\n31 ap a2 deletion of us/u2?*",
		},
	} {
		f := Facts{Rule: replicaset.Follow{Overwrites: true, Deletions: true}, Regions: regions, Audit: &audit.Trail{Events: tt.events}}
		_, got, _ := strings.Cut(describe(f), "11 ap a1 replica of us/u1\n")
		if got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", what, got, tt.want)
		}
	}
}
