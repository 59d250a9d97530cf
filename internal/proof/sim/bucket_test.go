package sim

import (
	"fmt"
	"time"
)

// version is an object version in a bucket of the model.
type version struct {
	id, region, key string
	// content stands for the bytes; equal content means equal bytes.
	content string
	size    int64
	etag    string
	// props stands for metadata and tags.
	props string
	// crc is the checksum of the whole object that S3 keeps, empty if none.
	crc      string
	modified time.Time // by the Region's clock
	at       time.Time // by the true one
	marker   bool      // a delete marker
	action   string    // the upload's name; empty for replicas
	archived bool      // cannot be copied until it is calm
	// of is what a process copied, in parts since begun; nil if a user wrote it.
	of    *version
	begun time.Time
	// shown is since when it is the current one, if it is.
	shown time.Time
}

// bucket is one Region's, with versioning.
type bucket struct {
	region, name string
	versions     map[string][]*version // by key, the current one last
	lastAlive    map[string]time.Time  // when a key that is hidden now was not
	uploads      map[string]*openUpload
	// completed are uploads that became objects.
	completed map[string]*version
}

type openUpload struct {
	key, props string
	by         string // the ARN of who began it
	parts      map[int]part
	highest    int // of the parts' numbers
	begun      time.Time
}

type part struct {
	etag, content string
	first, last   int64
	at            time.Time
	of            *version
}

func newBucket(region, name string) *bucket {
	return &bucket{
		region: region, name: name, versions: map[string][]*version{}, lastAlive: map[string]time.Time{},
		uploads: map[string]*openUpload{}, completed: map[string]*version{},
	}
}

// current is what a reader without a version gets, nil if there is none.
func (b *bucket) current(key string) *version {
	list := b.versions[key]
	if len(list) == 0 || list[len(list)-1].marker {
		return nil
	}
	return list[len(list)-1]
}

// version finds one by its ID, or the current one.
func (b *bucket) version(key, id string) *version {
	if id == "" {
		return b.current(key)
	}
	for _, v := range b.versions[key] {
		if v.id == id && !v.marker {
			return v
		}
	}
	return nil
}

// add makes a version the current one.
func (b *bucket) add(v *version) {
	if b.current(v.key) != nil {
		b.lastAlive[v.key] = v.at
	}
	v.shown = v.at
	b.versions[v.key] = append(b.versions[v.key], v)
}

// remove deletes a version for good.
func (b *bucket) remove(key, id string, now time.Time) {
	if b.current(key) != nil {
		b.lastAlive[key] = now
	}
	list := b.versions[key]
	for i, v := range list {
		if v.id == id {
			list = append(append([]*version(nil), list[:i]...), list[i+1:]...)
			if b.versions[key] = list; i > 0 && i == len(list) {
				list[i-1].shown = now
			}
			return
		}
	}
}

// hidden says that a delete marker hides the key.
func (b *bucket) hidden(key string) bool {
	list := b.versions[key]
	return len(list) > 0 && list[len(list)-1].marker
}

// aliveSince says that the key was there at some time since then.
func (b *bucket) aliveSince(key string, then time.Time) bool {
	return b.current(key) != nil || b.lastAlive[key].After(then)
}

// has says that some version of the key has this content.
func (b *bucket) has(key, content string) bool {
	for _, v := range b.versions[key] {
		if v.content == content && !v.marker {
			return true
		}
	}
	return false
}

// whole puts parts together, as S3 does: what does not fit is other bytes.
func (u *openUpload) whole(numbers []int) (content string, size int64) {
	for i, n := range numbers {
		p := u.parts[n]
		if i == 0 {
			content = p.content
		}
		if p.content != content || p.first != size {
			content = fmt.Sprintf("torn(%s,%s)", content, p.content)
		}
		size += p.last - p.first + 1
	}
	return content, size
}

func crcOf(content string) string { return "crc:" + content }
