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

	checkTrail          = "audit-trail"
	checkTrailLogging   = "audit-trail-logging"
	checkTrailSelectors = "audit-trail-events"

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
	checkOnlyPoint     = "bucket-access-point-only"
	checkAdopted       = "adopted-bucket"
	checkAdoptedRegion = "adopted-bucket-region"
	checkEntries       = "adopted-notification"
	checkOverlap       = "adopted-notification-overlap"
	checkSameTopic     = "adopted-notification-others"
	checkAdoptedKey    = "adopted-encryption"
	checkKeyPolicy     = "adopted-key"
	checkDenies        = "adopted-policy"
	checkPays          = "adopted-requester-pays"
	checkOwnership     = "adopted-ownership"
	checkLock          = "adopted-object-lock"
	checkLeavings      = "adopted-unfinished-uploads"
	checkAdopter       = "adopted-function"

	checkCopyIf     = "copy-condition"
	checkCompleteIf = "multipart-condition"
	checkInitiator  = "upload-initiator"

	checkTopic       = "topic"
	checkTopicPolicy = "topic-policy"
	checkTopicKey    = "topic-encryption"

	checkSubscription  = "subscription"
	checkConfirmed     = "subscription-confirmed"
	checkReplicaFilter = "subscription-echo-filter" // its ID since the first release; readers of JSON know it
	checkFilter        = "subscription-filter"
	checkUndelivered   = "subscription-dead-letters"
	checkOwnFunction   = "subscription-own-function"
	checkStranger      = "subscription-unexpected"

	checkFunction    = "function"
	checkState       = "function-state"
	checkRoleOf      = "function-role"
	checkEnvironment = "function-environment"
	checkSettings    = "function-settings"
	checkProcessor   = "function-architecture"
	checkLogging     = "function-logging"
	checkConcurrency = "function-concurrency"
	checkDestination = "function-failures"
	checkRetries     = "function-retries"
	checkPermission  = "function-permission"
	checkTracing     = "function-tracing"

	checkReconciler     = "reconcile-function"
	checkReconcileTable = "reconcile-table"
	checkSchedule       = "reconcile-schedule"
	checkMachine        = "reconcile-state-machine"
	checkProof          = "reconcile-proof"

	checkReconcileRole    = "reconcile-role"
	checkReconcileTrust   = "reconcile-role-trust"
	checkReconcileActions = "reconcile-role-permissions"

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
	Severity Severity // of its findings, except where the answer is unknown
	Asks     string   // what it looks for, after "whether"; see fill for names in it
	Means    string   // what a finding does to replication
	Fix      string   // what to do; see fill for names in it
}

const (
	redeploy = "npx cdk deploy --revert-drift {regionStack}"
	remesh   = "npx cdk deploy --revert-drift {meshStack}"
	// The mesh stack imports the role's ID, and CloudFormation changes no export
	// that is imported.
	newRole     = "npx cdk destroy {meshStack}; then " + redeploy + " {meshStack}"
	otherServer = "the cause is the server, not the deployment: use one that enforces the condition, as AWS does; " +
		"then s3fanout doctor --probe"
	catchUp = "; then find what was missed: s3fanout verify"
	replay  = "; then s3fanout redrive"

	// What the findings of several checks mean.
	paidFor = "The parts of unfinished uploads stay, and you pay for them."
	keyBars = "Nothing is copied into this bucket, and objects encrypted with the key are not copied out of it."
	unfound = "Objects whose events were lost are not found and not repaired in this Region. Uploads are copied."
)

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
		"{auditStack}", set.AuditStackName(),
		"{auditRegion}", set.AuditRegion(),
		"{trail}", set.AuditTrailName(),
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
