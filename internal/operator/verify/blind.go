package verify

import (
	"context"
	"sync"

	"s3fanout/internal/aws/awsapi"
)

// question is something that is asked besides, without which the comparison is
// right all the same, but slower or with less to say.
type question int

const (
	askVersions question = iota // when a key was deleted
	askUploads                  // whether a key is being copied
)

// blind are the questions that a bucket does not answer. They are asked once.
type blind struct {
	mu   sync.Mutex
	seen map[blindSpot]bool
	errs []error
}

type blindSpot struct {
	bucket int
	what   question
}

func (b *blind) is(bucket int, q question) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[blindSpot{bucket, q}]
}

// note takes note of an error. It returns ctx's, if that has ended.
func (b *blind) note(ctx context.Context, bucket int, q question, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	spot := blindSpot{bucket, q}
	if b.seen[spot] {
		return nil
	}
	if b.seen == nil {
		b.seen = map[blindSpot]bool{}
	}
	b.seen[spot] = true
	b.errs = append(b.errs, err)
	return nil
}

// err joins what was not answered, nil if everything was.
func (b *blind) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return awsapi.Join(b.errs)
}
