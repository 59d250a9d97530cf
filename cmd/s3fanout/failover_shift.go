package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/failover"
	"s3fanout/internal/ui"
)

// shiftFlags say where the traffic is to go.
type shiftFlags struct {
	point    string
	to, away []string
	dryRun   bool
	yes      bool
}

func (f *shiftFlags) add(cmd *cobra.Command) {
	pointFlag(cmd, &f.point)
	namesVar(cmd.Flags(), &f.to, "to", "these Regions are active, all others passive")
	namesVar(cmd.Flags(), &f.away, "away-from", "these Regions are passive, the others stay as they are")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be changed, change nothing")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "change it without asking")
}

// check demands one of the two directions.
func (f *shiftFlags) check() error {
	if (f.to == nil) == (f.away == nil) {
		return usageError{errors.New("say where the traffic goes: either --to REGION or --away-from REGION")}
	}
	return nil
}

// routes computes those that are asked for.
func (f *shiftFlags) routes(before []failover.Route) ([]failover.Route, error) {
	compute, regions := failover.To, f.to
	if f.away != nil {
		compute, regions = failover.AwayFrom, f.away
	}
	after, err := compute(before, regions)
	if err != nil {
		return nil, usageError{err}
	}
	return after, nil
}

// onePoint is failoverPoints where there has to be one.
func (a *app) onePoint(ctx context.Context, named string) (atPoint, failover.Point, error) {
	at, err := a.failoverPoints(ctx, named)
	if err != nil {
		return at, failover.Point{}, err
	}
	if len(at.points) == 1 {
		return at, at.points[0], nil
	}
	_, err = failover.Choose(at.points, "")
	return at, failover.Point{}, usageError{err}
}

func newFailoverShiftCommand(a *app) *cobra.Command {
	var f shiftFlags
	accept := false
	cmd := &cobra.Command{
		Use:   "shift",
		Short: "Make Regions of the access point active or passive",
		Long: `Change the routes of an access point, and wait until S3 shows the change.
Refused if figures, some minutes old, say that readers would miss objects.
Events that were lost are not in them.`,
		Example: `  s3fanout failover shift --away-from eu-west-1 --dry-run
  s3fanout failover shift --away-from eu-west-1
  s3fanout failover shift --to us-east-1,eu-west-1 --yes`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.failoverShift(cmd.Context(), f, accept)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&accept, "accept-missing", false, "shift even if readers may miss something")
	return cmd
}

func (a *app) failoverShift(ctx context.Context, f shiftFlags, accept bool) error {
	at, point, err := a.onePoint(ctx, f.point)
	if err != nil {
		return err
	}
	control, before, err := at.routes(ctx, point, f.away)
	if err != nil {
		return err
	}
	after, err := f.routes(before)
	if err != nil {
		return err
	}
	d := document.FailoverShift{
		ReplicaSet: at.set.Name, DryRun: f.dryRun, AccessPoint: document.NewFailoverPoint(point, control.Region(), before),
		After: document.NewFailoverRoutes(after), Risks: []document.FailoverRisk{}, Submitted: new(bool),
	}
	changes := failover.Changes(before, after)
	var figures []failover.Figures
	if len(changes) > 0 {
		stop := a.newProgress().working("asking the Regions what readers would miss")
		figures, err = failover.NewLooker(at.config, at.set, at.account).Look(ctx, time.Now())
		stop()
		if err != nil {
			return classified{errors.New("interrupted; nothing was changed"), errInterrupted}
		}
	}
	risks := failover.Risks(before, after, figures)
	d.Risks = document.NewFailoverRisks(risks)
	refused := refusal(risks, accept)
	if refused == nil && len(changes) > 0 && !f.dryRun {
		refused = a.shiftNow(ctx, f, control, before, after, &d)
	}
	return withWrite(refused, a.writeFailoverShift(d, f.point))
}

// withWrite adds to how a command ended that its result could not be written, which must
// not hide where the traffic goes.
func withWrite(ended, write error) error {
	if write != nil {
		write = fmt.Errorf("write the result: %w", write)
	}
	switch {
	case ended == nil:
		return write
	case write == nil:
		return ended
	}
	return fmt.Errorf("%w; %s", ended, write.Error()) // the first alone decides the exit code
}

// refusal is the error of a shift by which readers would miss something, as the result
// says.
func refusal(risks []failover.Risk, accept bool) error {
	if len(risks) == 0 || accept {
		return nil
	}
	return classified{fmt.Errorf("not shifted, as readers would miss something, for %s above; to shift all the same: --accept-missing",
		countOf(len(risks), "reason", "reasons")), errLeftOver}
}

// shiftNow changes the routes once somebody has agreed.
func (a *app) shiftNow(
	ctx context.Context, f shiftFlags, control *failover.Control, before, after []failover.Route,
	d *document.FailoverShift,
) error {
	changes := failover.Changes(before, after)
	if err := a.agree(ctx, f.yes, "Shift the traffic of access point "+d.AccessPoint.Name+": "+describeChanges(changes)+"?"); err != nil {
		return err
	}
	if err := stillSo(ctx, control, before); err != nil {
		return err
	}
	p := a.newProgress()
	defer p.done()
	p.status("asking S3 to change the routes")
	if err := control.Change(ctx, before, after, changes, failover.EffectTime); err != nil {
		if !errors.Is(err, failover.ErrUnsure) {
			return fmt.Errorf("nothing was changed: %w", err)
		}
		d.Submitted = nil
		return unsureShift(ctx, err, shiftBack(d.AccessPoint.Routes, f.point))
	}
	*d.Submitted = true
	stop := p.countdown(failover.EffectTime, func() string { return "waiting until S3 shows the change" })
	took, err := control.Await(ctx, after)
	stop()
	switch {
	case errors.Is(err, failover.ErrNotEffective):
		return classified{fmt.Errorf("%w; S3 has taken it: look with s3fanout failover status", err), errLeftOver}
	case err != nil:
		return unsureShift(ctx, err, shiftBack(d.AccessPoint.Routes, f.point))
	}
	seconds := took.Seconds()
	d.Effective, d.TookSeconds = true, &seconds
	return nil
}

// stillSo refuses to change routes that are not as they were when the question about
// them was made.
func stillSo(ctx context.Context, control *failover.Control, routes []failover.Route) error {
	err := control.Still(ctx, routes)
	switch {
	case ctx.Err() != nil:
		return classified{errors.New("interrupted; nothing was changed"), errInterrupted}
	case errors.Is(err, failover.ErrChanged):
		return classified{fmt.Errorf("nothing was changed: %w; run it again", err), errLeftOver}
	case err != nil:
		return fmt.Errorf("nothing was changed: %w", err)
	}
	return nil
}

// unsureShift is the error of a change that S3 may have taken.
func unsureShift(ctx context.Context, err error, back string) error {
	what := "S3 may have taken the change: look with s3fanout failover status; to shift back: " + back
	if ctx.Err() == nil {
		return fmt.Errorf("%w; %s", err, what)
	}
	return classified{errors.New("interrupted; " + what), errInterrupted}
}

// agree asks, unless that is not wanted. Where nobody can be asked, nobody agrees.
func (a *app) agree(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !a.asks() {
		return classified{errors.New("nothing was changed: there is no terminal to ask on; give --yes"), errLeftOver}
	}
	agreed, err := a.confirm(ctx, question)
	switch {
	case ctx.Err() != nil:
		return classified{errors.New("interrupted; nothing was changed"), errInterrupted}
	case err != nil:
		return err
	case !agreed:
		return classified{errors.New("nothing was changed"), errLeftOver}
	}
	return nil
}

// describeChanges says what becomes of the Regions, in a line.
func describeChanges(changes []failover.Route) string {
	var list []string
	for _, r := range changes {
		list = append(list, r.Region+" becomes "+failover.Word(r.Active))
	}
	return strings.Join(list, ", ")
}

func (a *app) writeFailoverShift(d document.FailoverShift, named string) error {
	if a.output == outputJSON {
		return writeJSONDocument(a.stdout, d)
	}
	return writeShiftText(a.hinting(a.stdout), d, named, a.terminalWidth(a.stdout), a.colours(a.stdout))
}

// writeShiftText writes a line for each Region, why readers would miss something, and
// what came of it.
func writeShiftText(w io.Writer, d document.FailoverShift, named string, width int, colours bool) error {
	lines := []string{"Access point " + d.AccessPoint.Name + ", " + d.AccessPoint.ARN}
	changed := false
	for i, r := range d.After {
		line := r.Region + ": " + failover.Word(r.Active)
		if was := d.AccessPoint.Routes[i].Active; was != r.Active {
			line, changed = r.Region+": "+failover.Word(was)+" -> "+failover.Word(r.Active), true
		}
		lines = append(lines, line)
	}
	if err := writeLines(w, lines, width); err != nil {
		return err
	}
	for _, r := range d.Risks {
		what := r.What
		if r.Region != "" {
			what = r.Region + ": " + what
		}
		if _, err := fmt.Fprintln(w, levelLine(ui.Failed, "readers would miss something", what, width, colours)); err != nil {
			return err
		}
	}
	return writeLines(w, shiftEnd(d, changed, named), width)
}

// shiftEnd says what came of a shift, in no line if nobody knows.
func shiftEnd(d document.FailoverShift, changed bool, named string) []string {
	switch {
	case !changed:
		return []string{"nothing to change"}
	case d.Effective:
		return []string{fmt.Sprintf("S3 shows the change after %s; traffic follows within two minutes; to shift back: %s",
			lag(*d.TookSeconds*1000), shiftBack(d.AccessPoint.Routes, named))}
	case d.DryRun:
		return []string{"dry run: nothing was changed"}
	case d.Submitted != nil && !*d.Submitted:
		return []string{"nothing was changed"}
	}
	return nil
}

// shiftBack is the command that makes routes as they were, of the access point that
// was named.
func shiftBack(routes []document.FailoverRoute, named string) string {
	var regions []string
	for _, r := range routes {
		if r.Active {
			regions = append(regions, r.Region)
		}
	}
	command := "s3fanout failover shift --to " + strings.Join(regions, ",")
	if named != "" {
		command += " --access-point " + named
	}
	return command
}
