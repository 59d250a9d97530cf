package infra

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/filterpolicy"
)

// TestFilterDropsOnePrefix shows which notifications reach the functions where
// keys are excluded: those with the prefix that is dropped do not, as S3 encodes
// keys in them, and whatever else is excluded is the function's to leave out.
func TestFilterDropsOnePrefix(t *testing.T) {
	const role, user = "AROAEXAMPLE", "AWS:AIDAUSER"
	const own = "AWS:" + role + ":media-replicator"
	exclude := replicaset.Exclusions{{Suffix: ".part"}, {Prefix: "a b/"}, {Prefix: "tmp/"}, {Prefix: "old/"}}
	for _, tt := range []struct {
		follow                replicaset.Follow
		event, principal, key string
		want                  bool
	}{
		{replicaset.Follow{}, "ObjectCreated:Put", user, "a.jpg", true},
		{replicaset.Follow{}, "ObjectCreated:Put", user, "tmp/a.jpg", false},
		{replicaset.Follow{}, "ObjectCreated:Put", user, "tmp%2Fa.jpg", true}, // never so, and the function decides
		{replicaset.Follow{}, "ObjectCreated:Put", user, "x/tmp/a.jpg", true},
		{replicaset.Follow{}, "ObjectCreated:Put", user, "old/a.jpg", true},
		{replicaset.Follow{}, "ObjectCreated:Put", user, "a+b/a.jpg", true},
		{replicaset.Follow{}, "ObjectCreated:Put", own, "a.jpg", false},
		{replicaset.Follow{}, "ObjectCreated:Put", own, "tmp/a.jpg", false},
		{deletions, "ObjectRemoved:DeleteMarkerCreated", own, "a.jpg", true},
		{deletions, "ObjectRemoved:DeleteMarkerCreated", own, "tmp/a.jpg", false},
		{deletions, "ObjectRemoved:DeleteMarkerCreated", user, "tmp/a.jpg", false},
		{deletions, "ObjectCreated:Put", user, "tmp/a.jpg", false},
		{deletions, "ObjectCreated:Put", user, "a.jpg", true},
		{deletions, "ObjectCreated:Copy", own, "a.jpg", false},
	} {
		set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Follow: tt.follow, Exclude: exclude}
		if err := set.Validate(); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(newSite(anyAccount, set, "us-east-1").replicaFilter(role))
		if err != nil {
			t.Fatal(err)
		}
		policy, err := filterpolicy.Parse(raw, filterpolicy.MessageBody)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		body := fmt.Sprintf(`{"Records":[{"eventName":%q,"userIdentity":{"principalId":%q},"s3":{"object":{"key":%q}}}]}`,
			tt.event, tt.principal, tt.key)
		if got := policy.MatchBody([]byte(body)); got != tt.want {
			t.Errorf("%s of %s by %s while %v are followed: passes %t, want %t", tt.event, tt.key, tt.principal, tt.follow, got, tt.want)
		}
	}
}

// TestTooMuchExcludedIsSaidBeforeSynthesis names the field that makes the
// function's environment too long.
func TestTooMuchExcludedIsSaidBeforeSynthesis(t *testing.T) {
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	for i := range 40 {
		set.Exclude = append(set.Exclude, replicaset.Exclusion{Prefix: fmt.Sprintf("%03d/%s/", i, strings.Repeat("p", 100))})
	}
	const want = "s3fanout.exclude: they make the environment of the function in us-east-1 4566 bytes long, AWS allows 4096; " +
		"exclude fewer prefixes and suffixes, or shorten them"
	if err := Config(set).Validate(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	set.Exclude = set.Exclude[:30]
	if err := Config(set).Validate(); err != nil {
		t.Error(err)
	}
}

// TestDashboardShowsWhatIsExcluded has the metric where it can have figures.
func TestDashboardShowsWhatIsExcluded(t *testing.T) {
	for _, excluded := range []bool{false, true} {
		set := defaultSet(t)
		if excluded {
			set.Exclude = replicaset.Exclusions{{Prefix: "tmp/"}}
		}
		widgets, err := json.Marshal(newSite(anyAccount, set, "us-east-1").widgets())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(widgets), `"Excluded"`); got != excluded {
			t.Errorf("excluded %t: the dashboard has the metric: %t", excluded, got)
		}
	}
}
