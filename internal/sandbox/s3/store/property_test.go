package store

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// machine does the same to a store and to a model.
type machine struct {
	dir    string
	store  *Store
	model  model
	staged []stagedBody
}

// stagedBody is a body whose PutObject has not been decided.
type stagedBody struct {
	blob    *Blob
	body    string
	started int
}

const zeros = "zeros" // an object of minPart zeros, for parts

func modelKeys() []string {
	return []string{"a", "a/", "a/b", "a//b", "a/b/c", "a\x00", "a\x00b", "ab", "b", "ä", "/"}
}

func newMachine(t *rapid.T, dir string) *machine {
	m := &machine{dir: dir, model: model{buckets: map[string]*modelBucket{}}}
	m.open(t)
	for name, v := range map[string]Versioning{here: Versioning(rapid.IntRange(0, 2).Draw(t, "versioning")), gone: Unversioned} {
		if _, err := m.store.CreateBucket(Bucket{Name: name, Versioning: v}); err != nil {
			t.Fatal(err)
		}
		m.model.buckets[name] = &modelBucket{versioning: v, deleted: map[string]int{}}
	}
	blob, err := m.store.Stage(io.LimitReader(zeroReader{}, minPart), CRC64NVME)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.store.PutObject(Put{Bucket: gone, Key: zeros, Algorithm: CRC64NVME}, blob); err != nil {
		t.Fatal(err)
	}
	m.close(t, blob)
	return m
}

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func (m *machine) open(t *rapid.T) {
	s, err := Open(m.dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.store = s
}

func (m *machine) close(t *rapid.T, c io.Closer) {
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// same compares how both ended, and says whether they succeeded.
func (m *machine) same(t *rapid.T, what string, got, want error) bool {
	if !errors.Is(kind(got), want) {
		t.Fatalf("%s ended with %v, want %v", what, got, want)
	}
	return want == nil
}

func (m *machine) bucket() (string, *modelBucket) {
	return here, m.model.buckets[here]
}

func (m *machine) key(t *rapid.T) string { return rapid.SampledFrom(modelKeys()).Draw(t, "key") }

// versionID draws "", that of some version of the key, or of another.
func (m *machine) versionID(t *rapid.T, b *modelBucket, key string) string {
	ids := []string{"", "null"}
	for _, v := range b.versions {
		if ids = append(ids, v.id); v.key == key {
			ids = append(ids, v.id, v.id, v.id)
		}
	}
	return rapid.SampledFrom(ids).Draw(t, "version")
}

func (m *machine) condition(t *rapid.T, b *modelBucket, key string) Condition {
	switch rapid.IntRange(0, 5).Draw(t, "condition") {
	case 0:
		return Condition{IfNoneMatch: true}
	case 1:
		return Condition{IfMatch: "*"}
	case 2:
		return Condition{IfMatch: md5Hex(m.body(t))}
	case 3:
		if v, err := b.find(key, ""); err == nil {
			return Condition{IfMatch: v.etag}
		}
	}
	return Condition{}
}

func (m *machine) body(t *rapid.T) string {
	bodies := []string{"", "one", "two", strings.Repeat("large", inlineSize/4)}
	return bodies[rapid.IntRange(0, len(bodies)-1).Draw(t, "body")]
}

func (m *machine) attributes(t *rapid.T) Attributes {
	tag := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "tag")
	a := Attributes{StorageClass: rapid.SampledFrom([]string{"", "GLACIER"}).Draw(t, "class")}
	if tag != "" {
		a.Tags = []Tag{{"tag", tag}}
	}
	return a
}

// stage begins a PutObject.
func (m *machine) stage(t *rapid.T) {
	body := m.body(t)
	started := m.model.tick()
	blob, err := m.store.Stage(strings.NewReader(body), CRC32, CRC64NVME)
	if err != nil {
		t.Fatal(err)
	}
	m.staged = append(m.staged, stagedBody{blob, body, started})
}

// put ends the PutObject that was begun longest ago, or a new one.
func (m *machine) put(t *rapid.T) {
	if len(m.staged) == 0 {
		m.stage(t)
	}
	name, b := m.bucket()
	key, attributes, body := m.key(t), m.attributes(t), m.staged[0]
	m.staged = m.staged[1:]
	c := m.condition(t, b, key)
	w, err := m.store.PutObject(Put{Bucket: name, Key: key, Condition: c, Attributes: attributes, Algorithm: CRC32}, body.blob)
	if m.same(t, "put", err, b.decide(key, c, body.started)) {
		v := &modelVersion{
			key: key, id: w.VersionID, started: body.started, body: body.body, etag: md5Hex(body.body), tags: attributes.Tags,
			class: attributes.StorageClass, checksum: Checksum{CRC32, FullObject, body.blob.Sum(CRC32)},
		}
		m.model.add(b, v)
		m.written(t, b, v, w)
	}
	m.close(t, body.blob)
}

// written compares what a write answers.
func (m *machine) written(t *rapid.T, b *modelBucket, v *modelVersion, w Written) {
	if w.ETag != v.etag || w.Size != int64(len(v.body)) || w.Versioning != b.versioning || w.Parts != v.parts {
		t.Fatalf("wrote %+v, want %+v", w, v)
	}
	if (w.VersionID == NullVersion) != (b.versioning != Enabled) {
		t.Fatalf("version %q in a bucket of state %d", w.VersionID, b.versioning)
	}
}

func (m *machine) copy(t *rapid.T) {
	name, b := m.bucket()
	from, key, attributes := m.key(t), m.key(t), m.attributes(t)
	id, c := m.versionID(t, b, from), m.condition(t, b, key)
	source, want := b.find(from, id)
	if want == nil {
		want = b.decide(key, c, 0)
	}
	got, err := m.store.CopyObject(t.Context(), Copy{
		SourceBucket: name, SourceKey: from, SourceVersionID: id, Bucket: name, Key: key, Condition: c,
		Plan: func(*Version) (Plan, error) { return Plan{attributes, SHA256}, nil },
	})
	if !m.same(t, "copy", err, want) {
		return
	}
	v := &modelVersion{
		key: key, id: got.VersionID, started: m.model.tick(), body: source.body, etag: md5Hex(source.body),
		tags: attributes.Tags, class: attributes.StorageClass, checksum: Checksum{SHA256, FullObject, sumOf(SHA256, source.body)},
	}
	m.model.add(b, v)
	m.written(t, b, v, got.Written)
	if got.SourceVersionID != source.id {
		t.Fatalf("copied version %s, want %s", got.SourceVersionID, source.id)
	}
}

// sumsOf remembers the checksums of large bodies, of which there are few: they
// are compared again and again.
var sumsOf sync.Map

func sumOf(a Algorithm, body string) string {
	type known struct {
		a    Algorithm
		body string
	}
	const large = 1 << 20
	if sum, ok := sumsOf.Load(known{a, body}); ok && len(body) >= large {
		return sum.(string)
	}
	h, err := newHashes(a)
	if err != nil {
		return err.Error()
	}
	_, _ = io.WriteString(h, body)
	sum := h.sums()[a]
	if len(body) >= large {
		sumsOf.Store(known{a, body}, sum)
	}
	return sum
}

func (m *machine) delete(t *rapid.T) {
	name, b := m.bucket()
	key := m.key(t)
	c := Condition{IfMatch: m.condition(t, b, key).IfMatch}
	want := b.decide(key, c, 0)
	if all := b.of(key); c.IfMatch != "" && len(all) > 0 && all[0].marker {
		want = ErrPrecondition
	}
	got, err := m.store.DeleteObject(Delete{Bucket: name, Key: key, Condition: c})
	if !m.same(t, "delete", err, want) {
		return
	}
	made, removed := m.model.delete(b, key)
	if got.Made != (made != nil) || got.DeleteMarker != got.Made || got.Removed != removed {
		t.Fatalf("deleted %+v, want a marker %t, removed %t", got, made != nil, removed)
	}
	if made != nil {
		made.id = got.VersionID
	}
}

func (m *machine) deleteVersion(t *rapid.T) {
	name, b := m.bucket()
	key := m.key(t)
	id := m.versionID(t, b, key)
	if id == "" {
		return
	}
	got, err := m.store.DeleteObject(Delete{Bucket: name, Key: key, VersionID: id})
	m.same(t, "delete a version", err, nil)
	removed := m.model.remove(b, key, id)
	if got.VersionID != id || got.Removed != (removed != nil) || got.DeleteMarker != (removed != nil && removed.marker) {
		t.Fatalf("deleted %+v of %q, want %+v", got, id, removed)
	}
}

func (m *machine) tag(t *rapid.T) {
	name, b := m.bucket()
	key, tags := m.key(t), m.attributes(t).Tags
	id := m.versionID(t, b, key)
	v, want := b.find(key, id)
	got, err := m.store.PutTags(name, key, id, tags)
	if m.same(t, "tag", err, want) {
		if v.tags = tags; got.VersionID != v.id {
			t.Fatalf("tagged %s, want %s", got.VersionID, v.id)
		}
	}
}

func (m *machine) setVersioning(t *rapid.T) {
	v := rapid.SampledFrom([]Versioning{Enabled, Suspended}).Draw(t, "versioning")
	if err := m.store.SetVersioning(here, v); err != nil {
		t.Fatal(err)
	}
	m.model.buckets[here].versioning = v
}

// reopen closes the store, which ends what has been staged, and opens it.
func (m *machine) reopen(t *rapid.T) {
	for _, s := range m.staged {
		m.close(t, s.blob)
	}
	m.staged = nil
	m.close(t, m.store)
	m.open(t)
}

// check compares everything that can be read.
func (m *machine) check(t *rapid.T) {
	b := m.model.buckets[here]
	for _, key := range b.keys() {
		for _, v := range b.of(key) {
			m.checkVersion(t, b, v)
		}
	}
	m.checkLists(t, b)
	problems, err := m.store.audit(m.stagedFiles())
	if err != nil || len(problems) > 0 {
		t.Fatalf("the store is not sound: %v (%v)", problems, err)
	}
}

func (m *machine) stagedFiles() []uint64 {
	var ids []uint64
	for _, s := range m.staged {
		ids = append(ids, s.blob.id)
	}
	return ids
}

func (m *machine) checkVersion(t *rapid.T, b *modelBucket, v *modelVersion) {
	got, err := m.store.HeadObject(here, v.key, v.id)
	if v.marker {
		m.same(t, "head", err, ErrDeleteMarker)
		return
	}
	m.same(t, "head", err, nil)
	latest := b.of(v.key)[0] == v
	if got.ETag != v.etag || got.Size != int64(len(v.body)) || got.Latest != latest || got.Checksum != v.checksum || got.Parts != v.parts ||
		!slices.Equal(got.Attributes.Tags, v.tags) || got.Attributes.StorageClass != v.class {
		t.Fatalf("%q is %+v, want %+v, latest %t", v.key, got, v, latest)
	}
	o, err := m.store.OpenObject(here, v.key, v.id)
	m.same(t, "open", err, nil)
	defer m.close(t, o)
	tail := min(got.Size, 64<<10)
	bytes, err := io.ReadAll(o.Range(got.Size-tail, tail))
	if err != nil || string(bytes) != v.body[got.Size-tail:] {
		t.Fatalf("%q has other bytes (%v)", v.key, err)
	}
}

func TestStoreIsLikeTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "store")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }() // the system does so one day
		m := newMachine(t, dir)
		defer func() {
			for _, s := range m.staged {
				_ = s.blob.Close()
			}
			_ = m.store.Close()
		}()
		actions := map[string]func(*rapid.T){
			"stage": m.stage, "put": m.put, "copy": m.copy, "delete": m.delete, "delete version": m.deleteVersion, "tag": m.tag,
			"versioning": m.setVersioning, "reopen": m.reopen, "": m.check,
		}
		maps.Copy(actions, m.uploads())
		t.Repeat(actions)
	})
}

// String is for messages.
func (v *modelVersion) String() string {
	return fmt.Sprintf("%q version %s started %d marker %t etag %s", v.key, v.id, v.started, v.marker, v.etag)
}
