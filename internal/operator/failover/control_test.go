package failover

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// routing is S3's routing of an access point, which every control Region answers about
// unless it is in refuse. A change takes its time.
type routing struct {
	routes  []Route
	changes []Route // that are not effective yet
	at      time.Time
	slow    time.Duration
	refuse  map[string]error
	submit  map[string]error // what a Region answers to a change; lost is an answer that does not arrive
	asked   []string
	submits int
}

func (r *routing) control(avoid ...string) *Control {
	clients := map[string]RoutesClient{}
	for _, region := range ControlRegions() {
		clients[region] = controlRegion{r, region}
	}
	return newControl(clients, "1", "arn", nil, avoid)
}

// controlRegion is what one control Region answers.
type controlRegion struct {
	*routing
	region string
}

func (p controlRegion) answer() error {
	p.asked = append(p.asked, p.region)
	if p.changes != nil && time.Since(p.at) >= p.slow {
		for _, c := range p.changes {
			for i := range p.routes {
				if p.routes[i].Region == c.Region {
					p.routes[i].Active = c.Active
				}
			}
		}
		p.changes = nil
	}
	return p.refuse[p.region]
}

func (p controlRegion) GetMultiRegionAccessPointRoutes(context.Context, *s3control.GetMultiRegionAccessPointRoutesInput,
	...func(*s3control.Options)) (*s3control.GetMultiRegionAccessPointRoutesOutput, error) {
	if err := p.answer(); err != nil {
		return nil, err
	}
	out := &s3control.GetMultiRegionAccessPointRoutesOutput{}
	for _, r := range slices.Backward(p.routes) { // S3 promises no order
		dial := int32(0)
		if r.Active {
			dial = 100
		}
		out.Routes = append(out.Routes, types.MultiRegionAccessPointRoute{
			Region: aws.String(r.Region), Bucket: aws.String(r.Bucket), TrafficDialPercentage: &dial,
		})
	}
	return out, nil
}

func (p controlRegion) SubmitMultiRegionAccessPointRoutes(_ context.Context, in *s3control.SubmitMultiRegionAccessPointRoutesInput,
	_ ...func(*s3control.Options)) (*s3control.SubmitMultiRegionAccessPointRoutesOutput, error) {
	if err := p.answer(); err != nil {
		return nil, err
	}
	if err := p.submit[p.region]; err != nil && !errors.Is(err, errLost) {
		return nil, err
	}
	if p.changes != nil {
		return nil, refusal(409, "Conflict")
	}
	p.submits++
	p.at = time.Now()
	for _, u := range in.RouteUpdates {
		p.changes = append(p.changes, Route{Region: *u.Region, Bucket: *u.Bucket, Active: *u.TrafficDialPercentage == 100})
	}
	return &s3control.SubmitMultiRegionAccessPointRoutesOutput{}, p.submit[p.region]
}

// errLost is an answer that does not arrive, to a change that S3 has taken.
var errLost = errors.New("lost")

// submitting is what the control Regions answer to a change: the first so, the others
// that it is denied.
func submitting(first error) map[string]error {
	answers := map[string]error{}
	for _, region := range ControlRegions() {
		answers[region] = refusal(403, "AccessDenied")
	}
	answers[ControlRegions()[0]] = first
	return answers
}

func refusal(status int, code string) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "no"},
	}
}

// Regions come in the order of cdk.json everywhere, and those that it does not have
// behind them.
func TestRoutesAreInTheOrderOfTheSet(t *testing.T) {
	c := (&routing{routes: routesOf("110")}).control()
	for want, order := range map[string][]string{
		"us-east-1 eu-west-1 ap-northeast-1": {"us-east-1", "eu-west-1", "ap-northeast-1"},
		"us-east-1 ap-northeast-1 eu-west-1": {"us-east-1"},
	} {
		c.order = order
		routes, err := c.Routes(t.Context())
		if got := strings.Join(regionsOf(routes), " "); err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

// A control Region that is away, or that the organisation denies, is passed over, and
// the one that answered is asked first from then on. What every Region would say is
// believed at once.
func TestNextControlRegion(t *testing.T) {
	r := &routing{routes: routesOf("111"), refuse: map[string]error{
		"us-west-2": refusal(503, "ServiceUnavailable"), "us-east-1": refusal(403, "AccessDenied"), "eu-west-1": context.DeadlineExceeded,
	}}
	c := r.control()
	for range 2 {
		if routes, err := c.Routes(t.Context()); err != nil || !slices.Equal(routes, routesOf("111")) {
			t.Fatalf("%v, %v", routes, err)
		}
	}
	want := []string{"us-west-2", "us-east-1", "eu-west-1", "ap-northeast-1", "ap-northeast-1"}
	if !slices.Equal(r.asked, want) || c.Region() != "ap-northeast-1" || !slices.Equal(c.Silent(), want[:3]) {
		t.Errorf("asked %v, then first %s, silent %v", r.asked, c.Region(), c.Silent())
	}

	r = &routing{routes: routesOf("111")}
	if _, err := r.control("us-west-2", "eu-west-1").Routes(t.Context()); err != nil || !slices.Equal(r.asked, []string{"us-east-1"}) {
		t.Errorf("to avoid us-west-2: asked %v, %v", r.asked, err)
	}

	r.asked, r.refuse = nil, map[string]error{"us-west-2": refusal(404, "NoSuchMultiRegionAccessPoint")}
	if _, err := r.control().Routes(t.Context()); err == nil || len(r.asked) != 1 {
		t.Errorf("an access point that is not there: asked %v, %v", r.asked, err)
	}

	r.asked, r.refuse = nil, map[string]error{}
	for _, region := range ControlRegions() {
		r.refuse[region] = refusal(503, "ServiceUnavailable")
	}
	err := r.control().Submit(t.Context(), routesOf("011"))
	if err == nil || len(r.asked) != 5 ||
		!strings.HasPrefix(err.Error(), "regions us-west-2, us-east-1, eu-west-1, ap-northeast-1, ap-southeast-2: ") {
		t.Errorf("all away: asked %v, %v", r.asked, err)
	}
}

// A change is waited for, up to two minutes.
func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &routing{routes: routesOf("111"), slow: 69 * time.Second}
		c, want := r.control(), routesOf("101")
		if err := c.Submit(t.Context(), Changes(r.routes, want)); err != nil {
			t.Fatal(err)
		}
		if took, err := c.Await(t.Context(), want); err != nil || took != 70*time.Second {
			t.Errorf("took %v, %v", took, err)
		}
		r.slow = time.Hour
		if err := c.Submit(t.Context(), Changes(want, routesOf("010"))); err != nil {
			t.Fatal(err)
		}
		took, err := c.Await(t.Context(), routesOf("010"))
		if took != EffectTime || !errors.Is(err, ErrNotEffective) ||
			err.Error() != "the change is not effective after 2m0s: ap-northeast-1 is not passive yet, eu-west-1 is not active yet, "+
				"us-east-1 is not passive yet" {
			t.Errorf("took %v, %v", took, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if took, err := c.Await(ctx, routesOf("010")); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("interrupted: took %v, %v", took, err)
		}
	})
}

// What another change keeps S3 from taking is submitted until it does; what it refuses
// is not. Whether it may have taken a change is said.
func TestChange(t *testing.T) {
	for name, c := range map[string]struct {
		pending time.Duration // how long another change takes
		submit  map[string]error
		took    time.Duration
		unsure  bool
		refused bool
	}{
		"at once":                         {},
		"another is under way":            {pending: 69 * time.Second, took: 70 * time.Second},
		"another never ends":              {pending: time.Hour, took: EffectTime, unsure: true},
		"denied":                          {submit: submitting(refusal(403, "AccessDenied")), refused: true},
		"invalid":                         {submit: submitting(refusal(400, "InvalidRequest")), refused: true},
		"the answer is lost":              {submit: submitting(errLost), took: 10 * time.Second},
		"one does not answer, others may": {submit: submitting(refusal(503, "ServiceUnavailable")), took: EffectTime, unsure: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &routing{routes: routesOf("111"), slow: 9 * time.Second, submit: c.submit}
				if c.pending != 0 {
					r.changes, r.at, r.slow = routesOf("111"), time.Now(), c.pending
				}
				began, want := time.Now(), routesOf("101")
				err := r.control().Change(t.Context(), routesOf("111"), want, Changes(routesOf("111"), want), EffectTime)
				took := time.Since(began)
				if took != c.took || (err != nil) != (c.unsure || c.refused) || errors.Is(err, ErrUnsure) != c.unsure {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

// Routes that somebody else has changed since are told from those that are as they were.
func TestStill(t *testing.T) {
	r := &routing{routes: routesOf("110")}
	if err := r.control().Still(t.Context(), routesOf("110")); err != nil {
		t.Error(err)
	}
	if err := r.control().Still(t.Context(), routesOf("111")); !errors.Is(err, ErrChanged) {
		t.Errorf("changed meanwhile: %v", err)
	}
}
