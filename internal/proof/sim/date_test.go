package sim

import (
	"net/http"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/listing/listtest"
)

// date is a second as answers have it.
type date struct {
	second int64
	header []string
	// noted is what the SDK notes of an answer with this Date. It notes also when the answer
	// came; here that is when the first one did, and nobody asks.
	noted middleware.Metadata
}

// dates are the seconds that were needed last. All schedules begin at the same time, so
// nearly every answer has a Date that another one had.
var dates [1 << 12]atomic.Pointer[date]

// dateIn is that of an answer that a Region gives now.
func (w *world) dateIn(region string) *date {
	now := w.now(region)
	place := &dates[uint64(now.Unix())%uint64(len(dates))]
	if d := place.Load(); d != nil && d.second == now.Unix() {
		return d
	}
	d := &date{now.Unix(), []string{now.UTC().Format(http.TimeFormat)}, listtest.Answered(now)}
	place.Store(d)
	return d
}

// answered is what the SDK notes of an answer that a Region gives now. Who adds to it has to
// clone it.
func (w *world) answered(region string) middleware.Metadata { return w.dateIn(region).noted }
