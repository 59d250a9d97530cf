// Package backfill copies what members of a replica set lack: objects that
// were written before a Region joined, and those whose events were lost.
//
// It lists the buckets in step and hands every key that a target lacks to the
// Copier that the function uses. So a key that exists is never replaced, also
// if it is written meanwhile, running it again does what is left, and two runs
// at once do no harm. Keys that exist but differ are counted and left: the
// first write of a key wins.
//
// A key that was deleted at a target, so that a delete marker is its current
// version there, is left deleted unless Options.RestoreDeleted is set. A large
// object that somebody is copying to a target just now is left to them.
//
// Copies go on while the listing does, unless they need approval first. What is
// held in memory does not depend on the number of keys. No version is destroyed,
// and contents are not compared.
package backfill

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
)

// GCPercent suits a process that copies many objects at once, for debug.SetGCPercent:
// each copy leaves much garbage and holds little.
const GCPercent = 40

// S3 is what is asked of a member's bucket, with the caller's credentials.
type S3 interface {
	listing.S3
	listing.VersionsS3
	uploads.S3
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// Copier makes one object exist at one target, as *copier.Copier does. It must
// be safe for concurrent use.
type Copier interface {
	Copy(context.Context, copier.Request) (copier.Result, error)
}

// Member is a Region that is listed.
type Member struct {
	Region, Bucket string
	RoleARN        string // of the role of the Region's function
	S3             S3
	// Copier writes to the member's bucket. Targets alone need one, and none in
	// a dry run.
	Copier Copier
	// Follower writes there what is followed. It is needed where a Copier is, if
	// Options.Follow is set.
	Follower Follower
}

// Follower makes one target say of a key at least what another bucket does, as
// *follow.Follower does. It must be safe for concurrent use.
type Follower interface {
	Follow(context.Context, follow.Request) (copier.Result, error)
}

// Observer has what happens reported. Its functions may be nil, are never called
// twice at once, and hold the run up while they work.
type Observer struct {
	Progress func(Progress)
	// Failed is called with every object that could not be copied to a target.
	Failed func(Failure)
}

// Progress is how far a run has come, in all targets together.
type Progress struct {
	Keys         int   // listed, each once for every bucket that has it
	Missing      int   // objects that targets lack, so far
	MissingBytes int64 // their size
	Ended        int   // of them, with whatever outcome
	Failed       int   // of those
	Bytes        int64 // copied
	Listed       bool  // the listing is done: Missing is final
}

// Run copies what is missing. It is idempotent. When ctx ends, no further copy
// begins, those under way end within the grace or are given up, and the report
// is Interrupted. The report is valid beside an error, which says that the run
// ended early: a listing failed, or nothing can be copied to a target.
//
// A deadline of ctx ends the run as a cancellation does.
func Run(ctx context.Context, o Options, observer Observer) (Report, error) {
	return runHolding(ctx, o, observer, maxHeld)
}

func runHolding(ctx context.Context, o Options, observer Observer, mostHeld int) (Report, error) {
	o.setDefaults()
	chosen, err := chosenMembers(o)
	if err != nil {
		return Report{}, err
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &run{
		options: o, chosen: chosen, stop: stop, tally: newTally(o, observer), mostHeld: mostHeld, looks: make(chan struct{}, mostLooks),
	}
	if !o.DryRun {
		defer r.limit(work)()
		for _, index := range chosen.to {
			r.targets = append(r.targets, &target{run: r, index: index})
		}
	}
	if o.Approve != nil && !o.DryRun {
		err = r.approve(work)
	} else {
		err = r.walk(work)
	}
	if err != nil {
		stop(err)
	} else {
		r.tally.listed()
	}
	for _, t := range r.targets {
		t.close()
	}
	r.lanes.Wait()

	report := r.tally.report()
	if r.refused != nil {
		report.Estimate = r.refused
	}
	report.Interrupted = ctx.Err() != nil && (err != nil || !o.DryRun && report.Left() > 0)
	if ctx.Err() != nil {
		return report, nil
	}
	return report, context.Cause(work)
}

// run is one call of Run.
type run struct {
	options Options
	chosen  choice
	targets []*target // in the order of places.to
	stop    context.CancelCauseFunc
	tally   *tally
	lanes   sync.WaitGroup
	looks   chan struct{} // taken by looks at keys that are followed
	// held is set until everything is approved of.
	held     *held
	mostHeld int
	refused  *Estimate // what was not approved of
	upTo     *float64  // US dollars, of a second listing
	// gentle is what copies by one request run in: it ends a grace after the
	// work. hard ends with it. Neither has a deadline, before which a copy in
	// parts would end unfinished.
	gentle, hard context.Context
}

// limit makes the contexts of copies, and returns what ends them.
func (r *run) limit(work context.Context) (end func()) {
	base := context.WithoutCancel(work)
	gentle, endGentle := context.WithCancel(base)
	hard, endHard := context.WithCancel(base)
	r.gentle, r.hard = gentle, hard
	detach := context.AfterFunc(work, func() {
		endHard()
		timer := time.NewTimer(r.options.Grace)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-gentle.Done():
		}
		endGentle()
	})
	return func() {
		detach()
		endHard()
		endGentle()
	}
}

// walk lists the buckets and hands out what is missing.
func (r *run) walk(work context.Context) error {
	buckets := make([]listing.Bucket, len(r.options.Members))
	for i, m := range r.options.Members {
		buckets[i] = listing.Bucket{Region: m.Region, Name: m.Bucket, Client: m.S3}
	}
	names := &names{options: &r.options, buckets: buckets, blind: make([]atomic.Bool, len(buckets))}
	visit := func(_ context.Context, s listing.Stretch) error {
		todo, wanted, followed := r.plan(s)
		if err := r.follow(work, followed); err != nil {
			return err
		}
		var targets errgroup.Group
		for i, l := range wanted {
			targets.Go(func() error {
				pages, err := names.markers(work, r.chosen.to[i], l, r.tally.head)
				r.tally.pages(0, pages)
				r.tally.checks(r.chosen.to[i], l)
				return err
			})
		}
		if err := targets.Wait(); err != nil {
			return err
		}
		for source, b := range todo {
			b = r.tally.todo(source, b)
			if len(b.objects) == 0 {
				continue
			}
			small := len(b.small(r.options))
			r.tally.sources(source, small, len(b.objects)-small)
			if r.options.DryRun || r.held.counts() {
				continue
			}
			if err := r.bounded(); err != nil {
				return err
			}
			pages, err := names.find(work, source, b)
			r.tally.pages(0, pages)
			if err != nil {
				return err
			}
			for i, o := range b.objects {
				o.queued()
				for _, g := range b.goals[i] {
					if err := r.give(work, g); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	o := listing.Options{Prefix: r.options.Prefix, Match: r.options.Match, Listed: r.tally.pages}
	if r.options.Keys != nil {
		return listing.WalkKeys(work, buckets, r.options.Keys, o, visit)
	}
	return listing.WalkStretches(work, buckets, o, visit)
}

// plan decides about a stretch of keys, and returns by source what is to be
// copied from there, and by target, in the order of places.to, what it lacks; and
// the keys that are followed and not the same in all listings.
func (r *run) plan(s listing.Stretch) ([]batch, []lacking, []string) {
	var followed []string
	todo, wanted := make([]batch, len(r.options.Members)), make([]lacking, len(r.chosen.to))
	before := s.After
	for row := range s.Rows {
		if _, follows := r.follows(row.Key); follows {
			if !r.chosen.allSame(row.Objects) {
				followed = append(followed, row.Key)
			}
			before = row.Key
			continue
		}
		p := r.chosen.plan(row.Objects)
		r.tally.planned(p)
		if p.source >= 0 && len(p.targets) > 0 {
			b := &todo[p.source]
			if len(b.objects) == 0 {
				b.after = before
			}
			o := newObject(r.options.Members[p.source], row.Key, r.chosen.figures(*row.Objects[p.source]))
			var goals []*goal
			for _, index := range p.targets {
				g := &goal{object: o, target: index}
				goals = append(goals, g)
				l := &wanted[slices.Index(r.chosen.to, index)]
				if len(l.goals) == 0 {
					l.after = before
				}
				l.goals = append(l.goals, g)
			}
			b.objects = append(b.objects, o)
			b.goals = append(b.goals, goals)
		}
		before = row.Key
	}
	return todo, wanted, followed
}
