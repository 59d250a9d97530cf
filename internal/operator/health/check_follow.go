package health

import (
	"slices"
	"strings"
	"time"

	"s3fanout/internal/replicaset"
)

// Limits where changes are followed.
const (
	// clocksApart is what the functions wait out, and what a measurement can be
	// off: S3 tells whole seconds, and an answer takes its time.
	clocksApart = 5*time.Second + 2*time.Second
	// leastNoncurrentDays leaves time to notice what was deleted by mistake, and
	// more than the 14 days for which a dead letter is kept.
	leastNoncurrentDays = 30
)

// followable are the events that announce what can be followed, as a bucket's
// notifications name them one by one.
func followable() []string {
	return []string{"s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectRemoved:Delete", "s3:ObjectTagging:Put", "s3:ObjectTagging:Delete"}
}

// announces says whether a list of events, of which some end in *, has an event.
func announces(events []string, event string) bool {
	return slices.ContainsFunc(events, func(e string) bool {
		prefix, open := strings.CutSuffix(e, "*")
		return e == event || open && strings.HasPrefix(event, prefix)
	})
}

// followed checks that each event of what is followed is announced, of the keys
// that follow it and of no others.
func (c *checker) followed(list []Notification) {
	filters := c.facts.Set.Filters
	if len(filters) == 0 {
		filters = []replicaset.Filter{{}}
	}
	for _, event := range followable() {
		want, actual := map[string]bool{}, map[string]bool{}
		for _, f := range filters {
			if announces(c.facts.Set.Events(c.facts.Set.FollowOf(f)), event) {
				want[describeKeys(f.Prefix, f.Suffix)] = true
			}
		}
		for _, n := range list {
			if n.TopicARN == c.here().TopicARN() && announces(n.Events, event) {
				actual[describeKeys(n.Prefix, n.Suffix)] = true
			}
		}
		name := strings.TrimPrefix(event, "s3:")
		switch lacks, extra := without(want, actual), without(actual, want); {
		case len(lacks) > 0:
			c.find(checkFollowed, "bucket %s sends topic %s no events of %s of %s",
				c.here().Bucket, c.facts.Set.TopicName(), name, oneOf(lacks))
		case len(extra) > 0:
			c.find(checkFollowed, "bucket %s sends topic %s events of %s of %s, which cdk.json does not follow",
				c.here().Bucket, c.facts.Set.TopicName(), name, oneOf(extra))
		default:
			continue
		}
		return // one finding, since it has one fix
	}
}

func without(set, from map[string]bool) map[string]bool {
	rest := map[string]bool{}
	for text := range set {
		if !from[text] {
			rest[text] = true
		}
	}
	return rest
}

// lifecycle checks what the bucket's rules delete, where deletions or overwrites
// are followed.
func (c *checker) lifecycle(bucket Bucket) {
	follow := c.facts.Set.FollowAny()
	if !follow.Any() {
		return
	}
	// Without an answer the check of unfinished uploads, of the same request, says so.
	if bucket.Lifecycle.State != Found {
		return
	}
	rules := bucket.Lifecycle.Value
	if days := rules.NoncurrentDays; days > 0 && days < leastNoncurrentDays {
		c.find(checkNoncurrent, "bucket %s destroys noncurrent versions after %s", c.here().Bucket, inDays(days))
	}
	first, ok := c.usualRules()
	if ok && !slices.Equal(rules.Expires, first.Expires) {
		c.find(checkExpiry, "bucket %s deletes %s, most of the others %s", c.here().Bucket, list(rules.Expires), list(first.Expires))
	}
}

// usualRules are those of most Regions, of the first among as many.
func (c *checker) usualRules() (usual Lifecycle, known bool) {
	most := 0
	for _, r := range c.facts.Regions {
		if r.Bucket.Value.Lifecycle.State != Found {
			continue
		}
		same := 0
		for _, o := range c.facts.Regions {
			if o.Bucket.Value.Lifecycle.State == Found &&
				slices.Equal(o.Bucket.Value.Lifecycle.Value.Expires, r.Bucket.Value.Lifecycle.Value.Expires) {
				same++
			}
		}
		if same > most {
			most, usual, known = same, r.Bucket.Value.Lifecycle.Value, true
		}
	}
	return usual, known
}

func list(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.Join(texts, ", ")
}

// s3Clocks compares S3's clock in the Region with those of the others, where they
// decide which write wins.
func (c *checker) s3Clocks() {
	here := c.region.Bucket.Value.Skew
	if !c.facts.Set.FollowAny().Overwrites || here.State != Found {
		return
	}
	var skews []time.Duration
	for _, r := range c.facts.Regions {
		if r.Bucket.Value.Skew.State == Found {
			skews = append(skews, r.Bucket.Value.Skew.Value)
		}
	}
	slices.Sort(skews)
	// The farther this machine is ahead of S3, the farther S3 is behind.
	usual := skews[len(skews)/2]
	apart, side := usual-here.Value, "ahead of"
	if apart < 0 {
		apart, side = -apart, "behind"
	}
	if apart > clocksApart {
		c.find(checkS3Clocks, "S3's clock in %s is %s %s that of the other Regions", c.region.Name, apart.Round(time.Second), side)
	}
}
