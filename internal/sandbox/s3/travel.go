package s3

import (
	"context"
	"net/http"
	"time"

	"s3fanout/internal/sandbox/network"
)

// travel has the request take as long as over the network, and refuses it where its
// prefix has had its requests of the second. A copy reads its source, in the source's
// Region, as well.
func (x *exchange) travel() error {
	n := x.config.Network
	if n == nil {
		return nil
	}
	takes := n.Request("s3", x.auth.caller.Region, x.region)
	if x.copies() {
		if source, ok := x.findBucket(x.source.bucket); ok {
			takes += n.RoundTrip(x.region, source.region)
		}
	}
	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	defer context.AfterFunc(x.stopping, cancel)()
	_ = network.Pass(ctx, takes) // whose client is gone sees no answer
	now := time.Now()
	if x.copies() && !n.Admit(x.source.bucket, x.source.key, false, now) {
		return errSlowDown()
	}
	key := x.key
	switch {
	case x.bucket == "", x.operation.name == "DeleteObjects": // whose keys count one by one
		return nil
	case key == "":
		key = x.query.Get("prefix") // of a list
	}
	if !n.Admit(x.bucket, key, x.operation.method != http.MethodGet && x.operation.method != http.MethodHead, now) {
		return errSlowDown()
	}
	return nil
}
