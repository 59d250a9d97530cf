package sandbox

import (
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"s3fanout/internal/sandbox/custom"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/trace"
)

// DefaultRetryWait is how long Lambda waits before the first retry of an
// asynchronous invocation; before the second it waits twice as long
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
const DefaultRetryWait = time.Minute

// DefaultAnswerTimeout is how long a custom resource is waited for.
const DefaultAnswerTimeout = custom.MaxTimeout

// ConfigError is a Config that cannot be used, whatever the machine.
type ConfigError struct{ error }

// Unwrap returns the error without its mark.
func (e ConfigError) Unwrap() error { return e.error }

func misconfigured(format string, args ...any) error {
	return ConfigError{fmt.Errorf(format, args...)}
}

// Config says what to run. Function is required, and Assembly or Regions.
type Config struct {
	Listen    string            // loopback address, "127.0.0.1:0" if empty
	Assembly  fs.FS             // a cloud assembly: what `cdk synth` writes to cdk.out; nothing is deployed if nil
	Regions   []string          // served whether or not the assembly has stacks there
	Function  string            // the replicator's program, built for this machine
	Programs  map[string]string // further functions' programs, by name; see template.Assembly.Program
	RetryWait time.Duration     // wait before an asynchronous invocation's first retry, DefaultRetryWait if zero
	// AnswerTimeout is how long a custom resource is waited for, unless its
	// ServiceTimeout is shorter; DefaultAnswerTimeout if zero, as on AWS.
	AnswerTimeout time.Duration
	// RoutesDelay is how long a change of an access point's routes takes, during which
	// another is refused with 409. On AWS it is up to two minutes.
	RoutesDelay time.Duration
	Seed        uint64 // of the faults' and the network's randomness
	// Now is the time of metrics and alarms, time.Now if nil: tests need not wait for
	// an alarm's periods.
	Now func() time.Time
	// Network has the services answer as over AWS's network, see package network.
	Network bool
	// NetworkFrom is the Region in which clients outside the sandbox are, for Network;
	// the first that is served if empty. Where a function is, the sandbox knows.
	NetworkFrom string

	// Dir is where objects and logs go: a new directory, an empty one, or that of
	// an earlier sandbox of the same stacks, however that one ended. Its objects,
	// versions, uploads and the administrator's credentials are there again; all
	// else was lost with it. A second sandbox is refused while one runs. If
	// empty, a temporary one is made, and removed by Close.
	Dir string

	// Concurrency is how many processes of one function run at once. If zero, it
	// is 8, and more while those that run only wait: up to AWS's quota of 1,000 in
	// a Region, as long as 1 GiB of memory stays available. More events wait for
	// one of them, without being throttled.
	Concurrency int

	// OnS3Call, if set, is shown every S3 request twice, see s3.Call: before it
	// does anything, and when all is done but the answer. An error breaks the
	// client's connection off there. Together with KillFunction this stops a
	// function at any of its S3 calls. Calls come concurrently.
	OnS3Call func(s3.Call) error

	// OnInvoke, if set, is shown the payload of each invocation as a function's process
	// takes it. Calls come concurrently.
	OnInvoke func(region string, payload []byte)

	// Trace, if set, remembers what becomes of each event.
	Trace *trace.Trace

	// OnUpdate, if set, is shown what a client needs to know after each Update
	// that changed something, whoever asked for it.
	OnUpdate func(State)

	Logger *slog.Logger // for what happens inside; discarded if nil
}
