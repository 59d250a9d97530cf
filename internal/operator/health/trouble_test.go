package health

import (
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

const denied = "sns:GetTopicAttributes on topic x is denied"

// trouble is one thing that is wrong, and the one finding that it gives.
type trouble struct {
	name   string
	change func(r *Region) // of eu-west-1
	check  string
	as     Severity
	what   string // a part of what is found
}

// Each thing that can be wrong gives the finding of its check, in its Region,
// and nothing else.
func TestEachTroubleHasItsFinding(t *testing.T) {
	for _, c := range troubles() {
		t.Run(c.name, func(t *testing.T) { c.test(t, testSet()) })
	}
	for _, c := range carefulTroubles() {
		t.Run(c.name, func(t *testing.T) { c.test(t, carefulSet()) })
	}
	for _, c := range followTroubles() {
		t.Run(c.name, func(t *testing.T) { c.test(t, followSet()) })
	}
	for _, c := range adoptedTroubles() {
		t.Run(c.name, func(t *testing.T) { c.test(t, adoptingSet()) })
	}
	for _, c := range reconcileTroubles() {
		t.Run(c.name, func(t *testing.T) { c.test(t, reconcileSet()) })
	}
	for _, info := range Checks() {
		is := func(c trouble) bool { return c.check == info.ID }
		// which have tests of their own
		if info.ID != checkOptIn && info.ID != checkOverlap && info.ID != checkMachine && !strings.HasPrefix(info.ID, checkAccessPoint) &&
			!strings.HasPrefix(info.ID, checkTrail) && info.ID != checkOnlyPoint &&
			!slices.ContainsFunc(
				slices.Concat(troubles(), carefulTroubles(), followTroubles(), adoptedTroubles(), reconcileTroubles()), is,
			) {
			t.Errorf("check %s has no case", info.ID)
		}
	}
}

func (c trouble) test(t *testing.T, set replicaset.Config) {
	facts := healthyOf(set)
	facts.Probed = true
	for i := range facts.Regions {
		facts.Regions[i].Conditions, facts.Regions[i].Scratch = found(Conditions{}), found(true)
	}
	c.change(&facts.Regions[1])
	findings := Check(facts)
	if len(findings) != 1 {
		t.Fatalf("findings %+v, want one", findings)
	}
	f := findings[0]
	if f.Check != c.check || f.Region != "eu-west-1" || f.Severity != c.as || !strings.Contains(f.What, c.what) {
		t.Errorf("got %s %s %s: %s\nwant %s eu-west-1 %s with %q", f.Check, f.Region, f.Severity, f.What, c.check, c.as, c.what)
	}
	if c.as == Unknown {
		wantUnknown(t, f)
	}
	if f.Means == "" || f.Fix == "" || strings.ContainsAny(f.Fix, "{}") {
		t.Errorf("means %q, fix %q", f.Means, f.Fix)
	}
}

// stopped is a function without concurrency, and why.
func stopped(why Look[Paused]) func(*Region) {
	return func(r *Region) { r.Function.Value.Reserved, r.Function.Value.Paused = found(0), why }
}

func pausedFor(d time.Duration) Look[Paused] {
	return found(Paused{Since: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), For: d})
}

// probed is a Region that a probe told this of.
func probed(c Conditions) func(*Region) {
	return func(r *Region) { r.Conditions = found(c) }
}

func replace(s *string, old, with string) {
	if !strings.Contains(*s, old) {
		panic("nothing to replace: " + old)
	}
	*s = strings.ReplaceAll(*s, old, with)
}

func troubles() []trouble {
	return []trouble{
		{"unreachable", func(r *Region) { *r = Region{Name: r.Name, Access: Look[Access]{Why: "cannot reach AWS"}} }, checkReach, Failed,
			"cannot reach AWS"},
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
		{"no notification", func(r *Region) { r.Bucket.Value.Notifications = found([]Notification(nil)) }, checkNotification, Failed,
			"no events of"},
		{"notification to another topic", func(r *Region) { r.Bucket.Value.Notifications.Value[0].TopicARN += "2" }, checkNotification,
			Failed, "no events of"},
		{"only uploads announced", func(r *Region) { r.Bucket.Value.Notifications.Value[0].Events = []string{"s3:ObjectCreated:Put"} },
			checkNotification, Failed, "Post, Copy, CompleteMultipartUpload"},
		{"only some keys", func(r *Region) { r.Bucket.Value.Notifications.Value[0].Prefix = "a/" }, checkNotifyKeys, Failed,
			`sends events of keys with prefix "a/"; cdk.json selects every key`},
		{"notification denied", func(r *Region) { r.Bucket.Value.Notifications = Look[[]Notification]{Why: denied} }, checkNotification,
			Unknown, denied},
		{"deletions announced that nobody follows", func(r *Region) {
			r.Bucket.Value.Notifications.Value[0].Events = append(r.Bucket.Value.Notifications.Value[0].Events, "s3:ObjectRemoved:*")
		}, checkFollowed, Failed, "of ObjectRemoved:DeleteMarkerCreated of every key, which cdk.json does not follow"},
		{"markers pass that nobody follows", func(r *Region) {
			f := &r.Subscriptions.Value[0].Settings.Value.FilterPolicy
			*f = `{"$or":[` + *f + `,{"Records":{"eventName":["ObjectRemoved:DeleteMarkerCreated"]}}]}`
		}, checkFilter, Failed, "another filter than deployed"},
		{"a mode that cdk.json does not have", func(r *Region) { r.Function.Value.Environment["S3FANOUT_FOLLOW"] = "od" }, checkEnvironment,
			Failed, "S3FANOUT_FOLLOW is od; cdk.json does not set it"},
		{"no lifecycle rule", func(r *Region) { r.Bucket.Value.AbortDays = Look[int]{State: Absent} }, checkUploads, Warning,
			"no lifecycle rule"},
		{"bucket with a key", func(r *Region) { r.Bucket.Value.Encryption.Value = Encryption{Algorithm: "aws:kms", Key: "arn:k"} },
			checkBucketKey, Failed, "by aws:kms, not by AES256"},
		{"bucket not encrypted", func(r *Region) { r.Bucket.Value.Encryption.Value = Encryption{} }, checkBucketKey, Failed,
			"by nothing, not by AES256"},
		{"encryption denied", func(r *Region) { r.Bucket.Value.Encryption = Look[Encryption]{Why: denied} }, checkBucketKey,
			Unknown, denied},
		{"lifecycle denied", func(r *Region) { r.Bucket.Value.AbortDays = Look[int]{Why: denied} }, checkUploads, Unknown, denied},

		{"condition of copies ignored", probed(Conditions{Copy: Ignored}), checkCopyIf, Failed, "although CopyObject had If-None-Match"},
		{"condition of copies refused", probed(Conditions{Copy: Refused}), checkCopyIf, Warning, "501"},
		{"condition of parts ignored", probed(Conditions{Complete: Ignored}), checkCompleteIf, Failed,
			"although CompleteMultipartUpload had"},
		{"uploads of somebody else", probed(Conditions{Initiator: "nobody"}), checkInitiator, Failed, "nobody"},
		{"condition not tried", func(r *Region) { r.Conditions = Look[Conditions]{Why: denied} }, checkCopyIf, Unknown, denied},
		{"scratch object left", func(r *Region) { r.Scratch = Look[bool]{Why: denied} }, CheckLeftovers, Warning, denied},

		{"no topic", func(r *Region) {
			r.Topic, r.Subscriptions = Look[Topic]{State: Absent}, Look[[]Subscription]{State: Absent}
		}, checkTopic, Failed, "media-object-created"},
		{"topic denied", func(r *Region) { r.Topic = Look[Topic]{Why: denied} }, checkTopic, Unknown, denied},
		{"no topic policy", func(r *Region) { r.Topic.Value.Policy = "" }, checkTopicPolicy, Failed, "no policy"},
		{"topic policy for another service", func(r *Region) { replace(&r.Topic.Value.Policy, "s3.amazonaws.com", "sqs.amazonaws.com") },
			checkTopicPolicy, Failed, "s3.amazonaws.com"},
		{"topic policy for another bucket", func(r *Region) { replace(&r.Topic.Value.Policy, ":::media-", ":::other-") }, checkTopicPolicy,
			Failed, "sns:Publish"},
		{"topic policy with a foreign condition", func(r *Region) {
			replace(&r.Topic.Value.Policy, `"Condition":{"ArnLike":{`, `"Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"},"ArnLike":{`)
		}, checkTopicPolicy, Unknown, "not understand"},
		{"topic policy unreadable", func(r *Region) { r.Topic.Value.Policy = "{" }, checkTopicPolicy, Unknown, "not readable"},
		{"topic with a key", func(r *Region) { r.Topic.Value.Key = "alias/aws/sns" }, checkTopicKey, Failed,
			"with alias/aws/sns, which cdk.json does not say"},

		{"no subscription at all", func(r *Region) { r.Subscriptions.Value = nil }, checkSubscription, Failed, "us-east-1, ap-northeast-1"},
		{"one subscription missing", func(r *Region) { r.Subscriptions.Value = r.Subscriptions.Value[:1] }, checkSubscription, Failed,
			"for the function of ap-northeast-1"},
		{"subscriptions denied", func(r *Region) { r.Subscriptions = Look[[]Subscription]{Why: denied} }, checkSubscription,
			Unknown, denied},
		{"unconfirmed", func(r *Region) { r.Subscriptions.Value[0].Pending = true }, checkConfirmed, Failed, "us-east-1"},
		{"settings denied", func(r *Region) { r.Subscriptions.Value[0].Settings = Look[SubscriptionSettings]{Why: denied} }, checkFilter,
			Unknown, denied},
		{"no filter", func(r *Region) { r.Subscriptions.Value[1].Settings.Value.FilterPolicy = "" }, checkReplicaFilter, Failed,
			"ap-northeast-1 has no filter"},
		{"filter of a role that is gone",
			func(r *Region) { replace(&r.Subscriptions.Value[1].Settings.Value.FilterPolicy, "AROA1", "AROAOLD") }, checkReplicaFilter,
			Failed, "AROAOLD"},
		{"filter for attributes", func(r *Region) { r.Subscriptions.Value[0].Settings.Value.FilterScope = "" }, checkFilter, Failed,
			"MessageAttributes"},
		{"another filter", func(r *Region) {
			r.Subscriptions.Value[0].Settings.Value.FilterPolicy = `{"Records":{"eventName":["ObjectCreated:Put"]}}`
		}, checkFilter, Failed, "eventName"},
		{"filter of everybody", func(r *Region) { replace(&r.Subscriptions.Value[0].Settings.Value.FilterPolicy, "AWS:AROA1:", "AWS:") },
			checkFilter, Failed, "AWS:"},
		{"undelivered nowhere", func(r *Region) { r.Subscriptions.Value[0].Settings.Value.DeadLettersTo = "" }, checkUndelivered,
			Failed, "nowhere"},
		{"undelivered elsewhere", func(r *Region) { r.Subscriptions.Value[0].Settings.Value.DeadLettersTo += "2" }, checkUndelivered,
			Failed, "media-dead-letters2"},
		{"own function subscribed", func(r *Region) {
			r.Subscriptions.Value = append(r.Subscriptions.Value, Subscription{
				ARN: "arn:x", Protocol: "lambda", Endpoint: testSet().Member(account, r.Name).FunctionARN(),
			})
		}, checkOwnFunction, Failed, "arn:x"},
		{"a stranger subscribed", func(r *Region) {
			r.Subscriptions.Value = append(r.Subscriptions.Value, Subscription{ARN: "arn:y", Protocol: "email", Endpoint: "me@example.com"})
		}, checkStranger, Warning, "email me@example.com"},

		{"no function", func(r *Region) { r.Function = Look[Function]{State: Absent} }, checkFunction, Failed, "media-replicator"},
		{"function denied", func(r *Region) { r.Function = Look[Function]{Why: denied} }, checkFunction, Unknown, denied},
		{"function failed", func(r *Region) { r.Function.Value.State = "Failed" }, checkState, Failed, "Failed"},
		{"function new", func(r *Region) { r.Function.Value.State = "Pending" }, checkState, Warning, "being created"},
		{"update failed", func(r *Region) { r.Function.Value.UpdateStatus = "Failed" }, checkState, Failed, "update"},
		{"another role", func(r *Region) { r.Function.Value.RoleARN += "2" }, checkRoleOf, Failed, "replicator-eu-west-12"},
		{"another set", func(r *Region) { r.Function.Value.Environment["S3FANOUT_REPLICA_SET"] = "films" }, checkEnvironment, Failed,
			"is films; cdk.json says media"},
		{"a source forgotten", func(r *Region) {
			r.Function.Value.Environment["S3FANOUT_SOURCE_BUCKETS"] = "us-east-1=media-111122223333-us-east-1"
		}, checkEnvironment, Failed, "S3FANOUT_SOURCE_BUCKETS lacks ap-northeast-1=media-111122223333-ap-northeast-1"},
		{"a source too many", func(r *Region) { r.Function.Value.Environment["S3FANOUT_SOURCE_BUCKETS"] += ",x=y" }, checkEnvironment,
			Failed, "has besides x=y"},
		{"all actions taken away", func(r *Region) { r.Role.Value.Policies.Value = nil }, checkActions, Failed,
			"s3:GetObjectVersion on arn:aws:s3:::media-111122223333-us-east-1/* (without it, nothing is copied from us-east-1)"},
		{"no target", func(r *Region) { delete(r.Function.Value.Environment, "S3FANOUT_TARGET_BUCKET") }, checkEnvironment,
			Failed, "not set"},
		{"a setting of another configuration", func(r *Region) { r.Function.Value.Environment["S3FANOUT_MULTIPART_PARALLEL"] = "3" },
			checkEnvironment, Failed, "cdk.json does not set it"},
		{"short timeout", func(r *Region) { r.Function.Value.TimeoutSeconds = 60 }, checkSettings, Warning, "60 seconds"},
		{"little memory", func(r *Region) { r.Function.Value.MemoryMB = 64 }, checkSettings, Warning, "64 MB"},
		{"another processor", func(r *Region) { r.Function.Value.Architecture = "x86_64" }, checkProcessor, Warning,
			"runs on x86_64, not on arm64"},
		{"a log of text", func(r *Region) { r.Function.Value.Logging.Format = "Text" }, checkLogging, Failed, "format Text, not JSON"},
		{"a log of warnings alone", func(r *Region) { r.Function.Value.Logging.Level = "WARN" }, checkLogging, Failed,
			"level WARN, not INFO"},
		{"a log of every invocation", func(r *Region) { r.Function.Value.Logging.System = "DEBUG" }, checkLogging, Warning,
			"Lambda's own lines in the log of function media-replicator begin at the level DEBUG, not WARN"},
		{"Lambda's default", func(r *Region) { r.Function.Value.Logging.System = "" }, checkLogging, Warning,
			"begin at the level INFO, not WARN"},
		{"a log elsewhere", func(r *Region) { r.Function.Value.Logging.Group = "/aws/lambda/x" }, checkLogging, Failed,
			"/aws/lambda/x, not to /aws/lambda/media-replicator"},
		{"switched off", stopped(Look[Paused]{State: Absent}), checkConcurrency, Failed, "is 0"},
		{"switched off, tags denied", stopped(Look[Paused]{Why: denied}), checkConcurrency, Failed,
			"is 0; it is not known whether that is a pause: " + denied},
		{"paused", stopped(pausedFor(3 * time.Hour)), CheckPaused, Note,
			"for 3 hours; the queue keeps its events for 13 days more at least"},
		{"paused for long", stopped(pausedFor(8 * day)), CheckPaused, Warning, "for 8 days; the first events are lost in 6 days"},
		{"paused for nearly too long", stopped(pausedFor(13 * day)), CheckPaused, Failed,
			"for 13 days; the first events are lost in 24 hours"},
		{"paused for too long", stopped(pausedFor(15 * day)), CheckPaused, Failed,
			"longer than the queue keeps events: the first ones are lost"},
		{"concurrency denied", func(r *Region) { r.Function.Value.Reserved = Look[int]{Why: denied} }, checkConcurrency, Unknown, denied},
		{"no destination", func(r *Region) { r.Function.Value.Failures = Look[Failures]{State: Absent} }, checkDestination,
			Failed, "nowhere"},
		{"another destination", func(r *Region) { r.Function.Value.Failures.Value.Destination += "2" }, checkDestination, Failed,
			"letters2"},
		{"destination denied", func(r *Region) { r.Function.Value.Failures = Look[Failures]{Why: denied} }, checkDestination,
			Unknown, denied},
		{"no retries", func(r *Region) { r.Function.Value.Failures.Value.Retries = 0 }, checkRetries, Warning, "0 times"},
		{"young events only", func(r *Region) { r.Function.Value.Failures.Value.MaxAgeSeconds = 60 }, checkRetries, Warning, "60 seconds"},
		{"nobody may invoke", func(r *Region) { r.Function.Value.Policy = Look[string]{State: Absent} }, checkPermission, Failed,
			"us-east-1, ap-northeast-1"},
		{"one topic may not invoke", func(r *Region) {
			replace(&r.Function.Value.Policy.Value, ":sns:ap-northeast-1:", ":sns:ap-northeast-2:")
		}, checkPermission, Failed, "topic of ap-northeast-1"},
		{"wrong principal", func(r *Region) {
			replace(&r.Function.Value.Policy.Value, "sns.amazonaws.com", "sns.af-south-1.amazonaws.com")
		}, checkPermission, Failed, "us-east-1, ap-northeast-1"},
		{"who may invoke denied", func(r *Region) { r.Function.Value.Policy = Look[string]{Why: denied} }, checkPermission,
			Unknown, denied},
		{"traces that nobody asked for", func(r *Region) { r.Function.Value.Tracing = "Active" }, checkTracing, Warning,
			"cdk.json does not ask"},

		{"no role", func(r *Region) { r.Role = Look[Role]{State: Absent} }, checkRole, Failed, "media-replicator-eu-west-1"},
		{"trust of another service", func(r *Region) { replace(&r.Role.Value.Trust, "lambda.", "ec2.") }, checkTrust, Failed,
			"lambda.amazonaws.com"},
		{"boundary", func(r *Region) { r.Role.Value.Boundary = "arn:b" }, checkBoundary, Note, "arn:b"},
		{"permissions denied", func(r *Region) { r.Role.Value.Policies = Look[[]string]{Why: denied} }, checkActions, Unknown, denied},
		{"one action taken away", func(r *Region) { replace(&r.Role.Value.Policies.Value[0], "s3:PutObjectTagging", "s3:PutObjectAcl") },
			checkActions, Failed, "s3:PutObjectTagging"},
		{"another policy attached", func(r *Region) { r.Role.Value.Attached = found([]string{"Extra"}) }, checkAttached, Note, "Extra"},
		{"attached policies denied", func(r *Region) { r.Role.Value.Attached = Look[[]string]{Why: denied} }, checkAttached,
			Unknown, denied},
		{"an action on part of its objects", func(r *Region) {
			replace(&r.Role.Value.Policies.Value[0], `"s3:GetObject","Resource":"arn:aws:s3:::media-111122223333-eu-west-1/*"`,
				`"s3:GetObject","Resource":"arn:aws:s3:::media-111122223333-eu-west-1/a/*"`)
		}, checkActions, Failed, "s3:GetObject on"},
		{"a deny", func(r *Region) {
			r.Role.Value.Policies.Value = append(r.Role.Value.Policies.Value,
				`{"Statement":{"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::media-111122223333-eu-west-1/secret/*"}}`)
		}, checkActions, Failed, "s3:PutObject on"},

		{"nobody may work as the function", func(r *Region) { replace(&r.Role.Value.Trust, ":root", ":user/ann") }, checkOperator, Failed,
			"roles and users of the account may not assume"},
		{"no queue", func(r *Region) { r.Queue = Look[Queue]{State: Absent} }, checkQueue, Failed, "media-dead-letters"},
		{"queue denied", func(r *Region) { r.Queue = Look[Queue]{Why: denied} }, checkQueue, Unknown, denied},
		{"no queue policy", func(r *Region) { r.Queue.Value.Policy = "" }, checkQueuePolicy, Failed, "no policy"},
		{"queue policy for another topic", func(r *Region) { replace(&r.Queue.Value.Policy, ":media-object-created", ":other") },
			checkQueuePolicy, Failed, "sns.amazonaws.com"},
		{"queue policy that keeps the function out",
			func(r *Region) { replace(&r.Queue.Value.Policy, ":role/media-replicator-eu-west-1", ":role/other") }, checkQueuePolicy, Failed,
			"denies sqs:SendMessage to the function's role"},
		{"queue policy that keeps the function out perhaps", func(r *Region) {
			replace(&r.Queue.Value.Policy, `"Statement":[`,
				`"Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":`+
					`{"Bool":{"aws:PrincipalIsAWSService":"false"},"StringNotEquals":{"aws:PrincipalOrgID":"o"}}},`)
		}, checkQueuePolicy, Unknown, "the function's role may send to queue media-dead-letters"},
		{"anybody may send to the queue", func(r *Region) {
			replace(&r.Queue.Value.Policy, `"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage"`,
				`"Effect":"Deny","Principal":"*","Action":"sqs:ReceiveMessage"`)
		}, checkSenders, Warning, "to principals other than"},
		{"anybody may send to the queue, perhaps", func(r *Region) {
			replace(&r.Queue.Value.Policy, `{"ArnNotEquals":`, `{"StringEquals":{"aws:PrincipalOrgID":"o"},"ArnNotEquals":`)
		}, checkSenders, Unknown, "others may send"},
		{"queue with a key", func(r *Region) { r.Queue.Value.Key = "k" }, checkQueueKey, Failed, "with k, which"},
		{"queue not encrypted", func(r *Region) { r.Queue.Value.Unencrypted = true }, checkQueueKey, Failed, "is not encrypted"},
		{"letters kept for a day", func(r *Region) { r.Queue.Value.RetentionSeconds = 86400 }, checkRetention, Note, "for 1 day"},
		{"a dead letter", func(r *Region) { r.Queue.Value.Letters = 1 }, CheckDeadLetters, Failed, "1 dead letter "},
		{"dead letters", func(r *Region) { r.Queue.Value.Letters = 7 }, CheckDeadLetters, Failed, "about 7 dead letters"},
	}
}

// What waits while a Region is paused is no failure: it is what the pause is for.
func TestDeadLettersOfAPause(t *testing.T) {
	facts := healthyOf(testSet())
	stopped(pausedFor(time.Hour))(&facts.Regions[1])
	facts.Regions[1].Queue.Value.Letters = 7
	for _, f := range Check(facts) {
		if f.Severity != Note || f.Region != "eu-west-1" {
			t.Errorf("%s in %s is %s: %s", f.Check, f.Region, f.Severity, f.What)
		}
	}
	if got := PartState(Check(facts), "eu-west-1", PartFunction); got != PausedPart {
		t.Errorf("the function is shown as %s, want %s", got, PausedPart)
	}
}

// Before a pause nothing may be in the way of the queue that keeps its events.
func TestEventsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Region)
		want   string
	}{
		"healthy":             {func(*Region) {}, ""},
		"something else":      {func(r *Region) { r.Bucket.Value.Versioning = found("Suspended") }, ""},
		"another destination": {func(r *Region) { r.Function.Value.Failures.Value.Destination = "arn:f" }, checkDestination},
		"no queue":            {func(r *Region) { r.Queue = Look[Queue]{State: Absent} }, checkQueue},
		"the queue is denied": {func(r *Region) { r.Queue = Look[Queue]{Why: denied} }, checkQueue},
		"the role may not send": {func(r *Region) {
			for i := range r.Role.Value.Policies.Value {
				r.Role.Value.Policies.Value[i] = strings.ReplaceAll(r.Role.Value.Policies.Value[i], "sqs:SendMessage", "sqs:Other")
			}
		}, checkActions},
		"the role may not copy": {func(r *Region) {
			for i := range r.Role.Value.Policies.Value {
				r.Role.Value.Policies.Value[i] = strings.ReplaceAll(r.Role.Value.Policies.Value[i], "s3:PutObjectTagging", "s3:Other")
			}
		}, ""},
	} {
		facts := healthyOf(testSet())
		c.change(&facts.Regions[1])
		got := ""
		for _, f := range EventsKept(Check(facts), "eu-west-1") {
			got = f.Check
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if other := EventsKept(Check(facts), "us-east-1"); len(other) > 0 {
			t.Errorf("%s: us-east-1 has %+v", name, other)
		}
	}
}
