package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
)

func newDoctorCommand(a *app) *cobra.Command {
	var regions []string
	var probe bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the deployment, and say how to fix what is wrong",
		Long: `Compare the deployment with cdk.json. Each finding says what it means and how to
fix it; the most urgent come first. It changes nothing and reads no object.`,
		Example: `  s3fanout doctor
  s3fanout doctor --region eu-west-1
  s3fanout doctor --probe
  s3fanout doctor --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), regions, probe) },
	}
	cmd.Flags().BoolVar(&probe, "probe", false, "also try conditional writes, with a test object")
	namesVar(cmd.Flags(), &regions, "region", "only this `region`; can be repeated")
	return cmd
}

func (a *app) doctor(ctx context.Context, regions []string, probe bool) error {
	options, config, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
	options.LeftTrail = true
	facts, err := a.gatherHealth(ctx, &options)
	if err != nil {
		return err
	}
	if probe {
		if err := probeHealth(ctx, config, &facts); err != nil {
			return err
		}
	}
	findings := health.Check(facts)
	if err := a.writeDoctor(facts, findings); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return healthError(findings, "the fixes are above")
}

// probeHealth tries the conditional writes of each Region.
func probeHealth(ctx context.Context, config aws.Config, facts *health.Facts) error {
	probers := health.NewProbers(config, facts.Set, facts.Account, reachable(*facts))
	if err := health.Probe(ctx, facts, health.Check(*facts), probers, strings.ToLower(rand.Text()), time.Now()); err == nil {
		return nil
	}
	return interruptedProbe(health.Check(*facts))
}

// interruptedProbe says what is left of a probe that was interrupted.
func interruptedProbe(findings []health.Finding) error {
	text := "interrupted; the probe removed what it wrote"
	for _, f := range findings {
		if f.Check == health.CheckLeftovers {
			text = "interrupted; region " + f.Region + ": " + f.What + "; " + f.Fix
		}
	}
	return classified{errors.New(text), errInterrupted}
}

// healthOptions says what to look at, from the configuration, the flags and
// the environment, and with which of the SDK's configurations.
func (a *app) healthOptions(ctx context.Context, regions []string) (o health.Options, config aws.Config, err error) {
	set, err := a.replicaSet()
	if err != nil {
		return o, config, err
	}
	if regions, err = chosenRegions(set, regions); err != nil {
		return o, config, err
	}
	if config, err = awsConfig(ctx, set.Regions[0]); err != nil {
		return o, config, err
	}
	return health.Options{Set: set, Regions: inOrder(set, regions), Clients: health.NewClients(config, regions)}, config, nil
}

// inOrder puts Regions in the order of the configuration.
func inOrder(set replicaset.Config, chosen []string) []string {
	var list []string
	for _, region := range set.Regions {
		for _, c := range chosen {
			if c == region {
				list = append(list, region)
			}
		}
	}
	return list
}

// gatherHealth looks at the Regions and tells how far it is.
func (a *app) gatherHealth(ctx context.Context, o *health.Options) (health.Facts, error) {
	next, stop := a.newProgress().counting(len(o.Regions), "Regions checked")
	o.Done = func(string) { next() }
	facts, err := health.Gather(ctx, *o)
	stop()
	if err != nil && ctx.Err() != nil {
		return health.Facts{}, classified{errors.New("interrupted; nothing was changed"), errInterrupted}
	}
	return facts, err
}

// healthError says that something failed or is unknown, nil if nothing did.
func healthError(findings []health.Finding, advice string) error {
	failed, unknown := 0, 0
	for _, f := range findings {
		switch f.Severity {
		case health.Failed:
			failed++
		case health.Unknown:
			unknown++
		case health.Warning, health.Note:
		}
	}
	var text string
	switch {
	case failed > 0 && unknown > 0:
		text = fmt.Sprintf("%s failed, and %d could not be answered", countChecks(failed), unknown)
	case failed > 0:
		text = countChecks(failed) + " failed"
	case unknown > 0:
		text = countChecks(unknown) + " could not be answered"
	default:
		return nil
	}
	return classified{errors.New(text + "; " + advice), errLeftOver}
}

func countChecks(n int) string { return countOf(n, "check", "checks") }
