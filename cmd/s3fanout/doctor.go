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

// healthRequests is what doctor and status ask of AWS.
const healthRequests = `sts:GetCallerIdentity, s3:ListBucket,
s3:GetBucketVersioning, s3:GetBucketNotification, s3:GetLifecycleConfiguration,
s3:GetEncryptionConfiguration, sns:GetTopicAttributes,
sns:ListSubscriptionsByTopic, sns:GetSubscriptionAttributes,
lambda:GetFunctionConfiguration,
lambda:GetFunctionConcurrency, lambda:GetFunctionEventInvokeConfig,
lambda:GetPolicy, lambda:ListTags, iam:GetRole, iam:ListRolePolicies,
iam:GetRolePolicy, iam:ListAttachedRolePolicies, sqs:GetQueueUrl,
sqs:GetQueueAttributes`

func newDoctorCommand(a *app) *cobra.Command {
	var regions []string
	var probe bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what is wrong with the deployment, and how to fix it",
		Long: `Compare what is deployed with what the configuration says, above all what can be
wrong without a word: a bucket that tells nobody of its uploads, a subscription
that is missing or filters too much, a function that SNS may not invoke, a
permission that was taken away, failures that go nowhere, encryption with
another key. For each finding it says what it means and how to fix it. It
changes nothing and reads no object.

With --probe it also tries whether S3 enforces the condition that first write
wins rests on; AWS does, some other servers accept it and write all the same. It
writes an object without contents below .s3fanout/probe/ in each bucket, in a
session of the function's role, whose events the topics' filters drop, and
removes it, also when it is interrupted. It also asks whether S3 names the
function's role as the initiator of its uploads: the function resumes no others.
It needs sts:AssumeRole on the functions' roles and s3:DeleteObjectVersion on
.s3fanout/probe/* as well; without them it writes nothing and says so.

A finding is failed (objects are not copied or not encrypted as they should be,
clients have no endpoint, failures get lost, or money is wasted), unknown (AWS
did not answer, as where a permission to look is missing: the fix is how to get
the answer), warning or note. The last two need no action. docs/checks.md lists
all checks, and what is not looked at.

AWS requests: 18 in each Region, 5 more with batchOperations, up to 7 more for
an adopted bucket (those of s3fanout adopt --check), one for a function that is
stopped, and one for each subscription:
` + healthRequests + `.

With reconcile 5 more, with keyRanges 6: also scheduler:GetSchedule,
dynamodb:DescribeTable and cloudwatch:GetMetricData. With accessPoint one more
for all Regions: s3:ListMultiRegionAccessPoints.
They cost less than 0.001 USD. The probe makes 16 more in each Region.

With --output json the result is one document:
  {"replicaSet", "account", "caller", "probed",
   "regions": [{"region", "parts": {"access", "bucket", "topic",
     "subscriptions", "function", "role", "queue"}}],
   "findings": [{"check", "region", "severity", "what", "means", "fix"}]}
A part is ok, missing, failed, unknown, warning or paused. Where you lack
permissions, the text has one finding that names them all, the document one for
each check.

Exit codes: 0 no action needed; 1 AWS did not answer; 2 usage or
configuration; 3 something failed or is unknown; 130 interrupted.`,
		Example: `  s3fanout doctor
  s3fanout doctor --region eu-west-1
  s3fanout doctor --probe
  s3fanout doctor --output json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), regions, probe) },
	}
	cmd.Flags().BoolVar(&probe, "probe", false, "also try conditional writes, with a scratch object")
	namesVar(cmd.Flags(), &regions, "region", "look at this Region only; can be repeated")
	return cmd
}

func (a *app) doctor(ctx context.Context, regions []string, probe bool) error {
	options, config, err := a.healthOptions(ctx, regions)
	if err != nil {
		return err
	}
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
	return healthError(findings, "each has its fix above")
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
	return marked{errors.New(text), errInterrupted}
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
	p := a.newProgress()
	seen := 0
	o.Done = func(string) {
		if seen++; p.width == 0 {
			return // in a file it would say nothing that the result does not
		}
		p.status("%d of %d Regions looked at", seen, len(o.Regions))
	}
	facts, err := health.Gather(ctx, *o)
	p.done()
	if err != nil && ctx.Err() != nil {
		return health.Facts{}, marked{errors.New("interrupted; nothing was changed"), errInterrupted}
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
	return marked{errors.New(text + "; " + advice), errLeftOver}
}

func countChecks(n int) string { return countOf(n, "check", "checks") }
