package s3

import (
	"time"

	"s3fanout/internal/sandbox/fault"
)

// notify sends the bucket's notifications about a write. It does not wait
// for their delivery.
func (s *Service) notify(req request, w written, o origin) {
	event := createdEvent(req.operation.name)
	b, ok := s.bucket(req.bucket)
	if !ok || event == "" {
		return
	}
	if s.config.Faults.Strikes(b.region, fault.S3NoPrincipal) {
		o.caller.PrincipalID = s.config.AccountID // as the account itself, whoever it was
	}
	now := time.Now()
	for _, c := range b.settings().notifications {
		if !c.matches(event, req.key) {
			continue
		}
		n := Notification{
			Region: b.region, Bucket: b.name, BucketARN: b.arn, TopicARN: c.TopicARN,
			Body: eventBody(b, c.ID, event, req.key, w, o, now),
		}
		end := s.config.Counters.Begin()
		s.running.Go(func() {
			defer end()
			if err := s.config.Notify(s.stopping, n); err != nil {
				s.logger.Warn("s3 notification", "region", n.Region, "bucket", n.Bucket, "topic", n.TopicARN, "error", err)
			}
		})
	}
}
