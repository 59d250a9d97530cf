package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/copier"
	"s3fanout/internal/follow"
	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/proof/buckets"
	"s3fanout/internal/replicaset"
)

var errDead = errors.New("the process is dead")

// death ends a process at one of its calls, of S3 or of the checkpoints: before the
// call is done, or after it, when nobody hears the answer.
type death struct {
	mu    sync.Mutex
	calls int
	at    int // zero: never
	after bool
	end   func()
}

// call counts a call and says whether it is done, and whether its answer is heard.
func (d *death) call() (done, heard bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	switch {
	case d.at == 0 || d.calls < d.at:
		return true, true
	case d.calls == d.at:
		return d.after, false
	}
	return false, false
}

// mortal is an HTTP client of the process.
type mortal struct {
	s3.HTTPClient
	*death
}

func (m mortal) Do(r *http.Request) (*http.Response, error) {
	done, heard := m.call()
	if !heard {
		defer m.end() // so that nothing waits to try again
	}
	if !done {
		return nil, errDead
	}
	response, err := m.HTTPClient.Do(r)
	if err == nil && !heard {
		_ = response.Body.Close()
		return nil, errDead
	}
	return response, err
}

// remembering are the checkpoints of the process.
type remembering struct {
	*memory
	*death
}

func (r remembering) Load(ctx context.Context) ([]byte, int64, error) {
	done, heard := r.call()
	if !done || !heard {
		return nil, 0, errDead
	}
	return r.memory.Load(ctx)
}

func (r remembering) Save(ctx context.Context, document []byte, revision int64) error {
	done, heard := r.call()
	if !done {
		return errDead
	}
	err := r.memory.Save(ctx, document, revision)
	if !heard {
		return errDead
	}
	return err
}

// dies has the handler's process die.
func (w *world) dies(d *death) {
	w.change = func(h *reconcile.Handler) {
		clients := map[string]*s3.Client{}
		for _, region := range w.Regions {
			clients[region] = s3.New(w.Clients[region].Options(), func(o *s3.Options) { o.HTTPClient = mortal{o.HTTPClient, d} })
		}
		target := copier.Target{Region: here, Bucket: buckets.Name(here)}
		copies := w.copier(clients[here])
		h.Read = func(region string) reconcile.S3 { return w.reader(clients[region]) }
		h.Copier = copies
		h.Follower = follow.New(clients[here], copies, target, follow.WithOrigins(func(region string) (string, bool) {
			return buckets.Name(region), slices.Contains(w.Regions, region)
		}))
		h.Checkpoints = remembering{w.checkpoints, d}
		h.Parallel, h.PageSize = 2, 2
	}
}

// A process that dies at any of its calls is resumed once its time is over: all is
// repaired in the end, and nothing is written twice.
func TestDeathAtEveryCall(t *testing.T) {
	for name, follow := range map[string]func(*functionenv.Reconcile){"first write wins": nil, "followed": followAll} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after the call %t", name, after), func(t *testing.T) {
				t.Parallel()
				deaths, w := 0, newWorld(t, follow)
				w.inParts()
				for n := 1; w.dieAndResume(&death{at: n, after: after}); n++ {
					deaths++
				}
				t.Logf("died at each of %d calls", deaths)
				if deaths < 12 {
					t.Errorf("it died %d times only", deaths)
				}
			})
		}
	}
}

// dieAndResume says whether the process died, in a part of the buckets of its own.
func (w *world) dieAndResume(d *death) bool {
	t := w.t
	t.Helper()
	at := func(key string) string { return fmt.Sprintf("%03d/%s", d.at, key) }
	w.config.Filters = []replicaset.Filter{{Prefix: at("")}}
	w.checkpoints = &memory{}
	w.everywhere(at("1/same"), "same")
	w.Put(there, at("2/lost"), "lost")
	w.Put(there, at("5/large"), "in parts")
	want := map[string]string{"1/same": "same", "2/lost": "lost", "5/large": "in parts"}
	versions := map[string]int{"1/same": 1, "2/lost": 1, "5/large": 1}
	if w.config.Follow.Set.Overwrites {
		w.everywhere(at("3/over"), "old")
		w.everywhere(at("4/deleted"), "old")
		w.Pass(time.Second)
		w.Put(third, at("3/over"), "new")
		w.Remove(third, at("4/deleted"))
		want["3/over"], want["4/deleted"] = "new", "-"
		versions["3/over"], versions["4/deleted"] = 2, 2
	} else {
		w.Put(third, at("3/lost"), "too")
		want["3/lost"], versions["3/lost"] = "too", 1
	}
	w.Pass(reconcile.Grace)
	w.dies(d)
	ctx, cancel := context.WithDeadline(t.Context(), w.Now().Add(15*time.Minute))
	defer cancel()
	d.end = cancel
	_, err := w.handler().Invoke(ctx, []byte(`{"tick": true}`))
	died := d.calls >= d.at
	if !died {
		if err != nil {
			t.Fatal(err)
		}
		return false
	}
	w.change = nil
	if held := w.checkpoints.state(t).Lease != nil; held {
		if a := w.tick(); a.Status != reconcile.Busy {
			t.Fatalf("death at call %d: the next tick is %s, while the invocation may still live", d.at, a.Status)
		}
		w.Pass(15 * time.Minute)
	}
	a := w.tick()
	for waits := 0; a.Status == reconcile.Paused && waits < 2; waits++ { // for who was copying in parts
		w.Pass(tickEvery)
		a = w.tick()
	}
	if a.Status != reconcile.Complete && a.Status != reconcile.Idle {
		t.Fatalf("death at call %d: the ticks after that end %s", d.at, a.Status)
	}
	for key, body := range want {
		if got := w.Body(here, at(key)); got != body {
			t.Errorf("death at call %d: %s is %q, want %q", d.at, key, got, body)
		}
		if n := w.versions(here, at(key)); n != versions[key] {
			t.Errorf("death at call %d: %s has %d versions, want %d", d.at, key, n, versions[key])
		}
	}
	if open := w.open(); open != nil {
		t.Errorf("death at call %d: uploads of %q are open", d.at, open)
	}
	if s := w.checkpoints.state(t); s.Proof.IsZero() || !s.Began.IsZero() || s.Lease != nil {
		t.Errorf("death at call %d: in the end %+v", d.at, s)
	}
	return true
}

// versions counts a key's versions and delete markers.
func (w *world) versions(region, key string) int {
	w.t.Helper()
	out, err := w.Clients[region].ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{
		Bucket: aws.String(buckets.Name(region)), Prefix: &key,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(out.Versions) + len(out.DeleteMarkers)
}
