package health

import (
	"fmt"
	"slices"
	"time"

	"s3fanout/internal/iampolicy"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

// Limits of a clock's error. Signature Version 4 takes five minutes.
const (
	skewWarning = time.Minute
	skewFailure = 5 * time.Minute
)

// Check compares the facts with the configuration and returns what is wrong or
// worth knowing, by Region in the order of the facts, and within one in that
// of Checks. It is pure, and the same facts give the same findings.
func Check(facts Facts) []Finding { return check(facts, (*checker).run) }

// check runs checks of each Region.
func check(facts Facts, run func(*checker)) []Finding {
	order := map[string]int{}
	info := map[string]CheckInfo{}
	for i, c := range Checks() {
		order[c.ID], info[c.ID] = i, c
	}
	keys := regionKeys(facts)
	var all []Finding
	for _, region := range facts.Regions {
		c := &checker{facts: facts, region: region, info: info, keys: keys}
		run(c)
		slices.SortStableFunc(c.findings, func(a, b Finding) int { return order[a.Check] - order[b.Check] })
		all = append(all, c.findings...)
	}
	return all
}

// maxWhat is the most characters that a finding has.
const maxWhat = 2000

// What a Region that is not deployed has; PartState tells them apart.
const (
	nothing     = "there is no bucket, topic, function, role or queue"
	bucketAlone = "there is no topic, function, role or queue" // an adopted one is there before
)

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
	if !c.answers() {
		return
	}
	c.clock()
	c.s3Clocks()
	c.accessPoint()
	c.auditTrail()
	if c.notDeployed() {
		what := nothing
		if c.here().Adopted {
			what = bucketAlone
			c.preflight()
		}
		c.find(checkDeployed, "%s", what)
		return
	}
	c.bucket()
	c.conditions()
	c.topic()
	c.subscriptions()
	c.function()
	c.role()
	c.adopter()
	c.reconcile()
	c.queue()
}

// answers says whether the Region answers, and finds that it does not.
func (c *checker) answers() bool {
	if c.region.Access.State == Found {
		return true
	}
	info := c.info[checkReach]
	if next := c.region.Access.Next; next != "" {
		info.Fix = next
	}
	c.append(info, "the Region does not answer: %s", c.region.Access.Why)
	return false
}

// notDeployed says that the Region stack is not deployed.
func (c *checker) notDeployed() bool {
	r := c.region
	return (r.Bucket.State == Absent || c.here().Adopted) && r.Topic.State == Absent && r.Function.State == Absent &&
		r.Role.State == Absent &&
		r.Queue.State == Absent
}

// find adds a finding with the check's usual severity.
func (c *checker) find(id, format string, args ...any) {
	c.add(id, c.info[id].Severity, format, args...)
}

func (c *checker) add(id string, severity Severity, format string, args ...any) {
	info := c.info[id]
	info.Severity = severity
	c.append(info, format, args...)
}

// append adds a finding with what info says of it.
func (c *checker) append(info CheckInfo, format string, args ...any) {
	c.findings = append(c.findings, Finding{
		Check: info.ID, Region: c.region.Name, Part: info.Part, Severity: info.Severity,
		What:  printable.Line(fmt.Sprintf(format, args...), maxWhat),
		Means: info.Means,
		Fix:   c.fill(c.fixOf(info)),
	})
}

// fixOf is the fix of a check. What is wrong with roles that are not of the set's
// making, no deployment fixes.
func (c *checker) fixOf(info CheckInfo) string {
	if !c.facts.Set.OwnRoles() || info.Severity == Unknown {
		return info.Fix
	}
	switch info.ID {
	case checkRole, checkTrust, checkActions, checkOperator:
		return "have role {role} changed, which cdk.json says is yours; then s3fanout redrive --region {region}" + catchUp
	case checkJobRole, checkJobTrust, checkJobActions:
		return "have role " + c.here().JobRoleName() + " changed, which cdk.json says is yours"
	case checkReconcileRole, checkReconcileTrust, checkReconcileActions:
		roles := c.here().ReconcileRoleName() + " and " + c.here().ScheduleRoleName()
		return "have roles " + roles + " changed, which cdk.json says are yours"
	case checkReplicaFilter:
		return "check that roleIds in cdk.json are right: aws iam get-role --role-name {role} --query Role.RoleId"
	}
	return info.Fix
}

// here is the member that the Region is.
func (c *checker) here() replicaset.Member { return c.facts.member(c.region.Name) }

// others are the set's other members.
func (c *checker) others() replicaset.Members { return c.facts.members().Except(c.region.Name) }

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

// subject is what a resource's policy has to allow: a service, something done
// to the resource. read is the command that shows the policy.
type subject struct{ action, by, read string }

// ask puts a request to a resource's policy and finds what it does not allow.
func (c *checker) ask(id, policy string, s subject, r iampolicy.Request) {
	if policy == "" {
		c.find(id, "%s for %s: there is no policy", s.action, s.by)
		return
	}
	unclear := func(why string) {
		c.unknown(id, "read the policy: "+s.read, "%s may %s for %s: %s", r.Principal.Service, s.action, s.by, why)
	}
	switch answer, err := iampolicy.Ask([]string{policy}, r); {
	case err != nil:
		unclear(err.Error())
	case answer == iampolicy.No:
		c.find(id, "%s for %s: the policy does not allow it to %s", s.action, s.by, r.Principal.Service)
	case answer == iampolicy.Perhaps:
		unclear("the policy has conditions that doctor does not understand")
	}
}

func (c *checker) topic() {
	if !exists(c, checkTopic, c.region.Topic, "topic "+c.facts.Set.TopicName()) {
		return
	}
	arn := c.here().TopicARN()
	c.ask(checkTopicPolicy, c.region.Topic.Value.Policy, subject{
		"sns:Publish", "bucket " + c.here().Bucket, "aws sns get-topic-attributes --region {region} --topic-arn " + arn,
	}, c.byService("s3.amazonaws.com", c.here().BucketARN(), "sns:Publish", arn))
	c.messageEncryption(checkTopicKey, "topic "+c.facts.Set.TopicName(), c.region.Topic.Value.Key)
}

// byService is a request that a service makes for source, as far as it is known.
func (c *checker) byService(service, source, action, resource string) iampolicy.Request {
	return iampolicy.Request{
		Principal: &iampolicy.Principal{Service: service}, Action: action, Resource: resource,
		Context: map[string]string{
			"aws:sourcearn": source, "aws:sourceaccount": c.facts.Account, "aws:resourceaccount": c.facts.Account,
			"aws:principalisawsservice": "true", "aws:principalservicename": service, "aws:securetransport": "true",
		},
	}
}

// readQueuePolicy is the command that shows the queue's policy.
func (c *checker) readQueuePolicy() string {
	url := "$(aws sqs get-queue-url --region {region} --queue-name " + c.facts.Set.QueueName() + " --query QueueUrl --output text)"
	return "aws sqs get-queue-attributes --region {region} --attribute-names Policy --queue-url " + url
}

func (c *checker) queue() {
	if !exists(c, checkQueue, c.region.Queue, "queue "+c.facts.Set.QueueName()) {
		return
	}
	queue := c.region.Queue.Value
	c.ask(
		checkQueuePolicy, queue.Policy,
		subject{"sqs:SendMessage", "topic " + c.facts.Set.TopicName(), c.readQueuePolicy()},
		c.byService("sns.amazonaws.com", c.here().TopicARN(), "sqs:SendMessage", c.here().QueueARN()),
	)
	c.senders(queue.Policy)
	c.messageEncryption(checkQueueKey, "queue "+c.facts.Set.QueueName(), queue.Key)
	if queue.Unencrypted && !c.facts.Set.UsesKMS() {
		c.find(checkQueueKey, "queue %s is not encrypted", c.facts.Set.QueueName())
	}
	if time.Duration(queue.RetentionSeconds)*time.Second < 4*day {
		c.find(checkRetention, "queue %s keeps dead letters for %s",
			c.facts.Set.QueueName(), replicaset.Span(time.Duration(queue.RetentionSeconds)*time.Second))
	}
	c.letters(queue.Letters)
}

// letters finds dead letters. While the function is paused they are what it will
// be given.
func (c *checker) letters(n int) {
	text := fmt.Sprintf("about %d dead letters in the queue", n)
	switch n {
	case 0:
		return
	case 1:
		text = "1 dead letter in the queue"
	}
	if c.paused() {
		info := c.info[CheckDeadLetters]
		info.Severity, info.Fix = Note, c.info[CheckPaused].Fix
		c.append(info, "%s, while the Region is paused", text)
		return
	}
	c.find(CheckDeadLetters, "%s", text)
}
