package health

import (
	"fmt"
	"slices"
	"time"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/table"
)

// Limits of a clock's error. Signature Version 4 takes five minutes.
const (
	skewWarning = time.Minute
	skewFailure = 5 * time.Minute
)

// Check compares the facts with the configuration and returns what is wrong or
// worth knowing, by Region in the order of the facts, and within one in that
// of Checks. It is pure, and the same facts give the same findings.
func Check(facts Facts) []Finding {
	order := map[string]int{}
	info := map[string]CheckInfo{}
	for i, c := range Checks() {
		order[c.ID], info[c.ID] = i, c
	}
	keys := regionKeys(facts)
	var all []Finding
	for _, region := range facts.Regions {
		c := &checker{facts: facts, region: region, info: info, keys: keys}
		c.run()
		slices.SortStableFunc(c.findings, func(a, b Finding) int { return order[a.Check] - order[b.Check] })
		all = append(all, c.findings...)
	}
	return all
}

// maxWhat is the most characters that a finding has.
const maxWhat = 2000

// checker checks one Region.
type checker struct {
	facts    Facts
	region   Region
	info     map[string]CheckInfo
	keys     map[string]string // see regionKeys
	findings []Finding
}

func (c *checker) run() {
	if replicaset.OptIn(c.region.Name) {
		c.find(checkOptIn, "%s is an opt-in Region", c.region.Name)
	}
	if c.region.Access.State != Found {
		c.find(checkReach, "the Region does not answer: %s", c.region.Access.Why)
		return
	}
	c.clock()
	if c.nothingThere() {
		c.find(checkDeployed, "there is no bucket, topic, function, role or queue")
		return
	}
	c.bucket()
	c.topic()
	c.subscriptions()
	c.function()
	c.role()
	c.queue()
}

// nothingThere says that the Region stack is not deployed.
func (c *checker) nothingThere() bool {
	r := c.region
	return r.Bucket.State == Absent && r.Topic.State == Absent && r.Function.State == Absent && r.Role.State == Absent && r.Queue.State == Absent
}

// find adds a finding with the check's usual severity.
func (c *checker) find(id, format string, args ...any) {
	c.add(id, c.info[id].Severity, format, args...)
}

// untold adds what could not be looked at.
func (c *checker) untold(id, format string, args ...any) {
	c.add(id, Unknown, "cannot tell: "+format, args...)
}

func (c *checker) add(id string, severity Severity, format string, args ...any) {
	info := c.info[id]
	c.findings = append(c.findings, Finding{
		Check: id, Region: c.region.Name, Part: info.Part, Severity: severity,
		What:  table.Line(fmt.Sprintf(format, args...), maxWhat),
		Means: info.Means,
		Mend:  fill(info.Mend, c.facts.Set, c.facts.Account, c.region.Name),
	})
}

// there says whether something is there to be checked, and finds what is not.
func there[T any](c *checker, id string, look Look[T], what string) bool {
	switch look.State {
	case Found:
		return true
	case Absent:
		c.find(id, "%s does not exist", what)
	case Untold:
		c.untold(id, "%s", look.Why)
	}
	return false
}

// told says whether an answer came, and finds where none did.
func told[T any](c *checker, id string, look Look[T]) bool {
	if look.State == Untold {
		c.untold(id, "%s", look.Why)
		return false
	}
	return true
}

// The names of things in a Region.
func (c *checker) topicARN(region string) string {
	return c.facts.Set.TopicARN(c.facts.Partition, region, c.facts.Account)
}

func (c *checker) functionARN(region string) string {
	return c.facts.Set.FunctionARN(c.facts.Partition, region, c.facts.Account)
}

func (c *checker) queueARN() string {
	return c.facts.Set.QueueARN(c.facts.Partition, c.region.Name, c.facts.Account)
}

func (c *checker) bucketARN() string {
	return c.facts.Set.BucketARN(c.facts.Partition, c.region.Name, c.facts.Account)
}

func (c *checker) bucketName() string {
	return c.facts.Set.BucketName(c.facts.Account, c.region.Name)
}

func (c *checker) clock() {
	skew := c.region.Access.Value.Skew
	side := "ahead of"
	if skew < 0 {
		skew, side = -skew, "behind"
	}
	severity := Warning
	if skew > skewFailure {
		severity = Failed
	}
	if skew > skewWarning {
		c.add(checkClock, severity, "this machine's clock is %s %s AWS's", skew.Round(time.Second), side)
	}
}

// ask puts a request to a resource's policy and finds what it does not allow.
func (c *checker) ask(id, policy, subject string, r request) {
	if policy == "" {
		c.find(id, "%s: there is no policy", subject)
		return
	}
	switch answer, err := decide([]string{policy}, r); {
	case err != nil:
		c.untold(id, "%s: %v", subject, err)
	case answer == no:
		c.find(id, "%s: the policy does not allow it to %s", subject, r.service)
	case answer == perhaps:
		c.untold(id, "%s: the policy has conditions that are not understood here", subject)
	}
}

func (c *checker) topic() {
	if !there(c, checkTopic, c.region.Topic, "topic "+c.facts.Set.TopicName()) {
		return
	}
	c.ask(checkTopicPolicy, c.region.Topic.Value.Policy, "sns:Publish for bucket "+c.bucketName(), request{
		service: "s3.amazonaws.com", action: "sns:Publish", resource: c.topicARN(c.region.Name),
		context: c.byService("s3.amazonaws.com", c.bucketARN()),
	})
	c.messageEncryption(checkTopicKey, "topic "+c.facts.Set.TopicName(), c.region.Topic.Value.Key)
}

// byService is what IAM knows of a request that a service makes for source.
func (c *checker) byService(service, source string) map[string]string {
	return map[string]string{
		"aws:sourcearn": source, "aws:sourceaccount": c.facts.Account, "aws:securetransport": "true",
		"aws:principalisawsservice": "true", "aws:principalservicename": service,
	}
}

func (c *checker) queue() {
	if !there(c, checkQueue, c.region.Queue, "queue "+c.facts.Set.QueueName()) {
		return
	}
	queue := c.region.Queue.Value
	c.ask(checkQueuePolicy, queue.Policy, "sqs:SendMessage for topic "+c.facts.Set.TopicName(), request{
		service: "sns.amazonaws.com", action: "sqs:SendMessage", resource: c.queueARN(),
		context: c.byService("sns.amazonaws.com", c.topicARN(c.region.Name)),
	})
	c.messageEncryption(checkQueueKey, "queue "+c.facts.Set.QueueName(), queue.Key)
	if queue.Unencrypted && !c.facts.Set.UsesKMS() {
		c.find(checkQueueKey, "queue %s is not encrypted", c.facts.Set.QueueName())
	}
	const day = 24 * 60 * 60
	if queue.RetentionSeconds < 4*day {
		c.find(checkRetention, "queue %s keeps letters for %s", c.facts.Set.QueueName(), time.Duration(queue.RetentionSeconds)*time.Second)
	}
	switch {
	case queue.Letters == 1:
		c.find(checkLetters, "1 dead letter in the queue")
	case queue.Letters > 1:
		c.find(checkLetters, "about %d dead letters in the queue", queue.Letters)
	}
}
