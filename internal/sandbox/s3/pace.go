package s3

import (
	"math"
	"time"

	"s3fanout/internal/sandbox/fault"
)

// pace slows a request down to the bandwidth that a fault leaves it. Its zero
// value does not.
type pace struct {
	service        *Service
	begun          time.Time
	bytesPerSecond int64
}

// newPace decides whether the Region's bandwidth, or the network's, limits the request. What moves
// no object's data never is.
func (x *exchange) newPace() pace {
	switch x.operation.name {
	case "PutObject", "UploadPart", "GetObject", "CopyObject", "UploadPartCopy":
		if f, ok := x.config.Faults.Strike(x.region, fault.S3Bandwidth); ok {
			return pace{service: x.Service, begun: time.Now(), bytesPerSecond: f.BytesPerSecond}
		}
		if n := x.config.Network; n != nil {
			return pace{service: x.Service, begun: time.Now(), bytesPerSecond: n.BytesPerSecond}
		}
	}
	return pace{}
}

// wait returns when so many bytes may have passed since the request began, or
// when the service is closed.
func (p pace) wait(bytes int64) {
	if p.bytesPerSecond == 0 || bytes <= 0 {
		return
	}
	seconds := float64(bytes) / float64(p.bytesPerSecond)
	passed := time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2))
	t := time.NewTimer(time.Until(p.begun.Add(passed)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.service.stopping.Done():
	}
}
