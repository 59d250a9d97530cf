package health

import (
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// excludingSets have a prefix that the subscriptions drop, without and with the
// other parts of a filter.
func excludingSets() []replicaset.Config {
	plain := testSet()
	plain.Exclude = replicaset.Exclusions{{Suffix: ".part"}, {Prefix: "tmp/"}, {Prefix: "old/"}}
	follows := followSet()
	follows.Exclude = plain.Exclude
	return []replicaset.Config{plain, follows}
}

func TestDoctorKnowsWhatSubscriptionsDrop(t *testing.T) {
	for _, set := range excludingSets() {
		if got := Check(healthyOf(set)); len(got) != 0 {
			t.Errorf("findings %+v, want none", got)
		}
		for what, tt := range map[string]struct {
			change func(*Region)
			check  string
			text   string
		}{
			"another prefix": {func(r *Region) { replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, `"tmp/"`, `"films/"`) },
				checkFilter, "drops the keys that begin with films/, which cdk.json does not exclude or not first"},
			"a shorter prefix": {func(r *Region) { replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, `"tmp/"`, `"t"`) },
				checkFilter, "drops the keys that begin with t, which"},
			"several prefixes": {func(r *Region) {
				replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, `{"prefix":"tmp/"}`, `{"prefix":["tmp/","films/"]}`)
			}, checkFilter, "a filter that is not ours"},
			"only some keys": {func(r *Region) {
				replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, `[{"anything-but":{"prefix":"tmp/"}}]`, `[{"prefix":"tmp/"}]`)
			}, checkFilter, "a filter that is not ours"},
			"what is excluded not deployed": {func(r *Region) { r.Function.Value.Environment["S3FANOUT_EXCLUDE"] = "tmp/:" },
				checkEnvironment, "S3FANOUT_EXCLUDE is tmp/:; it should be :.part,tmp/:,old/:"},
		} {
			facts := healthyOf(set)
			tt.change(&facts.Regions[1])
			wantFinding(t, what, Check(facts), tt.check, tt.text)
		}

		// The other way round: cdk.json excludes less than what is deployed.
		facts := healthyOf(set)
		facts.Set.Exclude = facts.Set.Exclude[:1]
		wantFinding(t, "no longer excluded", Check(facts), checkFilter, "drops the keys that begin with tmp/")
		facts = healthyOf(withoutExclusions(set))
		facts.Set.Exclude = set.Exclude
		wantFinding(t, "excluded since", Check(facts), checkEchoFilter, "does not drop the keys that begin with tmp/, which cdk.json excludes")
	}
}

func withoutExclusions(set replicaset.Config) replicaset.Config {
	set.Exclude = nil
	return set
}

func wantFinding(t *testing.T, what string, findings []Finding, check, text string) {
	t.Helper()
	if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Check == check && strings.Contains(f.What, text) }) {
		t.Errorf("%s: findings %+v, want %s: …%s…", what, findings, check, text)
	}
}
