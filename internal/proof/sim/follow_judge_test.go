package sim

import (
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/operator/undelete"
)

// judging has a world in which nothing has happened be judged.
func judging(t *testing.T, f func(w *world, region string)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		sc := newFollowSchedule(1)
		sc.actions, sc.follow.follow.Deletions = nil, true
		w := newWorld(&sc)
		f(w, w.set.Regions[0])
	})
}

// A lifecycle rule with the prefix "a" is one for "a%2Bb", too: what was deleted there may
// stay so, and a reconcile lets the Regions differ.
func TestRulesOfPrefixesExcuseAReconcile(t *testing.T) {
	for _, key := range []string{"a", "a%2Bb", "b"} {
		judging(t, func(w *world, region string) {
			w.follow.trace.deletions = []deletion{{key: key}}
			if !w.endsWithReconcile(key) {
				t.Errorf("%q does not end without a rule", key)
			}
			w.schedule.actions = []action{{kind: expireCurrent, key: "a", region: region}}
			if got := w.endsWithReconcile(key); got != (key == "b") {
				t.Errorf("%q ends: %t", key, got)
			}
		})
	}
}

// What undelete brings back may be another version of the same bytes, also if its copy in
// parts has another ETag.
func TestSameBytesComeBack(t *testing.T) {
	judging(t, func(w *world, _ string) {
		deleted := time.Now()
		was := hiddenKey{
			was: &stored{body: "a0", etag: etagOf("a0"), headers: headers{contentType: "text/a2"}}, first: deleted, told: deleted,
			last: deleted,
		}
		span := undelete.Span{Since: deleted, Until: deleted}
		for body, wrong := range map[string]bool{"a0": false, "a1": true} {
			w.wrong = nil
			for _, r := range w.set.Regions {
				w.follow.stores[r].stacks["a"] = []*stored{{key: "a", body: body, etag: "m" + body + "-3", parts: 3}}
			}
			if w.judgeUndeleted("a", was, span); (len(w.wrong) > 0) != wrong {
				t.Errorf("%s: %v", body, w.wrong)
			}
		}
	})
}
