package demo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
)

// object is what the demo uploads, and what it then expects in every Region.
type object struct {
	origin   string // Region of the upload
	key      string
	size     int64
	seed     uint64            // of the body's bytes
	metadata map[string]string // user metadata
	tags     map[string]string
	note     string // shown behind the key
}

// body returns the object's bytes from the start: random, and the same each
// time, so that they need not be kept.
func (o object) body() io.Reader {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], o.seed)
	return io.LimitReader(rand.NewChaCha8(seed), o.size)
}

// seekable returns the body as the SDK wants it for signing and retries.
func (o object) seekable() (io.ReadSeeker, error) {
	b := bytes.NewBuffer(make([]byte, 0, o.size))
	if _, err := io.Copy(b, o.body()); err != nil {
		return nil, err
	}
	return bytes.NewReader(b.Bytes()), nil
}

const large = 100 << 20

// objects lists what is uploaded: in every Region each kind of key and object
// that replication tools are known to get wrong, and one large object.
func objects(regions []string) []object {
	var list []object
	add := func(o object) {
		o.seed = uint64(len(list) + 1)
		list = append(list, o)
	}
	for i, region := range regions {
		add(object{origin: region, key: fmt.Sprintf("%d/spaces and + plus.txt", i), size: 1234})
		add(object{origin: region, key: fmt.Sprintf("%d/100%% of %%2F.txt", i), size: 1 << 10})
		add(object{origin: region, key: fmt.Sprintf("%d/ünïcödé 日本語.txt", i), size: 64 << 10})
		add(object{origin: region, key: fmt.Sprintf("%d/a/deep/path", i), size: 1})
		add(object{origin: region, key: fmt.Sprintf("%d/empty", i), size: 0})
		add(object{
			origin: region, key: fmt.Sprintf("%d/metadata and tags.json", i), size: 2 << 20,
			metadata: map[string]string{"owner": "platform", "purpose": "demo"},
			tags:     map[string]string{"project": "s3fanout", "stage": "trial run"},
		})
	}
	add(object{origin: regions[0], key: "model weights.bin", size: large, note: "100 MiB"})
	return list
}
