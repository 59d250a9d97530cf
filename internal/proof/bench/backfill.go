package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/contents"
)

// What is copied.
const (
	objectBytes  = 1024
	objectPrefix = "objects/"
)

// openBackfill is the contest of copying a bucket's objects to an empty one.
func openBackfill(_ context.Context, e env) (contest, error) {
	templates := filepath.Join(e.dir, "regions")
	if err := os.Mkdir(templates, 0o700); err != nil {
		return contest{}, err
	}
	if err := withoutMesh(templates); err != nil {
		return contest{}, err
	}
	c := contest{
		name: "backfill", title: "Copying what a bucket lacks", rounds: 3,
		about: fmt.Sprintf("%d objects of 1 KiB to an empty bucket of another Region of the sandbox, server side, "+
			"%d at once (s3cmd: one at a time, to the same Region). A request takes about a millisecond here, 20 to 100 in AWS, or with -network aws.", e.objects, peerConcurrency),
		metrics: []metric{
			{"rate", "copying", "objects/s", oursToTheirs},
			{"memory", "most memory", "MiB", oursToTheirs},
			{"cpu", "processor time of the program", "ms for each object", oursToTheirs},
			{"requests", "requests to S3", "for each object", oursToTheirs},
		},
	}
	for _, p := range peers() {
		one := contestant{name: p.name, version: p.version, missing: p.missing}
		if p.oneAtATime && e.network != "none" {
			one.missing = "one request after another over a network takes hours"
		}
		one.run = func(ctx context.Context, round int) (sample, error) { return copyAll(ctx, e, templates, p, round) }
		c.contestants = append(c.contestants, one)
		if p.name != ours {
			c.targets = append(c.targets, target{metric: "rate", against: []string{p.name}, atLeast: 1.5}, target{metric: "memory", against: []string{p.name}, atMost: 1})
		}
	}
	return c, nil
}

// copyAll measures one run of one contestant.
func copyAll(ctx context.Context, e env, templates string, p peer, round int) (_ sample, err error) {
	w, err := startWorld(ctx, e, templates, round)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	if _, err := w.fill(ctx, e.objects); err != nil {
		return nil, err
	}
	if err := w.settled(ctx); err != nil {
		return nil, err
	}
	run, err := p.command(w, e)
	if err != nil {
		return nil, err
	}
	before, err := w.stats(ctx)
	if err != nil {
		return nil, err
	}
	used, err := runCommand(ctx, run.environment, run.path, run.args...)
	if err != nil {
		return nil, err
	}
	after, err := w.stats(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.allCopied(ctx, p.copiedTo, e.objects); err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLines(used.output))
	}
	n := float64(e.objects)
	s := sample{"rate": n / used.seconds, "cpu": used.cpu * 1000 / n, "requests": float64(s3Requests(after)-s3Requests(before)) / n}
	if used.mib > 0 {
		s["memory"] = used.mib
	}
	return s, nil
}

func objectKey(i int) string { return fmt.Sprintf("%s%03d/%06d.bin", objectPrefix, i/1000, i) }

// fill uploads objects, each with a body of its own.
func (w *world) fill(ctx context.Context, n int) ([]uploaded, error) {
	client, bucket := w.s3(sourceRegion), aws.String(w.bucket(sourceRegion))
	objects := make([]uploaded, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.atOnce())
	for i := range n {
		g.Go(func() error {
			key, body := objectKey(i), bytes.Repeat([]byte(fmt.Sprintf("%016d", i)), objectBytes/16)
			out, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(body)})
			if err == nil {
				objects[i] = uploaded{key, aws.ToString(out.VersionId), contents.TrimETag(aws.ToString(out.ETag))}
			}
			return err
		})
	}
	return objects, g.Wait()
}

// allCopied returns an error unless every object is in that place.
func (w *world) allCopied(ctx context.Context, to place, n int) error {
	want, err := w.list(ctx, place{sourceRegion, ""})
	if err != nil {
		return err
	}
	got, err := w.list(ctx, to)
	if err != nil {
		return err
	}
	if len(want) != n {
		return fmt.Errorf("the source has %d objects, want %d", len(want), n)
	}
	if len(got) != n {
		return fmt.Errorf("the target has %d objects, want %d", len(got), n)
	}
	for key, o := range got {
		if want[key] != o {
			return fmt.Errorf("%s is %q at the target, want %q", key, o, want[key])
		}
	}
	return nil
}

// list returns size and ETag of each object in a place, by keys without the
// place's prefix.
func (w *world) list(ctx context.Context, at place) (map[string]string, error) {
	objects := map[string]string{}
	in := &s3.ListObjectsV2Input{Bucket: aws.String(w.bucket(at.region)), Prefix: aws.String(at.prefix + objectPrefix)}
	for pages := s3.NewListObjectsV2Paginator(w.s3(at.region), in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			objects[strings.TrimPrefix(*o.Key, at.prefix)] = fmt.Sprintf("%d bytes, ETag %s", *o.Size, *o.ETag)
		}
	}
	return objects, nil
}
