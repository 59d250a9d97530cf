package store

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"io"
)

// ids makes version and upload IDs, and reads them. A version ID tells the
// store where the version is, and nobody else anything: it is a number,
// encrypted. So none need be looked up, and a list goes on behind a version
// that is gone.
type ids struct {
	block  cipher.Block
	random io.Reader
}

const idKeyBytes = 16

func newIDs(key []byte, random io.Reader) (ids, error) {
	block, err := aes.NewCipher(key)
	return ids{block, random}, err
}

// versionText is base64 with S3's choice of characters.
var versionText = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._").WithPadding(base64.NoPadding)

// version returns the ID of the version with a place in the order.
func (i ids) version(order uint64) string {
	var plain, id [2 * aes.BlockSize]byte
	binary.BigEndian.PutUint64(plain[:], order)
	i.block.Encrypt(id[:], plain[:])
	i.block.Encrypt(id[aes.BlockSize:], id[:])
	return versionText.EncodeToString(id[:24])
}

// order is the inverse of version; ok is whether the store could have made it.
func (i ids) order(versionID string) (order uint64, ok bool) {
	id, err := versionText.DecodeString(versionID)
	if err != nil || len(id) != 24 {
		return 0, false
	}
	var plain [aes.BlockSize]byte
	i.block.Decrypt(plain[:], id[:aes.BlockSize])
	order = binary.BigEndian.Uint64(plain[:])
	return order, i.version(order) == versionID
}

// uploadText keeps the order of numbers.
var uploadText = base64.NewEncoding("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz").WithPadding(base64.NoPadding)

// upload returns an ID for the upload with a place in the order. Those made
// later are larger.
func (i ids) upload(order uint64) (string, error) {
	id := binary.BigEndian.AppendUint64(make([]byte, 0, 72), order)
	id = id[:72]
	if _, err := io.ReadFull(i.random, id[8:]); err != nil {
		return "", err
	}
	return uploadText.EncodeToString(id), nil
}
