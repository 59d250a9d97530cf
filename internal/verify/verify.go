// Package verify compares buckets that should be identical.
//
// Listings of several buckets are never of one moment, and what is under way
// is no difference. So what a listing says alone is never reported: each key
// that is not the same everywhere is looked at again, one HEAD for each
// Region, and if it was written a short time ago, again until it is the same
// or no longer new. See Options.Grace.
//
// Contents are compared by size and ETag, else by checksum where S3 has the
// same kind of both, and never read. Where neither tells, the sizes alone are
// compared, and the Summary says for how many keys. See compare.
//
// It changes nothing. What is held at a time does not depend on the number of
// keys.
package verify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/contents"
	"s3fanout/internal/listing"
)

// S3 is the part of *s3.Client that a comparison uses.
type S3 interface {
	listing.S3
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// Bucket is one of those that are compared. Client sends to its Region and
// must be safe for concurrent use.
type Bucket struct {
	Region, Name string
	Client       S3
}

// Options say what is compared and how.
type Options struct {
	Buckets []Bucket // two at least
	Prefix  string   // of the keys; empty for all
	// Match, if set, says which keys are compared. It can be called
	// concurrently.
	Match func(key string) bool
	// Grace is how old a version has to be for its absence elsewhere to be a
	// difference; zero takes every version as old enough. DefaultGrace suits
	// the function's retries.
	Grace time.Duration
	// Parallel is how many ranges of keys are listed at once; 0 means
	// listing.DefaultParallel.
	Parallel int
	// PageSize is the number of keys of a listing's page; 0 means 1000.
	PageSize int32
}

// DefaultGrace leaves time for the function's two retries, after one and two
// minutes.
const DefaultGrace = 5 * time.Minute

const (
	// mostHeads is how many HEADs are under way at once.
	mostHeads = 64
	// mostSuspects is how many keys are looked at again at a time, with those
	// that are waited for. If there are more, the listing waits.
	mostSuspects = 1024
	// firstWait and longestWait are between two looks at a key that is new.
	firstWait   = time.Second
	longestWait = 30 * time.Second
)

// Kind says in what way a key is not the same everywhere.
type Kind string

// The kinds of differences. A key can have both.
const (
	Missing   Kind = "missing"   // some Regions do not have it
	Different Kind = "different" // some Regions have something else
)

// Difference is a key that is not the same everywhere.
type Difference struct {
	Kind Kind
	Key  string
	// Objects are the Regions that have it, in the order of Options.Buckets.
	Objects []Object
	// Without are those that lack it, for Missing.
	Without []string
	// Differing are those whose object is not the one that was written first,
	// for Different.
	Differing []string
	// Why says in a word what told: absent, deleted (a delete marker hides it),
	// size, checksum or etag.
	Why string
}

// Object is a key in a Region.
type Object struct {
	Region    string
	VersionID string            // empty where the bucket has none
	Size      int64             // bytes
	ETag      string            // without quotation marks
	Checksum  contents.Checksum // one of those that S3 keeps of it
	Modified  time.Time
}

// Summary counts keys, and what was asked of S3. Retries by the SDK are not
// counted.
type Summary struct {
	Keys       int64 // that any Region had
	Bytes      int64 // of one replica of each
	Equal      int64 // with those equal by size alone
	SizeOnly   int64 // of which nothing but the size could be compared
	Missing    int64
	Different  int64
	Both       int64 // of Missing and Different
	Gone       int64 // that turned out to be deleted everywhere
	Unfinished int64 // not looked at again when the run ended early
	Lists      int64 // ListObjectsV2
	Heads      int64 // HeadObject
	// Partial says that the run ended before all keys were seen.
	Partial bool
}

// Progress is told while Run works. It must not block for long.
type Progress struct {
	Keys     int64 // seen so far
	Waiting  int64 // keys that are looked at until they are equal or old
	Complete bool  // all keys are listed
}

// Run compares the buckets. It calls emit for each difference as it is found,
// in no order and never twice at once, and progress, if not nil, now and then
// from several goroutines.
//
// An error of a request, which names the Region, or of emit ends it; then, and
// when ctx ends, the Summary is of what was done, and Partial. It sends one
// ListObjectsV2 for each 1000 keys of each bucket, and a HeadObject for each
// Region for each key that is not the same in all listings; that is also each
// key that was copied in parts, because its ETag depends on the parts.
func Run(ctx context.Context, o Options, emit func(Difference) error, progress func(Progress)) (Summary, error) {
	r := &run{options: o, emit: emit, progress: progress, slots: make(chan struct{}, mostHeads)}
	err := r.compare(ctx)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return r.summary(err != nil), err
}

// run is one call of Run.
type run struct {
	options  Options
	progress func(Progress)
	slots    chan struct{} // for HEADs

	emitting sync.Mutex
	emit     func(Difference) error

	keys, bytes, equal, sizeOnly, missing, different, both, gone, unfinished, lists, heads, waiting atomic.Int64
	listed                                                                                          atomic.Bool
}

func (r *run) compare(ctx context.Context) error {
	buckets := make([]listing.Bucket, len(r.options.Buckets))
	for i, b := range r.options.Buckets {
		buckets[i] = listing.Bucket{Region: b.Region, Name: b.Name, Client: counted{b.Client, &r.lists}}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	suspects, ctx := errgroup.WithContext(ctx)
	suspects.SetLimit(mostSuspects)
	err := listing.Walk(ctx, buckets, listing.Options{
		Prefix: r.options.Prefix, Match: r.options.Match, Parallel: r.options.Parallel, PageSize: r.options.PageSize,
		Listed: func(int, int) { r.tell() },
	}, func(_ context.Context, row listing.Row) error {
		if !r.count(row) {
			key := row.Key // the row ends with this call
			r.unfinished.Add(1)
			suspects.Go(func() error { return r.settle(ctx, key) })
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		cancel()
		_ = suspects.Wait() // they fail as they were cancelled
		return err
	}
	r.listed.Store(err == nil)
	r.tell()
	return suspects.Wait()
}

// count takes note of a row and says whether it is the same everywhere.
func (r *run) count(row listing.Row) bool {
	same := true
	var size int64
	first := row.Objects[0]
	for _, o := range row.Objects {
		if o != nil {
			size = max(size, o.Size)
		}
		same = same && o != nil && first != nil && o.Size == first.Size && o.ETag == first.ETag
	}
	r.keys.Add(1)
	r.bytes.Add(size)
	if same {
		r.equal.Add(1)
	}
	return same
}

// settle looks at a key until it is known what is the matter with it.
func (r *run) settle(ctx context.Context, key string) error {
	began := time.Now()
	wait := firstWait
	for {
		states, now, err := r.look(ctx, key)
		if err != nil {
			return err
		}
		v := decide(states, began, now, r.options.Grace)
		if v.young == 0 {
			r.unfinished.Add(-1)
			return r.finish(key, states, v)
		}
		r.waiting.Add(1)
		r.tell()
		err = pause(ctx, min(wait, v.young))
		r.waiting.Add(-1)
		if err != nil {
			return err
		}
		wait = min(2*wait, longestWait)
	}
}

// finish counts a key and reports what is different about it.
func (r *run) finish(key string, states []state, v verdict) error {
	switch {
	case v.gone:
		r.gone.Add(1)
	case v.sizeOnly:
		r.sizeOnly.Add(1)
		fallthrough
	case len(v.findings) == 0:
		r.equal.Add(1)
	}
	if len(v.findings) > 1 {
		r.both.Add(1)
	}
	for _, f := range v.findings {
		if f.kind == Missing {
			r.missing.Add(1)
		} else {
			r.different.Add(1)
		}
		if err := r.report(r.difference(key, states, f)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) report(d Difference) error {
	r.emitting.Lock()
	defer r.emitting.Unlock()
	return r.emit(d)
}

func (r *run) difference(key string, states []state, f finding) Difference {
	d := Difference{Kind: f.kind, Key: key, Why: f.why}
	for i, s := range states {
		if s.present {
			d.Objects = append(d.Objects, Object{
				Region: r.options.Buckets[i].Region, VersionID: s.versionID, Size: s.Size, ETag: s.ETag, Checksum: s.FirstChecksum(), Modified: s.modified,
			})
		}
	}
	regions := make([]string, len(f.places))
	for n, i := range f.places {
		regions[n] = r.options.Buckets[i].Region
	}
	if f.kind == Missing {
		d.Without = regions
	} else {
		d.Differing = regions
	}
	return d
}

func (r *run) tell() {
	if r.progress != nil {
		r.progress(Progress{Keys: r.keys.Load(), Waiting: r.waiting.Load(), Complete: r.listed.Load()})
	}
}

func (r *run) summary(partial bool) Summary {
	return Summary{
		Keys: r.keys.Load(), Bytes: r.bytes.Load(), Equal: r.equal.Load(), SizeOnly: r.sizeOnly.Load(),
		Missing: r.missing.Load(), Different: r.different.Load(), Both: r.both.Load(), Gone: r.gone.Load(), Unfinished: r.unfinished.Load(),
		Lists: r.lists.Load(), Heads: r.heads.Load(), Partial: partial,
	}
}

// counted counts requests.
type counted struct {
	listing.S3
	lists *atomic.Int64
}

func (c counted) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	c.lists.Add(1)
	return c.S3.ListObjectsV2(ctx, in, o...)
}

// pause waits for a time, or for the end of ctx, whose error it returns.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
