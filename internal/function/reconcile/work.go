package reconcile

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/registers"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// errTimeUp ends an invocation after which another one has to go on: its time is
// nearly up, or a key has to wait.
var errTimeUp = errors.New("the time is up")

// work compares keys and repairs what differs, in one invocation.
type work struct {
	*Handler
	log     *slog.Logger
	members replicaset.Members // the own one first
	own     int
	keeper  *keeper
	// stop is when no further key begins, and end when requests are given up.
	stop, end time.Time
	pace      *pacer
	// Taken by copies that are under way: those by one request, and the one in parts.
	copies, large chan struct{}
	named         *named
	rules         *rules

	mu       sync.Mutex
	failures int // in a row
}

// mostSpare is kept of an invocation's time for the last checkpoint, and mostCopy
// before that for copies that are under way; both are less of a short one.
const (
	mostSpare = 15 * time.Second
	mostCopy  = 30 * time.Second
)

func (h *Handler) work(ctx context.Context, log *slog.Logger, until time.Time, k *keeper) *work {
	w := &work{
		Handler: h, log: log, members: append(replicaset.Members{h.Config.Target}, h.Config.Sources...), keeper: k,
		pace: newPacer(cmp.Or(h.Config.Rate, DefaultRate), h.Now, h.Sleep), named: &named{log: log},
		copies: make(chan struct{}, Copies), large: make(chan struct{}, 1),
	}
	w.rules = &rules{work: w, asking: make(chan struct{}, 1)}
	if _, bounded := ctx.Deadline(); bounded {
		left := until.Sub(h.Now())
		w.end = until.Add(-min(mostSpare, left/20))
		w.stop = w.end.Add(-min(mostCopy, left/10))
	}
	return w
}

func (w *work) timeIsUp() bool { return !w.stop.IsZero() && !w.Now().Before(w.stop) }

// compare goes through the keys of a range. Its error is errTimeUp if it has to be
// continued after the keeper's key.
func (w *work) compare(ctx context.Context, r Range) error {
	if !w.end.IsZero() {
		var cancel context.CancelFunc
		// The context's clock is the process's, Now perhaps another one.
		ctx, cancel = context.WithTimeout(ctx, max(0, w.end.Sub(w.Now())))
		defer cancel()
	}
	buckets := make([]listing.Bucket, len(w.members))
	for i, m := range w.members {
		buckets[i] = listing.Bucket{Region: m.Region, Name: m.Bucket, Client: w.Read(m.Region)}
	}
	var err error
	for _, prefix := range w.Config.Prefixes() {
		if r.After > prefix && !strings.HasPrefix(r.After, prefix) || r.Through != "" && prefix > r.Through {
			continue // its keys are before the range, or after it
		}
		err = listing.WalkStretches(ctx, buckets, listing.Options{
			Prefix: prefix, After: r.After, Through: r.Through, Match: w.Config.Matches, Parallel: 1, PageSize: w.PageSize,
		}, func(ctx context.Context, s listing.Stretch) error { return w.stretch(ctx, prefix, s) })
		if err != nil {
			break
		}
	}
	if err == nil {
		w.keeper.dropAll()
	}
	w.giveUpDropped(ctx)
	if err != nil && ctx.Err() != nil && w.timeIsUp() {
		return errTimeUp
	}
	return err
}

// suspect is a key that the buckets do not have alike, as listed.
type suspect struct {
	key    string
	states []policy.State
	follow replicaset.Follow
	kind   kind
	// same is how many keys before it, since the last suspect, are alike.
	same Counts
}

// kind is what the listings say about the function's own bucket.
type kind int

const (
	alike     kind = iota
	absent         // it lacks the key
	differing      // it has something else, and the first write wins
	followed       // it may be behind, and the greatest write wins
)

// stretch deals with the keys of a stretch, all of which begin with a prefix.
func (w *work) stretch(ctx context.Context, prefix string, s listing.Stretch) error {
	if w.timeIsUp() {
		return errTimeUp
	}
	var todo []suspect
	var same Counts
	now, last := w.Now(), ""
	for row := range s.Rows {
		last = row.Key
		c, is := w.judge(row, now)
		if is.kind == alike {
			same = same.plus(c)
			continue
		}
		is.same, same = same, Counts{}
		todo = append(todo, is)
	}
	todo, err := w.deleted(ctx, prefix, s.After, todo)
	if err != nil {
		return err
	}
	if err := w.settleAll(ctx, todo); err != nil {
		return err
	}
	// What is after the last key of all is nothing.
	w.keeper.reached(cmp.Or(s.Through, last, w.keeper.now().After), same)
	w.giveUpDropped(ctx)
	return w.keeper.maySave(ctx)
}

// settleAll deals with suspects, several at once, and takes note of them in the order
// of their keys.
func (w *work) settleAll(ctx context.Context, todo []suspect) error {
	var group errgroup.Group
	group.SetLimit(cmp.Or(w.Parallel, Parallel))
	order := &inOrder{keeper: w.keeper, todo: todo, results: make([]*Counts, len(todo))}
	var err error
	for i := range todo {
		if err = cmp.Or(order.failure(), w.keeper.maySave(ctx)); err != nil {
			break
		}
		group.Go(func() error {
			// Its turn may have taken long to come.
			switch {
			case order.stopped():
			case w.timeIsUp():
				order.ended(i, Counts{}, errTimeUp)
			default:
				c, err := w.settle(ctx, todo[i])
				if err == nil && c.Unrepaired == 0 {
					w.succeeded()
				}
				order.ended(i, c, err)
			}
			return nil // order has the errors
		})
	}
	_ = group.Wait()
	order.rest()
	return cmp.Or(order.failure(), err)
}

// inOrder takes note of what became of keys in their order, so that a checkpoint
// never leaves one out.
type inOrder struct {
	keeper *keeper
	todo   []suspect

	mu      sync.Mutex
	results []*Counts
	next    int
	err     error
}

func (o *inOrder) ended(i int, c Counts, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.err = cmp.Or(o.err, err)
		return
	}
	o.results[i] = &c
	for ; o.next < len(o.todo) && o.results[o.next] != nil; o.next++ {
		o.keeper.reached(o.todo[o.next].key, o.todo[o.next].same.plus(*o.results[o.next]))
	}
}

func (o *inOrder) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

func (o *inOrder) stopped() bool { return o.failure() != nil }

// rest counts what was repaired after a key that is not dealt with. Such keys are
// looked at once more, and counted as compared then.
func (o *inOrder) rest() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.results[o.next:] {
		if c != nil && c.Repaired > 0 {
			o.keeper.reached(o.keeper.now().After, Counts{Missing: c.Missing, Different: c.Different, Repaired: c.Repaired})
		}
	}
}

// judge says what the listings tell of a key.
func (w *work) judge(row listing.Row, now time.Time) (Counts, suspect) {
	one := Counts{Compared: 1}
	follow := w.Config.FollowFor(row.Key)
	if w.allSame(row.Objects) {
		return one, suspect{}
	}
	states := make([]policy.State, len(row.Objects))
	for i, o := range row.Objects {
		states[i] = policy.State{Presence: policy.Absent}
		if o == nil {
			continue
		}
		states[i] = policy.State{Presence: policy.Present, Figures: w.figures(*o), Modified: o.Modified}
	}
	// The write is as old as the oldest object at least: what is younger may be what
	// another Region's function has repaired just now.
	if now.Sub(states[policy.Original(states)].Modified) < w.grace() {
		one.Young = 1
	}
	is := suspect{key: row.Key, states: states, follow: follow, kind: followed}
	if !follow.Overwrites {
		is.kind = w.firstWins(states)
	}
	switch judged := policy.Judge(states); {
	case one.Young > 0:
		return one, suspect{}
	case is.kind == alike:
		if judged.SizeOnly {
			one.SizeOnly = 1
		}
		return one, suspect{}
	}
	return Counts{}, is
}

// firstWins is what is to be done about the function's own bucket where the first
// write wins, as far as the listings tell.
func (w *work) firstWins(states []policy.State) kind {
	if !states[w.own].Here() {
		source := policy.Original(states)
		if policy.Decide(policy.Known{Source: states[source], Target: states[w.own]}).Action == policy.Copy {
			return absent
		}
		return alike
	}
	for _, i := range policy.Judge(states).Different {
		if i == w.own {
			return differing
		}
	}
	return alike
}

// allSame says whether the listings alone tell that all buckets have the same.
func (w *work) allSame(objects []*listing.Object) bool {
	for _, o := range objects {
		if o == nil || objects[0] == nil {
			return false
		}
		if result, _ := policy.Compare(w.figures(*objects[0]), w.figures(*o)); result != policy.Same {
			return false
		}
	}
	return true
}

func (w *work) figures(o listing.Object) policy.Figures {
	return policy.Figures{Size: o.Size, ETag: o.ETag, Opaque: w.Config.OpaqueETags}
}

func (w *work) grace() time.Duration {
	if w.Grace == 0 {
		return Grace
	}
	return max(0, w.Grace)
}

// young says whether something that changed at a time is left alone.
func (w *work) young(at time.Time) bool { return w.Now().Sub(at) < w.grace() }

// worthPage is how many keys of a stretch the own bucket has to lack for a page of
// its versions, which names those that were deleted here, to be cheaper than a HEAD
// of each.
const worthPage = 13

// deleted takes out of the suspects those keys that a delete marker hides in the own
// bucket and that stay so, as far as a few pages of versions tell.
func (w *work) deleted(ctx context.Context, prefix, after string, todo []suspect) ([]suspect, error) {
	var keys []string
	for _, s := range todo {
		if s.kind == absent {
			keys = append(keys, s.key)
		}
	}
	if len(keys) < worthPage {
		return todo, nil
	}
	own := w.members[w.own]
	b := listing.Bucket{Region: own.Region, Name: own.Bucket}
	hidden, known, _, err := listing.Markers(ctx, b, w.Read(own.Region), prefix, after, keys, worthPage)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// Of what it does not tell, and may not be allowed to, a HEAD does.
	at, rest, same := 0, todo[:0], Counts{}
	for _, s := range todo {
		is := s.kind == absent && at < known && hidden[at]
		if s.kind == absent {
			at++
		}
		s.same = same.plus(s.same)
		if same = (Counts{}); is {
			same = s.same.plus(Counts{Compared: 1, Deleted: 1})
			continue
		}
		rest = append(rest, s)
	}
	if same != (Counts{}) {
		// The last ones were deleted: they count once the stretch ends.
		rest = append(rest, suspect{key: todo[len(todo)-1].key, same: same})
	}
	return rest, nil
}

// settle deals with one key.
func (w *work) settle(ctx context.Context, s suspect) (Counts, error) {
	switch s.kind {
	case absent:
		return w.copyMissing(ctx, s)
	case differing:
		return w.nameDifferent(ctx, s)
	case followed:
		return w.followGreatest(ctx, s)
	}
	return Counts{}, nil
}

// buckets are those that are asked about a key that is followed.
func (w *work) buckets() []registers.Bucket {
	list := make([]registers.Bucket, len(w.members))
	for i, m := range w.members {
		list[i] = registers.Bucket{Region: m.Region, Name: m.Bucket, Client: w.Read(m.Region)}
	}
	return list
}
