package failover

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"s3fanout/internal/aws/errorcode"
)

// ErrUnsure marks the failure of a change that S3 may have taken all the same.
var ErrUnsure = errors.New("S3 may have taken the change")

// retryTime is between two attempts to submit a change.
const retryTime = 5 * time.Second

// unsure is an error that ErrUnsure marks. Its text stays.
type unsure struct{ error }

// Unwrap returns the mark and the error.
func (u unsure) Unwrap() []error { return []error{ErrUnsure, u.error} }

// Change submits a change until S3 has taken it, for limit at most. S3 answers 409 while
// another change is under way, which may be this one, whose answer was lost
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mrap-failover-errors.html).
// Shown are the routes before, wanted those after it. An error wraps ErrUnsure unless S3
// has refused the change.
func (c *Control) Change(ctx context.Context, shown, wanted, changes []Route, limit time.Duration) error {
	began, lost := time.Now(), false
	for {
		err := c.Submit(ctx, changes)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, ErrUnsure) && lost:
			return unsure{err}
		case !errors.Is(err, ErrUnsure), ctx.Err() != nil:
			return err
		}
		lost = true
		if !sleep(ctx, retryTime) {
			return err
		}
		if !slices.Equal(shown, wanted) {
			if routes, lookErr := c.Routes(ctx); lookErr == nil && slices.Equal(routes, wanted) {
				return nil
			}
		}
		if time.Since(began) >= limit {
			return err
		}
	}
}

// ErrChanged says that somebody else has changed the routes.
var ErrChanged = errors.New("the routes are not as they were a moment ago")

// Still looks whether S3 shows these routes. If not, the error is ErrChanged.
func (c *Control) Still(ctx context.Context, routes []Route) error {
	now, err := c.Routes(ctx)
	if err == nil && !slices.Equal(now, routes) {
		err = ErrChanged
	}
	return err
}

// refuses says that an answer leaves no doubt that nothing was changed, and that the same
// request would be refused again.
func refuses(err error) bool {
	switch status := errorcode.Status(err); status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return false
	default:
		return status >= 400 && status < 500
	}
}
