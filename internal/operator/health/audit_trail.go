package health

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"s3fanout/internal/operator/price"
	"s3fanout/internal/replicaset"
)

// Trails is what is asked of CloudTrail, of sets with an audit trail, and of others with
// Options.LeftTrail.
type Trails interface {
	ListTrails(context.Context, *cloudtrail.ListTrailsInput, ...func(*cloudtrail.Options)) (*cloudtrail.ListTrailsOutput, error)
	GetTrail(context.Context, *cloudtrail.GetTrailInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailOutput, error)
	GetTrailStatus(context.Context, *cloudtrail.GetTrailStatusInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error)
	GetEventSelectors(
		context.Context, *cloudtrail.GetEventSelectorsInput, ...func(*cloudtrail.Options),
	) (*cloudtrail.GetEventSelectorsOutput, error)
}

// Trail is the audit trail.
type Trail struct {
	Region      string // its home, of one that was left on
	MultiRegion bool
	LogGroupARN string // with ":*" at its end
	Logging     Look[TrailStatus]
	// Selectors are the conditions of its one advanced event selector, and nil if it
	// has none or several.
	Selectors Look[[]types.AdvancedFieldSelector]
}

// TrailStatus is whether the trail records, and why it could not deliver lately.
type TrailStatus struct {
	On    bool
	Error string // what could not be delivered lately, and why; empty if all was
}

// auditSeat is the Region of the set among whose findings are those about the trail: its
// home, or if that is not of the set, the first.
func auditSeat(set replicaset.Config) string {
	if home := set.AuditRegion(); set.Contains(home) {
		return home
	}
	return set.Regions[0]
}

// inHome sends a request to the home Region of the trail.
func (g gatherer) inHome(o *cloudtrail.Options) { o.Region = g.facts.Set.AuditRegion() }

// auditTrail asks about the trail, in its home Region.
func (g gatherer) auditTrail(ctx context.Context) Look[Trail] {
	arn := g.facts.Set.AuditTrailARN(g.facts.Account)
	what := "trail " + g.facts.Set.AuditTrailName()
	out, err := g.clients.Trails.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: &arn}, g.inHome)
	if err != nil {
		return failed[Trail](g.facts.Set.AuditRegion(), what, err)
	}
	trail := Trail{}
	if out.Trail != nil {
		trail = Trail{MultiRegion: aws.ToBool(out.Trail.IsMultiRegionTrail), LogGroupARN: aws.ToString(out.Trail.CloudWatchLogsLogGroupArn)}
	}
	if status, err := g.clients.Trails.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &arn}, g.inHome); err != nil {
		trail.Logging = failed[TrailStatus](g.facts.Set.AuditRegion(), what, err)
	} else {
		trail.Logging = found(newTrailStatus(status))
	}
	selectors, err := g.clients.Trails.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &arn}, g.inHome)
	if err != nil {
		trail.Selectors = failed[[]types.AdvancedFieldSelector](g.facts.Set.AuditRegion(), what, err)
	} else {
		trail.Selectors = found[[]types.AdvancedFieldSelector](nil)
		if all := selectors.AdvancedEventSelectors; len(all) == 1 {
			trail.Selectors.Value = all[0].FieldSelectors
		}
	}
	return found(trail)
}

// once asks once: a trail that was left on matters less than all else.
func once(o *cloudtrail.Options) { o.RetryMaxAttempts = 1 }

// leftTrail asks whether a trail that the configuration has no more still records.
func (g gatherer) leftTrail(ctx context.Context) Look[Trail] {
	name := g.facts.Set.AuditTrailName()
	look := Look[Trail]{State: Absent}
	for _, home := range g.trailHomes(ctx) {
		arn := g.trailARN(home)
		there := func(o *cloudtrail.Options) { o.Region = home }
		status, err := g.clients.Trails.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &arn}, there, once)
		switch {
		case err != nil && look.State == Absent:
			look = failed[Trail](home, "trail "+name, err)
		case err == nil && (look.State != Found || aws.ToBool(status.IsLogging)):
			look = found(Trail{Region: home, Logging: found(newTrailStatus(status))})
		}
	}
	return look
}

// trailHomes are the Regions that have a trail with the set's name: where it was is not
// in the configuration any more. A list from one Region has those of all, as the set's
// trails record all of them
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTrails.html).
// Who may not list them asks where the trail is unless the configuration said otherwise.
func (g gatherer) trailHomes(ctx context.Context) (homes []string) {
	pages := cloudtrail.NewListTrailsPaginator(g.clients.Trails, &cloudtrail.ListTrailsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, g.inHome, once)
		if err != nil {
			return []string{g.facts.Set.AuditRegion()}
		}
		for _, t := range page.Trails {
			home := aws.ToString(t.HomeRegion)
			// An organization's trail may have the name too.
			if aws.ToString(t.TrailARN) == g.trailARN(home) {
				homes = append(homes, home)
			}
		}
	}
	return homes
}

func (g gatherer) trailARN(home string) string {
	return g.facts.Set.Member(g.facts.Account, home).ARN("cloudtrail", "trail/"+g.facts.Set.AuditTrailName())
}

// newTrailStatus takes the first error of those that CloudTrail keeps apart, which are
// empty after a delivery that went well
// (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html).
func newTrailStatus(status *cloudtrail.GetTrailStatusOutput) TrailStatus {
	s := TrailStatus{On: aws.ToBool(status.IsLogging)}
	for _, e := range []struct{ of, said string }{
		{"events to the log bucket", aws.ToString(status.LatestDeliveryError)},
		{"events to the log group", aws.ToString(status.LatestCloudWatchLogsDeliveryError)},
		{"digests to the log bucket", aws.ToString(status.LatestDigestDeliveryError)},
	} {
		if e.said != "" && s.Error == "" {
			s.Error = e.of + ": " + e.said
		}
	}
	return s
}

// auditTrail compares the trail with the configuration.
func (c *checker) auditTrail() {
	set := c.facts.Set
	name := set.AuditTrailName()
	if c.region.Name != auditSeat(set) {
		return
	}
	if set.AuditTrail == nil {
		c.leftTrail(name)
		return
	}
	if !exists(c, checkTrail, c.region.Audit, "trail "+name) {
		return
	}
	trail := c.region.Audit.Value
	if answered(c, checkTrailLogging, trail.Logging) {
		switch status := trail.Logging.Value; {
		case !status.On:
			c.find(checkTrailLogging, "trail %s is stopped", name)
		case status.Error != "":
			c.add(checkTrailLogging, Warning, "trail %s could not deliver %s", name, status.Error)
		}
	}
	if !answered(c, checkTrailSelectors, trail.Selectors) {
		return
	}
	var wrong []string
	if !trail.MultiRegion {
		wrong = append(wrong, "it records one Region alone")
	}
	if trail.LogGroupARN != set.AuditLogGroupARN(c.facts.Account)+":*" {
		wrong = append(wrong, "it does not deliver to the log group "+set.AuditLogGroupName())
	}
	if field := differingSelector(set.AuditSelectors(c.facts.Account), trail.Selectors.Value); field != "" {
		wrong = append(wrong, "its event selectors differ in "+field)
	}
	if len(wrong) > 0 {
		c.find(checkTrailSelectors, "trail %s: %s", name, strings.Join(wrong, "; "))
	}
}

// leftTrail finds a trail that was left on: its stack is not in the CDK app any more, so
// that no deployment deletes it. A caller who may not look at trails gets no finding, as
// replication does not need that permission.
func (c *checker) leftTrail(name string) {
	trail := c.region.Audit
	if trail.State != Found || !trail.Value.Logging.Value.On {
		return
	}
	info := c.info[checkTrailSelectors]
	info.Severity = Warning
	info.Means = fmt.Sprintf("You pay for each write that it records: $%.2f for 100,000, and more for its log group. Replication works.",
		100_000*price.DataEvent)
	info.Fix = "aws cloudformation delete-stack --region " + trail.Value.Region +
		" --stack-name {auditStack}; or set auditTrail in cdk.json again"
	c.append(info, "trail %s in %s still records, and cdk.json has no auditTrail", name, trail.Value.Region)
}

// differingSelector is the first field in which the conditions of a trail are others
// than those of the configuration; empty if they are the same, in whatever order.
func differingSelector(want []replicaset.AuditSelector, have []types.AdvancedFieldSelector) string {
	same := func(a, b []string) bool {
		return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
	}
	for _, w := range want {
		i := slices.IndexFunc(have, func(h types.AdvancedFieldSelector) bool { return aws.ToString(h.Field) == w.Field })
		if i < 0 {
			return w.Field
		}
		h := have[i]
		if !same(w.Equals, h.Equals) || !same(w.StartsWith, h.StartsWith) || !same(w.NotEquals, h.NotEquals) ||
			len(h.EndsWith)+len(h.NotEndsWith)+len(h.NotStartsWith) > 0 {
			return w.Field
		}
	}
	for _, h := range have {
		if !slices.ContainsFunc(want, func(w replicaset.AuditSelector) bool { return w.Field == aws.ToString(h.Field) }) {
			return aws.ToString(h.Field)
		}
	}
	return ""
}
