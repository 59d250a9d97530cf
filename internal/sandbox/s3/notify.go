package s3

import (
	"time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/network"
)

// Change is one of an object, as Config.OnChange is shown it.
type Change struct {
	Region, Bucket, Key, VersionID string
	Event                          string // as s3:ObjectCreated:Put
	Caller                         iam.Caller
	// Rules is how many of the bucket's notifications are about it. Lost says that a
	// fault keeps S3 from sending them.
	Rules int
	Lost  bool
}

// notify sends the bucket's notifications about a change. It does not wait
// for their delivery, but when it returns they count as under way.
func (s *Service) notify(b *bucket, key string, c change, o origin) {
	var rules []NotificationRule
	for _, n := range b.settings().notifications.Rules {
		if n.matches(c.event, key) {
			rules = append(rules, n)
		}
	}
	lost := s.config.Faults.Strikes(b.region, fault.S3Unannounced)
	if s.config.OnChange != nil {
		s.config.OnChange(Change{b.region, b.name, key, c.versionID, c.event, o.caller, len(rules), lost})
	}
	if lost {
		return
	}
	if s.config.Faults.Strikes(b.region, fault.S3NoPrincipal) {
		o.caller.PrincipalID = s.config.AccountID // as the account itself, whoever it was
	}
	now := time.Now().Add(s.config.Faults.Clock(b.region))
	for _, n := range rules {
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
				s.logger.Warn(
					"s3 notification", "region", message.Region, "bucket", message.Bucket, "destination",
					message.Destination, "error", err,
				)
			}
		})
	}
}
