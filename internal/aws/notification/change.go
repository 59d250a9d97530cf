package notification

import (
	"bytes"
	"context"
	"errors"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

const (
	// rounds is how often a change is made again because somebody else wrote.
	rounds = 4
	// looks is how often S3 is asked for what was written: a bucket's
	// configuration is eventually consistent
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).
	looks = 6
	// firstPause is before the second look; each further one is twice as long.
	firstPause = 250 * time.Millisecond
)

// Changed is what came of a Change.
type Changed struct {
	// Wrote says that a write was sent, though an error may say that it failed.
	Wrote bool
	// Before is what the bucket had when it was looked at last before a write.
	Before Document
	// Raced says that somebody else's write was seen in between.
	Raced bool
}

// Why a change is given up.
var (
	// ErrRaced says that somebody else wrote the configuration at the same time,
	// again and again.
	ErrRaced = errors.New("somebody else writes the bucket's notifications at the same time; try again when they are done")
	// ErrNotShown says that S3 took the configuration again and again and kept on
	// showing the one before, or that somebody keeps on restoring that one.
	ErrNotShown = errors.New(
		"S3 accepts the bucket's notifications but still shows the previous ones; see who else writes them, and try again",
	)
)

// Change edits what the store has, and sees that it has what was written. Where
// the edit changes nothing, nothing is written, so it may be repeated. An error of
// edit ends it before anything is written.
//
// The write has no condition: what somebody else writes between the look and the
// write, some milliseconds, is replaced, and nothing tells. What they write
// afterwards, made of what they had read before, is seen by the looks that follow,
// and the edit is made once more upon it.
func Change(ctx context.Context, store Store, unchecked bool, edit func(Document) (Document, error)) (Changed, error) {
	var c Changed
	var gaveUp error
	for range rounds {
		before, err := store.Get(ctx)
		if err != nil {
			return c, err
		}
		c.Before = before
		after, err := edit(before)
		if err != nil {
			return c, err
		}
		if bytes.Equal(after.raw, before.raw) {
			return c, nil
		}
		c.Wrote = true
		if err := store.Put(ctx, after, unchecked); err != nil {
			return c, err
		}
		gaveUp = shows(ctx, store, before, after)
		if gaveUp == nil {
			return c, nil
		}
		if !errors.Is(gaveUp, ErrRaced) && !errors.Is(gaveUp, ErrNotShown) {
			return c, gaveUp
		}
		c.Raced = c.Raced || errors.Is(gaveUp, ErrRaced)
	}
	return c, gaveUp
}

// shows waits until S3 shows what was written. ErrRaced says that it shows what is
// neither from before nor from after, ErrNotShown that it has had its time.
func shows(ctx context.Context, store Store, before, after Document) error {
	pause := firstPause
	for look := range looks {
		if look > 0 {
			if err := smithytime.SleepWithContext(ctx, pause); err != nil {
				return err
			}
			pause *= 2
		}
		now, err := store.Get(ctx)
		switch {
		case err != nil:
			return err
		case now.Equal(after):
			return nil
		case !now.Equal(before):
			return ErrRaced
		}
	}
	return ErrNotShown
}
