package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"time"
	"unicode/utf8"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/replicaset"
)

// plan divides the keys into ranges, by the own bucket, or by another one that has more
// keys: the own one may have been made anew.
func (h *Handler) plan(ctx context.Context, ranges int) (Answer, error) {
	prefix := commonPrefix(h.Config.Prefixes())
	var buckets []listing.Bucket
	for _, m := range append(replicaset.Members{h.Config.Target}, h.Config.Sources...) {
		buckets = append(buckets, listing.Bucket{Region: m.Region, Name: m.Bucket, Client: h.Read(m.Region)})
	}
	fullest, err := listing.Fullest(ctx, buckets, prefix)
	if err != nil {
		return Answer{}, err
	}
	cuts, err := listing.Cuts(ctx, buckets[fullest], prefix, ranges)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Status: Planned, Done: true, Began: h.Now()}
	after := ""
	for _, cut := range append(cuts, "") {
		a.Ranges = append(a.Ranges, Range{After: after, Through: cut})
		after = cut
	}
	return a, nil
}

// commonPrefix is what all of some prefixes begin with. They are in order.
func commonPrefix(prefixes []string) string {
	first, last := prefixes[0], prefixes[len(prefixes)-1]
	n := 0
	for n < min(len(first), len(last)) && first[n] == last[n] {
		n++
	}
	for n > 0 && n < len(first) && !utf8.RuneStart(first[n]) {
		n-- // not in the middle of a character
	}
	return first[:n]
}

// compareRange compares the keys of a range, as far as the time allows. Where keys
// fail one after another it is no error either, unless nothing has been dealt with:
// whoever asks would begin the range anew, to fail at the same keys.
func (h *Handler) compareRange(ctx context.Context, log *slog.Logger, r Range, began time.Time) (Answer, error) {
	until := h.Now().Add(longestRun)
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline
	}
	k := &keeper{h: h, log: log, remembers: true, state: State{After: r.After, Unfinished: r.Unfinished}}
	w := h.work(ctx, log, until, k)
	err := w.compare(ctx, r)
	w.named.end()
	s := k.now()
	timeUp := errors.Is(err, errTimeUp)
	if err != nil && !timeUp && !advanced(r, s) {
		return Answer{}, err
	}
	a := Answer{Status: Complete, Done: err == nil, Began: began, RangeUnrepaired: r.Unrepaired + s.Counts.Unrepaired, Counts: s.Counts}
	if err != nil {
		a.Status, a.Wait = Paused, !timeUp
		a.Range = &Range{After: s.After, Through: r.Through, Unfinished: s.Unfinished, Unrepaired: a.RangeUnrepaired}
	}
	if a.Wait {
		log.Warn("the rest of the range waits", "after", s.After, "through", r.Through, "error", err.Error())
	}
	h.reportRange(log, a, r)
	return a, nil
}

// advanced says whether something of a range has been dealt with or begun.
func advanced(r Range, s State) bool {
	return s.After != r.After || s.Counts != (Counts{}) || !reflect.DeepEqual(s.Unfinished, r.Unfinished)
}

// failed is how many ranges are not compared.
func (p Prove) failed() int {
	n := 0
	for _, a := range p.Ranges {
		if !a.Done {
			n++
		}
	}
	return n
}

// unrepaired is how many keys of all ranges were not repaired.
func (p Prove) unrepaired() (n int64) {
	for _, a := range p.Ranges {
		n += a.RangeUnrepaired
	}
	return n
}
