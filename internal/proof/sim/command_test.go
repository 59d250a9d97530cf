package sim

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/operator/verify"
)

const (
	interrupted fault = "the command is interrupted"
	commandDies fault = "the command is killed"
)

// weather is what happens while users upload: everything can fail.
func (w *world) weather(context.Context) {
	for _, region := range w.set.Regions {
		if w.seed.chance(100, region, "garbage") {
			w.queues[region].send("garbage", garbage)
		}
	}
	w.act(0)
	w.tasks.Wait()
	w.checkArrival("when the events had stopped", true)
	w.checkReplicas("when the events had stopped")
	w.checkForgeries("when the events had stopped")
}

// act lets the users do what they do in a phase.
func (w *world) act(phase int) {
	for _, a := range w.schedule.todo(phase) {
		if a.kind == legacyObject {
			continue // it was there before
		}
		w.after(a.at, func() {
			w.mu.Lock()
			w.say("%s", a)
			switch {
			case a.kind == backfillNow:
				w.mu.Unlock()
				w.backfillMeanwhile(a)
				return
			case a.kind == reconcileNow:
				w.mu.Unlock()
				w.reconcileMeanwhile(a)
				return
			case a.kind == undeleteNow:
				w.mu.Unlock()
				w.undeleteMeanwhile(a)
				return
			case a.kind == explainNow:
				w.mu.Unlock()
				w.explainMeanwhile(a)
				return
			case w.follow != nil:
				w.performFollow(a)
				w.mu.Unlock()
				return
			}
			w.perform(a)
			w.mu.Unlock()
			w.forge(a)
		})
	}
}

func (w *world) perform(a action) {
	b := w.buckets[a.region]
	switch a.kind {
	case upload:
		v := &version{
			key: a.key, content: a.name, size: a.size, props: "props of " + a.name, action: a.name, etag: "e" + a.name,
			archived: a.archived,
		}
		if a.parts {
			v.etag = "m" + a.name + "-2"
		}
		if a.checksum {
			v.crc = crcOf(v.content)
		}
		w.uploads = append(w.uploads, v)
		w.write(nil, b, v, a.name, "ObjectCreated:Put")
	case deleteMarker:
		w.deletions[b.region+" "+a.key]++
		b.add(&version{id: "marker " + a.name, key: a.key, marker: true, at: time.Now()})
	case deleteVersion:
		for _, v := range b.versions[a.key] {
			if v.action == fmt.Sprintf("a%d", a.of) {
				w.deletions[b.region+" "+a.key]++
				b.remove(a.key, v.id, time.Now())
				return
			}
		}
	}
}

// command runs a command as a person or a pipeline does, who may interrupt it,
// and whose machine may die.
func (w *world) command(ctx context.Context, id string, run func(context.Context, *process)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := w.newProcess(id, w.set.Regions[0])
	when := w.seed.between(time.Millisecond, pickTime(w.seed, id, time.Second, 10*time.Second, 5*time.Minute), id, "ends")
	end := func() {}
	switch share := w.schedule.profile.interrupted; {
	case w.happens(share, id, interrupted):
		end = cancel
	case w.happens(share/2, id, commandDies):
		end = func() {
			p.kill()
			cancel()
		}
	}
	alarm := time.AfterFunc(when, end)
	defer alarm.Stop()
	run(ctx, p)
}

// redrives runs redrives while things fail.
func (w *world) redrives(ctx context.Context) {
	if w.schedule.profile.redrives == 0 {
		return
	}
	w.redriveInBadWeather(ctx)
	w.checkArrival("after redrives in bad weather", true)
	w.checkReplicas("after redrives in bad weather")
}

// redriveInBadWeather runs redrives, more than one at a time, while users go on.
func (w *world) redriveInBadWeather(ctx context.Context) {
	n := w.schedule.profile.redrives
	w.act(1)
	for i := range n {
		id := fmt.Sprintf("redrive %d", i)
		w.after(w.seed.between(0, time.Minute, id), func() {
			w.command(ctx, id, func(ctx context.Context, p *process) {
				watch := w.seed.chance(200, id, "watch")
				if watch {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 20*time.Minute)
					defer cancel()
				}
				_, err := redrive.Run(ctx, redrive.Options{Config: w.set, Clients: w.clients(p), Watch: watch}, redrive.Observer{})
				w.usable("redrive", err)
			})
		})
	}
	w.tasks.Wait()
}

// usable notes an error that is about the options alone.
func (w *world) usable(what string, err error) {
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.broken("c", "%s: %v", what, err)
	}
}

// quieten ends the faults, and waits until what they left behind is over.
func (w *world) quieten() {
	w.mu.Lock()
	w.calm = true
	w.say("it is calm")
	w.mu.Unlock()
	if p := w.schedule.profile; p.away != "" && !w.schedule.calm["away"] {
		w.wait(p.awayFrom + p.awayFor - time.Since(w.began))
	}
	w.wait(redrive.HoldTime + time.Minute)
}

// calmRedrive holds the world against promise (c): whatever happened to other
// redrives, one that nothing happens to empties the queues.
func (w *world) calmRedrive(ctx context.Context) {
	w.quieten()
	p := w.newProcess("redrive at last", w.set.Regions[0])
	report, err := redrive.Run(ctx, redrive.Options{Config: w.set, Clients: w.clients(p)}, redrive.Observer{})
	w.usable("redrive at last", err)
	w.tasks.Wait()
	w.mu.Lock()
	left := 0
	for _, q := range w.queues {
		for _, l := range q.letters {
			if l.body != garbage {
				w.broken("c", "a redrive that nothing hindered left a letter in %s: %s", q.region, l.body)
			}
			left++
		}
	}
	if report.Left() != left || report.Err() != nil {
		w.broken("c", "a redrive that nothing hindered reports %d letters left and %v; there are %d", report.Left(), report.Err(), left)
	}
	w.mu.Unlock()
	w.checkArrival("after a redrive that nothing hindered", true)
	w.checkReplicas("after a redrive that nothing hindered")
}

// repair holds the world against promise (d): verify finds what was lost, and
// backfill brings it, whatever happened to other backfills.
func (w *world) repair(ctx context.Context) {
	before := w.verify(ctx, "verify")
	w.mu.Lock()
	w.stats.repaired += before
	w.calm = false
	w.mu.Unlock()
	w.act(2)
	n := w.seed.below(3, "backfills")
	if before == 0 && w.seed.chance(700, "nothing to backfill") {
		n = 0
	}
	for i := range n {
		id := fmt.Sprintf("backfill %d", i)
		w.after(w.seed.between(0, 10*time.Second, id), func() {
			w.command(ctx, id, func(ctx context.Context, p *process) {
				_, _ = w.backfill(ctx, p, w.seed.chance(500, id, "restores")) // it may fail, of course
			})
		})
	}
	if w.schedule.profile.scheduled {
		w.ticksInBadWeather()
		w.tasks.Wait()
		w.quieten()
		w.repairScheduled(ctx)
		return
	}
	w.tasks.Wait()
	w.quieten()
	w.wait(uploads.IdleTime) // until nobody takes what was killed for somebody at work
	report, err := w.backfill(ctx, w.newProcess("backfill at last", w.set.Regions[0]), true)
	w.tasks.Wait()
	if err != nil || report.Left() > 0 || report.Failed() > 0 || report.Copying() > 0 {
		w.usable("backfill at last",
			fmt.Errorf("%d left, %d failed, %d taken for being copied, %w", report.Left(), report.Failed(), report.Copying(), err))
	}
	if after := w.verify(ctx, "verify at last"); after > 0 {
		w.usable("backfill at last", fmt.Errorf("%d replicas are still missing", after))
	}
	w.checkArrival("after a backfill", false)
	w.checkReplicas("after a backfill")
	w.checkForgeries("after a backfill")
}

// verify compares the buckets, holds the result against the truth, and returns
// how many replicas are missing.
func (w *world) verify(ctx context.Context, id string) int {
	p := w.newProcess(id, w.set.Regions[0])
	p.reliable = true
	var options verify.Options
	for _, r := range w.set.Regions {
		options.Buckets = append(options.Buckets, verify.Bucket{Region: r, Name: w.buckets[r].name, Client: client{w.member(p, r)}})
	}
	truth, found, missing := w.lacking(), 0, 0
	_, err := verify.Run(ctx, options, func(d verify.Difference) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case d.Kind == verify.Missing && !slices.Equal(d.Without, truth[d.Key]):
			w.broken("d", "verify says that %q is missing in %v; it is in %v", d.Key, d.Without, truth[d.Key])
		case d.Kind == verify.Missing:
			found++
			missing += len(d.Without)
		case d.Kind == verify.Different && !w.differs(d.Key):
			w.broken("d", "verify says that %q is not the same everywhere; it is", d.Key)
		}
		return nil
	}, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || found != len(truth) {
		w.broken("d", "%s found %d of %d keys that are missing somewhere, %v", id, found, len(truth), err)
	}
	return missing
}

// differs says that a key has not the same contents wherever it is.
func (w *world) differs(key string) bool {
	contents := map[string]bool{}
	for _, b := range w.buckets {
		if v := b.current(key); v != nil {
			contents[v.content] = true
		}
	}
	return len(contents) > 1
}

// member is a process's part in a Region. It dies with the process.
func (w *world) member(p *process, region string) *process {
	m := w.newProcess(memberID(p, region), region)
	m.reliable, m.dead, m.began, m.person, m.readOnly = p.reliable, p.dead, p.began, p.person, p.readOnly
	return m
}

func memberID(p *process, region string) string { return p.id + " in " + region }

// backfill copies what is missing, and what users have deleted in a Region if it
// restores that.
func (w *world) backfill(ctx context.Context, p *process, restores bool) (backfill.Report, error) {
	var mu sync.Mutex
	n := 0
	options := backfill.Options{To: w.set.Regions, Threshold: threshold, VersionsWorth: 1, RestoreDeleted: restores,
		Random: func() float64 {
			mu.Lock()
			defer mu.Unlock()
			n++
			return float64(w.seed.roll(p.id, "jitter", fmt.Sprint(n))>>11) / (1 << 53)
		}}
	for _, r := range w.set.Regions {
		m := w.member(p, r)
		options.Members = append(options.Members, backfill.Member{
			Region: r, Bucket: w.buckets[r].name, RoleARN: namesOf(r).roleARN, S3: client{m}, Copier: w.copier(m),
		})
	}
	return backfill.Run(ctx, options, backfill.Observer{})
}

var quiet = slog.New(slog.DiscardHandler)
