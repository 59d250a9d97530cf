package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Phase is when a drill looks.
type Phase string

// The phases of a drill. Their values are stable.
const (
	Before Phase = "before"
	During Phase = "during"
	After  Phase = "after" // the routes are as they were
)

// Moment is what a drill saw at one look.
type Moment struct {
	Time    time.Time
	Phase   Phase
	Reads   Reads
	Figures []Figures
}

// Outcome is how a drill ended. Its values are stable.
type Outcome string

// The outcomes.
const (
	Passed      Outcome = "passed"
	Failed      Outcome = "failed" // with problems
	Interrupted Outcome = "interrupted"
)

// Result is what is known at a drill's end.
type Result struct {
	Outcome      Outcome
	Began, Ended time.Time
	// Restored says that S3 shows the routes that there were before, or that nothing was
	// changed. Unsure says that nobody knows, as a change may be under way.
	Restored, Unsure bool
	// Away and Back are how long it took until S3 showed each change; zero if it did not.
	Away, Back time.Duration
	Moments    []Moment
	Problems   []string
}

// Drill shifts traffic, watches for a time and shifts it back, to the routes that there
// were before. It shifts back too if it is interrupted, or if readers notice something.
// Where readers would then miss something, or somebody else has changed the routes
// meanwhile, it leaves them as they are and says so.
type Drill struct {
	Control *Control
	Look    func(context.Context, time.Time) ([]Figures, error)
	Read    func(context.Context) Reads
	// Routes are those before the drill, and Shifted those during it.
	Routes, Shifted []Route
	// For is how long it watches once the change is effective, Every how often. Settle is
	// how long that takes from when S3 has taken the change, even if S3 shows it earlier:
	// what it shows is its configuration, and traffic follows within EffectTime.
	For, Every, Settle time.Duration
	// Report, if not nil, is called with what happens now, and when that ends, zero if
	// nobody knows.
	Report func(now string, until time.Time)
}

const (
	// backTime bounds shifting back, also where Regions do not answer.
	backTime = arriveTime + 2*EffectTime + 3*time.Minute
	// arriveTime is for how long a drill waits, before it shifts back, for what readers
	// would miss.
	arriveTime = 2 * time.Minute
)

// Check looks before anything is changed, and says why the drill should not begin. The
// Regions that it shifts away from count as well, as it shifts back to them. The error
// is ctx's.
func (d Drill) Check(ctx context.Context) (Moment, []Risk, error) {
	first, err := d.moment(ctx, Before)
	if err != nil {
		return first, nil, err
	}
	gaining := Gaining(d.Routes, d.Shifted)
	for _, region := range Gaining(d.Shifted, d.Routes) { // readers come back to it
		if !slices.Contains(gaining, region) {
			gaining = append(gaining, region)
		}
	}
	risks := risksOf(gaining, first.Figures)
	if first.Reads.Bad() {
		risks = append(risks, Risk{"", "reads through the access point fail before anything is changed: " + first.Reads.trouble()})
	}
	return first, risks, nil
}

// Run is the drill after its Check, which saw first.
func (d Drill) Run(ctx context.Context, first Moment) Result {
	r := Result{Began: first.Time, Moments: []Moment{first}}
	if ctx.Err() != nil {
		r.Outcome, r.Restored, r.Ended = Interrupted, true, time.Now()
		return r
	}
	d.report("asking S3 to change the routes", time.Time{})
	err := d.Control.Change(ctx, d.Routes, d.Shifted, Changes(d.Routes, d.Shifted), EffectTime)
	if err != nil && !errors.Is(err, ErrUnsure) {
		r.problem("nothing was changed: %v", err)
		r.Outcome, r.Restored, r.Ended = Failed, true, time.Now()
		return r
	}
	taken := time.Now()
	if err == nil {
		d.report("waiting until S3 shows the change", taken.Add(EffectTime))
		r.Away, err = d.Control.Await(ctx, d.Shifted)
	}
	interrupted := ctx.Err() != nil
	switch {
	case err == nil:
		d.watch(ctx, &r, later(time.Now(), taken.Add(d.Settle)))
		interrupted = ctx.Err() != nil
	case !interrupted:
		r.problem("not shifted: %v", err)
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), backTime)
	defer cancel()
	d.report("shifting back", time.Time{})
	d.restore(back, &r, interrupted)
	if last, err := d.moment(back, After); err == nil && r.Restored {
		r.Moments = append(r.Moments, last)
		if last.Reads.Bad() {
			r.problem("after shifting back: %s", last.Reads.trouble())
		}
	}
	r.compareLetters()
	switch r.Ended = time.Now(); {
	case interrupted:
		r.Outcome = Interrupted
	case len(r.Problems) > 0:
		r.Outcome = Failed
	default:
		r.Outcome = Passed
	}
	return r
}

// watch looks until the time is over, which begins at a time to come, ctx ends, or
// readers have noticed something in two looks in a row.
func (d Drill) watch(ctx context.Context, r *Result, began time.Time) {
	for bad := 0; ; {
		m, err := d.moment(ctx, During)
		if err != nil {
			return
		}
		r.Moments = append(r.Moments, m)
		if bad++; !m.Reads.Bad() {
			bad = 0
		}
		passed := time.Since(began)
		phase := "traffic is shifted"
		if passed < 0 {
			phase = "waiting for traffic to follow"
		}
		d.report(fmt.Sprintf("%s: %d reads, %d failed, %d missing",
			phase, m.Reads.Tried, m.Reads.Failed, len(m.Reads.Missing)), began.Add(d.For))
		if m.Reads.Bad() {
			r.problem("%s: %s", m.Time.UTC().Format(time.TimeOnly), m.Reads.trouble())
		}
		if bad == 2 || passed >= d.For {
			return
		}
		if !sleep(ctx, min(d.Every, d.For-passed)) {
			return
		}
	}
}

// restore shifts back.
func (d Drill) restore(ctx context.Context, r *Result, interrupted bool) {
	routes, err := d.Control.Routes(ctx)
	// If S3 shows the routes as they were, the shift may be under way all the same: it must
	// not become effective later.
	r.Unsure = err != nil || slices.Equal(routes, d.Routes)
	switch {
	case err != nil:
		r.problem("not shifted back: %v", err)
		return
	case !r.Unsure && !slices.Equal(routes, d.Shifted):
		r.problem("not shifted back: somebody else has changed the routes meanwhile")
		return
	}
	if risks := d.awaitArrival(ctx, interrupted); len(risks) > 0 {
		r.problem("not shifted back: %s", Sentence(risks))
		return
	}
	if err := d.Control.Change(ctx, routes, d.Routes, Changes(d.Shifted, d.Routes), EffectTime); err != nil {
		r.Unsure = r.Unsure || errors.Is(err, ErrUnsure)
		r.problem("not shifted back: %v", err)
		return
	}
	if r.Back, err = d.Control.Await(ctx, d.Routes); err != nil {
		r.Unsure = true
		r.problem("not shifted back yet: %v", err)
		return
	}
	r.Restored, r.Unsure = true, false
}

// awaitArrival waits until readers would miss nothing where the traffic is shifted back
// to, and returns what they still would. Who interrupts a drill does not wait.
func (d Drill) awaitArrival(ctx context.Context, interrupted bool) []Risk {
	for began := time.Now(); ; {
		figures, err := d.Look(ctx, time.Now())
		if err != nil {
			return []Risk{{"", "nothing is known of the Regions: " + err.Error()}}
		}
		risks := Risks(d.Shifted, d.Routes, figures)
		if len(risks) == 0 || interrupted || time.Since(began) >= arriveTime || !sleep(ctx, min(d.Every, arriveTime)) {
			return risks
		}
	}
}

// moment looks and reads at once.
func (d Drill) moment(ctx context.Context, phase Phase) (Moment, error) {
	m := Moment{Time: time.Now(), Phase: phase}
	done := make(chan Reads, 1)
	go func() { done <- d.Read(ctx) }()
	figures, err := d.Look(ctx, m.Time)
	m.Figures, m.Reads = figures, <-done
	return m, errors.Join(err, ctx.Err())
}

func (d Drill) report(now string, until time.Time) {
	if d.Report != nil {
		d.Report(now, until)
	}
}

// later is the later one of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sleep waits, unless ctx ends.
func sleep(ctx context.Context, wait time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

func (r *Result) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// compareLetters says where there are more dead letters at the end than at first.
func (r *Result) compareLetters() {
	first, last := r.Moments[0].Figures, r.Moments[len(r.Moments)-1].Figures
	for i, f := range last {
		if a, b := first[i].DeadLetters, f.DeadLetters; a != nil && b != nil && *b > *a {
			r.problem("%s has %d dead letters more than before", f.Region, *b-*a)
		}
	}
}

// trouble says what a reader would have noticed.
func (r Reads) trouble() string {
	var list []string
	if r.Failed > 0 {
		list = append(list, fmt.Sprintf("%d of %d reads failed: %s", r.Failed, r.Tried, r.Why))
	}
	if len(r.Missing) > 0 {
		list = append(list, fmt.Sprintf("missing: %q", r.Missing))
	}
	return strings.Join(list, "; ")
}

// Sentence puts risks into one line.
func Sentence(risks []Risk) string {
	var list []string
	for _, r := range risks {
		list = append(list, r.String())
	}
	return strings.Join(list, "; ")
}

// String implements fmt.Stringer.
func (r Risk) String() string {
	if r.Region == "" {
		return r.What
	}
	return r.Region + ": " + r.What
}
