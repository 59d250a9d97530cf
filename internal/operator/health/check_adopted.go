package health

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"s3fanout/internal/aws/notification"
	"s3fanout/internal/iampolicy"
	"s3fanout/internal/operator/adoption"
	"s3fanout/internal/replicaset"
)

// CheckAdopted checks the adopted buckets alone, before they are deployed or
// after: whether a deployment could adopt them, and whether copies would work.
// It is pure, and in the order of Check.
func CheckAdopted(facts Facts) []Finding {
	return check(facts, func(c *checker) {
		if c.answers() && c.here().Adopted {
			c.preflight()
		}
	})
}

// adopted checks a bucket that the set did not make.
func (c *checker) adopted() {
	if bucket, ok := c.preflight(); ok && answered(c, checkEntries, bucket.Adopted.Notifications) &&
		!bucket.Adopted.Notifications.Value.Contains(c.entries()) {
		c.find(checkEntries, "bucket %s does not send topic %s events of all keys that cdk.json selects",
			c.here().Bucket, c.facts.Set.TopicName())
	}
}

// othersTell says that others made all entries that the bucket should have, as an app
// with a bucket of its own does, and that no function of the set is there to change them.
func (c *checker) othersTell() bool {
	look := c.region.Bucket.Value.Adopted.Notifications
	if c.region.Adopter.State == Found || c.region.Bucket.State != Found || look.State != Found {
		return false
	}
	own := func(e notification.Entry) bool { return strings.HasPrefix(e.ID, c.facts.Set.AnnouncementPrefix()) }
	return !slices.ContainsFunc(look.Value.Entries(), own) && look.Value.Contains(c.entries())
}

// adopter checks the function that deployments change the bucket's notifications with.
func (c *checker) adopter() {
	name := c.here().AdopterName()
	if !c.here().Adopted || c.othersTell() || !exists(c, checkAdopter, c.region.Adopter, "function "+name) {
		return
	}
	info := c.info[checkLogging]
	info.Severity, info.Means = Warning, "What a deployment did to the bucket's notifications, and why it failed, is not in the log."
	c.logging(info, name, c.region.Adopter.Value, c.here().AdopterLogGroupName())
}

// preflight checks all but whether the bucket tells the topic, and returns the
// bucket if it is where it should be.
func (c *checker) preflight() (Bucket, bool) {
	name := c.here().Bucket
	if !exists(c, checkAdopted, c.region.Bucket, "bucket "+name) {
		return Bucket{}, false
	}
	bucket := c.region.Bucket.Value
	if bucket.Region != "" && bucket.Region != c.region.Name {
		c.find(checkAdoptedRegion, "bucket %s is in %s", name, bucket.Region)
		return Bucket{}, false
	}
	c.versioning(bucket.Versioning)
	if answered(c, checkOverlap, bucket.Adopted.Notifications) {
		c.otherNotifications(bucket.Adopted.Notifications.Value)
	}
	c.adoptedKey(bucket.Adopted.Key)
	if answered(c, checkDenies, bucket.Adopted.Policy) && bucket.Adopted.Policy.State == Found {
		c.bucketPolicy(bucket.Adopted.Policy.Value)
	}
	if answered(c, checkPays, bucket.Adopted.RequesterPays) && bucket.Adopted.RequesterPays.Value {
		c.find(checkPays, "requesters pay for bucket %s", name)
	}
	if answered(c, checkOwnership, bucket.Adopted.WritersOwn) && bucket.Adopted.WritersOwn.Value {
		c.find(checkOwnership, "bucket %s uses ACLs", name)
	}
	if answered(c, checkLock, bucket.Adopted.Lock) && bucket.Adopted.Lock.State == Found {
		c.find(checkLock, "Object Lock of bucket %s is on: %s", name, bucket.Adopted.Lock.Value)
	}
	if answered(c, checkLeavings, bucket.AbortDays) && bucket.AbortDays.State == Absent {
		c.find(checkLeavings, "bucket %s has no lifecycle rule that removes unfinished uploads", name)
	}
	c.lifecycle(bucket)
	return bucket, true
}

// entries are those that the bucket's notifications should have.
func (c *checker) entries() []notification.Entry { return adoption.Entries(c.facts.Set, c.here()) }

// otherNotifications checks that S3 would take the set's entries beside the others,
// and says which others tell the same topic.
func (c *checker) otherNotifications(d notification.Document) {
	var overlap *notification.OverlapError
	switch _, err := d.Merge(c.facts.Set.AnnouncementPrefix(), c.entries()); {
	case errors.As(err, &overlap):
		c.find(checkOverlap, "entry %q of the notifications of bucket %s sends %s events of %s, as the set's own entry does: %s",
			overlap.Theirs.ID, c.here().Bucket, overlap.Theirs.Destination, overlap.Theirs.What(), overlap.Ours.What())
		return
	case err != nil:
		c.find(checkOverlap, "%v", err)
	}
	if c.region.Function.State == Found && c.othersTell() {
		return // they are that app's
	}
	for _, e := range d.Entries() {
		if e.Destination == c.here().TopicARN() && !strings.HasPrefix(e.ID, c.facts.Set.AnnouncementPrefix()) {
			c.find(checkSameTopic, "entry %q of the notifications of bucket %s sends events to topic %s, and is not the deployment's",
				e.ID, c.here().Bucket, c.facts.Set.TopicName())
		}
	}
}

// adoptedKey checks that the functions may use the key that encrypts new objects.
func (c *checker) adoptedKey(look Look[Key]) {
	if !answered(c, checkAdoptedKey, look) || look.State == Absent {
		return
	}
	key := look.Value
	set := c.facts.Set
	if own := c.keys[c.region.Name]; key.ARN != set.BucketKeyARNs[c.region.Name] && (own == "" || key.ARN != own) {
		c.find(checkAdoptedKey, "bucket %s encrypts new objects with %s, which the functions may not use", c.here().Bucket, key.ARN)
	}
	if key.State != "Enabled" {
		c.find(checkKeyPolicy, "key %s of bucket %s is in the state %s", key.ARN, c.here().Bucket, key.State)
		return
	}
	if !answered(c, checkKeyPolicy, key.Policy) {
		return
	}
	next := "read the policy: aws kms get-key-policy --region {region} --key-id " + key.ARN
	policy, err := iampolicy.Parse([]byte(key.Policy.Value))
	if err != nil {
		c.unknown(checkKeyPolicy, next, "%s: %v", c.fill(c.info[checkKeyPolicy].Asks), err)
		return
	}
	for _, m := range c.facts.members() {
		actions := []string{"kms:Decrypt"}
		if m.Region == c.region.Name {
			actions = []string{"kms:GenerateDataKey", "kms:Decrypt"}
		}
		for _, action := range actions {
			answer := saysOf(policy, m, m.RoleARN(), set.FunctionName(), iampolicy.Request{
				Action: action, Resource: key.ARN,
				Context: map[string]string{
					"kms:calleraccount": m.Account, "kms:viaservice": "s3." + c.region.Name + ".amazonaws.com",
					"kms:encryptioncontext:aws:s3:arn": c.here().BucketARN(), "aws:principalaccount": m.Account,
					"aws:principalarn": m.RoleARN(), "aws:securetransport": "true",
				},
			}).Answer()
			switch answer {
			case iampolicy.Yes:
			case iampolicy.Perhaps:
				c.unknown(checkKeyPolicy, next, "role %s may %s with key %s: the policy has conditions that doctor does not understand",
					m.RoleName(), action, key.ARN)
				return
			case iampolicy.No:
				c.find(checkKeyPolicy, "the policy of key %s does not let role %s %s", key.ARN, m.RoleName(), action)
				return
			}
		}
	}
}

// saysOf is what a policy of a resource says of a request of a role's: as the role
// or its session, and as one of its account.
func saysOf(d *iampolicy.Document, m replicaset.Member, role, session string, r iampolicy.Request) iampolicy.Says {
	r.Principal = &iampolicy.Principal{ARNs: []string{role, replicaset.SessionARN(role, session)}}
	says := d.Says(r)
	r.Principal = &iampolicy.Principal{Account: m.Account}
	return says.And(d.Says(r))
}

// accessOf is what a role has to do with a bucket.
type accessOf struct {
	member           replicaset.Member
	role, session    string // the role's ARN, and the name of its session
	action, resource string
}

// accesses are all that the set does with the Region's bucket.
func (c *checker) accesses() []accessOf {
	bucket := c.here().BucketARN()
	var all []accessOf
	for _, m := range c.facts.members() {
		for _, g := range newRoleContext(c.facts.Set, m, nil).functionGrants() {
			if g.resource == bucket || strings.HasPrefix(g.resource, bucket+"/") {
				all = append(all, accessOf{m, m.RoleARN(), c.facts.Set.FunctionName(), g.action, g.resource})
			}
		}
	}
	adopter := cmp.Or(c.facts.Set.AdoptRoleIn(c.facts.Account, c.region.Name), c.here().IAMARN("role/"+c.here().AdopterName()))
	for _, action := range []string{"s3:GetBucketNotification", "s3:PutBucketNotification", "s3:GetBucketVersioning"} {
		all = append(all, accessOf{c.here(), adopter, c.here().AdopterName(), action, bucket})
	}
	return all
}

// bucketPolicy checks that no Deny in the bucket's policy is about what the set
// does with it. An Allow is not needed: the roles are of the bucket's account.
func (c *checker) bucketPolicy(policy string) {
	next := "read the policy: aws s3api get-bucket-policy --region {region} --bucket {bucket}"
	d, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		c.unknown(checkDenies, next, "%s: %v", c.fill(c.info[checkDenies].Asks), err)
		return
	}
	denied, perhaps := map[string][]string{}, map[string][]string{}
	var roles []string
	for _, a := range c.accesses() {
		answer := denies(d, policy, a)
		if answer == iampolicy.No {
			continue
		}
		into := denied
		if answer == iampolicy.Perhaps {
			into = perhaps
		}
		into[a.role] = append(into[a.role], a.action)
		if !slices.Contains(roles, a.role) {
			roles = append(roles, a.role)
		}
	}
	list := func(by map[string][]string) string {
		var parts []string
		for _, role := range roles {
			if by[role] != nil {
				parts = append(parts, strings.Join(by[role], ", ")+" to role "+role[strings.LastIndex(role, "/")+1:])
			}
		}
		return strings.Join(parts, "; ")
	}
	if len(denied) > 0 {
		c.find(checkDenies, "the policy of bucket %s denies %s", c.here().Bucket, list(denied))
	}
	if len(perhaps) > 0 {
		c.unknown(checkDenies, next, "the policy of bucket %s denies, under conditions that doctor does not understand, %s",
			c.here().Bucket, list(perhaps))
	}
}

// denies says whether the policy denies it.
func denies(d *iampolicy.Document, policy string, a accessOf) iampolicy.Answer {
	request := iampolicy.Request{
		Action: a.action, Resource: a.resource,
		Context: map[string]string{
			"aws:securetransport": "true", "aws:principalarn": a.role, "aws:principalaccount": a.member.Account,
			"aws:principaltype": "AssumedRole", "aws:principalisawsservice": "false", "aws:viaawsservice": "false",
			"aws:resourceaccount": a.member.Account, "s3:resourceaccount": a.member.Account, "s3:tlsversion": "1.3",
			"aws:requestedregion": a.member.Region,
		},
	}
	some := saysOf(d, a.member, a.role, a.session, request).Denies
	if some != iampolicy.Perhaps || !known(policy, request.Context) {
		return some
	}
	// Every key that the policy asks for is known, or known to be absent.
	request.Whole = true
	return saysOf(d, a.member, a.role, a.session, request).Denies
}

// known reports whether the conditions of a policy ask for nothing but these keys
// and keys that the requests of the functions never have.
func known(policy string, context map[string]string) bool {
	absent := []string{
		"aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip", "aws:sourcearn", "aws:sourceaccount", "aws:username",
		"aws:federatedprovider", "aws:multifactorauthpresent", "aws:multifactorauthage", "s3:x-amz-acl",
		"s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id",
		"s3:x-amz-server-side-encryption-customer-algorithm",
		"s3:object-lock-mode", "s3:object-lock-retain-until-date", "s3:object-lock-legal-hold",
	}
	var document struct {
		Statement iampolicy.OneOrMore[struct {
			Condition map[string]map[string]json.RawMessage
		}]
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false
	}
	for _, s := range document.Statement {
		for _, keys := range s.Condition {
			for key := range keys {
				key = strings.ToLower(key)
				if _, ok := context[key]; !ok && !slices.Contains(absent, key) {
					return false
				}
			}
		}
	}
	return true
}
