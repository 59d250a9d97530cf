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
	"fmt"
	"math/rand/v2"
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

// Defaults of Options.
const (
	DefaultConcurrency = 640
	DefaultGrace       = 5 * time.Second
	// DefaultVersionsWorth is what a page costs in terms of HEADs.
	DefaultVersionsWorth = 13
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

// Options say what is copied. Members is required.
type Options struct {
	// Members are all Regions that are listed: those that are written to and
	// those that can be copied from.
	Members []Member
	// From is the Region to copy from. If it is empty, each key is copied from
	// the member that has had it for longest: its write was the first.
	From string
	// To are the Regions to write to.
	To     []string
	Prefix string // of the keys; empty for all
	// Keys, if set, are the only keys that are looked at, each with a request of
	// its own for each bucket; Prefix is not used then.
	Keys []string
	// Match, if set, says which keys are copied. It can be called concurrently.
	Match func(key string) bool
	// KMS says that buckets encrypt with keys of KMS, or may, so that replicas have
	// other ETags than their sources.
	KMS bool
	// RestoreDeleted copies also what was deleted at a target on purpose: where
	// a delete marker is the current version of a key.
	RestoreDeleted bool
	// Follow, if set, says of a key whether its overwrites travel, and whether its
	// deletions do: then the latest write goes everywhere. It can be called
	// concurrently. FollowSince is when following began; see policy.Orders.
	Follow      func(key string) (overwrites, deletions bool)
	FollowSince time.Time
	// HideDeleted deletes at the targets, by delete markers, what was deleted in
	// another Region and is followed. Otherwise it is counted: nobody can tell a
	// user's deletion from that of a lifecycle rule.
	HideDeleted bool
	// DryRun lists and plans, asks the targets what was deleted there, and sends
	// nothing else.
	DryRun bool
	// Approve, if set, is asked once, with the estimate of everything that is to
	// be done, before anything is written. Its error ends the run, and is returned.
	// It is not asked in a dry run.
	//
	// Up to 10,000 objects are held until then. If there are more, or it takes
	// longer than a minute, the buckets are listed once more, and what is missing
	// then is copied as long as it costs no more than upTo, in US dollars, without
	// the listing; the run ends with ErrGrown at what costs more. What was
	// deleted at a target can be in the estimate, which is then too high.
	Approve func(context.Context, Estimate) (upTo float64, err error)
	// Concurrency is how many objects are copied to a target at once at most;
	// 0 means DefaultConcurrency. At all targets together there are 2,048 at most. They
	// begin with 256 at a target, fewer where there are more than two, double while that
	// makes more of them end in a second, and are halved when S3 asks for less. Each
	// takes about 100 KiB.
	Concurrency int
	// Threshold is the size in bytes above which the Copiers copy in parts; 0
	// means copier.DefaultThreshold. Such objects have slots of their own, two
	// for each target.
	Threshold int64
	// HeadsSource says that the Copiers ask for a source's properties before
	// each copy, which an estimate has to know.
	HeadsSource bool
	// VersionsWorth is how many missing objects of a thousand a page of
	// versions is worth, which names the versions to copy, and at a target what
	// was deleted there; for fewer, and for those that it does not have, a HEAD
	// does. 0 means DefaultVersionsWorth.
	VersionsWorth int
	// Grace is how long copies by one request may go on when ctx has ended; 0
	// means DefaultGrace. Copies in parts are given up at once.
	Grace time.Duration
	// Random is the source of jitter, numbers in [0, 1), safe for concurrent
	// use; nil means math/rand's.
	Random func() float64
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
	r := &run{options: o, chosen: chosen, stop: stop, tally: newTally(o, observer), mostHeld: mostHeld, looks: make(chan struct{}, mostLooks)}
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

func (o *Options) setDefaults() {
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Threshold == 0 {
		o.Threshold = copier.DefaultThreshold
	}
	if o.VersionsWorth == 0 {
		o.VersionsWorth = DefaultVersionsWorth
	}
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
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

// chosenMembers finds the Regions among the members.
func chosenMembers(o Options) (choice, error) {
	find := func(region string) int {
		return slices.IndexFunc(o.Members, func(m Member) bool { return m.Region == region })
	}
	p := choice{from: -1, opaque: o.KMS}
	if o.From != "" {
		if p.from = find(o.From); p.from < 0 {
			return p, fmt.Errorf("region %s is not among the members", o.From)
		}
	}
	for _, region := range o.To {
		index := find(region)
		switch {
		case index < 0:
			return p, fmt.Errorf("region %s is not among the members", region)
		case index == p.from:
			return p, fmt.Errorf("region %s cannot be copied to itself", region)
		}
		p.to = append(p.to, index)
	}
	return p, nil
}
