package redrive_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"s3fanout/internal/operator/redrive"
)

// TestOnlyTheRegionIsWrong has dead letters of the set's own function and topic in
// another Region's queue. They are not followed into the other Region, and are not said
// to be of another set.
func TestOnlyTheRegionIsWrong(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"function": {envelope("k", functionARN(asia)),
			"in the wrong queue: the function is this replica set's in " + asia},
		"topic": {notice(strings.Replace(topicARN, east, asia, 1), ""),
			"in the wrong queue: the topic is this replica set's in " + asia},
		"function of a Region outside the set": {envelope("k", functionARN("eu-west-2")),
			"not of this replica set: the function is arn:aws:lambda:eu-west-2"},
		"topic of a Region outside the set": {notice(strings.Replace(topicARN, east, "eu-west-2", 1), ""),
			"not of this replica set: the topic is arn:aws:sns:eu-west-2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.queues[east].put(tt.body)
				r := w.run(t, t.Context()).Regions[0].Results[0]
				if r.Outcome != redrive.NotOurs || !strings.HasPrefix(r.Detail, tt.want) {
					t.Errorf("got %s: %s, want %q", r.Outcome, r.Detail, tt.want)
				}
				for region, f := range w.functions {
					if f.invocations() > 0 {
						t.Errorf("the function of %s was invoked", region)
					}
				}
			})
		})
	}
}
