package backfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/replicaset"
)

const (
	// copyTime bounds one request that moves data. The function could not
	// wait for longer either.
	copyTime = 15 * time.Minute
	// copyAttempts is how often the SDK tries a copy, as in the function, and
	// readAttempts how often it tries what is read: a page of a listing that
	// cannot be read ends the run.
	copyAttempts = 3
	readAttempts = 5
	// renewBefore is how long before its end a role's session is renewed.
	renewBefore = 5 * time.Minute
)

// Clients says how NewMembers makes its clients. Config, Set and Account are
// required.
type Clients struct {
	Config  aws.Config // the caller's
	Set     replicaset.Config
	Account string // twelve digits
	// Regions are the members to make, To those of them that are written to.
	Regions, To []string
	// OwnCredentials writes replicas as the caller. Otherwise each target's
	// are written as its function writes them, in a session of its role.
	OwnCredentials bool
	Concurrency    int // copies to a target at once, at most
	Log            *slog.Logger
}

// NewMembers makes the members with clients for the command: what is read is
// read as the caller, and what is written is written as the function, with its
// Copier's options. Unless OwnCredentials is set it begins the sessions, and
// returns an error if a role may not be assumed.
//
// The events that the copies cause have the ID of the function's role, so that
// the topics' filters drop them as they drop those of the function. The
// session's name tells the two apart.
func (c Clients) NewMembers(ctx context.Context) ([]Member, error) {
	read, write := c.Config.Copy(), c.Config.Copy()
	read.Retryer = func() aws.Retryer { return newRetryer(readAttempts) }
	write.Retryer = func() aws.Retryer { return newRetryer(copyAttempts) }
	members := make([]Member, len(c.Regions))
	refusals := make([]error, len(c.Regions))
	var wait sync.WaitGroup
	for i, region := range c.Regions {
		member := c.Set.Member(c.Account, region)
		m := Member{Region: region, Bucket: member.Bucket, RoleARN: member.RoleARN()}
		m.S3 = awsapi.NewS3(read, region, c.Account, awsapi.RequestTime, c.Concurrency*max(1, len(c.To)))
		if slices.Contains(c.To, region) {
			write := write.Copy()
			if !c.OwnCredentials {
				session := c.session(member.RoleARN())
				write.Credentials = session
				wait.Go(func() { _, refusals[i] = session.Retrieve(ctx) })
			}
			m.Copier, m.Follower = c.newCopier(write, copier.Target{Region: region, Bucket: m.Bucket})
		}
		members[i] = m
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return members, c.refused(refusals)
}

func (c Clients) newCopier(config aws.Config, target copier.Target) (Copier, Follower) {
	parallel := cmp.Or(c.Set.MultipartParallel, copier.DefaultParallel)
	client := awsapi.NewS3(config, target.Region, c.Account, copyTime, c.Concurrency+largeConcurrency*parallel)
	copies := copier.New(client, target,
		copier.WithLogger(c.Log),
		copier.WithMultipart(Threshold(c.Set), parallel),
		copier.WithStorageClass(c.Set.ReplicaStorageClass))
	origins := func(region string) (string, bool) {
		return c.Set.Member(c.Account, region).Bucket, c.Set.Contains(region)
	}
	return copies, follow.New(client, copies, target, follow.WithSince(c.Set.FollowSince), follow.WithOrigins(origins))
}

// Threshold is the size in bytes above which the set's objects are copied in
// parts.
func Threshold(set replicaset.Config) int64 {
	return cmp.Or(set.MultipartThreshold(), copier.DefaultThreshold)
}

// session are credentials of a function's role.
func (c Clients) session(role string) aws.CredentialsProvider {
	client := sts.NewFromConfig(c.Config, func(o *sts.Options) {
		o.HTTPClient = awsapi.HTTPClient(c.Config, awsapi.RequestTime, len(c.To))
	})
	return aws.NewCredentialsCache(
		stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = c.Set.OperatorSession() }),
		func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewBefore })
}

// refused makes one error of those of the roles, or none.
func (c Clients) refused(refusals []error) error {
	var regions []string
	var first, other error
	for i, err := range refusals {
		if err == nil {
			continue
		}
		explained := awsapi.Explain(c.Regions[i], "role "+c.Set.Member(c.Account, c.Regions[i]).RoleName(), err)
		if !errors.Is(explained, awsapi.ErrDenied) {
			other = cmp.Or[error](other, explained)
			continue
		}
		regions = append(regions, c.Regions[i])
		first = cmp.Or[error](first, explained)
	}
	if other != nil || first == nil {
		return other
	}
	return fmt.Errorf("the function's role may not be assumed in %s: allow the caller sts:AssumeRole on %s-*, name it in operatorArns "+
		"if cdk.json has that, and deploy stacks of this version; or copy with --own-credentials (%w)",
		strings.Join(regions, ", "), c.Set.FunctionName(), first)
}

// slowdownRetryer is a retryer that tells the run when S3 asks for less, before the
// SDK waits and tries again by itself.
type slowdownRetryer struct{ *retry.Standard }

// newRetryer has no quota of retries: how many requests are under way depends
// on S3's answers, which is what the quota is for.
func newRetryer(attempts int) aws.Retryer {
	return slowdownRetryer{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
	})}
}

// GetRetryToken is asked before each retry.
func (a slowdownRetryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	if errorcode.Throttled(err) {
		if throttled, ok := ctx.Value(throttleKey{}).(func()); ok {
			throttled()
		}
	}
	return a.Standard.GetRetryToken(ctx, err)
}

type throttleKey struct{}

// withThrottle has heard called when a request within ctx is asked for less.
func withThrottle(ctx context.Context, throttled func()) context.Context {
	return context.WithValue(ctx, throttleKey{}, throttled)
}
