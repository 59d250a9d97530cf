package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/operator/explain"
)

// explain asks the real one about a key.
func (w *world) explain(ctx context.Context, p *process, key string) (explain.Facts, error) {
	p.readOnly = true
	options := explain.Options{Config: w.set, Account: account, Key: key, S3: map[string]explain.S3{}, Queues: w.clients(p)}
	for _, r := range w.set.Regions {
		options.S3[r] = followClient{w.member(p, r)}
	}
	return explain.Run(ctx, options)
}

// explainMeanwhile asks about a key while users go on. What it is told is judged if
// the key was the same from the beginning to the end.
func (w *world) explainMeanwhile(a action) {
	id := "explain of " + a.name
	w.command(context.Background(), id, func(ctx context.Context, p *process) {
		w.mu.Lock()
		before := w.changesOf(a.key)
		w.mu.Unlock()
		f, err := w.explain(ctx, p, a.key)
		w.mu.Lock()
		defer w.mu.Unlock()
		if err == nil && !p.killed() && w.changesOf(a.key) == before {
			w.judgeExplanation(id, a.key, f)
		}
	})
}

// explainAll has each key be explained once all has come to rest.
func (w *world) explainAll(ctx context.Context) {
	if !w.schedule.follow.explains {
		return
	}
	w.mu.Lock()
	keys := w.follow.trace.keys()
	w.mu.Unlock()
	for i, key := range keys {
		id := fmt.Sprintf("explain %d", i)
		f, err := w.explain(ctx, w.newProcess(id, w.set.Regions[0]), key)
		w.mu.Lock()
		switch {
		case err != nil || f.Err() != nil:
			w.broken("7", "an explain that nothing hindered fails: %v, %v", err, f.Err())
		default:
			w.judgeExplanation(id, key, f)
		}
		w.mu.Unlock()
	}
}

// changesOf counts what was done to a key in any bucket.
func (w *world) changesOf(key string) int {
	n := 0
	for _, b := range w.follow.stores {
		n += b.changes[key]
	}
	return n
}

// judgeExplanation holds what explain says against what the buckets have. The caller
// holds mu.
func (w *world) judgeExplanation(id, key string, f explain.Facts) {
	wrong := func(format string, args ...any) {
		w.broken("7", "%s says of %q that %s", id, key, fmt.Sprintf(format, args...))
	}
	unknown := false
	states := explain.States(f)
	for i, r := range f.Regions {
		b := w.follow.stores[r.Region]
		switch current, top := b.current(key), b.top(key); {
		case r.Err != nil:
			unknown = true
			if states[i] != explain.Unknown {
				wrong("it is %s in %s, which could not be asked", states[i], r.Region)
			}
			continue
		case (r.Object != nil) != (current != nil), r.Object != nil && r.Object.VersionID != current.id:
			wrong("%s shows %+v; it shows %s", r.Region, r.Object, idOf(current))
		case r.Object != nil && r.Object.Tags != nil && r.Object.Tags["t"] != current.tags:
			wrong("it has the tags %v in %s; it has %s", r.Object.Tags, r.Region, current.tags)
		case (r.Deleted != nil) != (top != nil && top.marker):
			wrong("a marker %+v hides it in %s; on top is %s", r.Deleted, r.Region, idOf(top))
		}
		w.judgeState(wrong, b, key, states[i])
	}
	w.judgeVerdict(wrong, key, explain.Judge(f), unknown)
	if !unknown && !w.follow.trace.uncertain(key) {
		w.judgeStory(wrong, key, f)
	}
}

func idOf(v *stored) string {
	if v == nil {
		return "nothing"
	}
	return v.id
}

// judgeState is about what a Region is said to have.
func (w *world) judgeState(wrong func(string, ...any), b *store, key string, state explain.State) {
	current, top := b.current(key), b.top(key)
	beaten := func(orDeleted bool) bool {
		return slices.ContainsFunc(w.set.Regions, func(r string) bool {
			v, hidden := w.follow.stores[r].latest(key)
			return v != nil && (v.write.compare(current.write) > 0 || hidden && orDeleted && v.write == current.write)
		})
	}
	uncertain := w.follow.trace.uncertain(key)
	holds := false
	switch state {
	case explain.Present:
		holds = current != nil
	case explain.Deleted:
		holds = top != nil && top.marker
	case explain.Stale:
		holds = current != nil && (uncertain || beaten(false))
	case explain.Undeleted:
		holds = current != nil && (uncertain || beaten(true))
	case explain.Copying:
		for _, u := range b.uploads {
			holds = holds || u.key == key
		}
	case explain.DeadLetter:
		holds = current == nil && w.lettersName(key)
	case explain.Missing, explain.OnItsWay:
		holds = current == nil
	}
	if !holds {
		wrong("it is %s in %s, which shows %s; on top is %s", state, b.region, current.visible(), idOf(top))
	}
}

// judgeVerdict is about what all comes to.
func (w *world) judgeVerdict(wrong func(string, ...any), key string, v explain.Verdict, unknown bool) {
	var shown []*stored
	for _, r := range w.set.Regions {
		if v := w.follow.stores[r].current(key); v != nil {
			shown = append(shown, v)
		}
	}
	t := &w.follow.trace
	same, tagged := len(shown) == len(w.set.Regions), true
	kept, leftDeleted := false, len(shown) < len(w.set.Regions)
	for _, r := range w.set.Regions {
		v, hidden := w.follow.stores[r].latest(key)
		kept = kept || v != nil
		if w.follow.stores[r].current(key) == nil {
			leftDeleted = leftDeleted && hidden && v != nil &&
				!slices.ContainsFunc(shown, func(o *stored) bool { return o.write.compare(v.write) > 0 })
		}
	}
	for _, o := range shown {
		same = same && (o.write == shown[0].write)
		tagged = tagged && o.tags == shown[0].tags
	}
	are := fmt.Sprintf("%d of %d Regions show it", len(shown), len(w.set.Regions))
	switch holds := v.Code == explain.CodeUnknown; {
	case unknown != holds:
		wrong("%s (%s); could all be asked: %t", v.Code, v.Text, !unknown)
	case unknown, t.uncertain(key):
	case len(shown) == 0 && v.Code != explain.CodeNowhere, len(shown) > 0 && v.Code == explain.CodeNowhere:
		wrong("%s (%s); %s", v.Code, v.Text, are)
	case same && tagged && v.Code != explain.CodeEverywhere,
		same && !tagged && v.Code != explain.CodeTags && !strings.Contains(v.Text, "whether its tags are the same is not known"):
		wrong("%s (%s); all Regions show %s, with equal tags: %t", v.Code, v.Text, nameOf(shown[0]), tagged)
	case !same && len(shown) > 0 && (v.Settled() || v.Code == explain.CodeTags):
		wrong("%s (%s); %s, and not the same", v.Code, v.Text, are)
	case kept && strings.Contains(v.Text, "or a version of it"):
		wrong("%s (%s); there are versions", v.Code, v.Text)
	case leftDeleted && !w.schedule.follow.follow.Deletions && strings.Contains(v.Text, "no dead letter says why") && oneWrite(shown):
		wrong("%s (%s); it was deleted, and deletions are not replicated", v.Code, v.Text)
	case v.Code == explain.CodeDeadLetter && !w.lettersName(key):
		wrong("%s (%s); no letter is about it", v.Code, v.Text)
	default:
		w.judgeUndelete(wrong, key, v)
	}
}

// judgeUndelete is about a command that is to bring back what was deleted: undelete
// leaves what was deleted before the time that it is given.
func (w *world) judgeUndelete(wrong func(string, ...any), key string, v explain.Verdict) {
	for _, step := range v.Steps {
		rest, advised := strings.CutPrefix(step.Command, "s3fanout undelete --since ")
		if !advised {
			continue
		}
		text, _, _ := strings.Cut(rest, " ")
		since, err := time.Parse(time.RFC3339, text)
		if k, _ := w.hiddenKey(key); err != nil || k.told.IsZero() || since.After(k.told) {
			wrong("%s brings it back (%s); it was deleted at %s, %v", step.Command, v.Text, k.told, err)
		}
		w.stats.advised++
	}
}

// oneWrite says that all versions are of the same write.
func oneWrite(list []*stored) bool {
	return !slices.ContainsFunc(list, func(v *stored) bool { return v.write != list[0].write })
}

// mostExplained is how many versions of a Region explain reads.
const mostExplained = explain.MaxVersions

// judgeStory is about the writes and what has become of them.
func (w *world) judgeStory(wrong func(string, ...any), key string, f explain.Facts) {
	told := map[*written]explain.Write{}
	var most *written
	for _, told1 := range explain.Writes(f) {
		origin := w.follow.stores[told1.Region]
		v := origin.version(key, told1.VersionID)
		if v == nil {
			v = origin.gone[told1.VersionID]
		}
		// Of what was there before follow mode, only dates tell which was first, and clocks differ.
		if v == nil || v.byRole && !v.write.legacy || v.modified.Unix() != told1.Seconds {
			wrong("somebody wrote %+v", told1.Write)
			return
		}
		if !v.write.legacy && told1.Destroyed != (origin.place(v) < 0 && w.set.Contains(origin.region)) &&
			len(origin.stacks[key]) <= mostExplained {
			wrong("%s, destroyed: %t", v.write.name, told1.Destroyed)
		}
		told[v.write] = told1
		if most == nil || v.write.compare(most) > 0 {
			most = v.write
		}
	}
	for u, says := range told {
		// Nothing tells two of a second apart once their Region has left.
		twins := u.seconds == most.seconds && u.region == most.region && !w.set.Contains(u.region)
		if says.Wins && u != most && !twins {
			wrong("%s wins; the greatest is %s", u.name, most.name)
		}
		var shown, hidden, kept []string
		var first time.Time
		for _, r := range w.set.Regions {
			stack := w.follow.stores[r].stacks[key]
			if len(stack) > mostExplained {
				return
			}
			for i, v := range stack {
				switch {
				case v.write != u:
				case i == len(stack)-1:
					shown = appendOnce(shown, r)
				case stack[i+1].marker:
					hidden = appendOnce(hidden, r)
					if at := stack[i+1].modified; first.IsZero() || at.Before(first) {
						first = at
					}
				default:
					kept = appendOnce(kept, r)
				}
			}
		}
		if !slices.Equal(says.Shown, shown) || !slices.Equal(says.Hidden, hidden) || !slices.Equal(says.Kept, kept) ||
			!says.DeletedAt.Equal(first) {
			wrong("%s is shown by %v, hidden by %v since %s, and kept by %v; it is %v, %v since %s, %v",
				u.name, says.Shown, says.Hidden, says.DeletedAt, says.Kept, shown, hidden, first, kept)
		}
	}
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
