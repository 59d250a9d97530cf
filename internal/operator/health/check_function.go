package health

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/iampolicy"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

// What infra/function.go sets. Less works, though not as well.
const (
	wantTimeoutSeconds = 900
	wantRetries        = 2
	wantMaxAgeSeconds  = 21600
)

func (c *checker) function() {
	if !exists(c, checkFunction, c.region.Function, "function "+c.facts.Set.FunctionName()) {
		return
	}
	f := c.region.Function.Value
	// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
	switch f.State {
	case "Active", "Inactive": // one that nobody called for long starts by itself
	case "Pending":
		c.add(checkState, Warning, "the function is being created")
	default:
		c.find(checkState, "the function's state is %s %s", f.State, f.StateReason)
	}
	if f.UpdateStatus == "Failed" {
		c.find(checkState, "the function's last update failed")
	}
	if want := c.here().RoleARN(); f.RoleARN != want {
		c.find(checkRoleOf, "the function has the role %s, not %s", f.RoleARN, want)
	}
	c.environment(f.Environment)
	if f.TimeoutSeconds < wantTimeoutSeconds {
		c.find(checkSettings, "the function's timeout is %d seconds, not %d", f.TimeoutSeconds, wantTimeoutSeconds)
	}
	if want := c.facts.Set.FunctionMemory(); f.MemoryMB < want {
		c.find(checkSettings, "the function has %d MB of memory, not %d", f.MemoryMB, want)
	}
	if want := c.facts.Set.Architecture(); f.Architecture != want {
		c.find(checkProcessor, "the function runs on %s, not on %s", printable.Quote(f.Architecture), want)
	}
	c.logging(c.info[checkLogging], c.facts.Set.FunctionName(), f.Logging, c.facts.Set.LogGroupName())
	if answered(c, checkConcurrency, f.Reserved) && f.stopped() {
		c.stopped(f.Paused)
	}
	c.failures(f)
	c.permissions(f)
	c.tracing(f)
}

// logging checks that what a function logs, and with it the metrics, reaches its log
// group: lines of the level INFO, each as JSON, and Lambda's own from the level WARN on
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
// Info says what it means if it does not.
func (c *checker) logging(info CheckInfo, function string, l Logging, group string) {
	if l.Group != group {
		c.append(info, "function %s logs to %s, not to %s", function, printable.Quote(l.Group), group)
	}
	if l.Format != string(types.LogFormatJson) {
		c.append(info, "the log of function %s has the format %s, not JSON", function, printable.Quote(l.Format))
		return // text has no levels
	}
	switch types.ApplicationLogLevel(l.Level) {
	case "", types.ApplicationLogLevelTrace, types.ApplicationLogLevelDebug, types.ApplicationLogLevelInfo:
	default:
		c.append(info, "the log of function %s begins at the level %s, not INFO", function, printable.Quote(l.Level))
	}
	if l.System != string(types.SystemLogLevelWarn) {
		info.Severity, info.Means = Warning, "Lambda logs several lines of each invocation, too, and you pay for them."
		c.append(info, "Lambda's own lines in the log of function %s begin at the level %s, not WARN", function,
			printable.Quote(cmp.Or(l.System, string(types.SystemLogLevelInfo))))
	}
}

// tracing checks that invocations are traced if the configuration says so, and
// only then. What the role does not tell is a finding about the role.
func (c *checker) tracing(f Function) {
	active := f.Tracing == "Active"
	switch {
	case active && !c.facts.Set.Tracing:
		c.find(checkTracing, "the function sends traces to AWS X-Ray; cdk.json does not ask for them")
		return
	case !active && c.facts.Set.Tracing:
		c.find(checkTracing, "the function sends no traces to AWS X-Ray")
		return
	}
	role := c.region.Role
	if role.State != Found || role.Value.Policies.State != Found || role.Value.Attached.State != Found ||
		len(role.Value.Attached.Value) > 0 {
		return
	}
	policies, err := iampolicy.ParseAll(role.Value.Policies.Value)
	if err != nil {
		return // which is said of the role
	}
	for _, g := range c.roleContext().traceGrants() {
		switch g.in(policies, c.facts.Account) {
		case iampolicy.No:
			c.find(checkTracing, "role %s may not %s on %s", c.here().RoleName(), g.action, g.resource)
		case iampolicy.Perhaps:
			c.find(checkTracing, "role %s may %s on %s only under conditions that doctor does not understand",
				c.here().RoleName(), g.action, g.resource)
		case iampolicy.Yes:
		}
	}
}

// environment compares our variables; others are not ours to judge.
func (c *checker) environment(got map[string]string) {
	want := functionenv.Encode(functionenv.Of(c.facts.Set, c.here()))
	names := slices.Collect(maps.Keys(want))
	for name := range got {
		if _, ours := want[name]; !ours && strings.HasPrefix(name, "S3FANOUT_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		have, isSet := got[name]
		should, wanted := want[name]
		switch {
		case !isSet:
			c.find(checkEnvironment, "%s is not set; cdk.json says %s", name, should)
		case !wanted:
			c.find(checkEnvironment, "%s is %s; cdk.json does not set it", name, printable.Quote(have))
		case name == functionenv.SourceBuckets && have != should:
			c.find(checkEnvironment, "%s %s", name, difference(strings.Split(have, ","), strings.Split(should, ",")))
		case have != should:
			c.find(checkEnvironment, "%s is %s; cdk.json says %s", name, printable.Quote(have), should)
		}
	}
}

// difference says what of a list is not as it should be.
func difference(have, should []string) string {
	without := func(list, from []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(from, s) }), ", ")
	}
	lacks, extra := without(should, have), printable.Quote(without(have, should))
	switch {
	case lacks == "" && extra == "":
		return "has the same twice, or in another order"
	case lacks == "":
		return "has besides " + extra
	case extra == "":
		return "lacks " + lacks
	default:
		return "lacks " + lacks + ", and also has " + extra
	}
}

func (c *checker) failures(f Function) {
	if !answered(c, checkDestination, f.Failures) {
		return
	}
	if to := f.Failures.Value.Destination; to != c.here().QueueARN() && f.DeadLettersTo != c.here().QueueARN() {
		if to == "" {
			to = "nowhere"
		}
		c.find(checkDestination, "failed events go to %s, not to %s", to, c.facts.Set.QueueName())
	}
	if f.Failures.State == Absent {
		return // then Lambda has its defaults, which are the most
	}
	if n := f.Failures.Value.Retries; n < wantRetries {
		c.find(checkRetries, "Lambda retries a failed event %s, not %d times", times(n), wantRetries)
	}
	if n := f.Failures.Value.MaxAgeSeconds; n < wantMaxAgeSeconds {
		c.find(checkRetries, "Lambda gives up on an event after %d seconds, not %d", n, wantMaxAgeSeconds)
	}
}

func times(n int) string {
	if n == 1 {
		return "1 time"
	}
	return strconv.Itoa(n) + " times"
}

// permissions checks that each other Region's topic may invoke the function.
func (c *checker) permissions(f Function) {
	if !answered(c, checkPermission, f.Policy) {
		return
	}
	var refused, unclear []string
	for _, other := range c.others() {
		principal := replicaset.SNSPrincipal(other.Region, c.region.Name)
		var policies []string
		if f.Policy.State == Found {
			policies = append(policies, f.Policy.Value)
		}
		answer, err := iampolicy.Ask(policies, c.byService(principal, other.TopicARN(), "lambda:InvokeFunction", c.here().FunctionARN()))
		switch {
		case err != nil || answer == iampolicy.Perhaps:
			unclear = append(unclear, other.Region)
		case answer == iampolicy.No:
			refused = append(refused, other.Region)
		}
	}
	if len(refused) > 0 {
		c.find(checkPermission, "SNS may not invoke the function for the topic of %s", strings.Join(refused, ", "))
	}
	if len(unclear) > 0 {
		c.unknown(checkPermission, "read the policy: aws lambda get-policy --region {region} --function-name {function}",
			"SNS may invoke the function for the topic of %s: doctor does not understand its policy", strings.Join(unclear, ", "))
	}
}
