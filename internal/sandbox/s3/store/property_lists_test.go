package store

import (
	"slices"

	"pgregory.net/rapid"
)

// checkLists compares every page of lists with a random prefix, delimiter and
// page size.
func (m *machine) checkLists(t *rapid.T, b *modelBucket) {
	prefix := rapid.SampledFrom([]string{"", "a", "a/", "b", "a\x00", "a/b", "none"}).Draw(t, "prefix")
	delimiter := rapid.SampledFrom([]string{"", "/", "b", "//", "\x00"}).Draw(t, "delimiter")
	size := rapid.IntRange(1, 5).Draw(t, "page")
	m.compareList(t, "objects", size, entries(b.objects(), prefix, delimiter), func(after entry) ([]entry, entry, bool) {
		p, err := m.store.ListObjects(here, List{Prefix: prefix, Delimiter: delimiter, After: after.key, MaxKeys: size})
		m.same(t, "list", err, nil)
		var got []entry
		for _, o := range p.Objects {
			got = append(got, entry{key: o.Key, id: o.VersionID})
			m.checkLine(t, b, o)
		}
		return merged(got, p.Prefixes), entry{key: p.Next}, p.Truncated
	})
	m.compareList(t, "versions", size, entries(b.all(), prefix, delimiter), func(after entry) ([]entry, entry, bool) {
		p, err := m.store.ListVersions(here, ListVersions{
			Prefix: prefix, Delimiter: delimiter, KeyMarker: after.key, VersionIDMarker: after.id, MaxKeys: size,
		})
		m.same(t, "list versions", err, nil)
		var got []entry
		for _, o := range p.Versions {
			got = append(got, entry{key: o.Key, id: o.VersionID})
			m.checkLine(t, b, o)
		}
		return merged(got, p.Prefixes), entry{key: p.NextKey, id: p.NextVersionID}, p.Truncated
	})
	m.compareList(t, "uploads", size, entries(b.unfinished(), prefix, delimiter), func(after entry) ([]entry, entry, bool) {
		p, err := m.store.ListUploads(here, ListUploads{
			Prefix: prefix, Delimiter: delimiter, KeyMarker: after.key, UploadIDMarker: after.id, MaxUploads: size,
		})
		m.same(t, "list uploads", err, nil)
		var got []entry
		for _, u := range p.Uploads {
			got = append(got, entry{key: u.Key, id: u.UploadID})
		}
		return merged(got, p.Prefixes), entry{key: p.NextKey, id: p.NextUploadID}, p.Truncated
	})
	for _, u := range b.uploads {
		m.checkParts(t, u, size)
	}
}

// checkLine compares what a list says of a version.
func (m *machine) checkLine(t *rapid.T, b *modelBucket, got Version) {
	for i, v := range b.of(got.Key) {
		if v.id != got.VersionID {
			continue
		}
		if got.Latest != (i == 0) || got.DeleteMarker != v.marker || got.ETag != v.etag || got.Size != int64(len(v.body)) ||
			got.Attributes.StorageClass != v.class || got.Checksum != v.checksum {
			t.Fatalf("listed %+v, want %+v, latest %t", got, v, i == 0)
		}
	}
}

// merged puts the lines of a page in order.
func merged(rows []entry, groups []string) []entry {
	for _, g := range groups {
		rows = append(rows, entry{key: g, group: g})
	}
	slices.SortStableFunc(rows, func(x, y entry) int {
		switch {
		case x.key < y.key:
			return -1
		case x.key > y.key:
			return 1
		}
		return 0
	})
	return rows
}

// compareList reads all pages of a list.
func (m *machine) compareList(t *rapid.T, what string, size int, want []entry, page func(after entry) ([]entry, entry, bool)) {
	after, all := entry{}, want
	for {
		got, next, truncated := page(after)
		n := min(size, len(want))
		if !slices.Equal(got, want[:n]) || truncated != (len(want) > n) {
			t.Fatalf("list of %s after %+v: %+v (truncated %t), want %+v of %+v", what, after, got, truncated, want[:n], all)
		}
		want = want[n:]
		if !truncated {
			return
		}
		after = next
	}
}

func (m *machine) checkParts(t *rapid.T, u *modelUpload, size int) {
	after, seen := 0, 0
	for {
		p, err := m.store.ListParts(here, u.key, u.id, after, size)
		m.same(t, "list parts", err, nil)
		for _, part := range p.Parts {
			m.checkPart(t, u, part.Number, part)
		}
		seen += len(p.Parts)
		if after = p.Next; !p.Truncated {
			break
		}
	}
	if seen != len(u.parts) {
		t.Fatalf("listed %d parts, want %d", seen, len(u.parts))
	}
}
