package s3

import "slices"

// Notifies tells whether a bucket tells topics what a configuration says, and
// of nothing else. IDs that were made up do not count. A bucket that does not
// exist tells nobody.
func (s *Service) Notifies(bucket string, want []TopicNotification) bool {
	s.mu.RLock()
	b := s.buckets[bucket]
	s.mu.RUnlock()
	if b == nil {
		return len(want) == 0
	}
	return slices.EqualFunc(b.settings().notifications, want, func(have, want TopicNotification) bool {
		return (want.ID == "" || have.ID == want.ID) && have.TopicARN == want.TopicARN &&
			have.Prefix == want.Prefix && have.Suffix == want.Suffix && slices.Equal(have.Events, want.Events)
	})
}
