package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3response"
)

// What the server does in several steps, of which a kill or a reader could see
// the first ones alone, is done in one here: each ends with one file that gets
// its name.

// tagsAttribute is the server's name for an object's tags.
const tagsAttribute = "X-Amz-Tagging"

// takeTags takes the tags out of a write, as they are stored; nil if it has none. The
// server would add them to an object that is there already.
func takeTags(in *s3response.PutObjectInput) ([]byte, error) {
	tags, err := backend.ParseObjectTags(value(in.Tagging))
	if err != nil || tags == nil {
		return nil, err
	}
	in.Tagging = nil
	return json.Marshal(tags)
}

// setTags gives an object that is not in its place yet its tags.
func (s *store) setTags(f *os.File, bucket, key string, tags []byte) error {
	if tags == nil {
		return nil
	}
	if err := s.meta.StoreAttribute(f, bucket, key, tagsAttribute, tags); err != nil {
		return fmt.Errorf("tag %s/%s: %w", bucket, key, err)
	}
	return nil
}

// uncover deletes the current version of a key that has earlier ones: the last
// of them takes its place, with all its metadata. Anything else is left to the
// server, and nil returned.
func (s *store) uncover(in *sdk.DeleteObjectInput) (*sdk.DeleteObjectOutput, error) {
	bucket, key, id := *in.Bucket, *in.Key, value(in.VersionId)
	if s.files != nil || id == "" || in.IfMatch != nil || in.IfMatchLastModifiedTime != nil || in.IfMatchSize != nil {
		return nil, nil
	}
	current, err := s.meta.RetrieveAttribute(nil, bucket, key, versionIDAttribute)
	if errors.Is(err, meta.ErrNoSuchKey) {
		current, err = []byte("null"), nil
	}
	if err != nil || string(current) != id {
		return nil, nil //nolint:nilerr // the server has a word for it
	}
	dir := s.versionDir(bucket, key)
	earlier, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(earlier) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the versions of s3://%s/%s: %w", bucket, key, err)
	}
	_, err = s.meta.RetrieveAttribute(nil, bucket, key, deleteMarkerAttribute)
	marker := err == nil
	if err := os.Rename(filepath.Join(dir, earlier[len(earlier)-1].Name()), filepath.Join(bucket, key)); err != nil {
		return nil, fmt.Errorf("delete version %s of s3://%s/%s: %w", id, bucket, key, err)
	}
	if len(earlier) == 1 {
		_ = os.Remove(dir) // empty, unless a new version came meanwhile
	}
	return &sdk.DeleteObjectOutput{DeleteMarker: &marker, VersionId: in.VersionId}, nil
}
