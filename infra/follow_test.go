package infra

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/filterpolicy"
)

var (
	overwrites = replicaset.Follow{Overwrites: true}
	deletions  = replicaset.Follow{Overwrites: true, Deletions: true}
	everything = replicaset.Follow{Overwrites: true, Deletions: true, Tags: true}
)

// TestFiltersAnnounceWhatTheyFollow: each filter has the notifications of what is
// followed of its own keys.
func TestFiltersAnnounceWhatTheyFollow(t *testing.T) {
	s := synthesize(t, replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Follow: deletions,
		Filters: []replicaset.Filter{
			{Prefix: "films/"},
			{Prefix: "logs/", OwnFollow: true},
			{Prefix: "img/", OwnFollow: true, Follow: everything},
		},
	})
	at := relations{synthesized: s, region: "us-east-1", template: s.regions["us-east-1"]}
	var got []string
	for _, c := range notifications(t, at) {
		rule := c["Filter"].(object)["S3Key"].(object)["Rules"].(list)[0].(object)
		got = append(got, fmt.Sprint(rule["Value"], " ", c["Event"]))
	}
	equal(t, "notifications", got, []string{
		"films/ s3:ObjectCreated:*", "films/ s3:ObjectRemoved:DeleteMarkerCreated",
		"logs/ s3:ObjectCreated:*",
		"img/ s3:ObjectCreated:*", "img/ s3:ObjectRemoved:DeleteMarkerCreated", "img/ s3:ObjectTagging:*",
	})
}

// TestMarkersOfTheRolePass evaluates the subscriptions' filter as SNS does.
func TestMarkersOfTheRolePass(t *testing.T) {
	const role, own, user = "AROAEXAMPLE", "AWS:AROAEXAMPLE:media-replicator", "AWS:AIDAEXAMPLE"
	for _, tt := range []struct {
		principal, event string
		follow           replicaset.Follow
		want             bool
	}{
		{user, "ObjectCreated:Put", overwrites, true},
		{own, "ObjectCreated:Copy", overwrites, false},
		{user, "ObjectCreated:Put", everything, true},
		{own, "ObjectCreated:Copy", everything, false},
		{own, "ObjectCreated:CompleteMultipartUpload", everything, false},
		{own, "ObjectTagging:Put", everything, false},
		{user, "ObjectTagging:Delete", everything, true},
		{own, "ObjectRemoved:DeleteMarkerCreated", everything, true},
		{user, "ObjectRemoved:DeleteMarkerCreated", everything, true},
		{user, "ObjectRemoved:Delete", everything, true},
	} {
		set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Follow: tt.follow}
		raw, err := json.Marshal(newSite(anyAccount, set, "us-east-1").replicaFilter(role))
		if err != nil {
			t.Fatal(err)
		}
		policy, err := filterpolicy.Parse(raw, filterpolicy.MessageBody)
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"Records":[{"eventName":%q,"userIdentity":{"principalId":%q},"s3":{"object":{"key":"k"}}}]}`,
			tt.event, tt.principal)
		if got := policy.MatchBody([]byte(body)); got != tt.want {
			t.Errorf("%s by %s while %v are followed: passes %t, want %t", tt.event, tt.principal, tt.follow, got, tt.want)
		}
	}
}

// TestFollowGrantsWhatItNeeds compares what the function may do with and without,
// both ways. What would destroy a version it may never.
func TestFollowGrantsWhatItNeeds(t *testing.T) {
	const own, others = "own", "others"
	for _, tt := range []struct {
		follow replicaset.Follow
		want   map[string][]string // actions that are there besides, and on which buckets
	}{
		{replicaset.Follow{}, map[string][]string{}},
		{overwrites, map[string][]string{
			"s3:GetObject": {others + "/*"}, "s3:ListBucketVersions": {others, own}, "s3:GetBucketVersioning": {own},
			"s3:GetObjectVersion": {own + "/*"},
		}},
		{deletions, map[string][]string{
			"s3:GetObject": {others + "/*"}, "s3:ListBucketVersions": {others, own}, "s3:GetBucketVersioning": {own},
			"s3:GetObjectVersion": {own + "/*"},
			"s3:DeleteObject":     {own + "/*"},
		}},
		{replicaset.Follow{Overwrites: true, Tags: true}, map[string][]string{
			"s3:GetObject": {others + "/*"}, "s3:ListBucketVersions": {others, own}, "s3:GetBucketVersioning": {own},
			"s3:GetObjectVersion":        {own + "/*"},
			"s3:PutObjectVersionTagging": {own + "/*"}, "s3:GetObjectVersionTagging": {own + "/*"},
		}},
	} {
		t.Run(tt.follow.String(), func(t *testing.T) {
			set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}
			without := grants(set, own, others)
			set.Follow = tt.follow
			with := grants(set, own, others)
			got := map[string][]string{}
			for action, buckets := range with {
				for _, bucket := range buckets {
					if !slices.Contains(without[action], bucket) {
						got[action] = append(got[action], bucket)
					}
				}
				if strings.Contains(action, "DeleteObjectVersion") || strings.Contains(action, "*") {
					t.Errorf("the function may %s", action)
				}
			}
			equal(t, "besides", got, tt.want)
			for action := range without {
				if with[action] == nil {
					t.Errorf("%s is gone", action)
				}
			}
		})
	}
}

// grants are the actions of the function's policy and the buckets, or their
// objects, that they are for.
func grants(set replicaset.Config, own, others string) map[string][]string {
	here := newSite(anyAccount, set, set.Regions[0])
	found := map[string][]string{}
	for _, s := range here.replicate(nil) {
		for _, action := range s.actions {
			for _, resource := range s.resources {
				word := strings.Replace(resource, here.BucketARN(), own, 1)
				for _, other := range here.others() {
					word = strings.Replace(word, other.BucketARN(), others, 1)
				}
				if !slices.Contains(found[action], word) {
					found[action] = append(found[action], word)
				}
			}
		}
	}
	for action := range found {
		slices.Sort(found[action])
	}
	return found
}
