package health

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"s3fanout/internal/replicaset"
)

// auditSet is a set with an audit trail, whose home is the first Region.
func auditSet() replicaset.Config {
	set := testSet()
	set.AuditTrail = &replicaset.AuditTrail{}
	return set
}

func healthyTrail(set replicaset.Config) Trail {
	t := Trail{MultiRegion: true, LogGroupARN: set.AuditLogGroupARN(account) + ":*", Logging: found(TrailStatus{On: true})}
	var selectors []types.AdvancedFieldSelector
	for _, s := range set.AuditSelectors(account) {
		selectors = append(selectors, types.AdvancedFieldSelector{
			Field: &s.Field, Equals: s.Equals, StartsWith: s.StartsWith, NotEquals: s.NotEquals,
		})
	}
	slices.Reverse(selectors) // CloudTrail's order is its own
	t.Selectors = found(selectors)
	return t
}

// oneFinding wants these findings to be one alone.
func oneFinding(t *testing.T, findings []Finding, check string, severity Severity, what string) {
	t.Helper()
	if check == "" {
		if len(findings) != 0 {
			t.Errorf("findings %+v, want none", findings)
		}
		return
	}
	if len(findings) != 1 || findings[0].Check != check || findings[0].Severity != severity || !strings.Contains(findings[0].What, what) ||
		findings[0].Fix == "" {
		t.Errorf("findings %+v, want one %s of %s: %s", findings, severity, check, what)
	}
}

func TestAuditTrailIsCompared(t *testing.T) {
	set := auditSet()
	for _, tt := range []struct {
		what, check string // "" for no finding
		as          Severity
		want        string
		look        func(*Look[Trail])
	}{
		{"as it is to be", "", "", "", func(*Look[Trail]) {}},
		{"before the first deployment", checkTrail, Failed, "trail media-audit does not exist",
			func(l *Look[Trail]) { *l = Look[Trail]{State: Absent} }},
		{"refused", checkTrail, Unknown, "cannot tell whether the audit trail of cdk.json exists: " + denied,
			func(l *Look[Trail]) { *l = Look[Trail]{Why: denied} }},
		{"stopped", checkTrailLogging, Failed, "trail media-audit is stopped", func(l *Look[Trail]) { l.Value.Logging.Value.On = false }},
		{"not delivered", checkTrailLogging, Warning, "trail media-audit could not deliver digests to the log bucket: AccessDenied",
			func(l *Look[Trail]) {
				on, said := true, "AccessDenied"
				l.Value.Logging.Value = newTrailStatus(&cloudtrail.GetTrailStatusOutput{IsLogging: &on, LatestDigestDeliveryError: &said})
			}},
		{"status refused", checkTrailLogging, Unknown, denied, func(l *Look[Trail]) { l.Value.Logging = Look[TrailStatus]{Why: denied} }},
		{"one Region", checkTrailSelectors, Failed, "it records one Region alone", func(l *Look[Trail]) { l.Value.MultiRegion = false }},
		{"another log group", checkTrailSelectors, Failed, "it does not deliver to the log group media-audit",
			func(l *Look[Trail]) { l.Value.LogGroupARN = "" }},
		{"a bucket left out", checkTrailSelectors, Failed, "its event selectors differ in resources.ARN", func(l *Look[Trail]) {
			i := slices.IndexFunc(l.Value.Selectors.Value, func(s types.AdvancedFieldSelector) bool { return *s.Field == "resources.ARN" })
			l.Value.Selectors.Value[i].StartsWith = l.Value.Selectors.Value[i].StartsWith[1:]
		}},
		{"own writes too", checkTrailSelectors, Failed, "its event selectors differ in userIdentity.arn", func(l *Look[Trail]) {
			l.Value.Selectors.Value = slices.DeleteFunc(l.Value.Selectors.Value, func(s types.AdvancedFieldSelector) bool {
				return *s.Field == "userIdentity.arn"
			})
		}},
		{"an operator left out", checkTrailSelectors, Failed, "its event selectors differ in userIdentity.arn", func(l *Look[Trail]) {
			l.Value.Selectors.Value[0].NotStartsWith = []string{"arn:aws:sts::111122223333:assumed-role/ops/"}
		}},
		{"one more field", checkTrailSelectors, Failed, "its event selectors differ in eventName", func(l *Look[Trail]) {
			field := "eventName"
			l.Value.Selectors.Value = append(l.Value.Selectors.Value, types.AdvancedFieldSelector{
				Field: &field, Equals: []string{"PutObject"},
			})
		}},
		{"no advanced selectors", checkTrailSelectors, Failed, "its event selectors differ in eventCategory",
			func(l *Look[Trail]) { l.Value.Selectors = found[[]types.AdvancedFieldSelector](nil) }},
		{"selectors refused", checkTrailSelectors, Unknown, denied,
			func(l *Look[Trail]) { l.Value.Selectors = Look[[]types.AdvancedFieldSelector]{Why: denied} }},
	} {
		t.Run(tt.what, func(t *testing.T) {
			facts := healthyOf(set)
			facts.Regions[0].Audit = found(healthyTrail(set))
			tt.look(&facts.Regions[0].Audit)
			oneFinding(t, Check(facts), tt.check, tt.as, tt.want)
		})
	}
	// The trail stays where it is if its Region leaves the set.
	set.AuditTrail.StackRegion = "us-west-2"
	facts := healthyOf(set)
	trail := healthyTrail(set)
	trail.Logging.Value.On = false
	facts.Regions[0].Audit = found(trail)
	findings := Check(facts)
	oneFinding(t, findings, checkTrailLogging, Failed, "trail media-audit is stopped")
	if !strings.Contains(findings[0].Fix, "start-logging --region us-west-2 ") {
		t.Errorf("fix: %s", findings[0].Fix)
	}
	if findings := Check(healthyOf(testSet())); len(findings) != 0 {
		t.Errorf("without a trail: %+v", findings)
	}
}

// A trail that stayed when auditTrail was removed from cdk.json records and is paid for.
func TestTrailLeftOnIsFound(t *testing.T) {
	set := testSet()
	for _, tt := range []struct {
		what, check string // "" for no finding
		region      int
		look        Look[Trail]
	}{
		{"on", checkTrailSelectors, 0, found(Trail{Region: "us-west-2", Logging: found(TrailStatus{On: true})})},
		{"stopped", "", 0, found(Trail{Logging: found(TrailStatus{})})},
		{"none", "", 0, Look[Trail]{State: Absent}},
		{"refused", "", 0, Look[Trail]{Why: denied, Denied: "cloudtrail:GetTrailStatus"}},
		{"not its home", "", 1, found(Trail{Region: "us-west-2", Logging: found(TrailStatus{On: true})})},
	} {
		t.Run(tt.what, func(t *testing.T) {
			facts := healthyOf(set)
			facts.Regions[tt.region].Audit = tt.look
			findings := Check(facts)
			oneFinding(t, findings, tt.check, Warning, "trail media-audit in us-west-2 still records, and cdk.json has no auditTrail")
			if tt.check == "" {
				return
			}
			const fix = "aws cloudformation delete-stack --region us-west-2 --stack-name media-audit; "
			if f := findings[0]; !strings.HasPrefix(f.Fix, fix) || !strings.Contains(f.Means, "$0.10 for 100,000") {
				t.Errorf("means %q, fix %q", f.Means, f.Fix)
			}
		})
	}
}

// What is left of a trail is looked for if that is asked for, wherever it is: the
// configuration that said where is gone. Who may not list trails looks where it is by default.
func TestTrailLeftOnIsLookedFor(t *testing.T) {
	set := testSet()
	of := func(account, region, name string) types.TrailInfo {
		arn := "arn:aws:cloudtrail:" + region + ":" + account + ":trail/" + name
		return types.TrailInfo{HomeRegion: &region, Name: &name, TrailARN: &arn}
	}
	for _, tt := range []struct {
		what   string
		left   bool
		trails *homes
		asked  string
		state  State
		home   string
	}{
		{"not asked for", false, &homes{}, "", Unanswered, ""},
		{"none", true, &homes{}, "list us-east-1", Absent, ""},
		{"others", true, &homes{trails: []types.TrailInfo{
			of(account, "us-east-1", "media"), of("999999999999", "us-east-1", "media-audit"),
		}}, "list us-east-1", Absent, ""},
		{"in another Region", true, &homes{trails: []types.TrailInfo{of(account, "us-west-2", "media-audit")}, on: "us-west-2"},
			"list us-east-1, us-west-2", Found, "us-west-2"},
		{"one of two is on", true, &homes{on: "us-west-2", trails: []types.TrailInfo{
			of(account, "us-east-1", "media-audit"), of(account, "us-west-2", "media-audit"), of(account, "eu-west-1", "media-audit"),
		}}, "list us-east-1, us-east-1, us-west-2, eu-west-1", Found, "us-west-2"},
		{"list refused", true, &homes{refused: code("AccessDenied"), on: "us-east-1"}, "list us-east-1, us-east-1", Found, "us-east-1"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			clients := map[string]Clients{}
			for _, region := range set.Regions {
				c := refusing{err: code("AccessDenied")}.clients()
				c.Trails = tt.trails
				clients[region] = c
			}
			facts, err := Gather(t.Context(), Options{Set: set, Regions: set.Regions, Clients: clients, LeftTrail: tt.left})
			if err != nil {
				t.Fatal(err)
			}
			look := facts.Regions[0].Audit
			if got := strings.Join(tt.trails.asked, ", "); got != tt.asked || look.State != tt.state || look.Value.Region != tt.home {
				t.Errorf("asked %s, want %s; %+v", got, tt.asked, look)
			}
			if tt.home != "" && !look.Value.Logging.Value.On {
				t.Errorf("it is not on: %+v", look)
			}
		})
	}
}

// homes are the Regions that a client of CloudTrail is asked in.
type homes struct {
	asked   []string
	trails  []types.TrailInfo
	on      string // the home of the one that records
	refused error
}

func (h *homes) ListTrails(
	_ context.Context, _ *cloudtrail.ListTrailsInput, options ...func(*cloudtrail.Options),
) (*cloudtrail.ListTrailsOutput, error) {
	h.note(options)
	h.asked[len(h.asked)-1] = "list " + h.asked[len(h.asked)-1]
	return &cloudtrail.ListTrailsOutput{Trails: h.trails}, h.refused
}

func (h *homes) note(options []func(*cloudtrail.Options)) {
	o := cloudtrail.Options{Region: "eu-west-1"}
	for _, option := range options {
		option(&o)
	}
	h.asked = append(h.asked, o.Region)
}

func (h *homes) GetTrail(
	_ context.Context, _ *cloudtrail.GetTrailInput, options ...func(*cloudtrail.Options),
) (*cloudtrail.GetTrailOutput, error) {
	h.note(options)
	return &cloudtrail.GetTrailOutput{}, nil
}

func (h *homes) GetTrailStatus(
	_ context.Context, _ *cloudtrail.GetTrailStatusInput, options ...func(*cloudtrail.Options),
) (*cloudtrail.GetTrailStatusOutput, error) {
	h.note(options)
	on := h.asked[len(h.asked)-1] == h.on
	return &cloudtrail.GetTrailStatusOutput{IsLogging: &on}, nil
}

func (h *homes) GetEventSelectors(
	_ context.Context, _ *cloudtrail.GetEventSelectorsInput, options ...func(*cloudtrail.Options),
) (*cloudtrail.GetEventSelectorsOutput, error) {
	h.note(options)
	return &cloudtrail.GetEventSelectorsOutput{}, nil
}

// The trail is looked at where it is, also if that is no Region of the set.
func TestAuditTrailIsLookedAtInItsHome(t *testing.T) {
	set := auditSet()
	set.AuditTrail.StackRegion = "us-west-2"
	trails := &homes{}
	g := gatherer{facts: &Facts{Set: set, Account: account}, region: set.Regions[0], clients: Clients{Trails: trails}}
	g.auditTrail(t.Context())
	if want := []string{"us-west-2", "us-west-2", "us-west-2"}; !slices.Equal(trails.asked, want) {
		t.Errorf("asked in %v, want %v", trails.asked, want)
	}
}

// The policy of a made bucket is asked what it denies, and to whom.
func TestOnlyByAccessPointIsChecked(t *testing.T) {
	set := pointSet()
	set.Access, set.DirectAccessARNs = replicaset.AccessPointOnly, []string{"arn:aws:iam::{account}:role/etl"}
	arns := `["` + strings.Join(set.DirectAccess(account), `","`) + `"]`
	policy := func(region, action, points, arns string) string {
		return `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyByAccessPoint","Effect":"Deny","Principal":"*","Action":` + action +
			`,"Resource":"` +
			set.Member(account, region).BucketARN() + `/*","Condition":{"ArnNotLike":{"s3:DataAccessPointArn":"` + points +
			`","aws:PrincipalArn":` + arns + `}}}]}`
	}
	const all, points = `"s3:*"`, "arn:aws:s3::111122223333:accesspoint/*"
	for _, tt := range []struct {
		what, check string
		as          Severity
		want        string
		look        func(region string) Look[string]
	}{
		{"as it is to be", "", "", "", func(region string) Look[string] { return found(policy(region, all, points, arns)) }},
		{"no policy", checkOnlyPoint, Failed, "has no policy", func(string) Look[string] { return Look[string]{State: Absent} }},
		{"no statement", checkOnlyPoint, Failed, "s3:GetObject by the bucket's name is not denied; s3:PutObject",
			func(string) Look[string] {
				return found(`{"Version":"2012-10-17","Statement":[]}`)
			}},
		{"writes alone", checkOnlyPoint, Failed, "s3:GetObject by the bucket's name is not denied", func(region string) Look[string] {
			return found(policy(region, `["s3:PutObject","s3:DeleteObject"]`, points, arns))
		}},
		{"another account's access points", checkOnlyPoint, Failed, "s3:GetObject through the access point is denied",
			func(region string) Look[string] {
				return found(policy(region, all, "arn:aws:s3::444455556666:accesspoint/*", arns))
			}},
		{"a role left out", checkOnlyPoint, Failed, "s3:GetObject is denied to arn:aws:iam::111122223333:role/etl",
			func(region string) Look[string] {
				return found(policy(region, all, points, strings.Replace(arns, `"arn:aws:iam::111122223333:role/etl",`, "", 1)))
			}},
		{"refused", checkOnlyPoint, Unknown, denied, func(string) Look[string] { return Look[string]{Why: denied} }},
		{"no JSON", checkOnlyPoint, Unknown, "its policy cannot be read", func(string) Look[string] { return found("{") }},
	} {
		t.Run(tt.what, func(t *testing.T) {
			facts := healthyOf(set)
			var whole []string
			for _, m := range set.Members(account) {
				whole = append(whole, m.Bucket)
			}
			slices.Sort(whole)
			facts.Regions[0].AccessPoints = found([]AccessPoint{{Name: "n", Alias: "a.mrap", Status: "READY", Buckets: whole}})
			for i := range facts.Regions {
				facts.Regions[i].Bucket.Value.Policy = found(policy(facts.Regions[i].Name, all, points, arns))
			}
			facts.Regions[1].Bucket.Value.Policy = tt.look(facts.Regions[1].Name)
			oneFinding(t, Check(facts), tt.check, tt.as, tt.want)
		})
	}
}
