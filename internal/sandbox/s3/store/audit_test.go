package store

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// audit counts everything anew and returns what does not agree: references to
// blobs, and files. staged are files that nothing has to refer to yet.
func (s *Store) audit(staged []uint64) (problems []string, err error) {
	want := map[uint64]uint64{}
	files := map[uint64]bool{}
	for _, id := range staged {
		files[id] = !isInline(id)
	}
	err = s.read(func(t *txn) error {
		each := func(table string, f func(row, value []byte) error) error { return t.table(table).ForEach(f) }
		if err := each(tableVersions, func(_, value []byte) error {
			v, err := decodeVersion(0, value, true)
			if err == nil && !v.marker {
				want[v.blob]++
			}
			return err
		}); err != nil {
			return err
		}
		if err := each(tableParts, func(_, value []byte) error {
			p, err := decodePart(value)
			if err == nil {
				want[p.blob]++
			}
			return err
		}); err != nil {
			return err
		}
		if err := each(tableBlobs, func(row, value []byte) error {
			id := readID(row)
			if isInline(id) {
				return nil
			}
			m, err := decodeManifest(value)
			for _, other := range blobsOf(m.extents) {
				if other == id {
					files[id] = true
				} else {
					want[other]++
				}
			}
			return err
		}); err != nil {
			return err
		}
		got := map[uint64]uint64{}
		if err := each(tableRefs, func(row, _ []byte) error {
			n, err := t.references(readID(row))
			got[readID(row)] = n
			if t.table(tableBlobs).Get(row) == nil {
				problems = append(problems, fmt.Sprintf("blob %x is counted and not there", readID(row)))
			}
			return err
		}); err != nil {
			return err
		}
		if !maps.Equal(got, want) {
			problems = append(problems, fmt.Sprintf("references are %v, want %v", got, want))
		}
		if n := rows(t.table(tableBlobs)); n != len(got) {
			problems = append(problems, fmt.Sprintf("%d blobs, %d counted", n, len(got)))
		}
		for err := range t.tx.Check() {
			problems = append(problems, err.Error())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.Concat(problems, s.auditFiles(files)), nil
}

func rows(b *bolt.Bucket) (n int) {
	_ = b.ForEach(func(_, _ []byte) error { n++; return nil })
	return n
}

// auditFiles compares the files with those that there should be.
func (s *Store) auditFiles(want map[uint64]bool) (problems []string) {
	got := map[uint64]bool{}
	err := filepath.WalkDir(filepath.Join(s.dir, blobDirectory), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		id, err := strconv.ParseUint(d.Name(), 16, 64)
		got[id] = true
		if info, e := os.Stat(path); e == nil && info.Size() == 0 {
			problems = append(problems, path+" is empty")
		}
		return err
	})
	if err != nil {
		problems = append(problems, err.Error())
	}
	for id := range want {
		if want[id] && !got[id] {
			problems = append(problems, fmt.Sprintf("the file of %x is missing", id))
		}
	}
	for id := range got {
		if !want[id] {
			problems = append(problems, fmt.Sprintf("the file of %x is left over", id))
		}
	}
	return problems
}
