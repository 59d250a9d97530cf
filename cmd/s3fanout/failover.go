package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/control"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/failover"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
)

func newFailoverCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "failover",
		Short: "Shift an access point's traffic between Regions",
		Long: `Show the routes of a Multi-Region Access Point, shift its traffic away from a
Region, and rehearse that.`,
		Example: `  s3fanout failover status
  s3fanout failover shift --away-from eu-west-1
  s3fanout failover drill --away-from eu-west-1`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFailoverStatusCommand(a), newFailoverShiftCommand(a), newFailoverDrillCommand(a))
	return cmd
}

// pointFlag is the flag that names the access point.
func pointFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "access-point", "", "name in cdk.json, alias or ARN (default: the only one)")
}

// atPoint is what the commands work with.
type atPoint struct {
	set     replicaset.Config
	config  aws.Config
	account string
	points  []failover.Point // those of the set, or the one that was named
}

// failoverPoints finds the access points. By its alias or ARN one is found too while
// the only Region that lists them is away.
func (a *app) failoverPoints(ctx context.Context, named string) (at atPoint, err error) {
	if at.set, err = a.replicaSet(); err != nil {
		return at, err
	}
	if at.set.AccessPoint == nil {
		return at, usageError{fmt.Errorf("%s has no accessPoint; see docs/one-endpoint.md", a.configPath)}
	}
	if at.config, err = awsConfig(ctx, at.set.Regions[0]); err != nil {
		return at, err
	}
	if at.account, err = accountAnywhere(ctx, at.config); err != nil {
		return at, err
	}
	if point, owner, ok := failover.Named(named, replicaset.Partition(at.set.Regions[0]), at.account); ok {
		if owner != at.account {
			return at, usageError{fmt.Errorf("--access-point: it is of account %s, and the credentials are of %s", owner, at.account)}
		}
		at.points = []failover.Point{point}
		return at, nil
	}
	client := control.New(awsapi.First(at.config), health.PointsRegion, lookUpTime)
	if at.points, err = failover.Find(ctx, client, at.set, at.account); err != nil {
		var failure *awsapi.Failure
		if errors.As(err, &failure) && !errors.Is(err, awsapi.ErrCredentials) {
			failure.Add("; to do without that list, give the alias: --access-point ALIAS")
		}
		return at, err
	}
	if named != "" || len(at.points) == 0 {
		point, err := failover.Choose(at.points, named)
		if err != nil {
			return at, usageError{err}
		}
		at.points = []failover.Point{point}
	}
	return at, nil
}

// lookUpTime bounds the question which access points there are.
const lookUpTime = 5 * time.Second

// accountAnywhere is accountID, asked in one Region after the other, as one may be
// away.
func accountAnywhere(ctx context.Context, config aws.Config) (string, error) {
	var failures []error
	others := slices.DeleteFunc(failover.ControlRegions(), func(region string) bool { return region == config.Region })
	for _, region := range append([]string{config.Region}, others...) {
		regional := config.Copy()
		regional.Region = region
		account, err := accountID(ctx, regional)
		switch {
		case err == nil:
			return account, nil
		case ctx.Err() != nil:
			return "", errInterrupted
		case errors.Is(err, awsapi.ErrCredentials):
			return "", err
		}
		failures = append(failures, err)
	}
	return "", awsapi.Join(failures)
}

// routes asks for the routes of an access point of the set.
func (at atPoint) routes(ctx context.Context, point failover.Point, avoid []string) (*failover.Control, []failover.Route, error) {
	c := failover.NewControl(at.config, at.account, point.ARN, at.set.Regions, avoid)
	routes, err := c.Routes(ctx)
	if err != nil {
		return nil, nil, err
	}
	return c, routes, failover.OfSet(at.set, at.account, point, routes)
}

func newFailoverStatusCommand(a *app) *cobra.Command {
	var named string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the routes of the access point, and how far each Region is",
		Long: `Show which Regions are active, and for each Region the lag of its replicas, its
dead letters, the events that wait for its function and for how long, and the
age of the last comparison.`,
		Example: `  s3fanout failover status
  s3fanout failover status --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.failoverStatus(cmd.Context(), named) },
	}
	pointFlag(cmd, &named)
	return cmd
}

func (a *app) failoverStatus(ctx context.Context, named string) error {
	at, err := a.failoverPoints(ctx, named)
	if err != nil {
		return err
	}
	stop := a.newProgress().working("asking " + countOf(len(at.set.Regions), "Region", "Regions"))
	defer stop()
	d := document.FailoverStatus{ReplicaSet: at.set.Name, AccessPoints: []document.FailoverPoint{}}
	var silent []string
	for _, point := range at.points {
		c, routes, err := at.routes(ctx, point, nil)
		if err != nil {
			return err
		}
		d.AccessPoints = append(d.AccessPoints, document.NewFailoverPoint(point, c.Region(), routes))
		silent = c.Silent()
	}
	figures, err := failover.NewLooker(at.config, at.set, at.account).Look(ctx, time.Now())
	if err != nil {
		return classified{errors.New("interrupted; nothing was changed"), errInterrupted}
	}
	d.Regions = document.NewFailoverRegions(figures)
	stop()
	if err := a.writeFailoverStatus(d, silent); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if slices.ContainsFunc(d.Regions, func(r document.FailoverRegion) bool { return len(r.Unavailable) > 0 }) {
		return classified{errors.New("not everything is known of the Regions; see above"), errLeftOver}
	}
	return nil
}
