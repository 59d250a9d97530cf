package main

import (
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/console"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/snapshot"
	"s3fanout/internal/sandbox/trace"
)

// playground is the sandbox of this process, for its console.
type playground struct {
	*consoleSource

	sandbox *sandbox.Sandbox
	trace   *trace.Trace
	stop    func()
}

// serveSandboxConsole shows the sandbox in a browser until ctx or the sandbox ends. What
// is deployed there is what --config says, or, without --templates, the built-in set.
// ready gets the console's URL.
func (a *app) serveSandboxConsole(
	ctx context.Context, sb *sandbox.Sandbox, t *trace.Trace, builtIn bool, ready func(url string) error,
) error {
	set, err := snapshot.Config()
	if !builtIn {
		set, err = a.replicaSet()
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-ctx.Done():
		case <-sb.Done():
			stop()
		}
	}()
	state := sb.State()
	config, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(set.Regions[0]), awsconfig.WithBaseEndpoint(state.Endpoint),
		awsconfig.WithAPIOptions([]func(*middleware.Stack) error{requestbody.Keep}),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(state.AccessKeyID, state.SecretAccessKey, "")))
	if err != nil {
		return err
	}
	options := health.Options{Set: set, Regions: set.Regions, Clients: health.NewClients(config, set.Regions)}
	source := newConsoleSource(ctx, options, config, state.AccountID, console.DefaultInterval)
	p := &playground{consoleSource: source, sandbox: sb, trace: t, stop: stop}
	return a.listenForConsole(ctx, 0, p.describe(console.Options{Sandbox: p, Write: true}), ready)
}

// Upload writes as the sandbox's administrator.
func (p *playground) Upload(ctx context.Context, region, key string, body io.Reader, size int64) error {
	_, err := p.s3(region, 1).PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(p.set.Member(p.account, region).Bucket), Key: aws.String(key), Body: body, ContentLength: aws.Int64(size),
	}, withoutPayloadHash)
	return err
}

// withoutPayloadHash has the body streamed: its hash would take reading it twice.
func withoutPayloadHash(o *s3.Options) {
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

// Faults are all kinds.
func (p *playground) Faults() (list []console.Fault) {
	on := p.sandbox.Stats().Faults
	for _, kind := range fault.Kinds() {
		f := console.Fault{Kind: string(kind), On: map[string]float64{}, Number: kind == fault.S3Bandwidth || kind == fault.S3Clock}
		for _, o := range on {
			if o.Kind == kind {
				f.On[o.Region] = o.Rate
			}
		}
		list = append(list, f)
	}
	return list
}

// SwitchFault has the fault strike always, or never.
func (p *playground) SwitchFault(region, kind string, on bool) error {
	f := fault.Fault{Region: region, Kind: fault.Kind(kind)}
	if on {
		f.Rate = 1
	}
	return p.sandbox.SetFault(f)
}

// Steps are those of the trace.
func (p *playground) Steps() (list []console.Step) {
	for _, s := range p.trace.Steps() {
		list = append(list, console.Step{
			At: s.At, Stage: string(s.Stage), Source: s.Source, Target: s.Target, Key: s.Key, VersionID: s.VersionID, Detail: s.Detail,
		})
	}
	return list
}

// Changed is the trace's.
func (p *playground) Changed() <-chan struct{} { return p.trace.Changed() }

// Switched is the sandbox's.
func (p *playground) Switched() <-chan struct{} { return p.sandbox.FaultsChanged() }

// Stop ends the console, and with it the command.
func (p *playground) Stop() { p.stop() }
