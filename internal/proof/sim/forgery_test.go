package sim

import (
	"bytes"
	"slices"
	"time"

	"s3fanout/internal/function/event"
)

// forged is a continuation that the function did not write.
const forged fault = "somebody forges a continuation"

// forgedUpload begins the IDs of uploads that are a user's own.
const forgedUpload = "upload-of-alice-"

// forge has a user begin an upload of a key to another Region, and somebody ask
// the function there to go on with it. Whoever may write to a dead-letter queue
// can do that.
func (w *world) forge(a action) {
	if a.kind != upload || a.size <= threshold || !w.happens(w.schedule.profile.forged, a.name, forged) {
		return
	}
	others := w.set.Others(a.region)
	to := others[w.seed.below(len(others), a.name, "forged to")]
	id := forgedUpload + a.name
	w.after(w.seed.between(0, pickTime(w.seed, id, time.Second, 2*time.Minute), id, "when"), func() {
		w.mu.Lock()
		w.buckets[to].uploads[id] = &openUpload{
			key: a.key, props: "alice's", by: "arn:aws:iam::" + account + ":user/alice", begun: time.Now(), highest: 1,
			parts: map[int]part{1: {etag: `"alice"`, content: "alice's", last: partSize - 1, at: time.Now()}},
		}
		w.forgeries[id] = to
		v := w.uploads[slices.IndexFunc(w.uploads, func(v *version) bool { return v.action == a.name })]
		w.mu.Unlock()
		payload, err := event.EncodeContinuation(event.Continuation{
			Source: event.Record{
				Region: v.region, Bucket: w.buckets[v.region].name, Key: v.key, VersionID: v.id, Size: v.size, ETag: v.etag,
			},
			UploadID: id, PartSize: partSize,
		})
		if err != nil {
			panic(err)
		}
		w.queueInvocation(to, payload, "forged "+a.name, 0)
	})
}

func isForged(payload []byte) bool { return bytes.Contains(payload, []byte(forgedUpload)) }

// checkForgeries holds the world against promise (e): what others upload is
// neither completed nor aborted.
func (w *world) checkForgeries(when string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, region := range w.forgeries {
		if u := w.buckets[region].uploads[id]; u == nil || len(u.parts) != 1 {
			w.broken("e", "%s, the user's upload %s to %s is not what it was", when, id, region)
		}
	}
}
