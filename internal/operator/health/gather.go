package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/replicaset"
)

// Options say what to look at. All fields are required but LeftTrail and Done.
type Options struct {
	Set     replicaset.Config
	Clients map[string]Clients // by Region
	Regions []string           // members of Set
	// LeftTrail has Gather also look for an audit trail that Set does not have. Who is
	// refused that learns nothing of it.
	LeftTrail bool
	// Done, if not nil, is called for each Region that has been looked at, by
	// one goroutine at a time.
	Done func(region string)
}

// Gather asks AWS what there is of the replica set, in all Regions at once. It
// changes nothing. What one Region or one request does not tell is in the
// facts as Unanswered; an error is returned where nothing answers at all:
// no Region takes the credentials or answers, or ctx ended.
func Gather(ctx context.Context, o Options) (Facts, error) {
	return gather(ctx, o, func(ctx context.Context, g gatherer, r *Region) { g.fill(ctx, r) })
}

// gather has fill ask about each Region that answers.
func gather(ctx context.Context, o Options, fill func(context.Context, gatherer, *Region)) (Facts, error) {
	facts := Facts{Set: o.Set, Regions: make([]Region, len(o.Regions))}
	errs := make([]error, len(o.Regions))
	identities := make([]*sts.GetCallerIdentityOutput, len(o.Regions))
	var wait sync.WaitGroup
	for i, name := range o.Regions {
		wait.Go(func() {
			facts.Regions[i].Name = name
			identities[i], facts.Regions[i].Access, errs[i] = access(ctx, name, o.Clients[name].STS)
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return Facts{}, ctx.Err()
	}
	for _, id := range identities {
		if id != nil && facts.Account == "" {
			facts.Account, facts.Caller = aws.ToString(id.Account), aws.ToString(id.Arn)
		}
	}
	if facts.Account == "" {
		return Facts{}, awsapi.Join(errs)
	}
	var one sync.Mutex
	for i, name := range o.Regions {
		wait.Go(func() {
			if facts.Regions[i].Access.State == Found {
				fill(ctx, gatherer{facts: &facts, region: name, clients: o.Clients[name], left: o.LeftTrail}, &facts.Regions[i])
			}
			if o.Done != nil {
				one.Lock()
				defer one.Unlock()
				o.Done(name)
			}
		})
	}
	wait.Wait()
	return facts, ctx.Err()
}

// Answer is what GatherRegion learned of a Region.
type Answer struct {
	Region          Region
	Account, Caller string
	// Err says why the Region does not take the credentials, or does not answer.
	Err error
	At  time.Time
}

// GatherRegion asks about one of the options' Regions, and nothing of the others. It
// ends soon after ctx does: what has no answer by then is Unanswered.
func GatherRegion(ctx context.Context, o Options, name string) Answer {
	facts := Facts{Set: o.Set}
	for _, region := range o.Regions {
		facts.Regions = append(facts.Regions, Region{Name: region})
	}
	a := Answer{Region: Region{Name: name}}
	var id *sts.GetCallerIdentityOutput
	if id, a.Region.Access, a.Err = access(ctx, name, o.Clients[name].STS); a.Err == nil {
		facts.Account, facts.Caller = aws.ToString(id.Account), aws.ToString(id.Arn)
		a.Account, a.Caller = facts.Account, facts.Caller
		gatherer{facts: &facts, region: name, clients: o.Clients[name]}.fill(ctx, &a.Region)
	}
	a.At = time.Now()
	return a
}

// Join puts answers together as if Gather had found them; a Region without one has not
// answered. It fails where no Region does.
func Join(o Options, answers map[string]Answer) (Facts, error) {
	facts := Facts{Set: o.Set}
	var errs []error
	for _, name := range o.Regions {
		a, ok := answers[name]
		if !ok {
			a.Region = Region{Name: name, Access: Look[Access]{Why: notYet}}
			a.Err = fmt.Errorf("region %s: %s", name, notYet)
		}
		if a.Err == nil && facts.Account == "" {
			facts.Account, facts.Caller = a.Account, a.Caller
		}
		facts.Regions, errs = append(facts.Regions, a.Region), append(errs, a.Err)
	}
	if facts.Account == "" {
		return Facts{}, awsapi.Join(errs)
	}
	return facts, nil
}

const notYet = "no answer yet"

// access asks who is asking, which needs no permission: it tells whether the
// Region can be reached and takes the credentials, and what time it is there.
func access(ctx context.Context, region string, client STS) (*sts.GetCallerIdentityOutput, Look[Access], error) {
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		failure := awsapi.Explain(region, "the caller's account", err)
		return nil, Look[Access]{Why: why(region, failure), Next: nextAfter(failure)}, failure
	}
	return out, found(Access{Skew: skewOf(out.ResultMetadata).Value}), nil
}

// skewOf is how far this machine's clock is ahead of the one that dated an answer.
func skewOf(answer smithymiddleware.Metadata) Look[time.Duration] {
	local, ok := middleware.GetResponseAt(answer)
	remote, dated := middleware.GetServerTime(answer)
	if !ok || !dated || remote.IsZero() {
		return Look[time.Duration]{State: Absent}
	}
	return found(local.Sub(remote))
}

// gatherer looks at one Region. It reads of facts only what is known before.
type gatherer struct {
	facts   *Facts
	region  string
	clients Clients
	left    bool // see Options.LeftTrail
}

func (g gatherer) member() replicaset.Member { return g.facts.member(g.region) }

// fill looks at the Region's parts at once.
func (g gatherer) fill(ctx context.Context, r *Region) {
	var wait sync.WaitGroup
	wait.Go(func() { r.Bucket = g.bucket(ctx) })
	wait.Go(func() { r.Topic = g.topic(ctx) })
	wait.Go(func() { r.Subscriptions = g.subscriptions(ctx) })
	wait.Go(func() { r.Function = g.function(ctx) })
	wait.Go(func() { r.Role = g.role(ctx, g.member().RoleName()) })
	if g.facts.Set.BatchOperations {
		wait.Go(func() { r.JobRole = g.role(ctx, g.member().JobRoleName()) })
	}
	if g.facts.Set.AccessPoint != nil && g.region == g.facts.Regions[0].Name {
		wait.Go(func() { r.AccessPoints = g.accessPoints(ctx) })
	}
	if g.region == auditSeat(g.facts.Set) {
		switch {
		case g.facts.Set.AuditTrail != nil:
			wait.Go(func() { r.Audit = g.auditTrail(ctx) })
		case g.left:
			wait.Go(func() { r.Audit = g.leftTrail(ctx) })
		}
	}
	if g.member().Adopted {
		wait.Go(func() { r.Adopter = g.adopter(ctx) })
	}
	if g.facts.Set.Reconcile != nil {
		wait.Go(func() { r.Reconcile = g.reconcile(ctx) })
	}
	wait.Go(func() { r.Queue = g.queue(ctx) })
	wait.Wait()
}

// failed is the Look of a request that failed.
func failed[T any](region, what string, err error) Look[T] {
	failure := awsapi.Explain(region, what, err)
	if errors.Is(failure, awsapi.ErrMissing) {
		return Look[T]{State: Absent}
	}
	look := Look[T]{Why: why(region, failure), Next: nextAfter(failure)}
	if errors.Is(failure, awsapi.ErrDenied) {
		look.Denied = failure.Action()
	}
	return look
}

// why is what an error says, without the Region: a finding has its own.
func why(region string, err error) string {
	return strings.TrimPrefix(err.Error(), "region "+region+": ")
}
