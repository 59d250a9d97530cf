package backfill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"s3fanout/internal/copier"
)

// Defaults of Options.
const (
	DefaultConcurrency = 640
	DefaultGrace       = 5 * time.Second
	// DefaultVersionsWorth is what a page costs in terms of HEADs.
	DefaultVersionsWorth = 13
)

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
	// takes about 65 KiB.
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
