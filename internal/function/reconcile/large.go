package reconcile

import (
	"cmp"
	"context"
	"time"

	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// isLarge says that an object is copied in parts.
func (w *work) isLarge(size int64) bool {
	return size > cmp.Or(w.Config.MultipartThreshold, copier.DefaultThreshold)
}

// unfinished is the copy in parts of a key that an earlier invocation has begun.
func (w *work) unfinished(key string) *copier.Upload {
	for _, u := range w.keeper.now().Unfinished {
		if u.Source.Key == key {
			return &u
		}
	}
	return nil
}

// beingCopied says whether somebody copies a large key to the own bucket just now,
// which shows nothing of it until it is done. Where that may not be asked, nobody does.
// What is found of own copies that died is given up.
func (w *work) beingCopied(ctx context.Context, key string, size int64) bool {
	if !w.isLarge(size) {
		return false
	}
	m := w.members[w.own]
	found, err := uploads.Find(ctx, uploads.Bucket{Region: m.Region, Name: m.Bucket, RoleARN: w.Config.Role, Client: w.Read(m.Region)}, key)
	if err != nil {
		w.log.Warn("it is not known whether a large object is being copied", "key", key, "error", err.Error())
	}
	for _, u := range found.Abandoned(w.session()) {
		w.giveUp(ctx, copier.Upload{Source: copier.Object{Key: key}, UploadID: u.UploadID})
	}
	_, busy := found.Copying()
	return busy
}

// session names the sessions in which differences are repaired.
func (w *work) session() string {
	return functionenv.ReconcileSession(replicaset.Config{Name: w.Config.Target.Set}.FunctionName())
}

// waits ends the invocation before a key that somebody copies just now, so that the
// next tick looks again: the copy of an invocation that died looks the same for a
// while. Where nobody may wait any longer, the key is not repaired.
func (w *work) waits(key string, index int, off Counts) (Counts, error) {
	if w.keeper.mayWait() {
		w.log.Info("a large object is being copied, and the next tick looks again", "key", key)
		return Counts{}, errTimeUp
	}
	return w.left(key, index, off, whyBusy), nil
}

// giveUpTime bounds giving a copy up, also when the invocation's time for work is up.
const giveUpTime = 5 * time.Second

// giveUp gives a copy in parts up that nobody will go on with. If that does not work, the
// bucket's lifecycle rule removes its parts.
func (w *work) giveUp(ctx context.Context, u copier.Upload) {
	if !w.Config.Copy {
		return // and may not
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTime)
	defer cancel()
	if err := w.Copier.Abandon(ctx, u); err != nil {
		w.log.Warn("an unfinished upload stays until the bucket's lifecycle rule removes it",
			"key", u.Source.Key, "uploadId", u.UploadID, "error", err.Error())
	}
}

// giveUpDropped gives up what the keeper does not remember any more. What was completed
// is none.
func (w *work) giveUpDropped(ctx context.Context) {
	for _, u := range w.keeper.takeDropped() {
		w.giveUp(ctx, u)
	}
}
