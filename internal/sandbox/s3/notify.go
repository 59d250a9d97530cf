package s3

import (
	"time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/network"
)

// notify sends the bucket's notifications about a change. It does not wait
// for their delivery, but when it returns they count as under way.
func (s *Service) notify(b *bucket, key string, c change, o origin) {
	if s.config.Faults.Strikes(b.region, fault.S3Unannounced) {
		return
	}
	if s.config.Faults.Strikes(b.region, fault.S3NoPrincipal) {
		o.caller.PrincipalID = s.config.AccountID // as the account itself, whoever it was
	}
	now := time.Now().Add(s.config.Faults.Clock(b.region))
	for _, n := range b.settings().notifications.Rules {
		if !n.matches(c.event, key) {
			continue
		}
		message := Notification{
			Region: b.region, Bucket: b.name, BucketARN: b.arn, Destination: n.ARN,
			Body: eventBody(b, n.ID, key, c, o, now),
		}
		end := s.config.Counters.Begin()
		s.running.Go(func() {
			defer end()
			if network.Pass(s.stopping, s.config.Network.Takes(network.Announce, b.region, b.region)) != nil {
				return
			}
			if err := s.config.Notify(s.stopping, message); err != nil {
				s.logger.Warn("s3 notification", "region", message.Region, "bucket", message.Bucket, "destination", message.Destination, "error", err)
			}
		})
	}
}
