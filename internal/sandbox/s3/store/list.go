package store

import (
	"bytes"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// walk goes through the rows of a bucket whose keys have a prefix.
type walk struct {
	cursor    *bolt.Cursor
	bucket    uint32
	prefix    string
	delimiter string
	rows      []byte // how all of them begin
}

// start is where a list goes on after a key or, if it is one of the list, a
// common prefix.
func (w *walk) start(after string) []byte {
	switch {
	case after == "":
		return nil
	case w.delimiter != "" && w.group(after) == after:
		return w.behind(after)
	}
	return afterKey(w.bucket, after)
}

// group returns the common prefix that a key is shown as, "" if it is shown
// itself.
func (w *walk) group(key string) string {
	rest, ok := strings.CutPrefix(key, w.prefix)
	if !ok || w.delimiter == "" {
		return ""
	}
	before, _, ok := strings.Cut(rest, w.delimiter)
	if !ok {
		return ""
	}
	return w.prefix + before + w.delimiter
}

// behind is behind all keys of a common prefix.
func (w *walk) behind(group string) []byte { return afterPrefix(keyPrefix(w.bucket, group)) }

// seek returns the first row at or after one, or nil.
func (w *walk) seek(from []byte) (row, value []byte) {
	if w.rows == nil {
		w.rows = keyPrefix(w.bucket, w.prefix)
	}
	if bytes.Compare(from, w.rows) < 0 {
		from = w.rows
	}
	return w.within(w.cursor.Seek(from))
}

func (w *walk) next() (row, value []byte) { return w.within(w.cursor.Next()) }

func (w *walk) within(row, value []byte) ([]byte, []byte) {
	if !bytes.HasPrefix(row, w.rows) {
		return nil, nil
	}
	return row, value
}

// ListObjects lists a page of current objects. A key whose current version is
// a delete marker is not listed, and alone makes no common prefix.
func (s *Store) ListObjects(bucketName string, l List) (page Page, err error) {
	err = s.read(func(t *txn) error {
		b, err := t.bucket(bucketName)
		if err != nil {
			return err
		}
		w := walk{cursor: t.table(tableVersions).Cursor(), bucket: b.number, prefix: l.Prefix, delimiter: l.Delimiter}
		for row, value := w.seek(w.start(l.After)); row != nil; {
			key, order := splitVersionRow(row)
			if isMarker(value) {
				row, value = w.nextKey(key)
				continue
			}
			if len(page.Objects)+len(page.Prefixes) >= l.MaxKeys {
				page.Truncated = l.MaxKeys > 0
				break
			}
			if group := w.group(key); group != "" {
				page.Prefixes = append(page.Prefixes, group)
				page.Next = group
				row, value = w.seek(w.behind(group))
				continue
			}
			v, err := t.decodeVersion(order, value, false)
			if err != nil {
				return err
			}
			page.Objects = append(page.Objects, *v.public(key, true))
			page.Next = key
			row, value = w.nextKey(key)
		}
		if !page.Truncated {
			page.Next = ""
		}
		return nil
	})
	return page, err
}

// nextKey returns the first row of the next key. Most keys have one version.
func (w *walk) nextKey(key string) (row, value []byte) {
	row, value = w.next()
	if row == nil || !bytes.HasPrefix(row, keyRows(w.bucket, key)) {
		return row, value
	}
	return w.seek(afterKey(w.bucket, key))
}

// ListVersions lists a page of versions and delete markers.
func (s *Store) ListVersions(bucketName string, l ListVersions) (page VersionPage, err error) {
	err = s.read(func(t *txn) error {
		b, err := t.bucket(bucketName)
		if err != nil {
			return err
		}
		w := walk{cursor: t.table(tableVersions).Cursor(), bucket: b.number, prefix: l.Prefix, delimiter: l.Delimiter}
		from, err := t.versionsFrom(b, &w, l)
		if err != nil {
			return err
		}
		before := "" // the key of the row before
		for row, value := w.seek(from); row != nil; {
			key, order := splitVersionRow(row)
			if len(page.Versions)+len(page.Prefixes) >= l.MaxKeys {
				page.Truncated = l.MaxKeys > 0
				break
			}
			if group := w.group(key); group != "" {
				page.Prefixes = append(page.Prefixes, group)
				page.NextKey, page.NextVersionID = group, ""
				row, value = w.seek(w.behind(group))
				continue
			}
			v, err := t.decodeVersion(order, value, false)
			if err != nil {
				return err
			}
			latest := key != before
			if before == "" { // the page before may have ended with this key
				newest, _ := t.current(b, key)
				latest = newest == order
			}
			page.Versions = append(page.Versions, *v.public(key, latest))
			page.NextKey, page.NextVersionID = key, v.id
			before = key
			row, value = w.next()
		}
		if !page.Truncated {
			page.NextKey, page.NextVersionID = "", ""
		}
		return nil
	})
	return page, err
}

// versionsFrom is where a list of versions goes on. A null version that is
// gone is taken for the key's last version.
func (t *txn) versionsFrom(b *bucket, w *walk, l ListVersions) ([]byte, error) {
	if l.VersionIDMarker == "" || l.KeyMarker == "" {
		return w.start(l.KeyMarker), nil
	}
	if l.VersionIDMarker == NullVersion {
		order, row := t.null(b, l.KeyMarker)
		if row == nil {
			return w.start(l.KeyMarker), nil
		}
		return append(versionRow(b.number, l.KeyMarker, order), 0), nil
	}
	order, ok := t.ids.order(l.VersionIDMarker)
	if !ok {
		return nil, ErrInvalidVersionID
	}
	return append(versionRow(b.number, l.KeyMarker, order), 0), nil
}
