package health

import (
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

// followSet follows all that can be followed.
func followSet() replicaset.Config {
	set := testSet()
	set.Follow = replicaset.Follow{Overwrites: true, Deletions: true, Tags: true}
	return set
}

func TestHealthySetThatFollowsHasNoFindings(t *testing.T) {
	set := followSet()
	for range 2 {
		facts := healthyOf(set)
		for i := range facts.Regions {
			// Rules that delete the same everywhere, and keep noncurrent versions.
			facts.Regions[i].Bucket.Value.Lifecycle = found(Lifecycle{Expires: []string{"every object after 365 days"}, NoncurrentDays: 30})
			facts.Regions[i].Bucket.Value.Skew.Value += time.Duration(i) * 3 * time.Second
		}
		if got := Check(facts); len(got) != 0 {
			t.Errorf("findings %+v, want none", got)
		}
		set.BatchOperations = true
	}
}

// followTroubles are those of eu-west-1 in a set that follows everything.
func followTroubles() []trouble {
	notifications := func(change func([]Notification) []Notification) func(*Region) {
		return func(r *Region) { r.Bucket.Value.Notifications.Value = change(r.Bucket.Value.Notifications.Value) }
	}
	lifecycle := func(l Lifecycle) func(*Region) {
		return func(r *Region) { r.Bucket.Value.Lifecycle = found(l) }
	}
	without := func(old string) func(*Region) {
		return func(r *Region) { replace(&r.Role.Value.Policies.Value[0], old, "s3:GetObjectAcl") }
	}
	return []trouble{
		{"versioning suspended while overwrites travel", func(r *Region) { r.Bucket.Value.Versioning.Value = "Suspended" }, checkVersioning,
			Failed, "suspended"},
		{"deletions not announced", notifications(func(n []Notification) []Notification { return slices.Delete(n, 1, 2) }),
			checkFollowed, Failed, "no events of ObjectRemoved:DeleteMarkerCreated of every key"},
		{"only destroyed versions announced", notifications(func(n []Notification) []Notification {
			n[1].Events = []string{"s3:ObjectRemoved:Delete"}
			return n
		}), checkFollowed, Failed, "of ObjectRemoved:DeleteMarkerCreated of every key"},
		{"destroyed versions announced too", notifications(func(n []Notification) []Notification {
			n[1].Events = []string{"s3:ObjectRemoved:*"}
			return n
		}), checkFollowed, Failed,
			"sends topic media-object-created events of ObjectRemoved:Delete of every key, which cdk.json does not follow"},
		{"tags of some keys announced", notifications(func(n []Notification) []Notification {
			n[2].Prefix = "a/"
			return n
		}), checkFollowed, Failed, "of ObjectTagging:Put of every key"},
		{"deletions announced elsewhere", notifications(func(n []Notification) []Notification {
			n[1].TopicARN += "2"
			return n
		}), checkFollowed, Failed, "of ObjectRemoved:DeleteMarkerCreated"},
		{"markers of the role dropped", func(r *Region) {
			f := &r.Subscriptions.Value[0].Settings.Value.FilterPolicy
			rest, _ := strings.CutPrefix(*f, `{"$or":[`)
			*f, _, _ = strings.Cut(rest, `,{"Records":{"eventName"`)
		}, checkFilter, Failed, "drops the delete markers made by the function of eu-west-1"},
		{"other events of the role pass", func(r *Region) {
			replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, "ObjectRemoved:DeleteMarkerCreated", "ObjectTagging:Put")
		}, checkFilter, Failed, "another filter than deployed"},
		{"a filter of another role", func(r *Region) {
			replace(&r.Subscriptions.Value[1].Settings.Value.FilterPolicy, "AROA1", "AROAOLD")
		}, checkReplicaFilter, Failed, "AROAOLD"},
		{"deployed without deletions", func(r *Region) { r.Function.Value.Environment["S3FANOUT_FOLLOW"] = "ot" }, checkEnvironment, Failed,
			"S3FANOUT_FOLLOW is ot; cdk.json says odt"},
		{"deployed as it was", func(r *Region) { delete(r.Function.Value.Environment, "S3FANOUT_FOLLOW") }, checkEnvironment, Failed,
			"S3FANOUT_FOLLOW is not set; cdk.json says odt"},

		{"objects expire here alone", lifecycle(Lifecycle{Expires: []string{"every object after 1 day"}}), checkExpiry, Warning,
			"deletes every object after 1 day, most of the others nothing"},
		{"noncurrent versions destroyed soon", lifecycle(Lifecycle{NoncurrentDays: 29}), checkNoncurrent, Warning, "after 29 days"},
		{"S3's clock ahead", func(r *Region) { r.Bucket.Value.Skew.Value -= 8 * time.Second }, checkS3Clocks, Failed, "8s ahead of"},
		{"S3's clock behind", func(r *Region) { r.Bucket.Value.Skew.Value += 10 * time.Minute }, checkS3Clocks, Failed, "10m0s behind"},

		{"may not see versioning", without("s3:GetBucketVersioning"), checkActions, Failed, "nothing is followed"},
		{"may not read versions", without("s3:ListBucketVersions"), checkActions, Failed,
			"s3:ListBucketVersions on arn:aws:s3:::media-111122223333-us-east-1"},
		{"may not delete", without("s3:DeleteObject"), checkActions, Failed, "deletions are not followed"},
		{"may not tag a version", without("s3:PutObjectVersionTagging"), checkActions, Failed, "changes of tags are not followed"},
	}
}

// A filter that follows something else announces something else.
func TestEachFilterAnnouncesWhatItFollows(t *testing.T) {
	set := followSet()
	set.Filters = []replicaset.Filter{{Prefix: "a/"}, {Prefix: "logs/", OwnFollow: true}}
	facts := healthyOf(set)
	for i := range facts.Regions {
		topic := facts.Regions[i].Bucket.Value.Notifications.Value[0].TopicARN
		facts.Regions[i].Bucket.Value.Notifications = found([]Notification{
			{TopicARN: topic, Events: []string{"s3:ObjectCreated:*"}, Prefix: "a/"},
			{TopicARN: topic, Events: []string{"s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectTagging:*"}, Prefix: "a/"},
			{TopicARN: topic, Events: []string{"s3:ObjectCreated:*"}, Prefix: "logs/"},
		})
	}
	if got := Check(facts); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	list := facts.Regions[0].Bucket.Value.Notifications.Value
	list[2].Events = append(list[2].Events, "s3:ObjectRemoved:*")
	if got := Check(facts); len(got) != 1 || got[0].Check != checkFollowed ||
		!strings.Contains(got[0].What, `keys with prefix "logs/", which cdk.json does not follow`) {
		t.Errorf("findings %+v", got)
	}
}

// A rule that leaves no time to bring back what was deleted by mistake is said
// before anybody needs it (bad input: cm-34).
func TestARuleThatDestroysAfterADay(t *testing.T) {
	for _, set := range []replicaset.Config{followSet(), testSet()} {
		facts := healthyOf(set)
		facts.Regions[0].Bucket.Value.Lifecycle = found(Lifecycle{NoncurrentDays: 1})
		var got []string
		for _, f := range Check(facts) {
			got = append(got, f.Check+": "+f.What)
		}
		var want []string
		if set.Follow.Any() { // else no version is there to be brought back
			want = []string{"bucket-noncurrent-versions: bucket media-111122223333-us-east-1 destroys noncurrent versions after 1 day"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("follows %v: findings %q, want %q", set.Follow, got, want)
		}
	}
}
