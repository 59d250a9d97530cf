// Package demo shows a replica set at work on one machine: uploads in every
// Region, what they cost, a Region's failure, and its repair. It runs the
// committed templates in a sandbox, and believes nothing that it can check:
// every replica is read back and compared.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/owner"
	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// Config says what to show.
type Config struct {
	Assembly   fs.FS             // the templates to run
	ReplicaSet replicaset.Config // what they were synthesized from
	Function   string            // the function's binary, built for this machine
	Out        io.Writer         // the story goes here
}

// ErrIncomplete says that the demo ran to its end and found an object that is
// not everywhere, or not as it was uploaded.
var ErrIncomplete = errors.New("not every object is everywhere as it was uploaded")

// Waits of minutes would bore; the sandbox waits this long instead.
const retryWait = 300 * time.Millisecond

// demo is one run.
type demo struct {
	Config
	sandbox *sandbox.Sandbox
	state   sandbox.State
	clients map[string]*s3.Client
	regions []string
	rows    []row
	stop    context.CancelCauseFunc // ends the run with a reason
}

// errOut marks that Out cannot be written to.
var errOut = errors.New("write the story")

// Run tells the story to Out. Nothing is left behind when it returns, whether
// it succeeded, failed or was interrupted. It ends with the first write to Out
// that fails.
func Run(ctx context.Context, c Config) (err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d := &demo{Config: c, regions: c.ReplicaSet.Regions, clients: map[string]*s3.Client{}, stop: stop}
	began := time.Now()
	d.sandbox, err = sandbox.Start(ctx, sandbox.Config{Assembly: c.Assembly, Function: c.Function, RetryWait: retryWait})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.sandbox.Close()) }()
	d.state = d.sandbox.State()
	for _, region := range d.regions {
		d.clients[region] = s3.NewFromConfig(d.awsConfig(region), owner.Expect(d.state.AccountID))
	}
	d.say("%d Regions run at %s, ready in %d ms:", len(d.regions), d.state.Endpoint, time.Since(began).Milliseconds())
	for _, region := range d.regions {
		d.say("  %-16s s3://%s", region, d.state.Regions[region].Bucket)
	}
	for _, step := range []func(context.Context) error{d.uploadEverywhere, d.showCost, d.breakAndRepair, d.checkEverything} {
		err := step(ctx)
		if cause := context.Cause(ctx); errors.Is(cause, errOut) {
			return cause
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) say(format string, args ...any) {
	_, err := fmt.Fprintf(d.Out, format+"\n", args...)
	d.wrote(err)
}

// wrote ends the run if a write failed: nobody is listening any more.
func (d *demo) wrote(err error) {
	if err != nil {
		d.stop(fmt.Errorf("%w: %w", errOut, err))
	}
}

func (d *demo) showObjects() {
	_, err := objectTable(d.regions, d.rows).WriteTo(d.Out)
	d.wrote(err)
}

func (d *demo) head(title string) {
	d.say("\n%s\n%s", title, strings.Repeat("-", len(title)))
}

func (d *demo) awsConfig(region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(d.state.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(d.state.AccessKeyID, d.state.SecretAccessKey, ""),
		APIOptions:   []func(*middleware.Stack) error{requestbody.Keep},
	}
}

// uploadEverywhere uploads each object in its Region and waits for it in the
// others.
func (d *demo) uploadEverywhere(ctx context.Context) error {
	list := objects(d.regions)
	d.head(fmt.Sprintf("1. %d objects, each uploaded to one Region: time until seen in the others", len(list)))
	for _, o := range list {
		r, err := d.replicate(ctx, o)
		if err != nil {
			return err
		}
		d.rows = append(d.rows, r)
	}
	d.showObjects()
	return d.sandbox.Settled(ctx)
}

// replicate uploads an object and watches for it in the other Regions until it
// is there, or until the sandbox has come to rest without it.
func (d *demo) replicate(ctx context.Context, o object) (row, error) {
	if err := upload(ctx, d.clients[o.origin], d.state.Regions[o.origin].Bucket, o); err != nil {
		return row{}, err
	}
	uploaded := time.Now()
	r := row{object: o, arrivals: map[string]arrival{o.origin: {uploaded: true}}}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for _, region := range d.ReplicaSet.Others(o.origin) {
		g.Go(func() error {
			a, err := d.await(ctx, region, o.key, uploaded)
			mu.Lock()
			defer mu.Unlock()
			r.arrivals[region] = a
			return err
		})
	}
	return r, g.Wait()
}

func (d *demo) await(ctx context.Context, region, key string, since time.Time) (arrival, error) {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		// Rest is read before the look: what rests and is not there will not come.
		resting := d.sandbox.Stats().Pending == 0
		found, err := present(ctx, d.clients[region], d.state.Regions[region].Bucket, key)
		if err != nil {
			return arrival{}, err
		}
		if found || resting {
			return arrival{arrived: found, lag: time.Since(since)}, nil
		}
		select {
		case <-ctx.Done():
			return arrival{}, ctx.Err()
		case <-tick.C:
		}
	}
}

// showCost prints the counts that prove that there is no loop and no waste.
func (d *demo) showCost(context.Context) error {
	c := count(d.sandbox.Stats())
	replicas := int64(len(d.rows) * (len(d.regions) - 1))
	d.head("2. What that cost")
	d.say("  %4d replicas made", replicas)
	d.say("  %4d Lambda invocations   one for each replica", c.invocations)
	d.say("  %4d CopyObject requests  one for each replica, with If-None-Match: *", c.copies)
	d.say("  %4d other S3 requests    by the functions", c.otherRequests)
	d.say("  %4d replica events       dropped by SNS, they invoked no function", c.filtered)
	if c.invocations != replicas || c.copies != replicas || c.otherRequests != 0 {
		return fmt.Errorf("expected exactly %d invocations and CopyObject requests, and no other request", replicas)
	}
	return nil
}

// breakAndRepair cuts off one Region's S3, uploads elsewhere, shows the dead
// letter, heals the Region and redrives.
func (d *demo) breakAndRepair(ctx context.Context) error {
	home, broken := d.regions[0], d.regions[1]
	d.head(fmt.Sprintf("3. S3 in %s fails; an upload in %s goes on", broken, home))
	if err := d.sandbox.SetFault(fault.Fault{Region: broken, Kind: fault.S3Unavailable, Rate: 1}); err != nil {
		return err
	}
	o := object{origin: home, key: "uploaded during the failure.txt", size: 4096, seed: 1000, tags: map[string]string{"stage": "failure"}}
	if err := upload(ctx, d.clients[home], d.state.Regions[home].Bucket, o); err != nil {
		return err
	}
	if err := d.sandbox.Settled(ctx); err != nil {
		return err
	}
	lambda := d.sandbox.Stats().Regions[broken].Lambda
	d.say("  The function in %s failed %d times: Lambda retries twice.", broken, lambda.Errors)
	report, err := d.redrive(ctx, true)
	if err != nil {
		return err
	}
	for _, s := range report.Regions {
		for _, letter := range s.Results {
			d.say("  The dead-letter queue of %s has kept:", s.Region)
			d.say("%s", indented(describe(letter)))
			d.say("  because:")
			d.say("%s", indented(deadletter.Essence(letter.Letter.Reason)))
		}
	}
	if report.Left() != 1 {
		return fmt.Errorf("expected one dead letter, found %d", report.Left())
	}

	d.head(fmt.Sprintf("4. %s is healed; s3fanout redrive", broken))
	if err := d.sandbox.SetFault(fault.Fault{Region: broken, Kind: fault.S3Unavailable}); err != nil {
		return err
	}
	report, err = d.redrive(ctx, false)
	if err != nil {
		return err
	}
	for _, s := range report.Regions {
		for _, letter := range s.Results {
			d.say("  %s in %s:", letter.Outcome, s.Region)
			d.say("%s", indented(describe(letter)))
		}
	}
	if err := d.sandbox.Settled(ctx); err != nil {
		return err
	}
	r := row{object: o, arrivals: map[string]arrival{home: {uploaded: true}}}
	d.rows = append(d.rows, r)
	return nil
}

func (d *demo) redrive(ctx context.Context, dryRun bool) (redrive.Report, error) {
	report, err := redrive.Run(ctx, redrive.Options{
		Config: d.ReplicaSet, Clients: redrive.NewClients(d.awsConfig(""), d.regions, 0), DryRun: dryRun,
	}, redrive.Observer{})
	if err != nil {
		return report, err
	}
	return report, report.Err()
}

// checkEverything reads every replica back and compares it with the upload.
func (d *demo) checkEverything(ctx context.Context) error {
	d.head("5. Everything read back and compared: bytes, content type, metadata, tags")
	var differences []string
	var bytes int64
	for i := range d.rows {
		r := &d.rows[i]
		for _, region := range d.regions {
			a := r.arrivals[region]
			err := compare(ctx, d.clients[region], d.state.Regions[region].Bucket, r.object)
			a.checked, a.same = true, err == nil
			r.arrivals[region] = a
			bytes += r.object.size
			if err != nil {
				differences = append(differences, err.Error())
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	d.showObjects()
	for _, text := range differences {
		d.say("  %s", text)
	}
	if len(differences) > 0 {
		return ErrIncomplete
	}
	d.say("\nEverything is everywhere: %d objects in %d Regions, %d MiB compared.", len(d.rows), len(d.regions), bytes>>20)
	return nil
}
