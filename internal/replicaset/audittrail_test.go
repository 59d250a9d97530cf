package replicaset

import (
	"slices"
	"strings"
	"testing"
)

func TestParseAuditTrail(t *testing.T) {
	on, own := &AuditTrail{}, &AuditTrail{OwnWrites: true, RetentionDays: 90}
	for raw, want := range map[string]struct {
		trail *AuditTrail
		err   string
	}{
		`true`:  {on, ""},
		`false`: {nil, ""},
		`{}`:    {on, ""},
		`{"ownWrites": true, "retentionDays": 90}`: {own, ""},
		`null`:                    {nil, "s3fanout.auditTrail: null is not true, false or an object such as"},
		`1`:                       {nil, "s3fanout.auditTrail: 1 is not true, false or an object such as"},
		`{"ownWrites": "yes"}`:    {nil, `s3fanout.auditTrail.ownWrites: "yes" is not true or false`},
		`{"ownWrites": null}`:     {nil, `s3fanout.auditTrail.ownWrites: null is not true or false`},
		`{"retentionDays": 0}`:    {nil, "s3fanout.auditTrail.retentionDays: 0 is not a whole number from 1 on"},
		`{"region": "eu-west-1"}`: {&AuditTrail{StackRegion: "eu-west-1"}, ""},
		`{"region": 5}`:           {nil, "s3fanout.auditTrail.region: 5 is not a string"},
		`{"retention": 5}`:        {nil, "s3fanout.auditTrail.retention: no such field; known are ownWrites, region and retentionDays"},
		`{"ownWrites": true, "ownWrites": false}`: {nil, "s3fanout.auditTrail: field ownWrites is given twice; remove one"},
	} {
		got, err := Parse([]byte(`{"auditTrail": ` + raw + `}`))
		if want.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), want.err) {
				t.Errorf("%s:\ngot  %v\nwant %s…", raw, err, want.err)
			}
			continue
		}
		if err != nil || (got.AuditTrail == nil) != (want.trail == nil) || want.trail != nil && *got.AuditTrail != *want.trail {
			t.Errorf("%s: got %+v, %v", raw, got.AuditTrail, err)
		}
	}
}

func TestValidateAuditTrail(t *testing.T) {
	for days, want := range map[int]string{
		0: "", 90: "", 365: "", 100: "auditTrail.retentionDays: CloudWatch Logs does not keep events for 100 days; use 1, 3",
	} {
		wantBeginning(t, set(func(c *Config) { c.AuditTrail = &AuditTrail{RetentionDays: days} }).Validate(), want)
	}
}

// The trail stays where it is when the first Region leaves the set.
func TestAuditRegion(t *testing.T) {
	for at, want := range map[string][2]string{
		"":           {"us-east-1", ""},
		"eu-west-1":  {"eu-west-1", ""},
		"us-west-2":  {"us-west-2", ""}, // of no bucket
		"us-west-9":  {"us-west-9", "auditTrail.region: us-west-9 is not an AWS Region; did you mean us-west-1 or us-west-2?"},
		"cn-north-1": {"cn-north-1", "auditTrail.region: cn-north-1 is in partition aws-cn, and this set is in aws; name a Region of that"},
	} {
		c := set(func(c *Config) { c.AuditTrail = &AuditTrail{StackRegion: at} })
		wantBeginning(t, c.Validate(), want[1])
		if got := c.AuditRegion(); got != want[0] {
			t.Errorf("%q: the trail is in %s, want %s", at, got, want[0])
		}
		if got := c.AuditTrailARN("111122223333"); want[1] == "" && !strings.HasPrefix(got, "arn:aws:cloudtrail:"+want[0]+":") {
			t.Errorf("%q: the trail is %s", at, got)
		}
	}
}

// A key is the reader's: whatever is in it, the query asks for keys alone.
func TestNoKeyIsAPartOfTheQuery(t *testing.T) {
	whole := strings.Split(AuditKeyQuery("a"), "\n")
	for key, want := range map[string]string{
		"films/a b.mp4":              `| filter requestParameters.key = "films/a b.mp4"`,
		`x" or eventName like "`:     `| filter requestParameters.key like /^x[\s\S] or eventName like [\s\S]$/`,
		"a/b|c\n| limit 1 # \x1b[2J": `| filter requestParameters.key like /^a.b[\s\S]c[\s\S][\s\S] limit 1 [\s\S] [\s\S][\s\S]2J$/`,
		`a\`:                         `| filter requestParameters.key like /^a[\s\S]$/`,
		"ä.*":                        `| filter requestParameters.key like /^[\s\S].[\s\S]$/`,
	} {
		got := strings.Split(AuditKeyQuery(key), "\n")
		if len(got) != len(whole) || got[1] != want || !slices.Equal(slices.Delete(got, 1, 2), slices.Delete(slices.Clone(whole), 1, 2)) {
			t.Errorf("%q:\n%s\nwant\n%s", key, strings.Join(got, "\n"), want)
		}
	}
}
