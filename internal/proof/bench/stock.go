package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/sandbox/s3/store"
)

// stock is what a sandbox keeps, with objects in the source's bucket, so that each
// contestant finds the same without uploading it anew.
type stock struct {
	env       env
	templates string
	bytes     int64 // of each object
	dirs      map[int]string
}

// start starts a sandbox of a round that has so many objects.
func (s *stock) start(ctx context.Context, round, objects int) (*world, error) {
	if s.dirs[objects] == "" {
		dir, err := s.fill(ctx, objects)
		if err != nil {
			return nil, fmt.Errorf("make %d objects: %w", objects, err)
		}
		s.dirs[objects] = dir
	}
	return startWorldWith(ctx, s.env, s.templates, round, s.dirs[objects])
}

// fill makes what a sandbox keeps: once it has made the buckets, they are filled
// behind its back, which takes a tenth of the time.
func (s *stock) fill(ctx context.Context, objects int) (dir string, err error) {
	w, err := startWorld(ctx, s.env, s.templates, 0)
	if err != nil {
		return "", err
	}
	dir, bucket := filepath.Join(s.env.dir, fmt.Sprintf("%d objects of %d bytes", objects, s.bytes)), w.bucket(sourceRegion)
	if err := w.end(); err != nil {
		return "", err
	}
	if err := errors.Join(os.Rename(w.data(), dir), os.RemoveAll(w.dir)); err != nil {
		return "", err
	}
	kept, err := store.Open(filepath.Join(dir, "s3"), store.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	if s.bytes > objectBytes {
		return dir, putOnce(ctx, kept, bucket, objects, s.bytes)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := range objects {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return put(kept, bucket, objectKey(i), bytes.NewReader(objectBody(i)))
		})
	}
	return dir, g.Wait()
}

func put(kept *store.Store, bucket, key string, body io.Reader) error {
	blob, err := kept.Stage(body, store.CRC64NVME)
	if err != nil {
		return err
	}
	_, err = kept.PutObject(store.Put{Bucket: bucket, Key: key, Algorithm: store.CRC64NVME}, blob)
	return errors.Join(err, blob.Close())
}

// putOnce makes objects of the same bytes, zeros, which take no space.
func putOnce(ctx context.Context, kept *store.Store, bucket string, objects int, size int64) error {
	if err := put(kept, bucket, objectKey(0), io.LimitReader(zeros{}, size)); err != nil {
		return err
	}
	for i := 1; i < objects; i++ {
		_, err := kept.CopyObject(ctx, store.Copy{
			SourceBucket: bucket, SourceKey: objectKey(0), Bucket: bucket, Key: objectKey(i),
			Plan: func(source *store.Version) (store.Plan, error) {
				return store.Plan{Attributes: source.Attributes, Algorithm: source.Checksum.Algorithm}, nil
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// zeros reads as zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// keptAll is allCopied of a sandbox that has ended.
func (w *world) keptAll(to place, n int) (err error) {
	kept, err := store.Open(filepath.Join(w.data(), "s3"), store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	want, err := listKept(kept, w.bucket(sourceRegion), "")
	if err != nil {
		return err
	}
	got, err := listKept(kept, w.bucket(to.region), to.prefix)
	if err != nil {
		return err
	}
	return sameObjects(want, got, n)
}

// listKept returns size and ETag of each object with a prefix, by keys without it.
func listKept(kept *store.Store, bucket, prefix string) (map[string]string, error) {
	objects := map[string]string{}
	l := store.List{Prefix: prefix + objectPrefix, MaxKeys: 1000}
	for {
		page, err := kept.ListObjects(bucket, l)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Objects {
			objects[strings.TrimPrefix(o.Key, prefix)] = fmt.Sprintf("%d bytes, ETag %s", o.Size, o.ETag)
		}
		if !page.Truncated {
			return objects, nil
		}
		l.After = page.Next
	}
}
