package health

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/aws/notification"
	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/replicaset"
)

const oldKey = "arn:aws:kms:eu-west-1:" + account + ":key/99999999-2222-3333-4444-555555555555"

// adoptingSet has a bucket in eu-west-1 that others made, with a key of theirs.
func adoptingSet() replicaset.Config {
	set := testSet()
	set.Buckets = map[string]string{"eu-west-1": "old"}
	set.BucketKeyARNs = map[string]string{"eu-west-1": oldKey}
	return set
}

const theirs = `<QueueConfiguration><Id>thumbs</Id><Queue>arn:aws:sqs:eu-west-1:` + account +
	`:q</Queue><Event>s3:ObjectRemoved:*</Event></QueueConfiguration>`

func document(entries string) Look[notification.Document] {
	d, err := notification.Parse([]byte("<NotificationConfiguration>" + entries + "</NotificationConfiguration>"))
	if err != nil {
		panic(err)
	}
	return found(d)
}

// entryOf is the set's entry, perhaps with another ID, events or topic.
func entryOf(change func(*notification.Entry)) string {
	set := adoptingSet()
	e := adoption.Entries(set, set.Member(account, "eu-west-1"))[0]
	change(&e)
	var b strings.Builder
	b.WriteString("<TopicConfiguration><Id>" + e.ID + "</Id><Topic>" + e.Destination + "</Topic>")
	for _, event := range e.Events {
		b.WriteString("<Event>" + event + "</Event>")
	}
	return b.String() + "</TopicConfiguration>"
}

// adoptedHealthy is the part of the facts that testSet's Regions do not have.
func adoptedHealthy() Adopted {
	return Adopted{
		Notifications: document(theirs + entryOf(func(*notification.Entry) {})),
		Policy: found(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::old","arn:aws:s3:::old/*"],
				"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
			{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::old/*",
				"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}},
			{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::old"},
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},
				"Action":"s3:GetObject","Resource":"arn:aws:s3:::old/*"}]}`),
		RequesterPays: found(false), WritersOwn: found(false), Lock: Look[string]{State: Absent},
		Key: found(Key{
			ARN: oldKey, State: "Enabled",
			Policy: found(
				`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account +
					`:root"},"Action":"kms:*","Resource":"*"}]}`,
			),
		}),
	}
}

func TestHealthyAdoptedBucketHasNoFindings(t *testing.T) {
	facts := healthyOf(adoptingSet())
	if got := Check(facts); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	if got := CheckAdopted(facts); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
	// S3's own keys, no policy, and nothing deployed yet: it can be adopted.
	b := &facts.Regions[1].Bucket.Value
	b.Encryption, b.Adopted.Key, b.Adopted.Policy = found(Encryption{Algorithm: "AES256"}), Look[Key]{State: Absent},
		Look[string]{State: Absent}
	b.Adopted.Notifications = document(theirs)
	if got := CheckAdopted(facts); len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
}

// TestAppThatTellsItselfHasNoFindings: an app that gives a Region a bucket of its own adds
// an entry for each event by the CDK, and no function of the set.
func TestAppThatTellsItselfHasNoFindings(t *testing.T) {
	set := adoptingSet()
	set.NoUserCopies = true // several events
	facts := healthyOf(set)
	entries := ""
	e := adoption.Entries(set, set.Member(account, "eu-west-1"))[0]
	for _, event := range e.Events {
		entries += entryOf(func(one *notification.Entry) { one.ID, one.Events = "app"+event, []string{event} })
	}
	facts.Regions[1].Adopter = Look[Logging]{State: Absent}
	facts.Regions[1].Bucket.Value.Adopted.Notifications = document(theirs + entries)
	if got := Check(facts); len(e.Events) < 2 || len(got) != 0 {
		t.Errorf("findings %+v, want none", got)
	}
}

func adoptedTroubles() []trouble {
	adopted := func(change func(*Adopted)) func(*Region) {
		return func(r *Region) { change(&r.Bucket.Value.Adopted) }
	}
	notifications := func(entries string) func(*Region) {
		return adopted(func(a *Adopted) { a.Notifications = document(entries) })
	}
	policy := func(statement string) func(*Region) {
		return adopted(func(a *Adopted) {
			a.Policy = found(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",` + statement + `}]}`)
		})
	}
	key := func(change func(*Key)) func(*Region) { return adopted(func(a *Adopted) { change(&a.Key.Value) }) }
	logging := func(change func(*Logging)) func(*Region) { return func(r *Region) { change(&r.Adopter.Value) } }
	adopter := adoptingSet().Member(account, "eu-west-1").AdopterName()
	const objects = `"Resource":"arn:aws:s3:::old/*"`
	return []trouble{
		{"adopted bucket missing", func(r *Region) { r.Bucket = Look[Bucket]{State: Absent} }, checkAdopted, Failed,
			"bucket old does not exist"},
		{"adopted bucket not told", func(r *Region) { r.Bucket = Look[Bucket]{Why: denied} }, checkAdopted, Unknown, denied},
		{"adopted bucket elsewhere", func(r *Region) { r.Bucket = found(Bucket{Region: "us-west-2"}) }, checkAdoptedRegion, Failed,
			"bucket old is in us-west-2"},
		{"adopted versioning off", func(r *Region) { r.Bucket.Value.Versioning = found("") }, checkVersioning, Failed, "off"},
		{"wiped by the owner's deployment", notifications(theirs), checkEntries, Failed,
			"bucket old does not send topic media-object-created"},
		{"of some events", notifications(entryOf(func(e *notification.Entry) { e.Events = []string{"s3:ObjectCreated:Put"} })),
			checkEntries, Failed, "of all keys that cdk.json selects"},
		{"told by somebody else's entry", notifications(entryOf(func(e *notification.Entry) { e.ID = "NDc5" })), checkSameTopic, Note,
			`entry "NDc5"`},
		{"object lock", adopted(func(a *Adopted) { a.Lock = found("governance for 30 days") }), checkLock, Note, "governance for 30 days"},
		{"object lock not told", adopted(func(a *Adopted) { a.Lock = Look[string]{Why: denied} }), checkLock, Unknown, denied},
		{"requester pays", adopted(func(a *Adopted) { a.RequesterPays = found(true) }), checkPays, Note, "requesters pay"},
		{"requester pays not told", adopted(func(a *Adopted) { a.RequesterPays = Look[bool]{Why: denied} }), checkPays, Unknown, denied},
		{"writers own", adopted(func(a *Adopted) { a.WritersOwn = found(true) }), checkOwnership, Note, "bucket old uses ACLs"},
		{"ownership not told", adopted(func(a *Adopted) { a.WritersOwn = Look[bool]{Why: denied} }), checkOwnership, Unknown, denied},
		{"unfinished uploads", func(r *Region) { r.Bucket.Value.AbortDays = Look[int]{State: Absent} }, checkLeavings, Note,
			"no lifecycle rule"},
		{"another key", key(func(k *Key) { k.ARN += "0" }), checkAdoptedKey, Failed, "which the functions may not use"},
		{"a key that is not told", adopted(func(a *Adopted) { a.Key = Look[Key]{Why: denied} }), checkAdoptedKey, Unknown, denied},
		{"a key that is disabled", key(func(k *Key) { k.State = "PendingDeletion" }), checkKeyPolicy, Failed,
			"is in the state PendingDeletion"},
		{"a key that leaves nothing to IAM", key(func(k *Key) { k.Policy = found(`{"Statement":[]}`) }), checkKeyPolicy, Failed,
			"does not let role media-replicator-us-east-1 kms:Decrypt"},
		{"a key whose policy is not told", key(func(k *Key) { k.Policy = Look[string]{Why: denied} }), checkKeyPolicy, Unknown, denied},
		{"a key's conditions", key(func(k *Key) {
			replace(&k.Policy.Value, `"Resource":"*"`, `"Resource":"*","Condition":{"Odd":{"x":"y"}}`)
		}), checkKeyPolicy, Unknown, "not understand"},
		{"writes denied", policy(`"Action":"s3:Put*",` + objects), checkDenies, Failed,
			"denies s3:PutObject, s3:PutObjectTagging to role media-replicator-eu-west-1"},
		{"reads denied to others", policy(`"Action":"s3:GetObjectVersion",` + objects), checkDenies, Failed,
			"denies s3:GetObjectVersion to role media-replicator-us-east-1; s3:GetObjectVersion to role media-replicator-ap-northeast-1"},
		{"some keys denied", policy(`"Action":"s3:PutObject","Resource":"arn:aws:s3:::old/private/*"`), checkDenies, Failed,
			"s3:PutObject"},
		{"notifications denied", policy(`"Action":"s3:PutBucketNotification","Resource":"arn:aws:s3:::old"`), checkDenies, Failed,
			"s3:PutBucketNotification to role media-adopt-"},
		{"all but a VPC denied",
			policy(`"Action":"s3:PutObject",` + objects + `,"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`), checkDenies,
			Failed, "s3:PutObject"},
		{"unencrypted uploads denied",
			policy(`"Action":"s3:PutObject",` + objects + `,"Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}`),
			checkDenies, Failed, "s3:PutObject"},
		{"all but an organization denied",
			policy(`"Action":"s3:PutObject",` + objects + `,"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}`), checkDenies,
			Unknown, "under conditions that doctor does not understand"},
		{"a policy that cannot be read", adopted(func(a *Adopted) { a.Policy = found("<") }), checkDenies, Unknown, "not readable"},
		{"a policy that is not told", adopted(func(a *Adopted) { a.Policy = Look[string]{Why: denied} }), checkDenies, Unknown, denied},
		{"no adopting function", func(r *Region) { r.Adopter = Look[Logging]{State: Absent} }, checkAdopter, Warning,
			"function " + adopter + " does not exist"},
		{"adopting function not told", func(r *Region) { r.Adopter = Look[Logging]{Why: denied} }, checkAdopter, Unknown, denied},
		{"it logs text", logging(func(l *Logging) { l.Format = "Text" }), checkLogging, Warning,
			"the log of function " + adopter + " has the format Text, not JSON"},
		{"it logs errors alone", logging(func(l *Logging) { l.Level = "ERROR" }), checkLogging, Warning,
			"the log of function " + adopter + " begins at the level ERROR, not INFO"},
		{"it logs elsewhere", logging(func(l *Logging) { l.Group = "/aws/lambda/x" }), checkLogging, Warning,
			"function " + adopter + " logs to /aws/lambda/x, not to /aws/lambda/" + adopter},
		{"it logs every invocation", logging(func(l *Logging) { l.System = "INFO" }), checkLogging, Warning,
			"in the log of function " + adopter + " begin at the level INFO, not WARN"},
	}
}

// TestOverlapIsFoundBeforeAndAfter: S3 would refuse the set's entry beside this
// one, so it is not there either.
func TestOverlapIsFoundBeforeAndAfter(t *testing.T) {
	facts := healthyOf(adoptingSet())
	facts.Regions[1].Bucket.Value.Adopted.Notifications = document(strings.Replace(theirs, "ObjectRemoved:*", "ObjectCreated:Put", 1))
	for what, got := range map[string][]Finding{"adopt --check": CheckAdopted(facts), "doctor": Check(facts)} {
		i := slices.IndexFunc(got, func(f Finding) bool { return f.Check == checkOverlap })
		if i < 0 || got[i].Severity != Failed ||
			!strings.Contains(
				got[i].What,
				`entry "thumbs" of the notifications of bucket old sends arn:aws:sqs:eu-west-1:`+account+
					`:q events of s3:ObjectCreated:Put of every key`,
			) {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// TestPoliciesAreAskedOfRolesOfOnesOwn: it is the roles that the configuration names
// that a bucket's policy has to let in.
func TestPoliciesAreAskedOfRolesOfOnesOwn(t *testing.T) {
	set := adoptingSet()
	set.FunctionRoleARN, set.AdoptRoleARN = "arn:aws:iam::{account}:role/team/copy-{region}", "arn:aws:iam::{account}:role/team/adopt"
	facts := healthyOf(set)
	policy := &facts.Regions[1].Bucket.Value.Adopted.Policy.Value
	for _, role := range []string{"copy-eu-west-1", "copy-us-east-1", "copy-ap-northeast-1", "adopt"} {
		*policy = `{"Statement":[{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::` + account + `:role/team/` + role +
			`"},"Action":"s3:*","Resource":["arn:aws:s3:::old","arn:aws:s3:::old/*"]}]}`
		if got := CheckAdopted(facts); len(got) != 1 || got[0].Check != checkDenies || !strings.HasSuffix(got[0].What, " to role "+role) {
			t.Errorf("%s: %+v", role, got)
		}
	}
	for _, role := range []string{"media-replicator-eu-west-1", set.Member(account, "eu-west-1").AdopterName()} {
		*policy = `{"Statement":[{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::` + account + `:role/` + role +
			`"},"Action":"s3:*","Resource":"*"}]}`
		if got := CheckAdopted(facts); len(got) != 0 {
			t.Errorf("%s, which is not used: %+v", role, got)
		}
	}
}

// TestAdoptedBucketDoesNotMeanDeployed: that the bucket is there does not
// mean that the Region is deployed.
func TestAdoptedBucketDoesNotMeanDeployed(t *testing.T) {
	facts := healthyOf(adoptingSet())
	r := &facts.Regions[1]
	r.Topic.State, r.Function.State, r.Role.State, r.Queue.State = Absent, Absent, Absent, Absent
	r.Bucket.Value.Versioning = found("Suspended")
	r.Bucket.Value.Adopted.Notifications = document(theirs)
	var ids []string
	for _, f := range Check(facts) {
		ids = append(ids, f.Check)
	}
	if want := []string{checkDeployed, checkVersioning}; !slices.Equal(ids, want) {
		t.Errorf("findings %q, want %q", ids, want)
	}
	for part, want := range map[Part]string{PartAccess: OK, PartBucket: string(Failed), PartTopic: Missing, PartSubscriptions: Missing} {
		if got := PartState(Check(facts), r.Name, part); got != want {
			t.Errorf("%s: %s, want %s", part, got, want)
		}
	}
}

// TestGatherOfAnAdoptedBucket reads what AWS answers, and asks about adopted
// buckets alone where only they are asked for.
func TestGatherOfAnAdoptedBucket(t *testing.T) {
	answers := unusual()
	answers["notification"] = "<NotificationConfiguration>" + theirs + "</NotificationConfiguration>"
	answers["policy"] = `{"Statement":[]}`
	answers["requestPayment"] = "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>"
	answers["ownershipControls"] = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule>" +
		"</OwnershipControls>"
	answers["object-lock"] = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>" +
		"<Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
	answers["TrentService.DescribeKey"] = `{"KeyMetadata":{"KeyId":"k","Arn":"` + oldKey +
		`","KeyState":"Disabled","KeyManager":"CUSTOMER"}}`
	answers["TrentService.GetKeyPolicy"] = `{"Policy":"{}"}`
	region := gatherWireOf(t, adoptingSet(), answers)
	if want := (Logging{Format: "JSON", Level: "WARN", System: "DEBUG", Group: "g"}); region.Adopter != found(want) {
		t.Errorf("the adopting function logs %+v, want %+v", region.Adopter, want)
	}
	got := region.Bucket.Value.Adopted
	if d := got.Notifications; d.State != Found || len(d.Value.Entries()) != 1 || d.Value.Entries()[0].ID != "thumbs" {
		t.Errorf("notifications %+v", d)
	}
	if got.Policy != found(`{"Statement":[]}`) || got.RequesterPays != found(true) || got.WritersOwn != found(true) ||
		got.Lock != found("governance for 30 days") ||
		got.Key.Value.ARN != oldKey || got.Key.Value.State != "Disabled" || got.Key.Value.Policy != found("{}") {
		t.Errorf("got %+v", got)
	}
	bare := answers.with("ownershipControls",
		"<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>").
		with("policy", "404 <Error><Code>NoSuchBucketPolicy</Code></Error>").
		with("object-lock", "404 <Error><Code>ObjectLockConfigurationNotFoundError</Code></Error>").
		with("encryption", "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"+
			"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>")
	got = gatherWireOf(t, adoptingSet(), bare).Bucket.Value.Adopted
	if got.Policy.State != Absent || got.WritersOwn != found(false) || got.Lock.State != Absent || got.Key.State != Absent {
		t.Errorf("got %+v", got)
	}
	refused := answers.with("ownershipControls", "404 <Error><Code>OwnershipControlsNotFoundError</Code></Error>").with("policy",
		"403 <Error><Code>AccessDenied</Code></Error>").with("TrentService.GetKeyPolicy", `400 {"__type":"AccessDeniedException"}`)
	got = gatherWireOf(t, adoptingSet(), refused).Bucket.Value.Adopted
	if got.WritersOwn != found(true) || got.Policy.State != Unanswered || !strings.Contains(got.Policy.Why, "s3:GetBucketPolicy") ||
		got.Key.Value.Policy.State != Unanswered {
		t.Errorf("got %+v", got)
	}
	facts := gatherFacts(t, adoptingSet(), http.HandlerFunc(answers.ServeHTTP), GatherAdopted, []string{"us-east-1", "eu-west-1"})
	if len(facts.Regions) != 1 || facts.Regions[0].Name != "eu-west-1" || facts.Regions[0].Bucket.State != Found ||
		facts.Regions[0].Topic.State != Unanswered {
		t.Errorf("got %+v", facts.Regions)
	}
}
