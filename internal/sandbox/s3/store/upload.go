package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// CreateUpload begins an upload. The object that it will make is ordered and
// dated by this moment.
func (s *Store) CreateUpload(c CreateUpload) (made Upload, err error) {
	if err := checkKey(c.Key); err != nil {
		return made, err
	}
	if c.Algorithm != "" {
		if _, err := newHash(c.Algorithm); err != nil {
			return made, err
		}
		if c.ChecksumType == "" {
			c.ChecksumType = defaultType(c.Algorithm)
		}
		if _, err := crcOf(c.Algorithm); c.ChecksumType == FullObject && err != nil {
			return made, err
		}
	}
	err = s.write(func(t *txn) error {
		b, err := t.bucket(c.Bucket)
		if err != nil {
			return err
		}
		started := t.dated(b, t.Begin())
		id, err := t.ids.upload(started.order, c.Key)
		if err != nil {
			return err
		}
		u := &upload{
			order: started.order, at: started.at.Unix(), initiator: c.Initiator,
			algorithm: c.Algorithm, checksumType: c.ChecksumType, Attributes: c.Attributes,
		}
		made = u.public(c.Key, id)
		return t.table(tableUploads).Put(uploadRow(b.number, c.Key, id), u.encode())
	})
	return made, err
}

// upload returns an upload's bucket and row.
func (t *txn) upload(bucketName, key, uploadID string) (*bucket, *upload, error) {
	b, err := t.bucket(bucketName)
	if err != nil {
		return nil, nil, err
	}
	row := t.table(tableUploads).Get(uploadRow(b.number, key, uploadID))
	if row == nil || uploadID == "" {
		return nil, nil, fmt.Errorf("%w: %s of s3://%s/%s", ErrNoSuchUpload, uploadID, bucketName, key)
	}
	u, err := decodeUpload(row)
	if err != nil {
		return nil, nil, t.damaged(err)
	}
	return b, u, nil
}

// FindUpload describes an upload.
func (s *Store) FindUpload(bucketName, key, uploadID string) (found Upload, err error) {
	err = s.read(func(t *txn) error {
		_, u, err := t.upload(bucketName, key, uploadID)
		if err == nil {
			found = u.public(key, uploadID)
		}
		return err
	})
	return found, err
}

// AbortUpload ends an upload and deletes its parts.
func (s *Store) AbortUpload(bucketName, key, uploadID string) error {
	return s.write(func(t *txn) error {
		b, u, err := t.upload(bucketName, key, uploadID)
		if err != nil {
			return err
		}
		return t.endUpload(b, u, key, uploadID)
	})
}

func (t *txn) endUpload(b *bucket, u *upload, key, uploadID string) error {
	return errors.Join(t.releaseParts(u), t.table(tableUploads).Delete(uploadRow(b.number, key, uploadID)))
}

// releaseParts deletes the parts of an upload.
func (t *txn) releaseParts(u *upload) error {
	return deleteAll(t.table(tableParts), idRow(u.order), func(row []byte) error {
		p, err := decodePart(row)
		if err != nil {
			return t.damaged(err)
		}
		return t.release(p.blob)
	})
}

// maxParts is how many parts an upload can have, and its largest part number.
const maxParts = 10_000

func checkNumber(number int) error {
	if number < 1 || number > maxParts {
		return fmt.Errorf("%w: part numbers are 1 to 10,000, not %d", ErrInvalidPart, number)
	}
	return nil
}

// PutPart puts a part in its place, where it replaces an earlier one. The blob
// needs the upload's checksum, CRC64NVME if the upload names none.
func (s *Store) PutPart(bucketName, key, uploadID string, number int, body *Blob) (done Part, err error) {
	if err := checkNumber(number); err != nil {
		return done, err
	}
	if body.put {
		return done, errPutTwice
	}
	err = s.write(func(t *txn) error {
		b, u, err := t.upload(bucketName, key, uploadID)
		if err != nil {
			return err
		}
		if !body.sums.has(u.partAlgorithm()) {
			return fmt.Errorf("%w: the part was staged without %s", ErrUnknownChecksum, u.partAlgorithm())
		}
		p := &part{
			blob:     body.id,
			size:     body.size,
			at:       t.now().Add(t.off(b.region)).Unix(),
			md5:      body.Sum(MD5),
			checksum: body.Sum(u.partAlgorithm()),
		}
		done = p.public(u, number)
		if err := body.add(t); err != nil {
			return err
		}
		return t.placePart(u, number, p)
	})
	body.put = body.put || err == nil
	return done, err
}

// placePart gives a part, whose blob is held, its place.
func (t *txn) placePart(u *upload, number int, p *part) error {
	row := partRow(u.order, number)
	if before := t.table(tableParts).Get(row); before != nil {
		old, err := decodePart(before)
		if err != nil {
			return t.damaged(err)
		}
		if err := t.release(old.blob); err != nil {
			return err
		}
	}
	return t.table(tableParts).Put(row, p.encode())
}

func (p *part) public(u *upload, number int) Part {
	return Part{
		Number: number, ETag: etag(p.md5), Size: p.size, LastModified: time.Unix(p.at, 0).UTC(),
		Checksum: Checksum{Algorithm: u.partAlgorithm(), Value: p.checksum},
	}
}

// ListParts lists up to maxParts parts with a number above after.
func (s *Store) ListParts(bucketName, key, uploadID string, after, most int) (page PartPage, err error) {
	err = s.read(func(t *txn) error {
		_, u, err := t.upload(bucketName, key, uploadID)
		if err != nil {
			return err
		}
		page.Upload = u.public(key, uploadID)
		if after >= maxParts {
			return nil
		}
		c := t.table(tableParts).Cursor()
		rows := idRow(u.order)
		for row, value := c.Seek(partRow(u.order, max(after, 0)+1)); bytes.HasPrefix(row, rows); row, value = c.Next() {
			if len(page.Parts) >= most {
				page.Truncated = most > 0
				return nil
			}
			p, err := decodePart(value)
			if err != nil {
				return t.damaged(err)
			}
			page.Next = partNumber(row)
			page.Parts = append(page.Parts, p.public(u, page.Next))
		}
		return nil
	})
	return page, err
}
