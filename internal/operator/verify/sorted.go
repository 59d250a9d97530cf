package verify

import (
	"bufio"
	"cmp"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

const (
	// keptBytes is about how much memory Sorted holds differences in, and
	// fanIn how many of its files it merges into one.
	keptBytes = 2 << 20
	fanIn     = 8
)

// Sorted takes differences in any order and gives them back in that of their
// keys. What it holds in memory does not depend on their number: the rest is in
// temporary files, in os.TempDir, which are gone when the process is. It must not
// be used concurrently. The zero value is ready for use.
type Sorted struct {
	kept   []Difference
	bytes  int
	levels [][]*os.File // sorted files, by how often they were merged
	limit  int          // instead of keptBytes, for tests
}

// Add takes one difference.
func (s *Sorted) Add(d Difference) error {
	s.kept = append(s.kept, d)
	s.bytes += sizeOf(d)
	if s.bytes < cmp.Or(s.limit, keptBytes) {
		return nil
	}
	if err := s.spill(); err != nil {
		return fmt.Errorf("keep the differences in a temporary file: %w; free space in %s, or name another directory in TMPDIR",
			err, os.TempDir())
	}
	return nil
}

// All gives back what was added, in order. It can be called once, and ends after
// an error.
func (s *Sorted) All() iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		slices.SortStableFunc(s.kept, inOrder)
		sources := []source{fromSlice(s.kept)}
		for _, level := range s.levels {
			for _, f := range level {
				in, err := fromFile(f)
				if err != nil {
					yield(Difference{}, err)
					return
				}
				sources = append(sources, in)
			}
		}
		err := merge(sources, func(d Difference) error {
			if !yield(d, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(Difference{}, fmt.Errorf("read the differences back: %w", err))
		}
	}
}

// Close removes the files.
func (s *Sorted) Close() {
	for _, level := range s.levels {
		for _, f := range level {
			remove(f)
		}
	}
	*s = Sorted{limit: s.limit}
}

var errStopped = errors.New("stopped")

// inOrder is by key, and then in the order in which the kinds are declared.
func inOrder(a, b Difference) int {
	kinds := []Kind{Missing, Copying, Different, Unsettled}
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)))
}

// sizeOf is about how much memory a difference takes.
func sizeOf(d Difference) int {
	const each, perObject, perRegion, perTag = 250, 250, 16, 64
	n := each + len(d.Key) + perObject*len(d.Objects) + perRegion*(len(d.Without)+len(d.Deleted)+len(d.Differing))
	for _, o := range d.Objects {
		n += len(o.VersionID) + len(o.ETag) + len(o.Checksum.Value)
		for k, v := range o.Tags {
			n += perTag + len(k) + len(v)
		}
	}
	return n
}

// spill writes what is in memory to a file, and merges files where there are
// many.
func (s *Sorted) spill() error {
	slices.SortStableFunc(s.kept, inOrder)
	next, err := write([]source{fromSlice(s.kept)})
	if err != nil {
		return err
	}
	clear(s.kept)
	s.kept, s.bytes = s.kept[:0], 0
	for level := 0; ; level++ {
		if level == len(s.levels) {
			s.levels = append(s.levels, nil)
		}
		s.levels[level] = append(s.levels[level], next)
		if len(s.levels[level]) < fanIn {
			return nil
		}
		var sources []source
		for _, f := range s.levels[level] {
			in, err := fromFile(f)
			if err != nil {
				return err
			}
			sources = append(sources, in)
		}
		if next, err = write(sources); err != nil {
			return err
		}
		for _, f := range s.levels[level] {
			remove(f)
		}
		s.levels[level] = nil
	}
}

// write merges sources into a new file.
func write(sources []source) (*os.File, error) {
	f, err := os.CreateTemp("", "s3fanout-verify-*")
	if err != nil {
		return nil, err
	}
	// Where an open file can be removed, it does not outlive the process.
	_ = os.Remove(f.Name())
	w := bufio.NewWriter(f)
	out := gob.NewEncoder(w)
	err = merge(sources, func(d Difference) error { return out.Encode(d) })
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		remove(f)
		return nil, err
	}
	return f, nil
}

func remove(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name()) // most often done already
}

// source gives differences in order, and io.EOF after the last.
type source func() (Difference, error)

func fromSlice(list []Difference) source {
	return func() (Difference, error) {
		if len(list) == 0 {
			return Difference{}, io.EOF
		}
		d := list[0]
		list = list[1:]
		return d, nil
	}
}

func fromFile(f *os.File) (source, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	in := gob.NewDecoder(bufio.NewReader(f))
	return func() (d Difference, err error) {
		err = in.Decode(&d)
		return d, err
	}, nil
}

// merge hands out what several sources have, in order.
func merge(sources []source, emit func(Difference) error) error {
	type head struct {
		d    Difference
		next source
	}
	var heads []head
	advance := func(h head) (head, bool, error) {
		d, err := h.next()
		if errors.Is(err, io.EOF) {
			return h, false, nil
		}
		return head{d, h.next}, err == nil, err
	}
	for _, s := range sources {
		h, ok, err := advance(head{next: s})
		switch {
		case err != nil:
			return err
		case ok:
			heads = append(heads, h)
		}
	}
	for len(heads) > 0 {
		least := 0 // there are few dozens
		for i := range heads[1:] {
			if inOrder(heads[i+1].d, heads[least].d) < 0 {
				least = i + 1
			}
		}
		if err := emit(heads[least].d); err != nil {
			return err
		}
		h, ok, err := advance(heads[least])
		switch {
		case err != nil:
			return err
		case ok:
			heads[least] = h
		default:
			heads = slices.Delete(heads, least, least+1)
		}
	}
	return nil
}
