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
				checkFilter, "drops keys with the prefix films/, which cdk.json does not exclude or not first"},
			"a shorter prefix": {func(r *Region) { replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, `"tmp/"`, `"t"`) },
				checkFilter, "drops keys with the prefix t, which"},
			"several prefixes": {func(r *Region) {
				replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, `{"prefix":"tmp/"}`, `{"prefix":["tmp/","films/"]}`)
			}, checkFilter, "another filter than deployed"},
			"only some keys": {func(r *Region) {
				replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, `[{"anything-but":{"prefix":"tmp/"}}]`,
					`[{"prefix":"tmp/"}]`)
			}, checkFilter, "another filter than deployed"},
			"what is excluded not deployed": {func(r *Region) { r.Function.Value.Environment["S3FANOUT_EXCLUDE"] = "tmp/:" },
				checkEnvironment, "S3FANOUT_EXCLUDE is tmp/:; cdk.json says :.part,tmp/:,old/:"},
		} {
			facts := healthyOf(set)
			tt.change(&facts.Regions[1])
			wantFinding(t, what, Check(facts), tt.check, tt.text)
		}

		// The other way round: cdk.json excludes less than what is deployed.
		facts := healthyOf(set)
		facts.Set.Exclude = facts.Set.Exclude[:1]
		wantFinding(t, "no longer excluded", Check(facts), checkFilter, "drops keys with the prefix tmp/")
		facts = healthyOf(withoutExclusions(set))
		facts.Set.Exclude = set.Exclude
		wantFinding(t, "excluded since", Check(facts), checkReplicaFilter,
			"does not drop keys with the prefix tmp/, which cdk.json excludes")
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
