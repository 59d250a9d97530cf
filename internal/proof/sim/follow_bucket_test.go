package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"s3fanout/internal/policy"
)

// stored is a version, or a delete marker, in a bucket of the model of S3 that
// follow mode runs against. That one keeps what versions are made of, where the
// other model keeps what first-write-wins needs.
type stored struct {
	id, key string
	marker  bool
	body    string // names the bytes
	size    int64
	etag    string
	parts   int
	crc     string
	headers headers
	meta    map[string]string
	tags    string
	// modified is by the clock of the Region, in whole seconds; began and shown are
	// by the true one.
	modified     time.Time
	began, shown time.Time
	destroyed    time.Time // zero if it is there
	archived     bool      // cannot be copied until it is calm
	// write is the user's write whose bytes these are. The model knows it because it
	// has moved them, not because of anything that the product wrote.
	write  *written
	byRole bool
	// retagged says that a user tagged it here.
	retagged bool
	// lifecycle says of a marker that no person and no function made it.
	lifecycle bool
}

// headers are the properties of an object that HTTP has headers for.
type headers struct{ contentType, cacheControl, disposition, language string }

// visible is all that a reader sees of a version.
func (v *stored) visible() string {
	if v == nil {
		return "nothing"
	}
	meta := maps.Clone(v.meta)
	delete(meta, policy.EntryName)
	return fmt.Sprint(v.body, " ", v.size, " ", v.headers, " ", meta)
}

// store is a Region's bucket.
type store struct {
	region, name string
	stacks       map[string][]*stored // by key, the current version last
	uploads      map[string]*uploading
	completed    map[string]*stored
	suspended    bool // its versioning
	// gone are the versions that users have destroyed, by ID.
	gone map[string]*stored
	// changes counts what was done to a key, its tags among it.
	changes map[string]int
}

// uploading is an upload in parts.
type uploading struct {
	key, by string
	made    stored // what is to come of it
	parts   map[int]part
	of      map[int]*stored // where parts were copied from
	highest int
	began   time.Time
}

func newStore(region, name string) *store {
	return &store{
		region: region, name: name, stacks: map[string][]*stored{}, uploads: map[string]*uploading{},
		completed: map[string]*stored{}, gone: map[string]*stored{}, changes: map[string]int{},
	}
}

// top is the newest version or marker, nil for none.
func (b *store) top(key string) *stored {
	if stack := b.stacks[key]; len(stack) > 0 {
		return stack[len(stack)-1]
	}
	return nil
}

// current is what a reader gets, nil for nothing.
func (b *store) current(key string) *stored {
	if v := b.top(key); v != nil && !v.marker {
		return v
	}
	return nil
}

// latest is the newest version, and whether a marker hides it; nil for none.
func (b *store) latest(key string) (v *stored, hidden bool) {
	for _, v := range slices.Backward(b.stacks[key]) {
		if !v.marker {
			return v, hidden
		}
		hidden = true
	}
	return nil, false
}

// version finds a version or a marker by its ID.
func (b *store) version(key, id string) *stored {
	for _, v := range b.stacks[key] {
		if v.id == id {
			return v
		}
	}
	return nil
}

// put adds a version. Of several the one that was begun last is the current one,
// or the one that was completed last: AWS says the former of writes that are
// under way together, and not what it means for uploads in parts. It reports
// whether the version is the current one now.
func (b *store) put(v *stored, byBeginning bool) bool {
	stack := b.stacks[v.key]
	i := len(stack)
	for byBeginning && i > 0 && stack[i-1].began.After(v.began) {
		i--
	}
	b.stacks[v.key] = slices.Insert(stack, i, v)
	b.changes[v.key]++
	return i == len(stack)
}

// nullVersion is the ID of what is written while versioning is suspended.
const nullVersion = "null"

// makeRoom destroys the one version that a write replaces for good while versioning
// is suspended.
func (b *store) makeRoom(key string) {
	if old := b.version(key, nullVersion); b.suspended && old != nil {
		b.destroy(old)
	}
}

// destroy removes a version for good.
func (b *store) destroy(v *stored) {
	b.stacks[v.key] = slices.DeleteFunc(slices.Clone(b.stacks[v.key]), func(o *stored) bool { return o == v })
	v.destroyed = time.Now()
	b.gone[v.id] = v
	b.changes[v.key]++
}

// place is how far up in the stack a version is; -1 if it is not there.
func (b *store) place(v *stored) int { return slices.Index(b.stacks[v.key], v) }

func (b *store) keys() []string { return slices.Sorted(maps.Keys(b.stacks)) }

// etagOf is that of an object that was uploaded, or copied, by one request.
func etagOf(body string) string { return "e" + body }
