package health

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

const account = "111122223333"

func testSet() replicaset.Config {
	return replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}}
}

// healthy is a replica set as the templates deploy it.
func healthy() Facts { return healthyOf(testSet()) }

func healthyOf(set replicaset.Config) Facts {
	facts := Facts{Set: set, Account: account, Caller: "arn:aws:iam::111122223333:user/me"}
	for i, region := range set.Regions {
		facts.Regions = append(facts.Regions, healthyRegion(set, region, fmt.Sprintf("AROA%d", i)))
	}
	return facts
}

func healthyRegion(set replicaset.Config, region, roleID string) Region {
	here := set.Member(account, region)
	topic, queue, function, bucket := here.TopicARN(), here.QueueARN(), here.FunctionARN(), here.BucketARN()
	tlsOnly := func(resource string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"` + resource +
			`","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	}
	allow := func(service, action, resource, source string) string {
		return `{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"` + action + `","Resource":"` + resource +
			`","Condition":{"ArnLike":{"AWS:SourceArn":"` + source + `"}}}`
	}
	kept := ""
	if dropped := set.DroppedPrefix(); dropped != "" {
		kept = `"s3":{"object":{"key":[{"anything-but":{"prefix":"` + dropped + `"}}]}}`
	}
	filter := `{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:` + roleID + `:"}}]}}}`
	switch deletions := set.FollowAny().Deletions; {
	case deletions && kept != "":
		filter = `{"$or":[` + filter + `,{"Records":{"eventName":["ObjectRemoved:DeleteMarkerCreated"]}}],"Records":{` + kept + `}}`
	case deletions:
		filter = `{"$or":[` + filter + `,{"Records":{"eventName":["ObjectRemoved:DeleteMarkerCreated"]}}]}`
	case kept != "":
		filter = strings.TrimSuffix(filter, "}}") + "," + kept + "}}"
	}
	var notifications []Notification
	for _, event := range set.Events(set.Follow) {
		notifications = append(notifications, Notification{TopicARN: topic, Events: []string{event}})
	}
	var subscriptions []Subscription
	var invoke []string
	for _, other := range set.Others(region) {
		invoke = append(invoke,
			allow(replicaset.SNSPrincipal(other, region), "lambda:InvokeFunction", function, set.Member(account, other).TopicARN()))
		subscriptions = append(subscriptions, Subscription{
			ARN: topic + ":to-" + other, Protocol: "lambda", Endpoint: set.Member(account, other).FunctionARN(),
			Settings: found(SubscriptionSettings{
				FilterScope:   "MessageBody",
				FilterPolicy:  filter,
				DeadLettersTo: queue,
			}),
		})
	}
	at := newRoleContext(set, here, map[string]string{region: testKey(region)})
	may := allowing(append(at.functionGrants(), at.traceGrants()...))
	policy := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	trust := func(service string) string {
		return policy(`{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}`)
	}
	healthy := Region{
		Name:   region,
		Access: found(Access{Skew: 400 * time.Millisecond}),
		Bucket: found(Bucket{
			Region: region, Versioning: found("Enabled"),
			Notifications: found(notifications), Lifecycle: found(Lifecycle{}), Skew: found(400 * time.Millisecond),
			AbortDays: found(7), Encryption: found(Encryption{Algorithm: "AES256"}),
		}),
		Topic:         found(Topic{Policy: policy(allow("s3.amazonaws.com", "sns:Publish", topic, bucket), tlsOnly(topic))}),
		Subscriptions: found(subscriptions),
		Function: found(Function{
			State: "Active", UpdateStatus: "Successful", RoleARN: here.RoleARN(),
			Environment: functionenv.Encode(functionenv.Of(set, here)), TimeoutSeconds: 900, MemoryMB: 256, Architecture: "arm64",
			Logging:  Logging{Format: "JSON", Level: "INFO", System: "WARN", Group: set.LogGroupName()},
			Reserved: Look[int]{State: Absent}, Failures: found(Failures{Destination: queue, Retries: 2, MaxAgeSeconds: 21600}),
			Policy: found(policy(invoke...)),
		}),
		Role: found(Role{
			ID: roleID,
			Trust: policy(
				append(operators(set, here),
					`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)...,
			),
			Policies: found([]string{policy(may...)}), Attached: found([]string(nil)),
		}),
		Queue: found(Queue{
			Policy:           policy(allow("sns.amazonaws.com", "sqs:SendMessage", queue, topic), onlySenders(here), tlsOnly(queue)),
			RetentionSeconds: 1209600,
		}),
	}
	if set.UsesKMS() {
		key := testKey(region)
		healthy.Bucket.Value.Encryption.Value = Encryption{Algorithm: "aws:kms", Key: key, BucketKey: true}
		healthy.Topic.Value.Key, healthy.Queue.Value.Key = key, key
	}
	if set.Adopts(region) {
		healthy.Bucket.Value.Adopted = adoptedHealthy()
		healthy.Adopter = found(Logging{Format: "JSON", Level: "INFO", System: "WARN", Group: here.AdopterLogGroupName()})
	}
	if set.BatchOperations {
		healthy.JobRole = found(Role{
			ID: "AROAJOB", Trust: trust("batchoperations.s3.amazonaws.com"),
			Policies: found([]string{policy(allowing(at.jobGrants())...)}), Attached: found([]string(nil)),
		})
	}
	if set.Reconcile != nil {
		healthy.Reconcile = Reconcile{
			Function: found(Reconciler{
				Logging: Logging{Format: "JSON", Level: "INFO", System: "WARN", Group: set.ReconcilerLogGroupName()},
				State:   "Active", RoleARN: here.ReconcileRoleARN(), Reserved: found(1), Deployed: 48 * time.Hour,
				Environment: functionenv.EncodeReconcile(functionenv.OfReconcile(set, here)),
			}),
			Schedule: found(Schedule{State: "ENABLED", Target: here.ReconcilerARN()}), Table: found("ACTIVE"),
			ProofAge: found(23 * time.Hour),
		}
		healthy.Reconcile.Role = found(Role{
			ID: "AROACOMPARE", Trust: trust("lambda.amazonaws.com"),
			Policies: found([]string{policy(append(allowing(at.compareGrants()), allowing(at.traceGrants())...)...)}),
			Attached: found([]string(nil)),
		})
		healthy.Reconcile.Starter = found(Role{
			ID: "AROASTART",
			Trust: policy(`{"Effect":"Allow","Principal":{"Service":["scheduler.amazonaws.com","states.amazonaws.com"]},` +
				`"Action":"sts:AssumeRole"}`),
			Policies: found([]string{policy(allowing(at.startGrants())...)}), Attached: found([]string(nil)),
		})
		if set.Reconcile.Copy {
			healthy.Role.Value.Trust = policy(append(operators(set, here),
				`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`,
				`{"Effect":"Allow","Principal":{"AWS":"`+here.AccountARN()+
					`"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:RoleSessionName":"`+
					set.ReconcileSession()+`"},"ArnEquals":{"aws:PrincipalArn":"`+here.ReconcileRoleARN()+`"}}}`)...)
		}
		if set.Reconcile.KeyRanges > 0 {
			definition, err := json.Marshal(set.RangesDefinition(here))
			if err != nil {
				panic(err)
			}
			healthy.Reconcile.Machine = found(Machine{Status: "ACTIVE", RoleARN: here.ScheduleRoleARN(), Definition: string(definition)})
			healthy.Reconcile.RangesSchedule = found(Schedule{State: "ENABLED", Target: here.ReconcileMachineARN()})
		}
	}
	if set.Tracing {
		healthy.Function.Value.Tracing = "Active"
	}
	return healthy
}

// onlySenders is the statement that keeps all but the function and the topic from
// sending to the queue.
func onlySenders(here replicaset.Member) string {
	return `{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"` + here.QueueARN() +
		`","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"` +
		here.RoleARN() + `","aws:SourceArn":"` + here.TopicARN() + `"}}}`
}

// operators are the statements about those who copy as the function.
func operators(set replicaset.Config, here replicaset.Member) []string {
	list, restricted := set.Operators(account)
	if restricted && len(list) == 0 {
		return nil
	}
	condition := `"StringEquals":{"sts:RoleSessionName":"` + set.OperatorSession() + `"}`
	if restricted {
		condition += `,"ArnEquals":{"aws:PrincipalArn":["` + strings.Join(list, `","`) + `"]}`
	}
	return []string{
		`{"Effect":"Allow","Principal":{"AWS":"` + here.AccountARN() + `"},"Action":"sts:AssumeRole","Condition":{` + condition + `}}`,
	}
}

// allowing is a statement for each grant.
func allowing(grants []grant) []string {
	var statements []string
	for _, g := range grants {
		condition := ""
		if g.aliases != nil {
			condition = `,"Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"` + g.aliases[0] + `"},` +
				`"StringLike":{"kms:EncryptionContext:aws:s3:arn":["arn:aws:s3:::media-*-1","arn:aws:s3:::media-*-1/*"]}}`
		}
		statements = append(statements, `{"Effect":"Allow","Action":"`+g.action+`","Resource":"`+g.resource+`"`+condition+`}`)
	}
	return statements
}

func testKey(region string) string {
	return "arn:aws:kms:" + region + ":" + account + ":key/11111111-2222-3333-4444-555555555555"
}

func TestHealthySetHasNoFindings(t *testing.T) {
	facts := healthy()
	if got := Check(facts); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	for _, region := range facts.Set.Regions {
		if ok, want, known := Subscribed(facts, region); ok != 2 || want != 2 || !known {
			t.Errorf("%s: subscribed %d of %d, known %v", region, ok, want, known)
		}
	}
}

// What the role's own policies do not grant, an attached one may.
func TestActionsThatAnotherPolicyMayGrant(t *testing.T) {
	for name, attached := range map[string]Look[[]string]{
		"named": found([]string{"Extra"}), "denied": {Why: "iam:ListAttachedRolePolicies is denied"},
	} {
		facts := healthy()
		role := &facts.Regions[0].Role.Value
		role.Policies.Value[0] = strings.ReplaceAll(role.Policies.Value[0], "sqs:SendMessage", "sqs:ReceiveMessage")
		role.Attached = attached
		findings := Check(facts)
		if len(findings) != 2 || findings[0].Check != checkActions || findings[0].Severity != Unknown ||
			findings[1].Check != checkAttached {
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
		{"every key", []Notification{{}},
			`sends events of every key; cdk.json selects keys with prefix "a/" or keys with prefix "b/" and suffix ".x"`},
		{"too few", []Notification{one}, `sends events of keys with prefix "a/"; cdk.json`},
		{"too many", []Notification{one, two, {Suffix: ".y"}}, `or keys with suffix ".y"; cdk.json`},
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
			if tt.want == "" && len(findings) > 0 ||
				tt.want != "" && (len(findings) != len(f.Regions) || !strings.Contains(findings[0].What, tt.want)) {
				t.Errorf("got %v, want %q", findings, tt.want)
			}
		})
	}
}

// A role that is not told leaves open whether the filters name it.
func TestFiltersAreUnknownWithoutTheRole(t *testing.T) {
	facts := healthy()
	facts.Regions[0].Role = Look[Role]{Why: "iam:GetRole is denied"}
	got := map[string]int{}
	for _, f := range Check(facts) {
		if f.Region != "us-east-1" || f.Severity != Unknown {
			t.Errorf("%+v, want it unknown in us-east-1", f)
		}
		wantUnknown(t, f)
		got[f.Check]++
	}
	if got[checkRole] != 1 || got[checkReplicaFilter] != 2 || len(got) != 2 {
		t.Errorf("findings %v", got)
	}
}

// Facts that nothing was told of are never taken for healthy: each part has a
// finding.
func TestUnknownIsNeverHealthy(t *testing.T) {
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
		if !f.Severity.NeedsAction() {
			t.Errorf("%+v needs no action", f)
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

// Whoever reads a finding is led on by a command.
func TestEveryFixNamesACommand(t *testing.T) {
	for _, c := range Checks() {
		if !strings.Contains(c.Fix, "s3fanout ") && !strings.Contains(c.Fix, "aws ") && !strings.Contains(c.Fix, "npx cdk ") {
			t.Errorf("%s: fix %q names no command", c.ID, c.Fix)
		}
	}
}

func TestChecksAreComplete(t *testing.T) {
	ids := map[string]bool{}
	for _, c := range Checks() {
		if ids[c.ID] {
			t.Errorf("check %s is there twice", c.ID)
		}
		ids[c.ID] = true
		if !slices.Contains(Parts(), c.Part) || c.Severity.rank() < 0 || c.Asks == "" || c.Means == "" || c.Fix == "" {
			t.Errorf("%+v is not complete", c)
		}
	}
}
