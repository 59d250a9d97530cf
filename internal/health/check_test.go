package health

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

const account = "111122223333"

func testSet() replicaset.Config {
	return replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}
}

// healthy is a replica set as the templates deploy it.
func healthy() Facts {
	set := testSet()
	facts := Facts{Set: set, Partition: "aws", Account: account, Caller: "arn:aws:iam::111122223333:user/me"}
	for i, region := range set.Regions {
		facts.Regions = append(facts.Regions, healthyRegion(set, region, fmt.Sprintf("AROA%d", i)))
	}
	return facts
}

func healthyRegion(set replicaset.Config, region, roleID string) Region {
	topic, queue := set.TopicARN("aws", region, account), set.QueueARN("aws", region, account)
	function, bucket := set.FunctionARN("aws", region, account), set.BucketARN("aws", region, account)
	tlsOnly := func(resource string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"` + resource + `","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	}
	allow := func(service, action, resource, source string) string {
		return `{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"` + action + `","Resource":"` + resource +
			`","Condition":{"ArnLike":{"AWS:SourceArn":"` + source + `"}}}`
	}
	var subscriptions []Subscription
	var invoke, may []string
	for _, other := range set.Others(region) {
		invoke = append(invoke, allow(replicaset.SNSPrincipal(other, region), "lambda:InvokeFunction", function, set.TopicARN("aws", other, account)))
		subscriptions = append(subscriptions, Subscription{
			ARN: topic + ":to-" + other, Protocol: "lambda", Endpoint: set.FunctionARN("aws", other, account),
			Settings: found(SubscriptionSettings{
				FilterScope:   "MessageBody",
				FilterPolicy:  `{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:` + roleID + `:"}}]}}}`,
				DeadLettersTo: queue,
			}),
		})
	}
	for _, g := range grants(set, "aws", account, region) {
		may = append(may, `{"Effect":"Allow","Action":"`+g.action+`","Resource":"`+g.resource+`"}`)
	}
	policy := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	return Region{
		Name:   region,
		Access: found(Access{Skew: 400 * time.Millisecond}),
		Bucket: found(Bucket{
			Region: region, Versioning: found("Enabled"),
			Notifications: found([]Notification{{TopicARN: topic, Events: []string{"s3:ObjectCreated:*"}}}),
			AbortDays:     found(7),
		}),
		Topic:         found(Topic{Policy: policy(allow("s3.amazonaws.com", "sns:Publish", topic, bucket), tlsOnly(topic))}),
		Subscriptions: found(subscriptions),
		Function: found(Function{
			State: "Active", UpdateStatus: "Successful", RoleARN: set.RoleARN("aws", region, account),
			Environment: wantEnvironment(set, account, region), TimeoutSeconds: 900, MemoryMB: 256,
			Reserved: Look[int]{State: Absent}, Failures: found(Failures{Destination: queue, Retries: 2, MaxAgeSeconds: 21600}),
			Policy: found(policy(invoke...)),
		}),
		Role: found(Role{
			ID: roleID, Trust: policy(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`),
			Policies: found([]string{policy(may...)}), Attached: found([]string(nil)),
		}),
		Queue: found(Queue{Policy: policy(allow("sns.amazonaws.com", "sqs:SendMessage", queue, topic), tlsOnly(queue)), RetentionSeconds: 1209600}),
	}
}

func TestHealthySetHasNoFindings(t *testing.T) {
	facts := healthy()
	if got := Check(facts); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	for _, region := range facts.Set.Regions {
		if ok, want, told := Subscribed(facts, region); ok != 2 || want != 2 || !told {
			t.Errorf("%s: subscribed %d of %d, told %v", region, ok, want, told)
		}
	}
}

// Each thing that can be wrong gives the finding of its check, in its Region,
// and nothing else.
func TestEachTroubleHasItsFinding(t *testing.T) {
	const denied = "sns:GetTopicAttributes on topic x is denied"
	replace := func(s *string, old, with string) {
		if !strings.Contains(*s, old) {
			panic("nothing to replace: " + old)
		}
		*s = strings.ReplaceAll(*s, old, with)
	}
	untried := map[string]bool{}
	for _, c := range Checks() {
		untried[c.ID] = c.ID != checkOptIn // which has a test of its own
	}
	for _, c := range []struct {
		name   string
		change func(r *Region) // of eu-west-1
		check  string
		as     Severity
		what   string // a part of what is found
	}{
		{"unreachable", func(r *Region) { *r = Region{Name: r.Name, Access: Look[Access]{Why: "cannot reach AWS"}} }, checkReach, Failed, "cannot reach AWS"},
		{"clock ahead", func(r *Region) { r.Access.Value.Skew = 61 * time.Second }, checkClock, Warning, "1m1s ahead of"},
		{"clock behind", func(r *Region) { r.Access.Value.Skew = -6 * time.Minute }, checkClock, Failed, "6m0s behind"},
		{"not deployed", func(r *Region) {
			*r = Region{Name: r.Name, Access: r.Access, Bucket: Look[Bucket]{State: Absent}, Topic: Look[Topic]{State: Absent},
				Function: Look[Function]{State: Absent}, Role: Look[Role]{State: Absent}, Queue: Look[Queue]{State: Absent}}
		}, checkDeployed, Failed, ""},

		{"no bucket", func(r *Region) { r.Bucket = Look[Bucket]{State: Absent} }, checkBucket, Failed, "media-111122223333-eu-west-1"},
		{"bucket denied", func(r *Region) { r.Bucket = Look[Bucket]{Why: denied} }, checkBucket, Unknown, denied},
		{"bucket elsewhere", func(r *Region) { r.Bucket.Value.Region = "eu-west-2" }, checkBucketRegion, Failed, "eu-west-2"},
		{"never versioned", func(r *Region) { r.Bucket.Value.Versioning.Value = "" }, checkVersioning, Failed, "is off"},
		{"versioning suspended", func(r *Region) { r.Bucket.Value.Versioning.Value = "Suspended" }, checkVersioning, Failed, "suspended"},
		{"versioning denied", func(r *Region) { r.Bucket.Value.Versioning = Look[string]{Why: denied} }, checkVersioning, Unknown, denied},
		{"no notification", func(r *Region) { r.Bucket.Value.Notifications = found([]Notification(nil)) }, checkNotification, Failed, "does not tell"},
		{"notification to another topic", func(r *Region) { r.Bucket.Value.Notifications.Value[0].TopicARN += "2" }, checkNotification, Failed, "does not tell"},
		{"only uploads announced", func(r *Region) { r.Bucket.Value.Notifications.Value[0].Events = []string{"s3:ObjectCreated:Put"} },
			checkNotification, Failed, "Post, Copy, CompleteMultipartUpload"},
		{"only some keys", func(r *Region) { r.Bucket.Value.Notifications.Value[0].Prefix = "a/" }, checkNotifyKeys, Failed, `tells of keys with prefix "a/", the configuration chooses every key`},
		{"notification denied", func(r *Region) { r.Bucket.Value.Notifications = Look[[]Notification]{Why: denied} }, checkNotification, Unknown, denied},
		{"no lifecycle rule", func(r *Region) { r.Bucket.Value.AbortDays = Look[int]{State: Absent} }, checkUploads, Warning, "no lifecycle rule"},
		{"lifecycle denied", func(r *Region) { r.Bucket.Value.AbortDays = Look[int]{Why: denied} }, checkUploads, Unknown, denied},

		{"no topic", func(r *Region) {
			r.Topic, r.Subscriptions = Look[Topic]{State: Absent}, Look[[]Subscription]{State: Absent}
		}, checkTopic, Failed, "media-object-created"},
		{"topic denied", func(r *Region) { r.Topic = Look[Topic]{Why: denied} }, checkTopic, Unknown, denied},
		{"no topic policy", func(r *Region) { r.Topic.Value.Policy = "" }, checkTopicPolicy, Failed, "no policy"},
		{"topic policy for another service", func(r *Region) { replace(&r.Topic.Value.Policy, "s3.amazonaws.com", "sqs.amazonaws.com") }, checkTopicPolicy, Failed, "s3.amazonaws.com"},
		{"topic policy for another bucket", func(r *Region) { replace(&r.Topic.Value.Policy, ":::media-", ":::other-") }, checkTopicPolicy, Failed, "sns:Publish"},
		{"topic policy with a foreign condition", func(r *Region) {
			replace(&r.Topic.Value.Policy, `"Condition":{"ArnLike":{`, `"Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"},"ArnLike":{`)
		}, checkTopicPolicy, Unknown, "not understood"},
		{"topic policy unreadable", func(r *Region) { r.Topic.Value.Policy = "{" }, checkTopicPolicy, Unknown, "not readable"},

		{"no subscription at all", func(r *Region) { r.Subscriptions.Value = nil }, checkSubscription, Failed, "us-east-1, ap-northeast-1"},
		{"one subscription missing", func(r *Region) { r.Subscriptions.Value = r.Subscriptions.Value[:1] }, checkSubscription, Failed, "for the function of ap-northeast-1"},
		{"subscriptions denied", func(r *Region) { r.Subscriptions = Look[[]Subscription]{Why: denied} }, checkSubscription, Unknown, denied},
		{"unconfirmed", func(r *Region) { r.Subscriptions.Value[0].Pending = true }, checkConfirmed, Failed, "us-east-1"},
		{"settings denied", func(r *Region) { r.Subscriptions.Value[0].Settings = Look[SubscriptionSettings]{Why: denied} }, checkFilter, Unknown, denied},
		{"no filter", func(r *Region) { r.Subscriptions.Value[1].Settings.Value.FilterPolicy = "" }, checkEchoFilter, Failed, "ap-northeast-1 has no filter"},
		{"filter of a role that is gone", func(r *Region) { replace(&r.Subscriptions.Value[1].Settings.Value.FilterPolicy, "AROA1", "AROAOLD") }, checkEchoFilter, Failed, "AROAOLD"},
		{"filter for attributes", func(r *Region) { r.Subscriptions.Value[0].Settings.Value.FilterScope = "" }, checkFilter, Failed, "MessageAttributes"},
		{"another filter", func(r *Region) {
			r.Subscriptions.Value[0].Settings.Value.FilterPolicy = `{"Records":{"eventName":["ObjectCreated:Put"]}}`
		}, checkFilter, Failed, "eventName"},
		{"filter of everybody", func(r *Region) { replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, "AWS:AROA1:", "AWS:") }, checkFilter, Failed, "AWS:"},
		{"undelivered nowhere", func(r *Region) { r.Subscriptions.Value[0].Settings.Value.DeadLettersTo = "" }, checkUndelivered, Failed, "nowhere"},
		{"undelivered elsewhere", func(r *Region) { r.Subscriptions.Value[0].Settings.Value.DeadLettersTo += "2" }, checkUndelivered, Failed, "media-dead-letters2"},
		{"own function subscribed", func(r *Region) {
			r.Subscriptions.Value = append(r.Subscriptions.Value, Subscription{ARN: "arn:x", Protocol: "lambda", Endpoint: testSet().FunctionARN("aws", r.Name, account)})
		}, checkOwnFunction, Failed, "arn:x"},
		{"a stranger subscribed", func(r *Region) {
			r.Subscriptions.Value = append(r.Subscriptions.Value, Subscription{ARN: "arn:y", Protocol: "email", Endpoint: "me@example.com"})
		}, checkStranger, Warning, "email me@example.com"},

		{"no function", func(r *Region) { r.Function = Look[Function]{State: Absent} }, checkFunction, Failed, "media-replicator"},
		{"function denied", func(r *Region) { r.Function = Look[Function]{Why: denied} }, checkFunction, Unknown, denied},
		{"function failed", func(r *Region) { r.Function.Value.State = "Failed" }, checkState, Failed, "Failed"},
		{"function new", func(r *Region) { r.Function.Value.State = "Pending" }, checkState, Warning, "being made"},
		{"update failed", func(r *Region) { r.Function.Value.UpdateStatus = "Failed" }, checkState, Failed, "update"},
		{"another role", func(r *Region) { r.Function.Value.RoleARN += "2" }, checkRoleOf, Failed, "replicator-eu-west-12"},
		{"another set", func(r *Region) { r.Function.Value.Environment["S3FANOUT_REPLICA_SET"] = "films" }, checkEnvironment, Failed, "is films; it should be media"},
		{"a source forgotten", func(r *Region) {
			r.Function.Value.Environment["S3FANOUT_SOURCE_BUCKETS"] = "us-east-1=media-111122223333-us-east-1"
		}, checkEnvironment, Failed, "S3FANOUT_SOURCE_BUCKETS lacks ap-northeast-1=media-111122223333-ap-northeast-1"},
		{"a source too many", func(r *Region) { r.Function.Value.Environment["S3FANOUT_SOURCE_BUCKETS"] += ",x=y" }, checkEnvironment, Failed, "has besides x=y"},
		{"all actions taken away", func(r *Region) { r.Role.Value.Policies.Value = nil }, checkActions, Failed, "s3:GetObjectVersion on arn:aws:s3:::media-111122223333-us-east-1/* (without it, nothing is copied from us-east-1)"},
		{"no target", func(r *Region) { delete(r.Function.Value.Environment, "S3FANOUT_TARGET_BUCKET") }, checkEnvironment, Failed, "not set"},
		{"a setting of another configuration", func(r *Region) { r.Function.Value.Environment["S3FANOUT_MULTIPART_PARALLEL"] = "3" }, checkEnvironment, Failed, "cdk.json does not set it"},
		{"short timeout", func(r *Region) { r.Function.Value.TimeoutSeconds = 60 }, checkSettings, Warning, "60 seconds"},
		{"little memory", func(r *Region) { r.Function.Value.MemoryMB = 128 }, checkSettings, Warning, "128 MB"},
		{"switched off", func(r *Region) { r.Function.Value.Reserved = found(0) }, checkConcurrency, Failed, "is 0"},
		{"concurrency denied", func(r *Region) { r.Function.Value.Reserved = Look[int]{Why: denied} }, checkConcurrency, Unknown, denied},
		{"no destination", func(r *Region) { r.Function.Value.Failures = Look[Failures]{State: Absent} }, checkDestination, Failed, "nowhere"},
		{"another destination", func(r *Region) { r.Function.Value.Failures.Value.Destination += "2" }, checkDestination, Failed, "letters2"},
		{"destination denied", func(r *Region) { r.Function.Value.Failures = Look[Failures]{Why: denied} }, checkDestination, Unknown, denied},
		{"no retries", func(r *Region) { r.Function.Value.Failures.Value.Retries = 0 }, checkRetries, Warning, "0 times more"},
		{"young events only", func(r *Region) { r.Function.Value.Failures.Value.MaxAgeSeconds = 60 }, checkRetries, Warning, "60 seconds"},
		{"nobody may invoke", func(r *Region) { r.Function.Value.Policy = Look[string]{State: Absent} }, checkPermission, Failed, "us-east-1, ap-northeast-1"},
		{"one topic may not invoke", func(r *Region) {
			replace(&r.Function.Value.Policy.Value, ":sns:ap-northeast-1:", ":sns:ap-northeast-2:")
		}, checkPermission, Failed, "topic of ap-northeast-1"},
		{"wrong principal", func(r *Region) {
			replace(&r.Function.Value.Policy.Value, "sns.amazonaws.com", "sns.af-south-1.amazonaws.com")
		}, checkPermission, Failed, "us-east-1, ap-northeast-1"},
		{"who may invoke denied", func(r *Region) { r.Function.Value.Policy = Look[string]{Why: denied} }, checkPermission, Unknown, denied},

		{"no role", func(r *Region) { r.Role = Look[Role]{State: Absent} }, checkRole, Failed, "media-replicator-eu-west-1"},
		{"trust of another service", func(r *Region) { replace(&r.Role.Value.Trust, "lambda.", "ec2.") }, checkTrust, Failed, "lambda.amazonaws.com"},
		{"boundary", func(r *Region) { r.Role.Value.Boundary = "arn:b" }, checkBoundary, Note, "arn:b"},
		{"permissions denied", func(r *Region) { r.Role.Value.Policies = Look[[]string]{Why: denied} }, checkActions, Unknown, denied},
		{"one action taken away", func(r *Region) { replace(&r.Role.Value.Policies.Value[0], "s3:PutObjectTagging", "s3:PutObjectAcl") }, checkActions, Failed, "s3:PutObjectTagging"},
		{"another policy attached", func(r *Region) { r.Role.Value.Attached = found([]string{"Extra"}) }, checkAttached, Note, "Extra"},
		{"attached policies denied", func(r *Region) { r.Role.Value.Attached = Look[[]string]{Why: denied} }, checkAttached, Unknown, denied},
		{"an action on part of its objects", func(r *Region) {
			replace(&r.Role.Value.Policies.Value[0], `"s3:GetObject","Resource":"arn:aws:s3:::media-111122223333-eu-west-1/*"`, `"s3:GetObject","Resource":"arn:aws:s3:::media-111122223333-eu-west-1/a/*"`)
		}, checkActions, Failed, "s3:GetObject on"},
		{"a deny", func(r *Region) {
			r.Role.Value.Policies.Value = append(r.Role.Value.Policies.Value, `{"Statement":{"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::media-111122223333-eu-west-1/secret/*"}}`)
		}, checkActions, Failed, "s3:PutObject on"},

		{"no queue", func(r *Region) { r.Queue = Look[Queue]{State: Absent} }, checkQueue, Failed, "media-dead-letters"},
		{"queue denied", func(r *Region) { r.Queue = Look[Queue]{Why: denied} }, checkQueue, Unknown, denied},
		{"no queue policy", func(r *Region) { r.Queue.Value.Policy = "" }, checkQueuePolicy, Failed, "no policy"},
		{"queue policy for another topic", func(r *Region) { replace(&r.Queue.Value.Policy, ":media-object-created", ":other") }, checkQueuePolicy, Failed, "sns.amazonaws.com"},
		{"letters kept for a day", func(r *Region) { r.Queue.Value.RetentionSeconds = 86400 }, checkRetention, Note, "24h"},
		{"a dead letter", func(r *Region) { r.Queue.Value.Letters = 1 }, checkLetters, Failed, "1 dead letter "},
		{"dead letters", func(r *Region) { r.Queue.Value.Letters = 7 }, checkLetters, Failed, "about 7 dead letters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			untried[c.check] = false
			facts := healthy()
			c.change(&facts.Regions[1])
			findings := Check(facts)
			if len(findings) != 1 {
				t.Fatalf("findings %+v, want one", findings)
			}
			f := findings[0]
			if f.Check != c.check || f.Region != "eu-west-1" || f.Severity != c.as || !strings.Contains(f.What, c.what) {
				t.Errorf("got %s %s %s: %s\nwant %s eu-west-1 %s with %q", f.Check, f.Region, f.Severity, f.What, c.check, c.as, c.what)
			}
			if f.Means == "" || f.Mend == "" || strings.ContainsAny(f.Mend, "{}") {
				t.Errorf("means %q, mend %q", f.Means, f.Mend)
			}
		})
	}
	for id, missing := range untried {
		if missing {
			t.Errorf("check %s has no case", id)
		}
	}
}

// What the role's own policies do not grant, an attached one may.
func TestActionsThatAnotherPolicyMayGrant(t *testing.T) {
	for name, attached := range map[string]Look[[]string]{"named": found([]string{"Extra"}), "denied": {Why: "iam:ListAttachedRolePolicies is denied"}} {
		facts := healthy()
		role := &facts.Regions[0].Role.Value
		role.Policies.Value[0] = strings.ReplaceAll(role.Policies.Value[0], "sqs:SendMessage", "sqs:ReceiveMessage")
		role.Attached = attached
		findings := Check(facts)
		if len(findings) != 2 || findings[0].Check != checkActions || findings[0].Severity != Unknown || findings[1].Check != checkAttached {
			t.Errorf("%s: findings %+v, want that it is unknown, and why", name, findings)
		}
	}
}

// A bucket that tells of exactly the keys that the configuration chooses is
// healthy, and every other one is not.
func TestFiltersAreThoseOfTheConfiguration(t *testing.T) {
	one, two := Notification{Prefix: "a/"}, Notification{Prefix: "b/", Suffix: ".x"}
	for _, tt := range []struct {
		name string
		have []Notification
		want string
	}{
		{"as configured", []Notification{one, two}, ""},
		{"every key", []Notification{{}}, `tells of every key, the configuration chooses keys with prefix "a/" or keys with prefix "b/" and suffix ".x"`},
		{"too few", []Notification{one}, `tells of keys with prefix "a/", the`},
		{"too many", []Notification{one, two, {Suffix: ".y"}}, `or keys with suffix ".y", the`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			f.Set.Filters = []replicaset.Filter{{Prefix: "a/"}, {Prefix: "b/", Suffix: ".x"}}
			for i := range f.Regions {
				known := f.Regions[i].Bucket.Value.Notifications.Value[0]
				list := slices.Clone(tt.have)
				for n := range list {
					list[n].TopicARN, list[n].Events = known.TopicARN, known.Events
				}
				f.Regions[i].Bucket.Value.Notifications.Value = list
			}
			findings := Check(f)
			if tt.want == "" && len(findings) > 0 || tt.want != "" && (len(findings) != len(f.Regions) || !strings.Contains(findings[0].What, tt.want)) {
				t.Errorf("got %v, want %q", findings, tt.want)
			}
		})
	}
}

// A role that is not told leaves open whether the filters name it.
func TestFiltersAreNotToldWithoutTheRole(t *testing.T) {
	facts := healthy()
	facts.Regions[0].Role = Look[Role]{Why: "iam:GetRole is denied"}
	got := map[string]int{}
	for _, f := range Check(facts) {
		if f.Region != "us-east-1" || f.Severity != Unknown {
			t.Errorf("%+v, want it unknown in us-east-1", f)
		}
		got[f.Check]++
	}
	if got[checkRole] != 1 || got[checkEchoFilter] != 2 || len(got) != 2 {
		t.Errorf("findings %v", got)
	}
}

// Facts that nothing was told of are never taken for healthy: each part has a
// finding.
func TestUntoldIsNeverHealthy(t *testing.T) {
	facts := healthy()
	for i := range facts.Regions {
		facts.Regions[i] = Region{Name: facts.Regions[i].Name, Access: found(Access{})}
	}
	findings := Check(facts)
	for _, region := range facts.Set.Regions {
		for _, part := range Parts()[1:] {
			if got := PartState(findings, region, part); got != string(Unknown) {
				t.Errorf("%s %s is %s, want unknown", region, part, got)
			}
		}
	}
	for _, f := range findings {
		if !f.Severity.NeedsHand() {
			t.Errorf("%+v needs no hand", f)
		}
	}
}

func TestPartState(t *testing.T) {
	findings := []Finding{
		{Check: checkUploads, Region: "a", Part: PartBucket, Severity: Warning},
		{Check: checkVersioning, Region: "a", Part: PartBucket, Severity: Failed},
		{Check: checkRetention, Region: "a", Part: PartQueue, Severity: Note},
		{Check: checkRole, Region: "a", Part: PartRole, Severity: Failed},
		{Check: checkDeployed, Region: "b", Part: PartAccess, Severity: Failed},
		{Check: checkReach, Region: "d", Part: PartAccess, Severity: Failed},
		{Check: checkTopic, Region: "e", Part: PartTopic, Severity: Failed},
		{Check: checkTopic, Region: "f", Part: PartTopic, Severity: Unknown},
	}
	for _, c := range []struct {
		region string
		part   Part
		want   string
	}{
		{"a", PartBucket, "failed"},
		{"a", PartQueue, OK},
		{"a", PartRole, Missing},
		{"a", PartTopic, OK},
		{"b", PartTopic, Missing},
		{"b", PartAccess, OK},
		{"c", PartBucket, OK},
		{"d", PartAccess, "failed"},
		{"d", PartBucket, "unknown"},
		{"e", PartSubscriptions, Missing},
		{"f", PartTopic, "unknown"},
	} {
		if got := PartState(findings, c.region, c.part); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.region, c.part, got, c.want)
		}
	}
}

// Opt-in Regions have SNS principals of their own, and are noted.
func TestOptInRegions(t *testing.T) {
	facts := healthy()
	facts.Set.Regions = []string{"us-east-1", "af-south-1"}
	facts.Regions = nil
	for i, region := range facts.Set.Regions {
		facts.Regions = append(facts.Regions, healthyRegion(facts.Set, region, fmt.Sprintf("AROA%d", i)))
	}
	findings := Check(facts)
	if len(findings) != 1 || findings[0].Check != checkOptIn || findings[0].Region != "af-south-1" {
		t.Errorf("findings %+v, want the note on af-south-1", findings)
	}
}

func TestChecksAreComplete(t *testing.T) {
	ids := map[string]bool{}
	for _, c := range Checks() {
		if ids[c.ID] {
			t.Errorf("check %s is there twice", c.ID)
		}
		ids[c.ID] = true
		if !slices.Contains(Parts(), c.Part) || c.Severity.rank() < 0 || c.Means == "" || c.Mend == "" {
			t.Errorf("%+v is not complete", c)
		}
	}
}
