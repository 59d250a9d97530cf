package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
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

const uploadBytes = 72

// upload returns an ID for the upload of a key with a place in the order. Those
// made later are larger.
func (i ids) upload(order uint64, key string) (string, error) {
	id := binary.BigEndian.AppendUint64(make([]byte, 0, uploadBytes), order)
	id = append(id, keySum(key)...)
	random := len(id)
	id = id[:uploadBytes]
	if _, err := io.ReadFull(i.random, id[random:]); err != nil {
		return "", err
	}
	return uploadText.EncodeToString(id), nil
}

// isUpload says whether an ID could be that of an upload of the key, which need
// not exist any more.
func (i ids) isUpload(uploadID, key string) bool {
	id, err := uploadText.DecodeString(uploadID)
	return err == nil && len(id) == uploadBytes && bytes.Equal(id[8:16], keySum(key))
}

func keySum(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:8]
}
