package s3

import (
	"slices"

	"s3fanout/internal/sandbox/s3/store"
)

// Versions tells whether a bucket keeps versions.
func (s *Service) Versions(bucket string) bool {
	b, ok := s.findBucket(bucket)
	return ok && b.settings().versioning == store.Enabled
}

// Policy is a bucket's policy as it was set, nil if it has none or does not
// exist.
func (s *Service) Policy(bucket string) []byte {
	b, ok := s.findBucket(bucket)
	if !ok {
		return nil
	}
	return b.rawPolicy()
}

// Encryption is how a bucket encrypts by default.
func (s *Service) Encryption(bucket string) Encryption { return s.encryption(bucket) }

// Notifies tells whether a bucket tells what a configuration says, and nothing
// else. IDs that were made up do not count. A bucket that does not exist tells
// nobody.
func (s *Service) Notifies(bucket string, want Notifications) bool {
	var have Notifications
	if b, ok := s.findBucket(bucket); ok {
		have = b.settings().notifications
	}
	return have.EventBridge == want.EventBridge && slices.EqualFunc(have.Rules, want.Rules, func(have, want NotificationRule) bool {
		return (want.ID == "" || have.ID == want.ID) && have.ARN == want.ARN &&
			slices.Equal(have.Filter, want.Filter) && slices.Equal(have.Events, want.Events)
	})
}
