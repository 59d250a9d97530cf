package s3

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
)

// partSizes is the server's name for where an object's parts end.
const partSizes = "mp-metadata"

// attributes keeps metadata in extended attributes, of which ext4 holds 4 KiB
// a file. Where the parts of an object end would not fit for many parts; since
// all but a few have the same size, it is kept as runs.
type attributes struct{ meta.XattrMeta }

// sizeRuns says how many parts of which size follow each other.
type sizeRuns struct {
	UploadID string
	Runs     []sizeRun
}

type sizeRun struct{ Size, Count int64 }

// StoreAttribute stores an item of metadata.
func (a attributes) StoreAttribute(f *os.File, bucket, object, attribute string, value []byte) error {
	if attribute == partSizes {
		sizes, err := backend.UnmarshalMpUploadMetadata(value, false)
		if err != nil {
			return fmt.Errorf("read the part sizes of %s/%s: %w", bucket, object, err)
		}
		if value, err = json.Marshal(runsOf(sizes)); err != nil {
			return err
		}
	}
	return a.XattrMeta.StoreAttribute(f, bucket, object, attribute, value)
}

// RetrieveAttribute returns an item of metadata as it was stored.
func (a attributes) RetrieveAttribute(f *os.File, bucket, object, attribute string) ([]byte, error) {
	value, err := a.XattrMeta.RetrieveAttribute(f, bucket, object, attribute)
	if err != nil || attribute != partSizes {
		return value, err
	}
	var runs sizeRuns
	if err := json.Unmarshal(value, &runs); err != nil {
		return nil, fmt.Errorf("read the part sizes of %s/%s: %w", bucket, object, err)
	}
	return backend.MarshalMpUploadMetadata(runs.expand(), false)
}

// runsOf shortens the offsets at which parts end.
func runsOf(m backend.MpUploadMetadata) sizeRuns {
	r := sizeRuns{UploadID: m.UploadID}
	previous := int64(0)
	for _, end := range m.Parts {
		size := end - previous
		previous = end
		if last := len(r.Runs) - 1; last >= 0 && r.Runs[last].Size == size {
			r.Runs[last].Count++
			continue
		}
		r.Runs = append(r.Runs, sizeRun{Size: size, Count: 1})
	}
	return r
}

func (r sizeRuns) expand() backend.MpUploadMetadata {
	m := backend.MpUploadMetadata{UploadID: r.UploadID}
	end := int64(0)
	for _, run := range r.Runs {
		for range run.Count {
			end += run.Size
			m.Parts = append(m.Parts, end)
		}
	}
	return m
}
