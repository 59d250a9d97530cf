package store

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// uploads returns what can be done with uploads in parts.
func (m *machine) uploads() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"create upload": m.createUpload, "put part": m.putPart, "copy part": m.copyPart, "complete": m.complete, "abort": m.abort,
	}
}

func (m *machine) createUpload(t *rapid.T) {
	name, b := m.bucket()
	key, attributes := m.key(t), m.attributes(t)
	named := rapid.SampledFrom([]Algorithm{"", CRC64NVME, SHA256, CRC32}).Draw(t, "algorithm")
	u, err := m.store.CreateUpload(CreateUpload{Bucket: name, Key: key, Attributes: attributes, Algorithm: named})
	m.same(t, "create upload", err, nil)
	b.uploads = append(b.uploads, &modelUpload{
		key: key, id: u.UploadID, started: m.model.tick(), attributes: attributes, named: named, parts: map[int]string{},
	})
}

// upload draws an upload that there is or one that is not.
func (m *machine) upload(t *rapid.T, b *modelBucket) *modelUpload {
	if len(b.uploads) == 0 || rapid.IntRange(0, 9).Draw(t, "wrong upload") == 0 {
		return &modelUpload{key: "a", id: "none", named: CRC32}
	}
	return rapid.SampledFrom(b.uploads).Draw(t, "upload")
}

// there says how an operation on the upload ends.
func (b *modelBucket) there(u *modelUpload) error {
	if b.upload(u.key, u.id) == nil {
		return ErrNoSuchUpload
	}
	return nil
}

func algorithmOf(u *modelUpload) Algorithm {
	if u.named == "" {
		return CRC64NVME
	}
	return u.named
}

func (m *machine) putPart(t *rapid.T) {
	name, b := m.bucket()
	u, number, body := m.upload(t, b), rapid.IntRange(1, 3).Draw(t, "number"), m.body(t)
	m.model.tick()
	blob, err := m.store.Stage(strings.NewReader(body), algorithmOf(u))
	m.same(t, "stage a part", err, nil)
	p, err := m.store.PutPart(name, u.key, u.id, number, blob)
	if m.same(t, "put part", err, b.there(u)) {
		u.parts[number] = body
		m.checkPart(t, u, number, p)
	}
	m.close(t, blob)
}

func (m *machine) checkPart(t *rapid.T, u *modelUpload, number int, p Part) {
	body := u.parts[number]
	want := Checksum{Algorithm: algorithmOf(u), Value: sumOf(algorithmOf(u), body)}
	if p.Number != number || p.ETag != md5Hex(body) || p.Size != int64(len(body)) || p.Checksum != want {
		t.Fatalf("part %+v, want %d bytes, %s, %+v", p, len(body), md5Hex(body), want)
	}
}

// copyPart copies all or a range of an object of zeros or of another one.
func (m *machine) copyPart(t *rapid.T) {
	name, b := m.bucket()
	u, number := m.upload(t, b), rapid.IntRange(1, 3).Draw(t, "number")
	c := CopyPart{Bucket: name, Key: u.key, UploadID: u.id, Number: number, SourceBucket: gone, SourceKey: zeros}
	body := strings.Repeat("\x00", minPart)
	var missing error
	if rapid.Bool().Draw(t, "other") {
		c.SourceBucket, c.SourceKey = name, m.key(t)
		c.SourceVersionID = m.versionID(t, b, c.SourceKey)
		source, err := b.find(c.SourceKey, c.SourceVersionID)
		if missing = err; err == nil {
			body = source.body
		}
	}
	first := rapid.IntRange(0, min(len(body), 3)).Draw(t, "first")
	if rapid.Bool().Draw(t, "whole") {
		first = 0
	}
	c.Plan = func(source *Version) (int64, int64, error) { return int64(first), source.Size - int64(first), nil }
	want := b.there(u)
	if want == nil {
		want = missing
	}
	p, _, err := m.store.CopyPart(t.Context(), c)
	if m.same(t, "copy part", err, want) {
		u.parts[number] = body[first:]
		m.checkPart(t, u, number, p)
	}
}

func (m *machine) abort(t *rapid.T) {
	name, b := m.bucket()
	u := m.upload(t, b)
	m.same(t, "abort", m.store.AbortUpload(name, u.key, u.id), b.there(u))
	b.end(u)
}

func (m *machine) complete(t *rapid.T) {
	name, b := m.bucket()
	u := m.upload(t, b)
	c := Complete{Bucket: name, Key: u.key, UploadID: u.id, Condition: m.condition(t, b, u.key)}
	numbers := slices.Sorted(maps.Keys(u.parts))
	if rapid.IntRange(0, 5).Draw(t, "order") == 0 {
		slices.Reverse(numbers)
	}
	var bodies []string
	for _, n := range numbers {
		bodies = append(bodies, u.parts[n])
		c.Parts = append(c.Parts, CompletePart{Number: n, ETag: md5Hex(u.parts[n])})
	}
	if rapid.IntRange(0, 9).Draw(t, "wrong") == 0 {
		c.Parts = append(c.Parts, CompletePart{Number: 9, ETag: md5Hex("")})
	}
	w, err := m.store.CompleteUpload(c)
	if !m.same(t, "complete", err, m.completes(b, u, c)) {
		return
	}
	var md5s []string
	var checksums []sizedSum
	for _, body := range bodies {
		md5s = append(md5s, sumOf(MD5, body))
		checksums = append(checksums, sizedSum{int64(len(body)), sumOf(algorithmOf(u), body)})
	}
	body := strings.Join(bodies, "")
	checksum := Checksum{algorithmOf(u), FullObject, sumOf(algorithmOf(u), body)}
	if algorithmOf(u) != CRC64NVME {
		checksum, err = combine(u.named, Composite, checksums)
		m.same(t, "combine", err, nil)
	}
	v := &modelVersion{
		key: u.key, id: w.VersionID, started: u.started, body: body, etag: compositeETag(md5s), parts: len(bodies), checksum: checksum,
		class: u.attributes.StorageClass, tags: u.attributes.Tags,
	}
	b.end(u)
	m.model.add(b, v)
	m.written(t, b, v, w)
}

// completes says how completing an upload ends.
func (m *machine) completes(b *modelBucket, u *modelUpload, c Complete) error {
	if err := b.there(u); err != nil {
		return err
	}
	err := b.decide(u.key, c.Condition, u.started)
	if errors.Is(err, ErrConflict) && c.Condition.IfMatch != "" {
		err = ErrPrecondition
	}
	if err != nil {
		return err
	}
	if len(c.Parts) == 0 {
		return ErrInvalidPart
	}
	for i, p := range c.Parts {
		if i > 0 && p.Number < c.Parts[i-1].Number {
			return ErrInvalidPartOrder
		}
	}
	for _, p := range c.Parts {
		if _, ok := u.parts[p.Number]; !ok {
			return ErrInvalidPart
		}
	}
	for _, p := range c.Parts[:len(c.Parts)-1] {
		if len(u.parts[p.Number]) < minPart {
			return ErrPartTooSmall
		}
	}
	if u.named != "" && c.Parts[len(c.Parts)-1].Number != len(c.Parts) {
		return ErrPartNumbers
	}
	return nil
}
