package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/listing/listtest"
)

// Who may not list versions does not know when a key was deleted. It was waited
// for a grace for each 512 such keys: 50 minutes for 5,000.
func TestRunWaitsOnceForDeletionsOfUnknownDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o := buckets(2)
		const n = 2000
		for i := range n {
			key := fmt.Sprintf("%06d", i)
			for j := range b {
				b[j].Put(key, object("x", 200*time.Hour))
			}
			b[0].Hide(key, time.Now().Add(-100*time.Hour))
		}
		b[0].Before = func(_ context.Context, operation, _ string) error {
			if operation == "ListObjectVersions" {
				return listtest.Refused(http.StatusForbidden, "AccessDenied")
			}
			return nil
		}
		start := time.Now()
		_, s, err := found(t.Context(), o)
		if took := time.Since(start); err != nil || s.Missing != n || took > o.Grace+time.Minute {
			t.Errorf("%d missing after %v, %v; want %d within about a grace", s.Missing, took, err, n)
		}
	})
}

// The date of an object in parts is when its upload began, so that one of today is
// waited for a grace from the first look on. It was waited for a grace for each 512
// such keys: 20 minutes for 2,000. What is copied, or written, meanwhile is seen.
func TestRunWaitsOnceForKeysInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o := buckets(2)
		const n = 2000
		inParts := func(body string, age time.Duration) s3.HeadObjectOutput {
			out := object(body, age)
			out.ETag = aws.String(`"` + body + `-2"`)
			return out
		}
		for i := range n {
			b[0].Put(fmt.Sprintf("%06d", i), inParts("x", 2*time.Hour))
		}
		// One of the first keys and one of the last: they are waited for in two ways.
		for _, i := range []int{5, n - 5} {
			time.AfterFunc(4*time.Minute, func() { b[1].Put(fmt.Sprintf("%06d", i), inParts("x", 0)) })
			time.AfterFunc(4*time.Minute, func() { b[0].Put(fmt.Sprintf("%06d", i-1), inParts("y", 0)) })
		}
		start := time.Now()
		got, s, err := found(t.Context(), o)
		took := time.Since(start)
		if err != nil || s.Missing != n-2 || s.Equal != 2 || s.Unfinished != 0 || int64(len(got)) != s.Missing {
			t.Errorf("%v, %+v", err, s)
		}
		// What was written again was waited for since then.
		if took < o.Grace || took > 4*time.Minute+o.Grace+time.Minute {
			t.Errorf("took %v, want about a grace, and another one for what was written again", took)
		}
	})
}
