package copier

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPartSizes(t *testing.T) {
	const gib = int64(1) << 30
	for _, tt := range []struct{ size, fixed, part, count int64 }{
		{1, 0, 8 << 20, 1},
		{256<<20 + 1, 0, 8 << 20, 33},
		{2 * gib, 0, 32 << 20, 64},
		{4 * gib, 0, 64 << 20, 64},
		{5*gib + 1, 0, 81 << 20, 64},
		{8 * gib, 0, 128 << 20, 64},
		{8*gib + 1, 0, 65 << 20, 127},
		{100 * gib, 0, 124 << 20, 826},
		{1250 * gib, 0, 128 << 20, 10_000},
		{1250*gib + 1, 0, 129 << 20, 9_923},
		{50_000_000_000_000, 0, 4769 << 20, 9_999},
		{MaxObject, 0, 5 << 30, 10_000},
		{95, 10, 10, 10},
		{20_000, 1, 2, 10_000},
	} {
		part := planPartSize(tt.size, tt.fixed)
		if count := int64(partCount(tt.size, part)); part != tt.part || count != tt.count {
			t.Errorf("%d bytes: got %d parts of %d, want %d of %d", tt.size, count, part, tt.count, tt.part)
		}
	}
}

func TestPartsAreLegalUpTo50TB(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// All magnitudes, and all of the range.
		size := rapid.OneOf(
			rapid.Int64Range(1, MaxObject),
			rapid.Map(rapid.IntRange(0, 45), func(shift int) int64 { return int64(1) << shift }),
			rapid.Map(rapid.Int64Range(1, maxParts), func(n int64) int64 { return n * maxPartSize }),
		).Draw(t, "size") + rapid.Int64Range(-1, 1).Draw(t, "off by")
		size = min(max(size, 1), MaxObject)
		part := planPartSize(size, 0)
		count := partCount(size, part)
		if part < 5<<20 || part > maxPartSize || part%mebibyte != 0 {
			t.Fatalf("parts of %d bytes", part)
		}
		if count < 1 || count > maxParts {
			t.Fatalf("%d parts", count)
		}
		if size >= wantedParts*leastPart && count < 32 {
			t.Fatalf("%d parts, too few to be quick", count)
		}
		if part > mostPart && int64(count)*2 < maxParts {
			t.Fatalf("%d parts of %d bytes, larger than they had to be", count, part)
		}
		// The ranges are the object, without gap or overlap.
		i := rapid.IntRange(0, count-1).Draw(t, "part")
		first, last := partRange(size, part, i)
		if first != int64(i)*part || last < first || last-first+1 > part {
			t.Fatalf("part %d is %d-%d", i, first, last)
		}
		if i < count-1 && last-first+1 != part {
			t.Fatalf("part %d, not the last, has %d bytes", i, last-first+1)
		}
		if _, end := partRange(size, part, count-1); end != size-1 {
			t.Fatalf("the last part ends at %d of %d", end, size)
		}
	})
}

func TestEndingsKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := situation{
			open: rapid.Bool().Draw(t, "open"), deadline: rapid.Bool().Draw(t, "deadline"),
			progress: rapid.Bool().Draw(t, "progress"), uploads: rapid.IntRange(1, maxUploads).Draw(t, "uploads"),
			replaces: rapid.Bool().Draw(t, "replaces"),
		}
		s.resumed = s.open && rapid.Bool().Draw(t, "resumed")
		got := rapid.SampledFrom([]answer{done, same, differs, gone, hidden, conflict, lost, changed, spoiled, failed}).Draw(t, "answer")
		end := endingOf(got, s)
		if end.abort && !s.open {
			t.Fatal("aborts what is not open")
		}
		if end.again && (end.outcome != "" || s.uploads == maxUploads) {
			t.Fatalf("again: %+v", end)
		}
		if end.keep && (!end.again || end.abort || !s.resumed || s.uploads > 1) {
			t.Fatalf("goes on with an upload for ever, or with one that nobody else has: %+v", end)
		}
		stays := s.open && !end.abort && !end.keep && got != done && got != lost
		if stays && end.outcome != Unfinished && (!s.resumed || got != failed) {
			t.Fatalf("an upload stays open that nobody knows of: %+v", end)
		}
		if (end.outcome == Unfinished) != (got == failed && s.deadline && s.open && s.progress) {
			t.Fatalf("unfinished: %+v", end)
		}
		if s.replaces && changedSince(got) {
			// The caller looks and decides, but for a twin of whom is asked once more.
			if twin := got == conflict && s.resumed && s.uploads == 1; (end.outcome == Changed) == twin {
				t.Fatalf("a change ends as %+v", end)
			}
			return
		}
		if end.outcome == Changed {
			t.Fatal("nothing changed")
		}
		if (end.outcome == Copied) != (got == done) || (end.outcome == Exists) != (got == same) ||
			(end.outcome == Diverged) != (got == differs) || (end.outcome == SourceGone) != (got == gone) ||
			(end.outcome == LeftDeleted) != (got == hidden) {
			t.Fatalf("answer %d ends as %+v", got, end)
		}
	})
}
