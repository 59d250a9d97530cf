package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/cloudwatch"
	"s3fanout/internal/sandbox/custom"
	"s3fanout/internal/sandbox/events"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/lambda"
	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/scheduler"
	"s3fanout/internal/sandbox/sns"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/states"
	"s3fanout/internal/sandbox/template"
	"s3fanout/internal/sandbox/trail"
)

// replicator is the name of the program that copies.
const replicator = "function"

// findStacks returns what is to be deployed, the Regions that are served, in
// order, and their partition.
func findStacks(c Config) (a *template.Assembly, regions []string, partition string, err error) {
	a = &template.Assembly{}
	if c.Assembly != nil {
		if a, err = template.Load(c.Assembly); err != nil {
			return nil, nil, "", err
		}
	}
	regions = append(a.Regions(), c.Regions...)
	slices.Sort(regions)
	regions = slices.Compact(regions)
	if len(regions) == 0 {
		return nil, nil, "", misconfigured("there is nothing to run: name templates or Regions")
	}
	partition = replicaset.Partition(regions[0])
	for _, r := range regions {
		switch p := replicaset.Partition(r); {
		case p == "":
			return nil, nil, "", misconfigured("%q is not an AWS Region", r)
		case p != partition:
			return nil, nil, "", misconfigured("the Regions %s and %s are in two partitions", regions[0], r)
		}
	}
	return a, regions, partition, nil
}

// findPrograms returns the absolute paths of the functions' programs, by name.
func findPrograms(c Config) (map[string]string, error) {
	programs := map[string]string{replicator: c.Function}
	maps.Copy(programs, c.Programs)
	for name, path := range programs {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(abs); err != nil || info.IsDir() {
			hint := " or install a release"
			if name == replicator {
				hint = ", install a release, or name it with --function"
			}
			return nil, misconfigured("the function's binary %s is not there; run `make build` in a checkout%s", path, hint)
		}
		programs[name] = abs
	}
	return programs, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, misconfigured("listen address %q is not host:port, as 127.0.0.1:4566", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, misconfigured("listen address %q is not a loopback address; the sandbox listens on 127.0.0.1 or [::1] only", address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; stop what uses the port, or name another with --listen", address, err)
	}
	return l, nil
}

// startServices starts those that need the endpoint's address or others.
func (s *Sandbox) startServices(ctx context.Context, c Config, partition string, regions []string) error {
	s.events = events.New(partition, AccountID)
	s.trace = c.Trace
	if c.Network {
		s.network = network.AWS(c.Seed, cmp.Or(c.NetworkFrom, regions[0]))
	}
	s.cloudwatch = cloudwatch.New(cloudwatch.Config{
		Partition: partition, AccountID: AccountID,
		Logs:  func(region string) []string { return s.lambda.LogFiles(region) },
		Gauge: s.gauge, Publish: s.publishAlarm, Now: s.now, Logger: s.logger,
	})
	s.sqs = sqs.New(sqs.Config{
		Partition: partition, AccountID: AccountID, Endpoint: s.state.Endpoint, Counters: s.counters, Keys: s.kms,
	})
	logs := filepath.Join(s.dir.path, "logs")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return err
	}
	s.lambda = lambda.New(lambda.Config{
		Partition: partition, AccountID: AccountID, Endpoint: s.state.Endpoint,
		LogDir: logs, Store: s.store, Queues: s.sqs,
		Counters: s.counters, Trace: c.Trace, Faults: s.faults, RetryWait: c.RetryWait, MaxConcurrency: c.Concurrency, Logger: s.logger,
		Count: s.countFunction, OnInvoke: c.OnInvoke, Network: s.network,
	})
	s.scheduler = scheduler.New(scheduler.Config{
		Partition: partition, AccountID: AccountID, Store: s.store, Start: s.startTarget, Logger: s.logger,
	})
	s.states = states.New(partition, AccountID)
	s.custom = custom.New(custom.Config{
		Invoke: func(ctx context.Context, functionARN string, payload []byte) error {
			_, deployer, _ := s.store.Lookup(s.store.Admin().AccessKeyID)
			return s.lambda.InvokeAsync(ctx, deployer, functionARN, payload)
		},
		BaseURL: s.state.Endpoint + answersPrefix, Timeout: c.AnswerTimeout,
	})
	s.sns = sns.New(sns.Config{
		Partition: partition, AccountID: AccountID, Endpoint: s.state.Endpoint, Functions: s.lambda, Queues: s.sqs, Keys: s.kms,
		Counters: s.counters, Trace: c.Trace, Faults: s.faults, Principal: replicaset.SNSPrincipal, Logger: s.logger,
		Count: s.countTopic, Network: s.network,
	})
	objects := filepath.Join(s.dir.path, "s3")
	if err := os.MkdirAll(objects, 0o700); err != nil {
		return err
	}
	s.trail = trail.New(trail.Config{
		Partition: partition, AccountID: AccountID, Store: s.store,
		Policy: func(bucket string) (*iam.Document, string, bool) { return s.s3.PolicyOf(bucket) },
	})
	var err error
	s.s3, err = s3.Start(ctx, s3.Config{
		Partition: partition, AccountID: AccountID, Dir: objects, Regions: regions, Store: s.store, Keys: s.kms,
		Counters: s.counters, Faults: s.faults, Notify: s.notify, NotifyTest: s.notifyTest, Owner: s.owner, OnCall: c.OnS3Call,
		OnRecord: s.trail.Record, OnChange: s.noteChange, Network: s.network, Logger: s.logger,
	})
	return err
}
