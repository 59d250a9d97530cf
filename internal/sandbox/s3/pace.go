package s3

import (
	"math"
	"net/http"
	"strconv"
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

// pace decides whether the Region's bandwidth limits the request. What moves
// no object's data never is.
func (s *Service) pace(req request, region string) pace {
	switch req.operation.name {
	case "PutObject", "UploadPart", "GetObject", "CopyObject", "UploadPartCopy":
		if f, ok := s.config.Faults.Strike(region, fault.S3Bandwidth); ok {
			return pace{service: s, begun: time.Now(), bytesPerSecond: f.BytesPerSecond}
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

// uploadSize is how many bytes of an object the request's body has.
func uploadSize(r *http.Request) int64 {
	if n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err == nil {
		return n
	}
	return r.ContentLength
}
