package replicaset

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Reconcile has each Region compare its bucket with the others on a schedule.
type Reconcile struct {
	// Every is how old the last complete comparison may become before the next one
	// begins, MinReconcileEvery to MaxReconcileEvery.
	Every time.Duration
	// Copy has differences repaired by the rules of the set. Without it they are
	// counted only, and the function that compares may not write to any bucket.
	Copy bool
	// KeyRanges is into how many ranges the keys are divided, which a state machine
	// has compared side by side, 2 to 100; zero has one function go through all keys.
	KeyRanges int
}

// The shortest and the longest time that Reconcile.Every can be, and what it is if
// the configuration does not say.
const (
	MinReconcileEvery     = 6 * time.Hour
	MaxReconcileEvery     = 30 * 24 * time.Hour
	defaultReconcileEvery = 24 * time.Hour
)

// Into how many ranges the keys can be divided. Each range that is compared at the
// same time is an invocation, which the account's concurrency has to have room for.
const (
	minKeyRanges = 2
	maxKeyRanges = 100
)

// RangesAtOnce is how many ranges of keys are compared at the same time. More would
// take invocations that the replicator may need, and requests that S3 may refuse.
const RangesAtOnce = 10

// AtOnce is how many invocations of the function that compares may run at once in a
// Region, its reserved concurrency: one, or beside ranges of keys one for the ticks.
// That keeps it from taking those that the replicator needs, and a second one from
// doing the work of the first again.
func (r Reconcile) AtOnce() int {
	if r.KeyRanges == 0 {
		return 1
	}
	return RangesAtOnce + 1
}

// ReconcilerName is the name of the function that compares, of the table in which
// it remembers how far it is, and of the schedule that starts it, the same in every
// Region. They are there only with Config.Reconcile.
func (c Config) ReconcilerName() string { return c.Name + "-reconcile" }

// RangesScheduleName is the name of the schedule that starts the state machine of
// ranges of keys, the same in every Region.
func (c Config) RangesScheduleName() string { return c.ReconcilerName() + "-ranges" }

// ReconcilerLogGroupName is the name of that function's log group.
func (c Config) ReconcilerLogGroupName() string { return "/aws/lambda/" + c.ReconcilerName() }

// ReconcileSession is the session name under which that function assumes the
// replicator's role to repair. functionenv.ReconcileSession is the same name.
func (c Config) ReconcileSession() string { return c.FunctionName() + "-reconcile" }

// ReconcilerARN is the ARN of the member's function that compares.
func (m Member) ReconcilerARN() string {
	return m.ARN("lambda", "function:"+m.names().ReconcilerName())
}

// ReconcileTableARN is the ARN of the table in which that function remembers how
// far it is.
func (m Member) ReconcileTableARN() string {
	return m.ARN("dynamodb", "table/"+m.names().ReconcilerName())
}

// ReconcilerLogGroupARN is the ARN of that function's log group, without the ":*"
// that stands for its streams.
func (m Member) ReconcilerLogGroupARN() string {
	return m.ARN("logs", "log-group:"+m.names().ReconcilerLogGroupName())
}

// ReconcileMachineARN is the ARN of the state machine that has key ranges compared
// side by side.
func (m Member) ReconcileMachineARN() string {
	return m.ARN("states", "stateMachine:"+m.names().ReconcilerName())
}

// InvokeTaskARN names what a task of a state machine does that invokes a function.
func (m Member) InvokeTaskARN() string {
	return arn.ARN{Partition: m.Partition(), Service: "states", Resource: "lambda:invoke"}.String()
}

func (c Config) validateReconcile() error {
	r := c.Reconcile
	if r == nil {
		return nil
	}
	if r.Every < MinReconcileEvery || r.Every > MaxReconcileEvery {
		return fmt.Errorf("reconcile.every: %s is not possible; use 6 hours to 30 days", Span(r.Every))
	}
	if n := r.KeyRanges; n != 0 && (n < minKeyRanges || n > maxKeyRanges) {
		return fmt.Errorf("reconcile.keyRanges: %d is not possible; use %d to %d, or leave it out to compare with one function",
			n, minKeyRanges, maxKeyRanges)
	}
	return nil
}

// Span writes a time as cdk.json does: "15 minutes", "6 hours", "1 day".
func Span(d time.Duration) string {
	n, unit := int(d/time.Hour), "hour"
	switch {
	case d%time.Minute != 0:
		return d.String()
	case d%time.Hour != 0:
		n, unit = int(d/time.Minute), "minute"
	case d != 0 && n%24 == 0:
		n, unit = n/24, "day"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

// spans are the units of time that cdk.json knows.
var spans = map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}

var spanPattern = regexp.MustCompile(`^([1-9][0-9]{0,4}) (hour|day|week)s?$`)

// ParseSpan reads what Span writes, and weeks.
func ParseSpan(text string) (time.Duration, error) {
	m := spanPattern.FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("not a duration")
	}
	n, err := strconv.Atoi(m[1])
	return time.Duration(n) * spans[m[2]], err
}

const (
	reconcileWanted = `an object such as {"every": "1 day", "copy": true}`
	everyWanted     = `a time such as "6 hours" or "1 day"`
)

// UnmarshalJSON reads the object of cdk.json. Its errors are of type saidError
// where a member is at fault.
func (r *Reconcile) UnmarshalJSON(raw []byte) error {
	read := Reconcile{Every: defaultReconcileEvery}
	err := readObject(raw, read.fields())
	*r = read
	return err
}

// fields are the members of the object in JSON.
func (r *Reconcile) fields() []configField {
	return []configField{
		{name: "every", into: (*span)(&r.Every), want: everyWanted, fallback: Span(defaultReconcileEvery)},
		{name: "copy", into: &r.Copy, want: "true or false", fallback: "`false`"},
		{name: "keyRanges", into: (*positive)(&r.KeyRanges), want: positiveWanted, fallback: "one function compares all keys"},
	}
}

// span is a time in whole hours.
type span time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (s *span) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return errors.New("not a string")
	}
	d, err := ParseSpan(*text)
	*s = span(d)
	return err
}

// String is the value as cdk.json has it, for messages.
func (r Reconcile) String() string {
	what := "compared"
	if r.Copy {
		what += " and repaired"
	}
	what += " every " + Span(r.Every)
	if r.KeyRanges > 0 {
		what += fmt.Sprintf(", in %d ranges", r.KeyRanges)
	}
	return what
}
