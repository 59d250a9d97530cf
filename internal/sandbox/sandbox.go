// Package sandbox is AWS on one machine, as far as a replica set needs it.
//
// It deploys the synthesized CloudFormation templates onto services of its
// own: S3 and its protocol, SNS, SQS, the Lambda Runtime API with the real
// function binary, and IAM. What the templates get wrong fails here as it would
// in AWS: permissions, policies, filters and wiring are enforced, and a resource
// type or property that is not known is an error that names it.
//
// Everything is served on one loopback address; the credential scope of a
// request's signature says which Region and service is meant. A process can
// run several sandboxes.
//
// It is a tool for trying and testing. Objects are on disk and survive the
// process; queues, topics and what is on its way live in memory.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/accesspoint"
	"s3fanout/internal/sandbox/account"
	"s3fanout/internal/sandbox/cloudwatch"
	"s3fanout/internal/sandbox/custom"
	"s3fanout/internal/sandbox/dynamodb"
	"s3fanout/internal/sandbox/edge"
	"s3fanout/internal/sandbox/events"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/kms"
	"s3fanout/internal/sandbox/lambda"
	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/scheduler"
	"s3fanout/internal/sandbox/sns"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/states"
	"s3fanout/internal/sandbox/stats"
	"s3fanout/internal/sandbox/trace"
	"s3fanout/internal/sandbox/trail"
)

// AccountID is the AWS account that a sandbox plays.
const AccountID = "123456789012"

// State is what a client needs to know of a running sandbox.
type State struct {
	Endpoint        string                 `json:"endpoint"`
	AccessKeyID     string                 `json:"accessKeyId"`
	SecretAccessKey string                 `json:"secretAccessKey"`
	AccountID       string                 `json:"accountId"`
	Regions         map[string]RegionState `json:"regions"`
	// AccessPoints is nil as long as no Multi-Region Access Point was made.
	AccessPoints *PointsState `json:"accessPoints,omitempty"`
}

// RegionState names what a Region stack made; of several functions, the
// replicator. Where the stack is gone, the bucket that it left behind is named
// alone.
type RegionState struct {
	Bucket             string `json:"bucket"`
	TopicARN           string `json:"topicArn"`
	DeadLetterQueueURL string `json:"deadLetterQueueUrl"`
	FunctionName       string `json:"functionName"`
	FunctionARN        string `json:"functionArn"`
}

// Stats are the counters of a running sandbox.
type Stats struct {
	Regions map[string]stats.Region `json:"regions"`
	Pending int64                   `json:"pending"` // notifications, deliveries and events under way; 0: everything has come to rest
	Faults  []fault.Fault           `json:"faults"`  // those switched on
}

// Sandbox is a running sandbox. Methods may be called concurrently.
type Sandbox struct {
	mu      sync.RWMutex
	state   State
	regions []string          // in order
	owners  map[string]string // accounts of the buckets that belong to others

	updating  sync.Mutex // held while resources are made, changed and deleted, and by Close
	closed    bool
	resources map[resourceKey]resource // what the templates made and have not deleted
	order     []resourceKey            // of their creation
	updated   func(State)

	now        func() time.Time // of metrics and alarms
	watching   sync.WaitGroup   // done when alarms are evaluated no more
	partition  string
	programs   map[string]string // what functions run, by name
	dir        *directory
	store      *iam.Store
	account    *account.Service
	network    *network.Network // nil for one that takes no time
	cloudwatch *cloudwatch.Service
	events     *events.Service
	counters   *stats.Counters
	trace      *trace.Trace
	faults     *fault.Switches
	s3         *s3.Service
	sns        *sns.Service
	sqs        *sqs.Service
	lambda     *lambda.Service
	server     *http.Server
	served     chan error    // what the endpoint ended with
	done       chan struct{} // closed when the endpoint has ended
	logger     *slog.Logger
	kms        *kms.Service
	points     *accesspoint.Service
	authority  *edge.Authority       // for access points' hosts; nil as long as there were none
	edges      map[string]*edge.Edge // by the Region that clients are in
	custom     *custom.Service
	dynamodb   *dynamodb.Service
	scheduler  *scheduler.Service
	states     *states.Service
	trail      *trail.Service

	ready  chan struct{}   // closed when the first deployment is done
	ending context.Context // ends when Close begins
	end    context.CancelFunc
}

// Start deploys the assembly and serves it until Close. It returns once every
// resource exists and the endpoint answers. Everything that was started is
// stopped again before an error is returned; a ConfigError says what to fix in
// the Config.
func Start(ctx context.Context, c Config) (_ *Sandbox, err error) {
	if c.RetryWait == 0 {
		c.RetryWait = DefaultRetryWait
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	assembly, regions, partition, err := findStacks(c)
	if err != nil {
		return nil, err
	}
	if c.NetworkFrom != "" && replicaset.Partition(c.NetworkFrom) == "" {
		return nil, misconfigured("%q is not an AWS Region", c.NetworkFrom)
	}
	programs, err := findPrograms(c)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return nil, err
	}
	dir, err := openDir(c.Dir, assembly)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	s := &Sandbox{
		dir:      dir,
		store:    iam.NewStoreOf(partition, AccountID, dir.identity.admin()),
		kms:      kms.New(partition, AccountID),
		dynamodb: dynamodb.New(partition, AccountID),
		points:   accesspoint.New(partition, AccountID),
		edges:    map[string]*edge.Edge{},
		counters: stats.New(regions),
		faults:   fault.New(regions, c.Seed),
		regions:  regions,
		served:   make(chan error, 1),
		done:     make(chan struct{}),
		logger:   c.Logger,
		now:      c.Now,

		partition: partition,
		owners:    map[string]string{},
		programs:  programs,
		resources: map[resourceKey]resource{},
		updated:   c.OnUpdate,
		ready:     make(chan struct{}),
	}
	s.points.DelayRoutes(c.RoutesDelay)
	s.ending, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.account = account.New(s.store, time.Now)
	defer func() {
		if err != nil {
			_ = listener.Close()
			_ = s.Close()
		}
	}()
	s.state = State{
		Endpoint:        "http://" + listener.Addr().String(),
		AccessKeyID:     s.store.Admin().AccessKeyID,
		SecretAccessKey: s.store.Admin().SecretAccessKey,
		AccountID:       AccountID,
		Regions:         map[string]RegionState{},
	}
	if err := s.startServices(ctx, c, partition, regions); err != nil {
		return nil, err
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		s.served <- s.server.Serve(listener)
		close(s.done)
	}()
	s.updating.Lock()
	if _, err = s.deploy(ctx, assembly); err == nil {
		err = s.openPoints(ctx)
	}
	s.updating.Unlock()
	if err != nil {
		return nil, err
	}
	close(s.ready)
	s.watching.Go(func() { s.cloudwatch.Watch(s.ending) })
	return s, nil
}

// State returns what a client needs to know. The map is the caller's own.
func (s *Sandbox) State() State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.state
	st.Regions = map[string]RegionState{}
	for region, r := range s.state.Regions {
		st.Regions[region] = r
	}
	return st
}

// regionsServed are the Regions that are served, in order.
func (s *Sandbox) regionsServed() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.regions)
}

// hasRegion tells whether a Region is served.
func (s *Sandbox) hasRegion(region string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Contains(s.regions, region)
}

// Done is closed when the endpoint has stopped serving, after Close or because
// it failed; Close then returns why.
func (s *Sandbox) Done() <-chan struct{} { return s.done }

// Events returns what was sent to the default bus of a Region's EventBridge, the
// earliest first.
func (s *Sandbox) Events(region string) []events.Event { return s.events.Kept(region) }

// LogDir returns the directory of the functions' logs.
func (s *Sandbox) LogDir() string { return filepath.Join(s.dir.path, "logs") }

// Stats returns the counters as they are now.
func (s *Sandbox) Stats() Stats {
	regions, pending := s.counters.Snapshot()
	return Stats{Regions: regions, Pending: pending, Faults: s.faults.Active()}
}

// SetFault switches a fault on or off.
func (s *Sandbox) SetFault(f fault.Fault) error { return s.faults.Set(f) }

// FaultsChanged receives when faults were switched, by whomever, for one reader.
func (s *Sandbox) FaultsChanged() <-chan struct{} { return s.faults.Changed() }

// KillFunction kills the processes of a Region's function that run at this
// moment, as running out of memory does, and returns how many there were.
func (s *Sandbox) KillFunction(region string) int { return s.lambda.Kill(region) }

// Tick starts at once what a Region's schedules start, without waiting for their
// time, and returns when it is started.
func (s *Sandbox) Tick(ctx context.Context, region string) error {
	return s.scheduler.Fire(ctx, region)
}

// ReleaseLetters makes every message in flight visible, as when its visibility
// timeout has passed: what a reader that was killed had received is there for
// the next one, without the wait. So is what a reader that runs has received.
func (s *Sandbox) ReleaseLetters() { s.sqs.Release() }

// Settled waits until nothing is under way any more: no notification, no
// delivery, no event that waits for its next attempt.
func (s *Sandbox) Settled(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, pending := s.counters.Snapshot(); pending == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d events still under way: %w", s.Stats().Pending, ctx.Err())
		case <-tick.C:
		}
	}
}

// Close waits for an update that is under way, but not for custom resources,
// stops everything and, if the directory is temporary, removes it. It may be
// called more than once.
func (s *Sandbox) Close() error {
	s.end()
	s.watching.Wait()
	s.updating.Lock() // an update comes to its end first
	defer s.updating.Unlock()
	s.closed = true
	errs := []error{s.closePoints()}
	if s.server != nil {
		errs = append(errs, s.server.Close())
		if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
		s.server = nil
	}
	if s.scheduler != nil {
		s.scheduler.Close()
	}
	if s.sns != nil {
		errs = append(errs, s.sns.Close())
	}
	if s.lambda != nil {
		errs = append(errs, s.lambda.Close())
	}
	if s.sqs != nil {
		errs = append(errs, s.sqs.Close())
	}
	if s.s3 != nil {
		errs = append(errs, s.s3.Close())
	}
	s.sns, s.lambda, s.sqs, s.s3 = nil, nil, nil, nil
	return errors.Join(append(errs, s.dir.close())...)
}
