package health

import (
	"slices"
	"strings"

	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

func (c *checker) subscriptions() {
	if c.region.Topic.State == Absent || c.region.Subscriptions.State == Absent {
		return // the topic's absence says it
	}
	if !answered(c, checkSubscription, c.region.Subscriptions) {
		return
	}
	var none []string
	for _, other := range c.others() {
		if s, ok := c.region.subscriptionTo(other.FunctionARN()); ok {
			c.subscription(s, other.Region)
		} else {
			none = append(none, other.Region)
		}
	}
	if len(none) > 0 {
		c.find(checkSubscription, "topic %s has no subscription for the function of %s", c.facts.Set.TopicName(), strings.Join(none, ", "))
	}
	for _, s := range c.region.Subscriptions.Value {
		switch {
		case s.Protocol == "lambda" && s.Endpoint == c.here().FunctionARN():
			c.find(checkOwnFunction, "the Region's own function is subscribed to its topic (%s)", s.ARN)
		case !c.isOurs(s):
			c.find(checkStranger, "%s %s is subscribed to the topic (%s)", s.Protocol, s.Endpoint, s.ARN)
		}
	}
}

// subscriptionTo finds the subscription of a function.
func (r Region) subscriptionTo(functionARN string) (Subscription, bool) {
	for _, s := range r.Subscriptions.Value {
		if s.Protocol == "lambda" && s.Endpoint == functionARN {
			return s, true
		}
	}
	return Subscription{}, false
}

func (c *checker) isOurs(s Subscription) bool {
	return s.Protocol == "lambda" &&
		slices.ContainsFunc(c.facts.members(), func(m replicaset.Member) bool { return m.FunctionARN() == s.Endpoint })
}

// subscription checks that of another Region's function.
func (c *checker) subscription(s Subscription, other string) {
	if s.Pending {
		c.find(checkConfirmed, "the subscription of %s is not confirmed", other)
		return // it has no settings yet
	}
	if s.Settings.State != Found {
		c.unknown(checkFilter, s.Settings.Next, "the subscription of %s has the right filter and dead-letter queue: %s",
			other, s.Settings.Why)
		return
	}
	if to := s.Settings.Value.DeadLettersTo; to != c.here().QueueARN() {
		if to == "" {
			to = "nowhere"
		}
		c.find(checkUndelivered, "undelivered events for %s go to %s, not to %s", other, to, c.facts.Set.QueueName())
	}
	role := c.region.Role
	deletions, excluded := c.facts.Set.FollowAny().Deletions, c.facts.Set.DroppedPrefix()
	f := classify(s.Settings.Value)
	// The ID of a role of somebody else's is known if cdk.json says it.
	knowsID := !c.facts.Set.OwnRoles() || c.facts.Set.RoleIDs != nil
	switch {
	case f.kind == filterNone && knowsID:
		c.find(checkReplicaFilter, "the subscription of %s has no filter for replica events", other)
	case f.kind == filterReplicas && deletions && !f.markers:
		c.find(
			checkFilter,
			"the subscription of %s drops the delete markers made by the function of %s, which every other Region needs",
			other, c.region.Name,
		)
	case f.kind != filterOther && f.dropped != "" && f.dropped != excluded:
		c.find(checkFilter, "the subscription of %s drops keys with the prefix %s, which cdk.json does not exclude or not first",
			other, printable.Quote(f.dropped))
	case f.kind != filterOther && f.dropped != excluded:
		c.find(checkReplicaFilter, "the subscription of %s does not drop keys with the prefix %s, which cdk.json excludes",
			other, printable.Quote(excluded))
	case f.kind == filterOther, f.markers && !deletions, f.kind == filterReplicas && !knowsID:
		c.find(checkFilter, "the subscription of %s has another filter than deployed: %s, on %s", other,
			s.Settings.Value.FilterPolicy, s.Settings.Value.scope())
	case f.kind == filterNone: // nobody knows an ID to drop
	case role.State == Unanswered:
		c.unknown(checkReplicaFilter, role.Next, "the filter of the subscription of %s names the right role: %s", other, role.Why)
	case role.State == Found && f.roleID != role.Value.ID:
		c.find(checkReplicaFilter, "the filter of the subscription of %s names role %s, but %s is %s", other, f.roleID,
			c.here().RoleName(), role.Value.ID)
	}
}

// scope is what the filter looks at; SNS leaves its default out.
func (s SubscriptionSettings) scope() string {
	if s.FilterScope == "" {
		return "MessageAttributes"
	}
	return s.FilterScope
}

// Subscribed counts the Region's subscriptions of other Regions' functions
// that nothing is wrong with, and how many there should be. known is false
// where AWS did not say.
func Subscribed(facts Facts, region string) (ok, want int, known bool) {
	others := facts.members().Except(region)
	want = len(others)
	for _, r := range facts.Regions {
		if r.Name != region {
			continue
		}
		known = r.Subscriptions.State != Unanswered
		for _, other := range others {
			s, subscribed := r.subscriptionTo(other.FunctionARN())
			if subscribed && wellSubscribed(facts, r, s, other.Region) {
				ok++
			}
		}
	}
	return ok, want, known
}

func wellSubscribed(facts Facts, r Region, s Subscription, other string) bool {
	c := &checker{facts: facts, region: r}
	c.subscription(s, other)
	return len(c.findings) == 0
}
