package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/verify"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	prefix  string
	regions []string
	grace   time.Duration
	keys    bool
	tags    bool
	empty   bool
}

func newVerifyCommand(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare the buckets of all Regions",
		Long: `Compare the buckets of all Regions, and list every key that is missing or
different in one of them. Objects are compared by size, ETag and checksum. New
objects get --grace to arrive. It changes nothing and reads no object.`,
		Example: `  s3fanout verify
  s3fanout verify --prefix films/ --region us-east-1 --region eu-west-1
  s3fanout verify --grace 0s --output json
  s3fanout verify --tags --prefix films/
  s3fanout verify --keys > keys.txt`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verify(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&f.prefix, "prefix", "", "only keys with this `prefix`")
	namesVar(cmd.Flags(), &f.regions, "region", "only these `region`s, at least two; can be repeated")
	cmd.Flags().DurationVar(&f.grace, "grace", verify.DefaultGrace, "`time` that a new object has to arrive")
	cmd.Flags().BoolVar(&f.keys, "keys", false, "write only the keys, one per line")
	cmd.Flags().BoolVar(&f.tags, "tags", false, "also compare tags: a request per key and Region")
	cmd.Flags().BoolVar(&f.empty, "allow-empty", false, "succeed if there is no key to compare")
	return cmd
}

func (a *app) verify(ctx context.Context, f verifyFlags) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	regions, err := chosenRegions(set, f.regions)
	if err != nil {
		return err
	}
	if err := a.checkVerify(f, regions); err != nil {
		return err
	}
	config, account, err := signIn(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	o := verifyOptions(set, config, account, regions, f)
	defer debug.SetGCPercent(debug.SetGCPercent(verify.GCPercent))
	p := a.newProgress()
	total, stop := p.askKeyTotal(ctx, config, membersOf(set, account, regions), f.prefix == "")
	defer stop()
	watch := verifyProgress{p: p, grace: f.grace, now: time.Now, began: time.Now(), listing: listingBar{total: &total.most}}
	out := a.newVerifyOutput(p, set.Name, regions, f)
	defer out.close()
	summary, err := verify.Run(ctx, o, out.found.Add, watch.update)
	watch.done()
	interrupted := ctx.Err() != nil
	if err == nil || interrupted || summary.Keys > 0 {
		if failed := out.write(summary); failed != nil && (err == nil || interrupted) {
			err, interrupted = failed, false
		}
	}
	switch {
	case interrupted:
		return classified{errors.New("interrupted; the summary is of what was compared, run it again for all"), errInterrupted}
	case err != nil:
		return err
	}
	return verifyError(summary, f, set.FollowAny().Any(), out.few)
}

// checkVerify refuses values of flags that make no sense.
func (a *app) checkVerify(f verifyFlags, regions []string) error {
	switch {
	case len(regions) < 2:
		return usageError{fmt.Errorf("--region %s alone has nothing to be compared with; name at least two, or none for all", regions[0])}
	case f.grace < 0:
		return usageError{fmt.Errorf("--grace %v is negative; use 0s to wait for nothing", f.grace)}
	case f.keys && a.output == outputJSON:
		return usageError{errors.New("use either --keys or --output json; the JSON lines have the keys")}
	}
	return checkPrefix(f.prefix)
}

// verifyError says that there are differences, and what to do about them.
func verifyError(s verify.Summary, f verifyFlags, follows bool, few fewKeys) error {
	n := s.Unequal()
	switch {
	case n == 0 && s.Keys == 0 && !f.empty && f.prefix != "":
		return classified{
			fmt.Errorf(
				"nothing was compared: no Region has a key with the prefix %s; correct --prefix, or give --allow-empty if that is right",
				printable.Quote(f.prefix),
			),
			errLeftOver,
		}
	case n == 0 && s.Keys == 0 && !f.empty:
		return classified{
			errors.New("nothing was compared: no Region has a key that is to be replicated; give --allow-empty if that is right"),
			errLeftOver,
		}
	case n == 0:
		return nil
	}
	text := keyCount(n) + " not the same everywhere"
	type advice struct {
		n    int64
		text string
	}
	advices := []advice{
		{s.Missing - s.Deleted, "see why keys are missing: s3fanout doctor; copy them: s3fanout backfill" + few.flags(verify.Missing)},
		{s.Deleted, "deleted keys stay deleted; to restore them: s3fanout backfill --restore-deleted"},
		{s.Different, "nothing was overwritten; see which object is right: s3fanout explain KEY"},
		{s.Copying, "what is being copied needs time: compare again later"},
		{s.Unsettled, "what keeps changing cannot be compared; see why: s3fanout explain KEY"},
	}
	if follows {
		advices = append([]advice{
			{
				s.Missing + s.Different - few.stuck - few.left,
				"see why changes are missing: s3fanout doctor; copy them: s3fanout backfill" + few.flags(verify.Missing, verify.Different),
			},
			{few.left, "deleted keys stay deleted; s3fanout explain KEY says how to restore them"},
			{s.Missing + s.Different - few.left, "see which write won and why: s3fanout explain KEY"},
			{s.Undeleted, "to delete what was deleted in another Region: s3fanout backfill --hide-deleted"},
		}, advices[3:]...)
	}
	for _, advice := range advices {
		if advice.n > 0 {
			text += "; " + advice.text
		}
	}
	return classified{errors.New(text), errLeftOver}
}

// followed says of a key which later changes travel, nil if none of any do.
func followed(set replicaset.Config) func(key string) (overwrites, deletions bool) {
	if !set.FollowAny().Any() {
		return nil
	}
	rules := set.FollowRules()
	return func(key string) (bool, bool) {
		f := rules.For(key)
		return f.Overwrites, f.Deletions
	}
}

// verifyProgress turns what the run tells, also several times at once, into a
// status.
type verifyProgress struct {
	p     *progress
	grace time.Duration
	now   func() time.Time
	began time.Time
	state atomic.Value // of string, while it waits

	mu      sync.Mutex
	last    time.Time
	listing listingBar
	waiting bool
	stop    func() // ends the countdown, nil as long as there is none
}

func (w *verifyProgress) update(run verify.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := keyCount(run.Keys)
	took := w.now().Sub(w.began)
	if run.Complete {
		text += ", all listed"
	} else {
		text += fmt.Sprintf(", %.0f keys/s", float64(run.Keys)/max(took.Seconds(), 1e-3))
	}
	if run.Waiting > 0 {
		text += ", waiting for " + countOf(run.Waiting, "new one", "new ones")
	}
	w.state.Store(text)
	switch {
	case run.Complete && run.Waiting > 0 && !w.waiting:
		w.waiting = true
		w.p.note("all keys are listed; waiting about %v at most for new ones", w.grace)
		w.stop = w.p.countdown(w.grace, func() string { return w.state.Load().(string) })
	case w.waiting, !run.Complete && w.now().Sub(w.last) < statusInterval:
	case run.Complete:
		w.p.status("%s", text)
	default:
		w.last = w.now()
		w.listing.show(w.p, run.Keys, took, text)
	}
}

// done ends it, once the run has.
func (w *verifyProgress) done() {
	w.mu.Lock()
	stop := w.stop
	w.mu.Unlock()
	if stop != nil {
		stop()
	}
	w.p.done()
}
