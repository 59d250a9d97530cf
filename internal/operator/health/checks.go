package health

import (
	"slices"
	"strings"
)

// IDs of the checks. They are part of the commands' output and stable.
const (
	checkReach    = "region-access"
	checkClock    = "clock"
	checkS3Clocks = "s3-clocks"
	checkOptIn    = "opt-in-region"
	checkDeployed = "region-deployed"

	checkAccessPoint  = "access-point"
	checkPointMissing = "access-point-missing"
	checkPointStatus  = "access-point-status"
	checkPointOther   = "access-point-other"

	checkBucket        = "bucket"
	checkBucketRegion  = "bucket-region"
	checkVersioning    = "bucket-versioning"
	checkNotification  = "bucket-notification"
	checkNotifyKeys    = "bucket-notification-filter"
	checkFollowed      = "bucket-follow-events"
	checkUploads       = "bucket-unfinished-uploads"
	checkExpiry        = "bucket-expiration"
	checkNoncurrent    = "bucket-noncurrent-versions"
	checkBucketKey     = "bucket-encryption"
	checkAdopted       = "adopted-bucket"
	checkAdoptedRegion = "adopted-bucket-region"
	checkTells         = "adopted-notification"
	checkOverlap       = "adopted-notification-overlap"
	checkSameTopic     = "adopted-notification-others"
	checkAdoptedKey    = "adopted-encryption"
	checkKeyPolicy     = "adopted-key"
	checkDenies        = "adopted-policy"
	checkPays          = "adopted-requester-pays"
	checkOwnership     = "adopted-ownership"
	checkLock          = "adopted-object-lock"
	checkLeavings      = "adopted-unfinished-uploads"

	checkCopyIf     = "copy-condition"
	checkCompleteIf = "multipart-condition"
	checkInitiator  = "upload-initiator"

	checkTopic       = "topic"
	checkTopicPolicy = "topic-policy"
	checkTopicKey    = "topic-encryption"

	checkSubscription = "subscription"
	checkConfirmed    = "subscription-confirmed"
	checkEchoFilter   = "subscription-echo-filter"
	checkFilter       = "subscription-filter"
	checkUndelivered  = "subscription-dead-letters"
	checkOwnFunction  = "subscription-own-function"
	checkStranger     = "subscription-unexpected"

	checkFunction    = "function"
	checkState       = "function-state"
	checkRoleOf      = "function-role"
	checkEnvironment = "function-environment"
	checkSettings    = "function-settings"
	checkProcessor   = "function-architecture"
	checkConcurrency = "function-concurrency"
	checkDestination = "function-failures"
	checkRetries     = "function-retries"
	checkPermission  = "function-permission"
	checkTracing     = "function-tracing"

	checkReconciler     = "reconcile-function"
	checkReconcileTable = "reconcile-table"
	checkSchedule       = "reconcile-schedule"
	checkProof          = "reconcile-proof"

	checkRole     = "role"
	checkTrust    = "role-trust"
	checkOperator = "role-operators"
	checkActions  = "role-permissions"
	checkAttached = "role-attached-policies"
	checkBoundary = "role-boundary"

	checkJobRole    = "batch-role"
	checkJobTrust   = "batch-role-trust"
	checkJobActions = "batch-role-permissions"

	checkQueue       = "queue"
	checkQueuePolicy = "queue-policy"
	checkSenders     = "queue-senders"
	checkQueueKey    = "queue-encryption"
	checkRetention   = "queue-retention"
)

// Those that the command knows.
const (
	// CheckDeadLetters finds dead letters in a queue.
	CheckDeadLetters = "dead-letters"
	// CheckPaused finds a function that was stopped on purpose.
	CheckPaused = "function-paused"
	// CheckLeftovers finds what Probe could not remove.
	CheckLeftovers = "probe-leftovers"
)

// CheckInfo describes a check.
type CheckInfo struct {
	ID       string
	Part     Part
	Severity Severity // of its findings, but for what could not be told
	Asks     string   // what it looks for, after "whether"; see fill for names in it
	Means    string   // what a finding does to replication
	Fix      string   // what to do; see fill for names in it
}

const (
	redeploy = "npx cdk deploy --revert-drift {regionStack}"
	remesh   = "npx cdk deploy --revert-drift {meshStack}"
	// The mesh stack imports the role's ID, and CloudFormation changes no export
	// that is imported.
	newRole     = "npx cdk destroy {meshStack}, then " + redeploy + " {meshStack}"
	otherServer = "this is the server and not the deployment: use one that enforces the condition, as AWS does; then s3fanout doctor --probe"
	catchUp     = "; then find what was missed: s3fanout verify"
	replay      = "; then s3fanout redrive"

	// What the findings of several checks mean.
	paidFor = "Parts of copies that were given up stay, and are paid for."
	keyBars = "Nothing is copied into this bucket, and nothing out of it that the key encrypts."
	unfound = "What events miss is not found and not repaired in this Region. Uploads are copied."
)

// Checks returns all checks, in the order of their findings.
func Checks() []CheckInfo {
	return []CheckInfo{
		{checkReach, PartAccess, Failed, "the Region answers",
			"Nothing in this Region can be looked at or redriven with these credentials from here.",
			"check the network and AWS_ENDPOINT_URL; an opt-in Region has to be enabled in the account; renew the credentials; aws sts get-caller-identity --region {region} should answer"},
		{checkClock, PartAccess, Failed, "this machine's clock is right",
			"AWS refuses requests whose time is more than five minutes off.",
			"set this machine's clock, as with NTP; then s3fanout doctor"},
		{checkS3Clocks, PartAccess, Failed, "S3's clocks in the Regions agree",
			"Where overwrites are followed, S3's clocks say which write was the later. The functions wait for a clock that is up to 5 seconds behind; beyond that changes become dead letters.",
			"see the AWS Health Dashboard for {region}; when the clocks agree: s3fanout redrive"},
		{checkOptIn, PartAccess, Note, "SNS delivers to and from the Region",
			"AWS's pages disagree on whether SNS delivers to and from opt-in Regions across Regions.",
			"upload an object and see that it arrives: s3fanout verify"},
		{checkAccessPoint, PartAccess, Warning, "the access points have the Regions that cdk.json says",
			"S3 cannot change an access point: the next deployment makes another one with another alias, and leaves this one to the clients that call it.",
			"before you deploy, follow docs/upgrade.md, \"A Region joins or leaves an access point\"; " +
				"if it is not deployed yet: npx cdk deploy {accessPointStack}"},
		{checkPointMissing, PartAccess, Failed, "the access points of cdk.json are there",
			"Clients have no such endpoint. Replication works, but with access-point-only, only those who are named reach the objects.",
			"npx cdk deploy {accessPointStack}"},
		{checkPointStatus, PartAccess, Warning, "the access points are ready",
			"S3 does not serve the access point in all of its Regions, or not yet, or it is being deleted. Replication works.",
			"what is being made or deleted takes up to a day: run s3fanout doctor again; otherwise see what S3 says, and move the clients to a second " +
				"access point: aws s3control get-multi-region-access-point --region us-west-2 --account-id {account} --name NAME"},
		{checkPointOther, PartAccess, Note, "cdk.json names all access points over the set's buckets",
			"It routes requests to buckets of the set, whatever cdk.json says. A deployment may have left it behind, for clients that still call it.",
			"when nobody uses it any more: aws s3control delete-multi-region-access-point --region us-west-2 --account-id {account} --details Name=NAME"},
		{checkDeployed, PartAccess, Failed, "the Region is deployed",
			"The Region takes no part in replication.",
			"npx cdk deploy {regionStack} {meshStack}; or take the Region out of cdk.json" + catchUp},

		{checkBucket, PartBucket, Failed, "bucket {bucket} is there and as it should be",
			"There is nowhere to upload to and nowhere to copy to in this Region.",
			redeploy + catchUp},
		{checkBucketRegion, PartBucket, Failed, "bucket {bucket} is in this Region",
			"The function copies into its own Region and does not find the bucket there.",
			"move the objects away, delete the bucket {bucket}, then " + redeploy},
		{checkVersioning, PartBucket, Failed, "versioning of bucket {bucket} is on",
			"Copies name the version that an event names; without one, a copy may take a later object of the same key. What is followed into the bucket would destroy what it replaces.",
			"aws s3api put-bucket-versioning --region {region} --bucket {bucket} --versioning-configuration Status=Enabled"},
		{checkNotification, PartBucket, Failed, "bucket {bucket} tells the topic of new objects",
			"No function hears of uploads to this bucket, and they are not copied. Nothing reports it.",
			redeploy + catchUp},
		{checkNotifyKeys, PartBucket, Failed, "bucket {bucket} tells of the keys that cdk.json chooses",
			"Other objects are copied than cdk.json says: some of them not, and nothing reports it.",
			redeploy + catchUp},
		{checkFollowed, PartBucket, Failed, "bucket {bucket} tells the topic of what cdk.json follows, and of nothing else",
			"Deletions or changes of tags do not travel, and nothing reports it; or the functions are told of what they refuse, and fill the dead-letter queues.",
			redeploy + catchUp},
		{checkBucketKey, PartBucket, Failed, "bucket {bucket} encrypts new objects as cdk.json says",
			"New objects are not encrypted as cdk.json says. With a key that the functions may not use, they are not copied.",
			redeploy + catchUp},
		{checkUploads, PartBucket, Warning, "bucket {bucket} removes unfinished uploads",
			paidFor,
			redeploy},
		{checkExpiry, PartBucket, Warning, "the lifecycle rules of bucket {bucket} delete the same objects as those of the other Regions",
			"What a lifecycle rule deletes is deleted in its own Region alone, so that the Regions differ.",
			"give the buckets of all Regions the same rules: aws s3api get-bucket-lifecycle-configuration --region {region} --bucket {bucket}"},
		{checkNoncurrent, PartBucket, Warning, "bucket {bucket} keeps noncurrent versions for at least 30 days",
			"What was written over or deleted by mistake is destroyed before anybody can bring it back.",
			"let the rules expire noncurrent versions after 30 days or later: aws s3api get-bucket-lifecycle-configuration --region {region} --bucket {bucket}"},
		{checkAdopted, PartBucket, Failed, "bucket {bucket}, which is to be adopted, is there",
			"There is nowhere to upload to and nowhere to copy to in this Region, and a deployment fails.",
			"correct its name in buckets of cdk.json, make it, or leave the Region out there to have a bucket made; then s3fanout adopt --check"},
		{checkAdoptedRegion, PartBucket, Failed, "bucket {bucket}, which is to be adopted, is in this Region",
			"The function copies into its own Region and does not find the bucket there, and a deployment fails.",
			"name the bucket for its own Region in buckets of cdk.json; then s3fanout adopt --check"},
		{checkTells, PartBucket, Failed, "adopted bucket {bucket} tells the topic of new objects",
			"No function hears of uploads to this bucket, and they are not copied. Nothing reports it. A deployment of the bucket's owner that writes all of its notifications takes the set's out.",
			"s3fanout adopt --region {region}, and let its owner's deployment keep the entries whose IDs begin with s3fanout" + catchUp},
		{checkOverlap, PartBucket, Failed, "other notifications of bucket {bucket} leave room for the set's",
			"S3 refuses two entries that tell of the same event of the same key, so that the set's cannot be put in, and a deployment fails.",
			"subscribe the other entry's destination to topic {topic} once it is deployed, and remove the entry; or choose keys that only one of the two has with filters: aws s3api get-bucket-notification-configuration --region {region} --bucket {bucket}"},
		{checkSameTopic, PartBucket, Note, "somebody else's entry tells the set's topic",
			"It counts as the set's own, and it stays when the stack goes.",
			"remove it, and then s3fanout adopt --region {region}, if it is to go with the stack"},
		{checkAdoptedKey, PartBucket, Failed, "the functions may use the key of adopted bucket {bucket}",
			keyBars,
			"name the key for {region} in bucketKeyArns of cdk.json, then npx cdk deploy --all; then s3fanout redrive" + catchUp},
		{checkKeyPolicy, PartBucket, Failed, "the key of adopted bucket {bucket} can be used",
			keyBars,
			"enable the key; let its policy leave it to IAM who may use it (kms:* to the account's root), or name the functions' roles: aws kms get-key-policy --region {region} --key-id KEY"},
		{checkDenies, PartBucket, Failed, "the policy of adopted bucket {bucket} lets the roles do what they have to",
			"A Deny in the bucket's policy wins over what the roles' policies allow: copies fail and become dead letters, or a deployment fails.",
			"except the roles from the Deny, for instance by ArnNotLike on aws:PrincipalArn: aws s3api get-bucket-policy --region {region} --bucket {bucket}"},
		{checkPays, PartBucket, Note, "requesters pay for adopted bucket {bucket}",
			"Replication works: the functions belong to the bucket's owner, who pays for them. Others have to send x-amz-request-payer.",
			"no action is needed; to switch it off: aws s3api put-bucket-request-payment --region {region} --bucket {bucket} --request-payment-configuration Payer=BucketOwner"},
		{checkOwnership, PartBucket, Note, "all objects in adopted bucket {bucket} belong to its owner",
			"What another account writes there without the grant bucket-owner-full-control belongs to that account: the functions may not read it, and it becomes a dead letter. ACLs do not travel.",
			"if nobody relies on ACLs, set the bucket's Object Ownership to BucketOwnerEnforced; aws s3api get-bucket-ownership-controls --region {region} --bucket {bucket} shows what it is"},
		{checkLock, PartBucket, Note, "adopted bucket {bucket} locks objects",
			"Replicas in this bucket get its default retention, whatever their sources have, and cannot be destroyed before it ends; a source's own retention does not travel.",
			"give the buckets of all Regions the same default retention, if that matters: aws s3api get-object-lock-configuration --region {region} --bucket {bucket}"},
		{checkLeavings, PartBucket, Note, "adopted bucket {bucket} removes unfinished uploads",
			paidFor,
			"add AbortIncompleteMultipartUpload to the bucket's lifecycle, which is written as a whole: aws s3api get-bucket-lifecycle-configuration --region {region} --bucket {bucket}"},
		{checkCopyIf, PartBucket, Failed, "S3 enforces If-None-Match on CopyObject",
			"A copy can replace an object that was written a moment before, so the first write does not always win.",
			otherServer},
		{checkCompleteIf, PartBucket, Failed, "S3 enforces If-None-Match on CompleteMultipartUpload",
			"A copy of a large object can replace an object that was written a moment before, so the first write does not always win.",
			otherServer},
		{checkInitiator, PartBucket, Failed, "S3 names the function's role as who began the role's uploads",
			"A copy that takes more than one invocation becomes a dead letter: the function resumes an upload only if S3 says that its own role began it.",
			"copy what becomes a dead letter so with s3fanout backfill"},
		{CheckLeftovers, PartBucket, Warning, "what the probe wrote was removed",
			"An object without contents, or an unfinished upload, is left below .s3fanout/probe/ in the bucket.",
			"remove the reason, wait ten minutes, then run s3fanout doctor --probe --region {region}: it removes what an earlier one left"},

		{checkTopic, PartTopic, Failed, "topic {topic} is there and as it should be",
			"Uploads to this Region's bucket reach no other Region.",
			redeploy + " {meshStack}" + catchUp},
		{checkTopicPolicy, PartTopic, Failed, "S3 may publish to topic {topic}",
			"S3 cannot publish to the topic, so no function hears of uploads to this Region's bucket. Nothing reports it.",
			redeploy + catchUp},
		{checkTopicKey, PartTopic, Failed, "topic {topic} is encrypted as cdk.json says",
			"Events are not encrypted as cdk.json says. With a key that S3 may not use, no function hears of uploads to this Region's bucket, and nothing reports it.",
			redeploy + catchUp},

		{checkSubscription, PartSubscriptions, Failed, "the other Regions' functions are subscribed to topic {topic}",
			"Uploads to this Region's bucket do not reach the Regions named. Nothing reports it.",
			remesh + catchUp},
		{checkConfirmed, PartSubscriptions, Failed, "the subscriptions are confirmed",
			"SNS delivers nothing to a subscription that is not confirmed.",
			"delete the subscription, then " + remesh + catchUp},
		{checkEchoFilter, PartSubscriptions, Failed, "the subscriptions drop replica events",
			"Replicas are right, but each one wakes the other Regions' functions for a HEAD that finds it there: money is wasted.",
			remesh + "; if the role was made anew: " + newRole + catchUp},
		{checkFilter, PartSubscriptions, Failed, "the subscriptions deliver every event that has to travel",
			"SNS may drop events instead of delivering them. Nothing reports it.",
			remesh + catchUp},
		{checkUndelivered, PartSubscriptions, Failed, "what SNS cannot deliver becomes a dead letter",
			"What SNS cannot deliver to the function is lost instead of becoming a dead letter.",
			remesh},
		{checkOwnFunction, PartSubscriptions, Failed, "the Region's own function is subscribed",
			"The function is told of uploads to its own bucket, refuses them as not a source, and fills the dead-letter queue.",
			"aws sns unsubscribe --region {region} --subscription-arn ARN"},
		{checkStranger, PartSubscriptions, Warning, "others are subscribed to topic {topic}",
			"Somebody else is told of each upload. A function of a Region that is not in the set copies to where nobody looks, or fails.",
			"if it is not wanted: aws sns unsubscribe --region {region} --subscription-arn ARN"},

		{checkFunction, PartFunction, Failed, "function {function} is there and as it should be",
			"Nothing is copied into this Region; what the topics send it becomes dead letters in their Regions.",
			redeploy + replay},
		{checkState, PartFunction, Failed, "Lambda can run function {function}",
			"Lambda cannot run the function, or not as it was last deployed.",
			redeploy},
		{checkRoleOf, PartFunction, Failed, "function {function} has its own role",
			"The function works with permissions that were not made for it; its copies fail, or their events are not recognised as echoes.",
			redeploy},
		{checkEnvironment, PartFunction, Failed, "function {function} knows the replica set",
			"The function does not know the replica set as cdk.json has it: it refuses events of a Region it does not know, or copies to a wrong bucket.",
			"npx cdk deploy --revert-drift --all; then s3fanout redrive"},
		{checkSettings, PartFunction, Warning, "function {function} has its time and memory",
			"Large copies are handed over more often, or the function runs out of time or memory.",
			redeploy},
		{checkProcessor, PartFunction, Warning, "function {function} runs on its processor",
			"The function costs what the other processor costs, and cannot start if its program was not built for it.",
			redeploy},
		{checkConcurrency, PartFunction, Failed, "function {function} may run",
			"Lambda does not run the function at all; its events become dead letters at once.",
			"s3fanout resume {region}, which replays its queue"},
		{CheckPaused, PartFunction, Note, "function {function} is paused on purpose",
			"Nothing is copied into this Region. What it was to copy waits in its dead-letter queue. Uploads to its bucket still go to the other Regions. The alarm dead-letters stays in ALARM until the queue is replayed, and dead-letters-old reminds of it after three days. With reconcile that copies, not-proven goes to INSUFFICIENT_DATA after three hours, as nothing is compared.",
			"s3fanout resume {region}, which replays its queue"},
		{checkDestination, PartFunction, Failed, "what function {function} fails on becomes a dead letter",
			"An event that the function fails on is lost after its retries, without a dead letter.",
			redeploy + catchUp},
		{checkRetries, PartFunction, Warning, "Lambda retries failed events",
			"Lambda gives failing events up sooner than it could, so more become dead letters.",
			redeploy},
		{checkPermission, PartFunction, Failed, "SNS may invoke function {function}",
			"SNS may not invoke the function for the topics named; their uploads become dead letters in their Regions.",
			redeploy + replay},
		{checkTracing, PartFunction, Warning, "function {function} is traced as cdk.json says",
			"AWS X-Ray has no traces of the function, or is paid for traces that cdk.json does not ask for.",
			redeploy},

		{checkReconciler, PartFunction, Warning, "the function that compares the buckets is there and as it should be",
			unfound,
			redeploy},
		{checkReconcileTable, PartFunction, Warning, "the table of the function that compares is there",
			"The comparison does not get further than one invocation, or does not begin. Uploads are copied.",
			redeploy},
		{checkSchedule, PartFunction, Warning, "the schedule of the comparison is enabled and starts its function",
			unfound,
			redeploy},
		{checkProof, PartFunction, Warning, "the bucket was compared with the others lately",
			"Nothing says that this Region has what the others have. Uploads are copied.",
			"see why the function fails: aws logs tail /aws/lambda/{reconciler} --region {region} --since 1h; compare by hand: s3fanout verify"},

		{checkRole, PartRole, Failed, "role {role} is there and as it should be",
			"The function cannot start.",
			newRole + replay + catchUp},
		{checkTrust, PartRole, Failed, "Lambda can take on role {role}",
			"Lambda cannot take on the role, so the function cannot start.",
			redeploy + replay},
		{checkOperator, PartRole, Failed, "those who may take on role {role} are as cdk.json says",
			"Who is to copy as the function cannot, so that s3fanout backfill and doctor --probe fail for them; or others can, and write as the function.",
			redeploy},
		{checkActions, PartRole, Failed, "role {role} may do what it has to",
			"The function's requests are denied: copies fail, large ones cannot go on, or failures leave no dead letter and no log.",
			redeploy + "; then s3fanout redrive --region {region}" + catchUp},
		{checkAttached, PartRole, Note, "other policies are attached to role {role}",
			"A Deny in them would win over what the role's own policies allow. They are not read here.",
			"see that they deny nothing that replication needs, or detach them: aws iam list-attached-role-policies --role-name ROLE"},
		{checkBoundary, PartRole, Note, "a permissions boundary limits role {role}",
			"What the boundary does not allow, the role may not do, whatever its policies say. It is not read here.",
			"see that the boundary allows what the role's policies allow: aws iam simulate-principal-policy, or aws iam get-policy with the boundary's ARN"},
		{checkJobRole, PartRole, Failed, "the role of S3 Batch Operations is there and as it should be",
			"S3 Batch Operations cannot run jobs in this Region: s3fanout backfill --batch-operations fails. Uploads are copied.",
			redeploy},
		{checkJobTrust, PartRole, Failed, "S3 Batch Operations can take on its role",
			"S3 Batch Operations cannot take on the role, so its jobs in this Region fail. Uploads are copied.",
			redeploy},
		{checkJobActions, PartRole, Failed, "the role of S3 Batch Operations may do what it has to",
			"Jobs of S3 Batch Operations in this Region fail, or leave no report. Uploads are copied.",
			redeploy},

		{checkQueue, PartQueue, Failed, "queue {queue} is there and as it should be",
			"What cannot be copied or delivered is lost without a trace.",
			redeploy + catchUp},
		{checkQueuePolicy, PartQueue, Failed, "SNS and the function may send to queue {queue}",
			"What the topic cannot deliver, or the function fails on, is lost instead of becoming a dead letter.",
			redeploy},
		{checkSenders, PartQueue, Warning, "nobody else may send to queue {queue}",
			"Whoever may send to the account's queues can put events there, which redrive has the function replay.",
			redeploy},
		{checkQueueKey, PartQueue, Failed, "queue {queue} is encrypted as cdk.json says",
			"Dead letters are not encrypted as cdk.json says. With a key that topic and function may not use, what fails is lost without a trace.",
			redeploy + catchUp},
		{checkRetention, PartQueue, Note, "queue {queue} keeps dead letters long enough",
			"Dead letters disappear when they are older than that.",
			redeploy},
		{CheckDeadLetters, PartQueue, Failed, "dead letters wait in queue {queue}",
			"These were not copied; they wait for you, for as long as the queue keeps them.",
			"s3fanout redrive --dry-run --region {region} says why; s3fanout redrive --region {region} replays them"},
	}
}

// isMissing says that a finding of the check means that its part is not there.
func isMissing(id string) bool {
	return slices.Contains([]string{checkDeployed, checkBucket, checkAdopted, checkTopic, checkFunction, checkRole, checkQueue}, id)
}

// losesEvents says that events which the function is not given are lost, as long as
// the finding stands.
func losesEvents(f Finding) bool {
	switch f.Check {
	case checkReach, checkDeployed, checkFunction, checkDestination, checkRole, checkQueue, checkQueuePolicy, checkQueueKey:
		return true
	case checkActions:
		return strings.Contains(f.What, "sqs:SendMessage")
	}
	return false
}

// fill puts the names of the Region, and of who asks, into a text.
func (c *checker) fill(text string) string {
	set, region := c.facts.Set, c.region.Name
	caller := c.facts.Caller
	if caller == "" {
		caller = "the credentials in use"
	}
	return strings.NewReplacer(
		"{region}", region,
		"{regionStack}", set.RegionStackName(region),
		"{meshStack}", set.MeshStackName(region),
		"{accessPointStack}", set.AccessPointStackName(),
		"{account}", c.facts.Account,
		"{bucket}", c.here().Bucket,
		"{function}", set.FunctionName(),
		"{reconciler}", set.ReconcilerName(),
		"{topic}", set.TopicName(),
		"{queue}", set.QueueName(),
		"{role}", c.here().RoleName(),
		"{caller}", caller,
	).Replace(text)
}
