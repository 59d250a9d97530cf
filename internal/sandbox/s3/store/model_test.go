package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// model is what the store has to be like, written as plainly as can be: every
// version in one slice, every answer by looking at all of them.
type model struct {
	clock   int
	buckets map[string]*modelBucket
}

type modelBucket struct {
	versioning Versioning
	versions   []*modelVersion
	uploads    []*modelUpload
	deleted    map[string]int // key → when its current version was deleted last
}

type modelVersion struct {
	key      string
	id       string // the store's
	started  int
	visible  int
	marker   bool
	null     bool
	body     string
	etag     string
	parts    int
	checksum Checksum
	tags     []Tag
	class    string
}

type modelUpload struct {
	key        string
	id         string
	started    int
	attributes Attributes
	named      Algorithm
	parts      map[int]string
}

func (m *model) tick() int { m.clock++; return m.clock }

// of returns a key's versions, the current one first.
func (b *modelBucket) of(key string) []*modelVersion {
	var all []*modelVersion
	for _, v := range b.versions {
		if v.key == key {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(x, y *modelVersion) int { return cmp.Compare(y.started, x.started) })
	return all
}

// find returns a version, the current one if id is "".
func (b *modelBucket) find(key, id string) (*modelVersion, error) {
	all := b.of(key)
	if id == "" {
		if len(all) == 0 || all[0].marker {
			return nil, ErrNoSuchKey
		}
		return all[0], nil
	}
	for _, v := range all {
		if v.id == id {
			if v.marker {
				return nil, ErrDeleteMarker
			}
			return v, nil
		}
	}
	return nil, ErrNoSuchVersion
}

// decide says how a conditional write ends; started is 0 if it is now.
func (b *modelBucket) decide(key string, c Condition, started int) error {
	var current *modelVersion
	all := b.of(key)
	if len(all) > 0 && !all[0].marker {
		current = all[0]
	}
	since := func(when int) bool { return started != 0 && when > started }
	if c.IfNoneMatch {
		if current != nil {
			return ErrPrecondition
		}
		if since(b.deleted[key]) {
			return ErrConflict
		}
	}
	if c.IfMatch != "" {
		if current == nil {
			return ErrNoSuchKey
		}
		if c.IfMatch != "*" && c.IfMatch != current.etag {
			return ErrPrecondition
		}
		if since(current.visible) {
			return ErrConflict
		}
	}
	return nil
}

// add makes a version visible, unless it is a null version that was started
// before the one that is there.
func (m *model) add(b *modelBucket, v *modelVersion) {
	v.visible = m.tick()
	v.null = b.versioning != Enabled
	if v.null {
		for i, other := range b.versions {
			if other.key != v.key || !other.null {
				continue
			}
			if other.started > v.started {
				return
			}
			b.versions = slices.Delete(b.versions, i, i+1)
			break
		}
	}
	b.versions = append(b.versions, v)
}

// delete deletes as a DeleteObject without a version does.
func (m *model) delete(b *modelBucket, key string) (made *modelVersion, removed bool) {
	if b.versioning != Unversioned {
		made = &modelVersion{key: key, started: m.tick(), marker: true}
		m.add(b, made)
		b.deleted[key] = m.tick()
		return made, false
	}
	before := len(b.versions)
	b.versions = slices.DeleteFunc(b.versions, func(v *modelVersion) bool { return v.key == key })
	if removed = len(b.versions) < before; removed {
		b.deleted[key] = m.tick()
	}
	return nil, removed
}

// remove deletes a version for good.
func (m *model) remove(b *modelBucket, key, id string) *modelVersion {
	for i, v := range b.of(key) {
		if v.id != id {
			continue
		}
		b.versions = slices.DeleteFunc(b.versions, func(o *modelVersion) bool { return o == v })
		if i == 0 {
			b.deleted[key] = m.tick()
		}
		return v
	}
	return nil
}

// entry is a line of a list.
type entry struct{ key, id, group string }

// entries returns all lines of a list. shown are the rows by key, each with
// what it is called.
func entries(shown []entry, prefix, delimiter string) []entry {
	slices.SortStableFunc(shown, func(x, y entry) int { return strings.Compare(x.key, y.key) })
	var all []entry
	for _, e := range shown {
		if !strings.HasPrefix(e.key, prefix) {
			continue
		}
		if delimiter != "" {
			if i := strings.Index(e.key[len(prefix):], delimiter); i >= 0 {
				group := e.key[:len(prefix)+i+len(delimiter)]
				if len(all) == 0 || all[len(all)-1].group != group {
					all = append(all, entry{key: group, group: group})
				}
				continue
			}
		}
		all = append(all, e)
	}
	return all
}

// objects are the lines of a list of current objects.
func (b *modelBucket) objects() []entry {
	var shown []entry
	for _, key := range b.keys() {
		if v := b.of(key)[0]; !v.marker {
			shown = append(shown, entry{key: key, id: v.id})
		}
	}
	return shown
}

// all are the lines of a list of versions.
func (b *modelBucket) all() []entry {
	var shown []entry
	for _, key := range b.keys() {
		for _, v := range b.of(key) {
			shown = append(shown, entry{key: key, id: v.id})
		}
	}
	return shown
}

func (b *modelBucket) unfinished() []entry {
	var shown []entry
	for _, u := range b.uploads { // in the order of their beginning
		shown = append(shown, entry{key: u.key, id: u.id})
	}
	return shown
}

func (b *modelBucket) keys() []string {
	var keys []string
	for _, v := range b.versions {
		keys = append(keys, v.key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (b *modelBucket) upload(key, id string) *modelUpload {
	for _, u := range b.uploads {
		if u.key == key && u.id == id {
			return u
		}
	}
	return nil
}

func (b *modelBucket) end(u *modelUpload) {
	b.uploads = slices.DeleteFunc(b.uploads, func(o *modelUpload) bool { return o == u })
}

// kind returns which of the store's errors it is, for comparison.
func kind(err error) error {
	for _, k := range []error{
		ErrNoSuchBucket, ErrBucketExists, ErrBucketNotEmpty, ErrNoSuchVersion, ErrInvalidVersionID, ErrDeleteMarker, ErrNoSuchKey,
		ErrPrecondition, ErrConflict, ErrNoSuchUpload, ErrInvalidPart, ErrInvalidPartOrder, ErrPartTooSmall, ErrPartNumbers,
	} {
		if errors.Is(err, k) {
			return k
		}
	}
	if err != nil {
		return fmt.Errorf("no kind: %w", err)
	}
	return nil
}
