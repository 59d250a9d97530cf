package s3

import (
	"net/http"
	"time"
)

// travel has the request take as long as over the network, and refuses it where its
// prefix has had its requests of the second. The client is taken to be in the Region
// that it asks; a copy waits for its source's Region too.
func (x *exchange) travel() error {
	n := x.config.Network
	if n == nil {
		return nil
	}
	takes := n.Latency()
	if x.copies() {
		if source, ok := x.findBucket(x.source.bucket); ok {
			takes += n.RoundTrip(x.region, source.region)
		}
	}
	t := time.NewTimer(takes)
	defer t.Stop()
	select {
	case <-t.C:
	case <-x.r.Context().Done():
	case <-x.stopping.Done():
	}
	if x.bucket == "" {
		return nil
	}
	key := x.key
	if key == "" {
		key = x.query.Get("prefix") // of a list
	}
	if !n.Admit(x.bucket, key, x.operation.method != http.MethodGet && x.operation.method != http.MethodHead, time.Now()) {
		return errSlowDown()
	}
	return nil
}
