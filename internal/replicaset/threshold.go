package replicaset

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// What Config.ReplicationTimeThreshold can be, and what it is if the configuration
// does not say: that of S3 Replication Time Control. Lambda lets no event wait for
// more than six hours.
const (
	minReplicationTime     = time.Minute
	maxReplicationTime     = 6 * time.Hour
	DefaultReplicationTime = 15 * time.Minute
)

// ReplicationTime is the time from an upload after which a replica is late.
func (c Config) ReplicationTime() time.Duration {
	return cmp.Or(c.ReplicationTimeThreshold, DefaultReplicationTime)
}

// DefaultBusARN is the ARN of the member's default event bus, which every account
// has in every Region.
func (m Member) DefaultBusARN() string { return m.ARN("events", "event-bus/default") }

func (c Config) validateReplicationTime() error {
	if t := c.ReplicationTime(); t < minReplicationTime || t > maxReplicationTime {
		return fmt.Errorf(
			"replicationTimeThreshold: %s is not possible; use 1 minute to 6 hours, the longest that Lambda keeps an event",
			Span(t),
		)
	}
	return nil
}

// minutes is a time in whole minutes.
type minutes time.Duration

const minutesWanted = `a time such as "15 minutes" or "1 hour"`

var minutesPattern = regexp.MustCompile(`^([1-9][0-9]{0,4}) (minute|hour)s?$`)

// UnmarshalJSON implements json.Unmarshaler.
func (m *minutes) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return errors.New("not a string")
	}
	found := minutesPattern.FindStringSubmatch(*text)
	if found == nil {
		return errors.New("not a duration")
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return err
	}
	unit := time.Minute
	if found[2] == "hour" {
		unit = time.Hour
	}
	*m = minutes(time.Duration(n) * unit)
	return nil
}
