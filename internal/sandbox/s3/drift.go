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

// HasPolicy tells whether a bucket has a policy.
func (s *Service) HasPolicy(bucket string) bool {
	b, ok := s.findBucket(bucket)
	return ok && b.rawPolicy() != nil
}

// Notifies tells whether a bucket tells topics what a configuration says, and
// of nothing else. IDs that were made up do not count. A bucket that does not
// exist tells nobody.
func (s *Service) Notifies(bucket string, want []TopicNotification) bool {
	b, ok := s.findBucket(bucket)
	if !ok {
		return len(want) == 0
	}
	return slices.EqualFunc(b.settings().notifications, want, func(have, want TopicNotification) bool {
		return (want.ID == "" || have.ID == want.ID) && have.TopicARN == want.TopicARN &&
			have.Prefix == want.Prefix && have.Suffix == want.Suffix && slices.Equal(have.Events, want.Events)
	})
}
