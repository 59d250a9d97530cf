package failover

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/control"
	"s3fanout/internal/aws/errorcode"
)

// ControlRegions are those that answer about routes and change them, whichever
// Regions the access point has
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_SubmitMultiRegionAccessPointRoutes.html).
func ControlRegions() []string {
	return []string{"us-west-2", "us-east-1", "eu-west-1", "ap-northeast-1", "ap-southeast-2"}
}

const (
	// EffectTime is how long S3 takes at most until a change is effective, as its
	// documentation says.
	EffectTime = 2 * time.Minute
	// pollTime is between two questions whether it is.
	pollTime = 2 * time.Second
	// askTime and attempts bound the time that a Region gets that does not answer.
	askTime  = 5 * time.Second
	attempts = 2
)

// ErrNotEffective marks a change that S3 has taken and does not show yet.
var ErrNotEffective = errors.New("not effective")

// RoutesClient is what is asked of S3 Control in one Region.
type RoutesClient interface {
	GetMultiRegionAccessPointRoutes(context.Context, *s3control.GetMultiRegionAccessPointRoutesInput,
		...func(*s3control.Options)) (*s3control.GetMultiRegionAccessPointRoutesOutput, error)
	SubmitMultiRegionAccessPointRoutes(context.Context, *s3control.SubmitMultiRegionAccessPointRoutesInput,
		...func(*s3control.Options)) (*s3control.SubmitMultiRegionAccessPointRoutesOutput, error)
}

// Control reads and changes the routes of an access point. Where a control Region does
// not answer, or forbids it, the next one is asked. It is not safe for concurrent use.
type Control struct {
	arn, account string
	order        []string // of the set's Regions
	regions      []string // in the order in which they are asked
	clients      map[string]RoutesClient
	silent       map[string]bool // those that did not answer
}

// NewControl makes the control of an access point of the account from the SDK's
// configuration. Its routes are in the order of the set's Regions. Regions to avoid
// are asked last.
func NewControl(config aws.Config, account, arn string, order, avoid []string) *Control {
	config = config.Copy()
	if config.RetryMaxAttempts == 0 || config.RetryMaxAttempts > attempts {
		config.RetryMaxAttempts = attempts
	}
	clients := map[string]RoutesClient{}
	for _, region := range ControlRegions() {
		clients[region] = control.New(config, region, askTime)
	}
	return newControl(clients, account, arn, order, avoid)
}

func newControl(clients map[string]RoutesClient, account, arn string, order, avoid []string) *Control {
	regions := ControlRegions()
	slices.SortStableFunc(regions, func(a, b string) int { return index(avoid, a) - index(avoid, b) })
	return &Control{arn: arn, account: account, order: order, regions: regions, clients: clients, silent: map[string]bool{}}
}

// index is 1 if the list has the name, else 0.
func index(list []string, name string) int {
	if slices.Contains(list, name) {
		return 1
	}
	return 0
}

// Region is the one that is asked first, which is the one that answered last.
func (c *Control) Region() string { return c.regions[0] }

// Silent are the control Regions that were asked and did not answer, or forbade it.
func (c *Control) Silent() []string {
	return slices.DeleteFunc(ControlRegions(), func(region string) bool { return !c.silent[region] })
}

// Routes are those of the access point, in the order of the set's Regions and then of names. The error is
// awsapi's.
func (c *Control) Routes(ctx context.Context) (routes []Route, err error) {
	err = c.ask(ctx, func(client RoutesClient) error {
		out, err := client.GetMultiRegionAccessPointRoutes(
			ctx,
			&s3control.GetMultiRegionAccessPointRoutesInput{AccountId: &c.account, Mrap: &c.arn},
		)
		if err != nil {
			return err
		}
		for _, r := range out.Routes {
			routes = append(
				routes,
				Route{Region: aws.ToString(r.Region), Bucket: aws.ToString(r.Bucket), Active: aws.ToInt32(r.TrafficDialPercentage) > 0},
			)
		}
		return nil
	})
	return inOrder(routes, c.order), err
}

// Submit has S3 change routes; others stay as they are. Changing them twice is
// harmless. An error wraps ErrUnsure unless S3 has refused the change.
func (c *Control) Submit(ctx context.Context, changes []Route) error {
	in := &s3control.SubmitMultiRegionAccessPointRoutesInput{AccountId: &c.account, Mrap: &c.arn}
	for _, r := range changes {
		dial := aws.Int32(0)
		if r.Active {
			dial = aws.Int32(100)
		}
		in.RouteUpdates = append(
			in.RouteUpdates,
			types.MultiRegionAccessPointRoute{Bucket: aws.String(r.Bucket), Region: aws.String(r.Region), TrafficDialPercentage: dial},
		)
	}
	return c.ask(ctx, func(client RoutesClient) error {
		_, err := client.SubmitMultiRegionAccessPointRoutes(ctx, in)
		return err
	})
}

// ask asks one control Region after the other until one gives an answer that the
// others would give, too.
func (c *Control) ask(ctx context.Context, ask func(RoutesClient) error) error {
	var failures []error
	refused := true // by all of them
	for i, region := range slices.Clone(c.regions) {
		err := ask(c.clients[region])
		switch {
		case err == nil:
			c.regions = append(c.regions[i:], c.regions[:i]...)
			return nil
		case ctx.Err() != nil:
			return unsure{ctx.Err()}
		}
		failures = append(failures, awsapi.Explain(region, "access point "+c.arn, err))
		refused = refused && refuses(err)
		if sameEverywhere(err) {
			failures = failures[len(failures)-1:]
			break
		}
		c.silent[region] = true
	}
	err := awsapi.Join(failures)
	if !refused {
		err = unsure{err}
	}
	return err
}

// sameEverywhere says that an error is about the request and not about the Region that
// was asked. A denial is not: organisations deny Regions.
func sameEverywhere(err error) bool {
	status := errorcode.Status(err)
	if status == http.StatusConflict {
		return true
	}
	return status >= 400 && status < 500 && status != 403 && !errorcode.Throttled(err) && !errorcode.Transient(err)
}

// Await waits until S3 shows these routes, and returns for how long it has waited.
// After EffectTime the error wraps ErrNotEffective, and says what is not as wanted.
func (c *Control) Await(ctx context.Context, want []Route) (time.Duration, error) {
	began := time.Now()
	for {
		routes, err := c.Routes(ctx)
		took := time.Since(began)
		switch {
		case ctx.Err() != nil:
			return took, ctx.Err()
		case err == nil && slices.Equal(routes, want):
			return took, nil
		case took >= EffectTime && err != nil:
			return took, err
		case took >= EffectTime:
			return took, fmt.Errorf("the change is %w after %v: %s", ErrNotEffective, EffectTime, differing(routes, want))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollTime):
		}
	}
}

// differing says which routes are not as wanted.
func differing(routes, want []Route) string {
	var list []string
	for _, w := range want {
		if !slices.Contains(routes, w) {
			list = append(list, w.Region+" is not "+Word(w.Active)+" yet")
		}
	}
	if list == nil {
		return "there are other Regions"
	}
	return strings.Join(list, ", ")
}

// Word is S3's for a route's state.
func Word(active bool) string {
	if active {
		return "active"
	}
	return "passive"
}
