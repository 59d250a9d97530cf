package store

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// maxKey is the longest key that S3 takes
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
const maxKey = 1024

func checkKey(key string) error {
	switch {
	case len(key) > maxKey:
		return ErrKeyTooLong
	case key == "" || !utf8.ValidString(key):
		return ErrInvalidKey
	}
	return nil
}

// Rows of versions and uploads begin with the bucket's number and the key, in
// which a zero byte is written as two (0x00 0xFF), and end the key with
// 0x00 0x00, so that rows are in the order of keys and then of what follows.

const orderBytes = 8

// keyPrefix is how the rows of all keys with a prefix begin.
func keyPrefix(bucket uint32, prefix string) []byte {
	row := make([]byte, 0, 4+len(prefix)+2+orderBytes) // room for a whole row
	row = binary.BigEndian.AppendUint32(row, bucket)
	for {
		i := bytes.IndexByte([]byte(prefix), 0)
		if i < 0 {
			return append(row, prefix...)
		}
		row = append(append(row, prefix[:i]...), 0x00, 0xFF)
		prefix = prefix[i+1:]
	}
}

// keyRows is how the rows of a key begin.
func keyRows(bucket uint32, key string) []byte { return append(keyPrefix(bucket, key), 0x00, 0x00) }

// afterKey is behind the rows of a key, and before those of the next one.
func afterKey(bucket uint32, key string) []byte { return append(keyPrefix(bucket, key), 0x00, 0x01) }

// afterPrefix is behind all rows with the prefix; nil if nothing is.
func afterPrefix(prefix []byte) []byte {
	after := bytes.Clone(prefix)
	for len(after) > 0 {
		last := len(after) - 1
		if after[last]++; after[last] != 0 {
			return after
		}
		after = after[:last]
	}
	return nil
}

// versionRow is the row of a version. The write that was started last comes
// first.
func versionRow(bucket uint32, key string, order uint64) []byte {
	return binary.BigEndian.AppendUint64(keyRows(bucket, key), ^order)
}

// splitVersionRow returns the key of a row of the bucket and what is behind it.
func splitVersionRow(row []byte) (key string, order uint64) {
	end := len(row) - orderBytes
	return unescape(row[4 : end-2]), ^binary.BigEndian.Uint64(row[end:])
}

func uploadRow(bucket uint32, key, uploadID string) []byte {
	return append(keyRows(bucket, key), uploadID...)
}

func splitUploadRow(row []byte) (key, uploadID string) {
	end := bytes.Index(row[4:], []byte{0, 0}) + 4
	return unescape(row[4:end]), string(row[end+2:])
}

func unescape(escaped []byte) string {
	if bytes.IndexByte(escaped, 0) < 0 {
		return string(escaped)
	}
	return string(bytes.ReplaceAll(escaped, []byte{0x00, 0xFF}, []byte{0x00}))
}

func partRow(upload uint64, number int) []byte {
	row := binary.BigEndian.AppendUint64(make([]byte, 0, orderBytes+2), upload)
	return binary.BigEndian.AppendUint16(row, uint16(number)) //nolint:gosec // 1 to 10,000
}

func partNumber(row []byte) int { return int(binary.BigEndian.Uint16(row[orderBytes:])) }

func idRow(id uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, 8), id) }
