package copier

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

// Giving the upload up went on for ten seconds after the deadline, and took the
// time that the caller had kept for saying why.
func TestCleanUpEndsWithTheDeadline(t *testing.T) {
	for _, total := range []time.Duration{time.Second, time.Minute, 895 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			m, req := world(95)
			aborts := 0
			m.before = func(r *http.Request, op string, _ int) (*reply, error) {
				switch op {
				case "Abort":
					aborts++
					fallthrough
				case "Part":
					return nil, smithytime.SleepWithContext(r.Context(), time.Hour)
				}
				return nil, nil
			}
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), total)
			defer cancel()
			_, err := inParts(m, 4).Copy(ctx, req)
			if took := time.Since(start); took > total || aborts == 0 {
				t.Errorf("Copy took %v of %v, with %d aborts: %v", took, total, aborts, err)
			}
			var e *Error
			if !errors.As(err, &e) || e.Class != Retryable || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want what was tried when the time was over", err)
			}
		})
	}
}

func TestCleanUpAfterACancellationIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(95)
		ctx, cancel := context.WithCancel(t.Context())
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			switch op {
			case "Part":
				cancel()
			case "Abort":
				return nil, smithytime.SleepWithContext(r.Context(), time.Hour)
			}
			return nil, nil
		}
		start := time.Now()
		_, err := inParts(m, 1).Copy(ctx, req)
		if took := time.Since(start); !errors.Is(err, context.Canceled) || took != abortTime {
			t.Errorf("got %v after %v, want it to end after %v", err, took, abortTime)
		}
	})
}
