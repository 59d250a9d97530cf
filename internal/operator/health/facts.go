package health

import (
	"time"

	"s3fanout/internal/aws/notification"
	"s3fanout/internal/replicaset"
)

// State is what AWS said of something that was asked for.
type State int

// The states of a Look. The zero value is the careful one.
const (
	Unanswered State = iota // AWS refused, or did not answer
	Found
	Absent // AWS says that there is none
)

// Look is one answer of AWS.
type Look[T any] struct {
	Value T // if Found
	State State
	Why   string // if Unanswered: what could not be asked and why, one line
	// Next is what to do to get an answer the next time, with names as in
	// fill; empty means to ask again.
	Next string
	// Denied is the IAM action that the caller lacks, if that is why.
	Denied string
}

// found is a Look at something that is there.
func found[T any](v T) Look[T] { return Look[T]{Value: v, State: Found} }

// Facts is what Gather learned. Its zero parts are Unanswered.
type Facts struct {
	Set     replicaset.Config
	Account string
	Caller  string   // ARN of the credentials in use
	Regions []Region // those asked for, in order
	Probed  bool     // the Regions' Conditions and Scratch were asked for
}

func (f Facts) members() replicaset.Members { return f.Set.Members(f.Account) }

func (f Facts) member(region string) replicaset.Member { return f.Set.Member(f.Account, region) }

// Region is what one Region has.
type Region struct {
	Name          string
	Access        Look[Access]
	Bucket        Look[Bucket]
	Topic         Look[Topic]
	Subscriptions Look[[]Subscription] // to the Region's topic
	Function      Look[Function]
	Role          Look[Role] // the one the Region's function should have
	Queue         Look[Queue]
	JobRole       Look[Role] // of jobs of S3 Batch Operations, if the set has them
	Reconcile     Reconcile  // asked for if the set has it
	// Adopter is how the function logs that changes the notifications of an adopted
	// bucket; asked for where the set adopts the Region's bucket.
	Adopter Look[Logging]
	// AccessPoints are all of the account, whatever the Region; asked for if the set
	// has one.
	AccessPoints Look[[]AccessPoint]
	// Audit is the audit trail; asked for in its home Region if the set has one. Of one
	// that was left on only Logging is known.
	Audit      Look[Trail]
	Conditions Look[Conditions]
	Scratch    Look[bool] // Found if Probe wrote and removed; with a Why if it could not remove
}

// Reconcile is what compares the Region's bucket with the others.
type Reconcile struct {
	Function Look[Reconciler]
	Schedule Look[Schedule]
	// RangesSchedule starts the state machine of a set with ranges of keys, and is looked
	// at in such a one alone.
	RangesSchedule Look[Schedule]
	// Machine is that state machine.
	Machine Look[Machine]
	Table   Look[string] // its status
	// Role is that of the function, and Starter that of the schedules and the state machine.
	Role, Starter Look[Role]
	// ProofAge is how old the last complete comparison is; Absent where the function
	// has reported nothing lately, and with a Why where there is no CloudWatch to ask.
	ProofAge Look[time.Duration]
}

// Reconciler is the function that compares.
type Reconciler struct {
	State, RoleARN string
	Environment    map[string]string
	Logging        Logging
	Reserved       Look[int] // reserved concurrency
	// Deployed is how long ago the function was made or changed last.
	Deployed time.Duration
}

// Machine is the state machine that has ranges of keys compared.
type Machine struct {
	Status, RoleARN string
	Definition      string // JSON
}

// Schedule is what starts that function, or the state machine.
type Schedule struct {
	State  string // ENABLED or DISABLED
	Target string // ARN
}

// Access is what the first request to the Region said.
type Access struct {
	// Skew is how far this machine's clock is ahead of the Region's, negative
	// where it is behind. AWS tells whole seconds.
	Skew time.Duration
}

// Bucket is the Region's bucket.
type Bucket struct {
	Region        string // where it is; empty if the server does not say
	Versioning    Look[string]
	Notifications Look[[]Notification]
	// AbortDays is after how many days unfinished uploads are removed: the
	// least of the bucket's rules for all keys.
	AbortDays  Look[int]
	Lifecycle  Look[Lifecycle]
	Encryption Look[Encryption]
	// Policy is JSON, and Absent for none. It is asked for of a bucket that the set made,
	// if objects are reached by access points alone.
	Policy Look[string]
	// Skew is how far this machine's clock is ahead of S3's, as Access has it.
	Skew Look[time.Duration]
	// Adopted is asked for of a bucket that exists already.
	Adopted Adopted
}

// Adopted is what matters of a bucket that the set did not make.
type Adopted struct {
	Notifications Look[notification.Document] // all of them
	Policy        Look[string]                // JSON; Absent for none
	RequesterPays Look[bool]
	// WritersOwn says that objects of other accounts belong to whoever writes them.
	WritersOwn Look[bool]
	// Lock is the default retention of Object Lock, in words; Absent where the
	// bucket has no Object Lock.
	Lock Look[string]
	Key  Look[Key] // that encrypts new objects; Absent if it is not a customer's
}

// Key is a key of KMS.
type Key struct {
	ARN    string
	State  string       // Enabled, Disabled …
	Policy Look[string] // JSON
}

// Lifecycle is what a bucket's rules delete by themselves.
type Lifecycle struct {
	// Expires says of each rule that deletes objects which and when, in order.
	Expires []string
	// NoncurrentDays is after how many days the first noncurrent version is
	// destroyed; zero for never.
	NoncurrentDays int
}

// Encryption is how a bucket encrypts new objects unless they ask for another.
type Encryption struct {
	Algorithm string // AES256, aws:kms or aws:kms:dsse; empty for none
	Key       string // of KMS, as it was set; empty for AWS's own
	BucketKey bool
}

// Notification is one of the bucket's configurations with a topic.
type Notification struct {
	TopicARN string
	Events   []string
	// Prefix and Suffix are those of the keys that are announced; empty for all.
	Prefix, Suffix string
}

// Topic is the Region's topic.
type Topic struct {
	Policy string // JSON
	Key    string // of KMS, as it was set; empty for none
}

// Subscription is one subscription to the Region's topic.
type Subscription struct {
	ARN, Protocol, Endpoint string
	Pending                 bool
	// Settings are asked for where the endpoint is a function of the set.
	Settings Look[SubscriptionSettings]
}

// SubscriptionSettings are a subscription's attributes.
type SubscriptionSettings struct {
	FilterScope   string
	FilterPolicy  string // JSON, empty for none
	DeadLettersTo string // ARN of a queue
}

// Function is the Region's function.
type Function struct {
	State, StateReason string
	UpdateStatus       string
	RoleARN            string
	Environment        map[string]string
	TimeoutSeconds     int
	MemoryMB           int
	Architecture       string // of its processor, in Lambda's spelling
	DeadLettersTo      string // its own dead-letter configuration
	Tracing            string // Active or PassThrough
	Logging            Logging
	Reserved           Look[int] // reserved concurrency
	// Paused says since when, and is asked for where Reserved is 0.
	Paused   Look[Paused]
	Failures Look[Failures]
	Policy   Look[string] // who may invoke it, JSON
}

// Logging is where and how a function writes its log, in Lambda's spelling. Level is
// the application's, and System that of Lambda's own lines; each is empty for Lambda's
// default, INFO.
type Logging struct{ Format, Level, System, Group string }

// Paused is a function that s3fanout pause has stopped.
type Paused struct {
	Since time.Time
	For   time.Duration // until it was looked at
}

// Failures is how asynchronous invocations that fail are treated.
type Failures struct {
	Destination   string
	Retries       int // Lambda's default filled in
	MaxAgeSeconds int // likewise
}

// Role is a role of the function, or of jobs.
type Role struct {
	ID       string
	Trust    string         // JSON
	Policies Look[[]string] // inline, JSON
	Attached Look[[]string] // names of managed policies, which are not read
	Boundary string         // ARN of a permissions boundary
}

// Queue is the Region's dead-letter queue.
type Queue struct {
	Policy           string // JSON
	RetentionSeconds int
	Key              string // of KMS, as it was set; empty for none
	Unencrypted      bool   // not even by a key of SQS
	// Letters is about how many there are, with those that somebody holds.
	Letters int
	Held    int // of Letters
}
