// Package verify compares the buckets of a replica set.
//
// Listings of several buckets are never of one moment, and what is under way
// is no difference. So what a listing says alone is never reported: each key
// that is not the same everywhere is looked at again, one HEAD for each
// Region, and if it was written or deleted a short time ago, again until it is
// the same or no longer new, for two graces at most. See Options.Grace. What
// time it is, S3 says.
//
// Contents are compared by size and ETag, else by checksum where S3 has the
// same kind of both, and never read. Where neither tells, the sizes alone are
// compared, and the Summary says for how many keys. See compare.
//
// It changes nothing. What is held at a time does not depend on the number of
// keys, but for those in parts that are waited for: 65,536 of them at most.
package verify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/policy"
)

// S3 is the part of *s3.Client that a comparison uses.
type S3 interface {
	listing.S3
	listing.VersionsS3
	uploads.S3
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObjectTagging(context.Context, *s3.GetObjectTaggingInput, ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error)
}

// Bucket is one of those that are compared. Client sends to its Region and
// must be safe for concurrent use.
type Bucket struct {
	Region, Name string
	RoleARN      string // of the role of the Region's function
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
	// the function's retries. A key that changes more often is looked at for two
	// graces, and is then Unsettled unless a Region has stood still.
	Grace time.Duration
	// Tags has the tags compared too, which takes a GetObjectTagging of every key
	// in every Region: no listing has them.
	Tags bool
	// Large is the size in bytes above which replicas are made in parts, over
	// minutes or hours: a Region that lacks such a key is asked whether its
	// function is copying it. 0 means that nobody is asked.
	Large int64
	// Follow, if set, says of a key whether its overwrites travel, and whether its
	// deletions do: then the greatest write is right in every Region, and its
	// deletion, and not the first one. It can be called concurrently.
	Follow func(key string) (overwrites, deletions bool)
	// FollowSince is when following began; see policy.Orders.
	FollowSince time.Time
	// Parallel is how many ranges of keys are listed at once; 0 means
	// listing.DefaultParallel.
	Parallel int
	// PageSize is the number of keys of a listing's page; 0 means 1000.
	PageSize int32
}

// GCPercent suits a process that compares buckets of many keys, for
// debug.SetGCPercent: most of what a request leaves behind is garbage at once, and
// with Go's default of 100 that takes more memory than all that is held.
const GCPercent = 40

// DefaultGrace leaves time for the function's two retries, after one and two
// minutes.
const DefaultGrace = 5 * time.Minute

const (
	// mostHeads is how many HEADs are under way at once.
	mostHeads = 48
	// mostSuspects is how many keys are looked at again at a time, with those
	// that are waited for and not parked. If there are more, the listing waits.
	mostSuspects = 512
	// firstWait and longestWait are between two looks at a key that is new.
	firstWait   = time.Second
	longestWait = 30 * time.Second
)

// Kind says in what way a key is not the same everywhere.
type Kind string

// The kinds of differences. A key can be Missing and Copying at once, and either
// of them and Different.
const (
	Missing   Kind = "missing"   // some Regions do not have it
	Copying   Kind = "copying"   // some Regions do not have it yet: their functions are copying it
	Different Kind = "different" // some Regions have something else
	Undeleted Kind = "undeleted" // some Regions have what was deleted in another, and follow that
	Unsettled Kind = "unsettled" // it kept changing, so that nothing can be said
)

// Difference is a key that is not the same everywhere.
type Difference struct {
	Kind Kind
	Key  string
	// Objects are the Regions that have it, in the order of Options.Buckets.
	Objects []Object
	// Without are those that lack it, for Missing, Copying and Unsettled, and
	// Deleted those of them where a delete marker hides it.
	Without, Deleted []string
	// Left says of a Missing key that it is deleted wherever it is missing, and that a
	// backfill leaves it so.
	Left bool
	// Differing are those whose object is not the one that was written first,
	// for Different and Unsettled; where others were rewritten meanwhile, those
	// that kept what they had. Of a key that is followed they have an older write
	// than the latest, for Different, or what was deleted elsewhere, for Undeleted.
	Differing []string
	// Why says in a word what differs: absent, deleted (a delete marker hides it in
	// a Region), size, checksum, etag, tags, stale (others were rewritten), destroyed
	// (the write does not exist any more where it was made), copying or changing.
	Why string
}

// Object is a key in a Region.
type Object struct {
	Region    string
	VersionID string          // empty where the bucket has none
	Size      int64           // bytes
	ETag      string          // without quotation marks
	Checksum  policy.Checksum // one of those that S3 keeps of it
	Modified  time.Time
	Tags      map[string]string // nil unless Options.Tags is set
}

// Summary counts keys, and what was asked of S3. Retries by the SDK are not
// counted.
type Summary struct {
	Keys       int64 // that any Region had
	Bytes      int64 // of one replica of each
	Equal      int64 // with those equal by size alone
	SizeOnly   int64 // of which nothing but the size could be compared
	Missing    int64
	Deleted    int64 // of Missing, those that a delete marker hides wherever they are missing
	Copying    int64 // missing only where they are being copied
	Different  int64
	Both       int64 // of Missing or Copying, and Different
	Undeleted  int64
	Unsettled  int64 // kept changing
	Gone       int64 // that turned out to be deleted everywhere
	Unfinished int64 // not looked at again when the run ended early
	Lists      int64 // ListObjectsV2, ListObjectVersions, ListMultipartUploads and ListParts
	Heads      int64 // HeadObject
	Tags       int64 // GetObjectTagging
	// Partial says that the run ended before all keys were seen.
	Partial bool
	// Unanswered says what could not be asked besides, nil if everything could:
	// the comparison is right without it, but what is being copied, or is deleted
	// when the run is older than a grace, counts as missing.
	Unanswered error
}

// Unequal counts the keys that are not the same everywhere.
func (s Summary) Unequal() int64 {
	return s.Missing + s.Copying + s.Different - s.Both + s.Undeleted + s.Unsettled
}

// Progress is reported while Run works. It must not block for long.
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
// key that was copied in parts, because its ETag depends on the parts. A key that
// was deleted somewhere takes a ListObjectVersions there, which tells when, and a
// Large one that is missing a ListMultipartUploads.
func Run(ctx context.Context, o Options, emit func(Difference) error, progress func(Progress)) (Summary, error) {
	r := &run{options: o, emit: emit, progress: progress, slots: make(chan struct{}, mostHeads), clock: newClock(), parking: newParking()}
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
	clock    *clock
	blind    blind
	parking  *parking

	emitting sync.Mutex
	emit     func(Difference) error

	keys, bytes, equal, sizeOnly, missing, deleted, copying, different, both, undeleted, unsettled, gone, unfinished atomic.Int64
	lists, heads, tags, waiting                                                                                      atomic.Int64
	listed                                                                                                           atomic.Bool
}

func (r *run) compare(ctx context.Context) error {
	buckets := make([]listing.Bucket, len(r.options.Buckets))
	for i, b := range r.options.Buckets {
		buckets[i] = listing.Bucket{Region: b.Region, Name: b.Name, Client: timedS3{b.Client, r}}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	suspects, ctx := errgroup.WithContext(ctx)
	suspects.SetLimit(mostSuspects)
	resumed := make(chan struct{})
	go func() {
		defer close(resumed)
		for k, ok := r.parking.next(ctx); ok; k, ok = r.parking.next(ctx) {
			suspects.Go(func() error { return r.resume(ctx, k) })
		}
	}()
	err := listing.Walk(ctx, buckets, listing.Options{
		Prefix: r.options.Prefix, Match: r.options.Match, Parallel: r.options.Parallel, PageSize: r.options.PageSize,
		Listed: func(int, int) { r.notify() },
	}, func(_ context.Context, row listing.Row) error {
		same := r.count(row)
		if same && !r.options.Tags {
			r.equal.Add(1)
			return nil
		}
		key := row.Key // the row ends with this call
		listed := make([]bool, len(row.Objects))
		for i, o := range row.Objects {
			listed[i] = o != nil
		}
		r.unfinished.Add(1)
		r.parking.begun()
		suspects.Go(func() error {
			if same {
				if same, err := r.sameTags(ctx, key); same || err != nil {
					return err
				}
			}
			w := &watch{}
			states, err := r.lookFor(ctx, key, w)
			if err != nil {
				return err
			}
			return r.settle(ctx, key, listed, w, states)
		})
		return nil
	})
	if err != nil && ctx.Err() == nil {
		cancel()
		<-resumed
		_ = suspects.Wait() // they fail as they were cancelled
		return err
	}
	r.listed.Store(err == nil)
	r.notify()
	r.parking.closed()
	<-resumed
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
		same = same && o != nil && first != nil && isSame(*first, *o)
	}
	r.keys.Add(1)
	r.bytes.Add(size)
	return same
}

// isSame says whether listings alone tell that two objects are the same.
func isSame(a, b listing.Object) bool {
	result, _ := policy.Compare(policy.Figures{Size: a.Size, ETag: a.ETag}, policy.Figures{Size: b.Size, ETag: b.ETag})
	return result == policy.Same
}

// resume looks again at a key that was parked. If it is what it was, it has been
// so since then; else what is to be known of it is seen from here on.
func (r *run) resume(ctx context.Context, k parkedKey) error {
	r.waiting.Add(-1)
	w := &watch{}
	states, err := r.lookFor(ctx, k.key, w)
	if err != nil {
		return err
	}
	if r.parking.digest(states) == k.seen {
		w.see(states, k.listed, k.began)
	}
	return r.settle(ctx, k.key, k.listed, w, states)
}

// finished takes note that nothing is left to do about a key.
func (r *run) finished() {
	r.unfinished.Add(-1)
	r.parking.ended()
}

// settle goes on looking at a key, which has just been looked at, until it is known
// what is the matter with it, or that it changes too often for that. If many are
// waited for, it is parked instead.
func (r *run) settle(ctx context.Context, key string, listed []bool, w *watch, states []policy.State) error {
	wait := firstWait
	for {
		w.see(states, listed, r.clock.now())
		v := w.judge(r.options.Grace)
		if v.young > 0 && len(w.markers()) > 0 {
			if err := r.dateMarkers(ctx, key, w); err != nil {
				return err
			}
			v = w.judge(r.options.Grace)
		}
		if v.young == 0 {
			return r.finish(ctx, key, states, v)
		}
		if waiting := r.waiting.Add(1); waiting > mostHot && w.parkable() && r.parking.put(parkedKey{
			key: key, listed: listed, seen: r.parking.digest(states), began: w.began, due: time.Now().Add(v.young),
		}) {
			r.notify()
			return nil
		}
		r.notify()
		err := smithytime.SleepWithContext(ctx, min(wait, v.young))
		r.waiting.Add(-1)
		if err != nil {
			return err
		}
		wait = min(2*wait, longestWait)
		if states, err = r.lookFor(ctx, key, w); err != nil {
			return err
		}
	}
}

func (r *run) notify() {
	if r.progress != nil {
		r.progress(Progress{Keys: r.keys.Load(), Waiting: r.waiting.Load(), Complete: r.listed.Load()})
	}
}

func (r *run) summary(partial bool) Summary {
	return Summary{
		Keys: r.keys.Load(), Bytes: r.bytes.Load(), Equal: r.equal.Load(), SizeOnly: r.sizeOnly.Load(),
		Missing: r.missing.Load(), Deleted: r.deleted.Load(), Copying: r.copying.Load(), Different: r.different.Load(), Both: r.both.Load(),
		Undeleted: r.undeleted.Load(), Unsettled: r.unsettled.Load(), Gone: r.gone.Load(), Unfinished: r.unfinished.Load(),
		Lists: r.lists.Load(), Heads: r.heads.Load(), Tags: r.tags.Load(), Partial: partial, Unanswered: r.blind.err(),
	}
}

// timedS3 counts listings, and takes the time from them.
type timedS3 struct {
	listing.S3
	r *run
}

func (h timedS3) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	h.r.lists.Add(1)
	out, err := h.S3.ListObjectsV2(ctx, in, o...)
	if err == nil {
		at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		h.r.clock.recordDate(at)
	}
	return out, err
}
