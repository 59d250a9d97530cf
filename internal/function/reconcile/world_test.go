package reconcile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/logline"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/proof/buckets"
	"s3fanout/internal/replicaset"
)

// The Region whose function compares comes first.
const here, there, third = "eu-west-1", "us-east-1", "ap-northeast-1"

// world is a set of buckets, and what the function in one Region is made of.
type world struct {
	*buckets.Buckets
	t           *testing.T
	config      functionenv.Reconcile
	checkpoints *memory
	log         *bytes.Buffer
	change      func(*reconcile.Handler)
	// session of the replicator's role has begun the unfinished uploads; "" for the
	// handler's own.
	session string
}

func newWorld(t *testing.T, change func(*functionenv.Reconcile)) *world {
	t.Helper()
	w := &world{Buckets: buckets.New(t, here, there, third), t: t, checkpoints: &memory{}, log: &bytes.Buffer{}}
	member := func(region string) replicaset.Member {
		return replicaset.Member{Set: "media", Region: region, Account: "123456789012", Bucket: buckets.Name(region)}
	}
	w.config = functionenv.Reconcile{
		Config: functionenv.Config{Target: member(here), Sources: replicaset.Members{member(there), member(third)}},
		Every:  24 * time.Hour, Copy: true,
	}
	if change != nil {
		change(&w.config)
	}
	return w
}

func followAll(c *functionenv.Reconcile) {
	c.Follow.Set = replicaset.Follow{Overwrites: true, Deletions: true}
}

// follows are the two ways in which keys are dealt with.
var follows = map[string]func(*functionenv.Reconcile){"first write wins": nil, "followed": followAll}

// handler is the function of an invocation.
func (w *world) handler() *reconcile.Handler {
	target := copier.Target{Region: here, Bucket: buckets.Name(here)}
	copies := w.copier(w.Clients[here])
	h := &reconcile.Handler{
		Config: w.config,
		Read:   func(region string) reconcile.S3 { return w.reader(w.Clients[region]) },
		Copier: copies,
		Follower: follow.New(w.Clients[here], copies, target, follow.WithSince(w.config.Follow.Since),
			follow.WithOrigins(func(region string) (string, bool) {
				return buckets.Name(region), slices.Contains(w.Regions, region)
			})),
		Checkpoints: w.checkpoints,
		Log:         logline.New(w.log),
		Now:         w.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.Pass(d)
			return ctx.Err()
		},
		PageSize: 3,
	}
	if w.change != nil {
		w.change(h)
	}
	return h
}

func (w *world) invoke(event string) (reconcile.Answer, error) {
	raw, err := w.handler().Invoke(w.t.Context(), []byte(event))
	var a reconcile.Answer
	if err == nil {
		if err := json.Unmarshal(raw, &a); err != nil {
			w.t.Fatal(err)
		}
	}
	return a, err
}

// tick is an invocation that must not fail, after the grace.
func (w *world) tick() reconcile.Answer {
	w.t.Helper()
	w.Pass(reconcile.Grace)
	a, err := w.invoke(`{"tick": true}`)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// tomorrow is a tick after the time between two comparisons.
func (w *world) tomorrow() reconcile.Answer {
	w.t.Helper()
	w.Pass(w.config.Every)
	return w.tick()
}

func (w *world) wantCounts(a reconcile.Answer, want reconcile.Counts) {
	w.t.Helper()
	if a.Status != reconcile.Complete || a.Counts != want {
		w.t.Errorf("got %s %+v, want %+v\n%s", a.Status, a.Counts, want, w.log)
	}
}

func (w *world) shows(key string, want ...string) {
	w.t.Helper()
	var got []string
	for _, region := range w.Regions {
		got = append(got, w.Body(region, key))
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: got %q, want %q", key, got, want)
	}
}

// everywhere puts an object into all Regions, as if it had been replicated long ago.
func (w *world) everywhere(key, body string) {
	w.Put(there, key, body)
	for _, region := range []string{here, third} {
		if w.config.Follow.Set.Overwrites {
			w.Replicate(there, region, key)
		} else {
			w.Put(region, key, body)
		}
	}
}

// lines are the log's lines with a message.
func (w *world) lines(message string) []map[string]any {
	var found []map[string]any
	for line := range strings.Lines(w.log.String()) {
		var attributes map[string]any
		if err := json.Unmarshal([]byte(line), &attributes); err != nil {
			w.t.Fatal(err)
		}
		if attributes["msg"] == message {
			found = append(found, attributes)
		}
	}
	return found
}

// why says of a key that was named why it stays as it is.
func (w *world) why(key string) string {
	for _, line := range w.lines("key not repaired") {
		if line["key"] == key {
			return line["why"].(string)
		}
	}
	return ""
}

// memory keeps checkpoints.
type memory struct {
	mu       sync.Mutex
	document []byte
	revision int64
	saves    int
	// fails, if set, answers a save in the place of the table, or after it.
	fails func(save func() error) error
	// silent is how many loads are not answered.
	silent int
}

func (m *memory) Load(context.Context) ([]byte, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.silent > 0 {
		m.silent--
		return nil, 0, errors.New("no answer")
	}
	return m.document, m.revision, nil
}

func (m *memory) Save(_ context.Context, document []byte, revision int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	save := func() error { return m.replace(document, revision) }
	if m.fails != nil {
		return m.fails(save)
	}
	return save()
}

func (m *memory) replace(document []byte, revision int64) error {
	if revision != m.revision {
		return reconcile.ErrConflict
	}
	m.saves++
	m.document, m.revision = slices.Clone(document), revision+1
	return nil
}

func (m *memory) state(t *testing.T) (s reconcile.State) {
	t.Helper()
	if m.document != nil {
		if err := json.Unmarshal(m.document, &s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (w *world) quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
