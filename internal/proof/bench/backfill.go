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
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/table"
)

// What is copied.
const (
	objectBytes  = 1024
	objectPrefix = "objects/"
)

// How many objects the contests of copying want.
const (
	smallObjects   = 10_000 // without a network
	distantObjects = 100_000
	largeObjects   = 2_000
	largeBytes     = 64 << 20
)

// openBackfill is the contest of copying a bucket's small objects to an empty one.
func openBackfill(_ context.Context, e env) (contest, error) {
	if e.objects == 0 {
		e.objects = smallObjects
		if e.distant() {
			e.objects = distantObjects
		}
	}
	return openCopying(e, contest{name: "backfill", title: "Copying what a bucket lacks"}, e.objects, objectBytes)
}

// openLarge is the contest of copying its large objects.
func openLarge(_ context.Context, e env) (contest, error) {
	return openCopying(e, contest{name: "large", title: "Copying large objects that a bucket lacks"}, e.large, largeBytes)
}

func openCopying(e env, c contest, objects int, size int64) (contest, error) {
	templates := filepath.Join(e.dir, c.name)
	if err := os.Mkdir(templates, 0o700); err != nil {
		return contest{}, err
	}
	if err := withoutMesh(templates); err != nil {
		return contest{}, err
	}
	command, remove, err := asInstalled(e.command)
	if err != nil {
		return contest{}, err
	}
	c.end = remove
	c.rounds = 2
	c.metrics = []metric{
		{"rate", "copying", "objects/s", oursToTheirs},
		{"memory", "most memory", "MiB", oursToTheirs},
		{"cpu", "processor time of the program", "ms for each object", oursToTheirs},
		{"server", "processor time of the server", "ms for each object", oursToTheirs},
		{"requests", "requests to S3", "for each object", oursToTheirs},
	}
	filled := &stock{env: e, templates: templates, bytes: size, dirs: map[int]string{}}
	var fewer, twice []string
	for _, p := range peers(e, size > objectBytes) {
		if p.name == ours {
			p.path = command
		}
		one := contestant{name: p.name, version: p.version, missing: p.missing, once: p.once}
		one.run = func(ctx context.Context, round int) (sample, error) {
			return copyAll(ctx, e, filled, p, round, p.copies(objects))
		}
		c.contestants = append(c.contestants, one)
		if p.name == ours {
			continue
		}
		if !p.once {
			twice = append(twice, p.name)
		}
		if p.share > 1 {
			part := fmt.Sprintf("%s copies %d", p.name, p.copies(objects))
			if p.copiedTo.region == sourceRegion {
				part += " (within a Region)"
			}
			fewer = append(fewer, part)
			continue // it is far from the fastest
		}
		c.targets = append(c.targets, target{metric: "rate", against: []string{p.name}, atLeast: 1.5})
		if strings.HasPrefix(p.name, "s5cmd") {
			c.targets = append(c.targets, target{metric: "memory", against: []string{p.name}, atMost: 1})
		}
	}
	but, less := strings.Join(twice, ", "), strings.Join(fewer, ", ")
	c.about = fmt.Sprintf("%d objects of %s, as above. All but %s run once; %s.", objects, table.Bytes(size), but, less)
	if c.name == "backfill" {
		c.about = fmt.Sprintf("%d objects of %s to an empty bucket of another Region, server side%s. Peers copy %d at once, as s5cmd does "+
			"by default; s3fanout finds how many it may, up to %d. Peers but %s run once; %s. "+
			"Memory is resident, the program's pages included.",
			objects, table.Bytes(size), over(e), peerConcurrency, backfill.DefaultConcurrency, but, less)
	}
	return c, nil
}

// over says what network there is.
func over(e env) string {
	if e.distant() {
		return ", from there over a network like AWS's"
	}
	return ""
}

// copyAll measures one run of one contestant.
func copyAll(ctx context.Context, e env, filled *stock, p peer, round, objects int) (_ sample, err error) {
	w, err := filled.start(ctx, round, objects)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }() // unless it has ended
	run, err := p.command(w, e, p.path)
	if err != nil {
		return nil, err
	}
	before, err := w.stats(ctx)
	if err != nil {
		return nil, err
	}
	cpu, known := processorTime(w.cmd.Process.Pid)
	used, err := runCommand(ctx, run.environment, run.path, run.args...)
	if err != nil {
		return nil, err
	}
	served, _ := processorTime(w.cmd.Process.Pid)
	after, err := w.stats(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.end(); err != nil {
		return nil, err
	}
	if err := w.keptAll(p.copiedTo, objects); err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLines(used.output))
	}
	n := float64(objects)
	s := sample{"rate": n / used.seconds, "cpu": used.cpu * 1000 / n, "requests": float64(s3Requests(after)-s3Requests(before)) / n}
	if known {
		s["server"] = milliseconds(served-cpu) / n
	}
	if used.mib > 0 && p.share <= 1 {
		s["memory"] = used.mib
	}
	return s, nil
}

func objectKey(i int) string { return fmt.Sprintf("%s%03d/%06d.bin", objectPrefix, i/1000, i) }

func objectBody(i int) []byte { return bytes.Repeat([]byte(fmt.Sprintf("%016d", i)), objectBytes/16) }

// fill uploads objects, each with a body of its own.
func (w *world) fill(ctx context.Context, n int) ([]uploaded, error) {
	client, bucket := w.s3(sourceRegion), aws.String(w.bucket(sourceRegion))
	objects := make([]uploaded, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.atOnce())
	for i := range n {
		g.Go(func() error {
			key := objectKey(i)
			out, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(objectBody(i))})
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
	return sameObjects(want, got, n)
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

// sameObjects returns an error unless both have n objects, the same.
func sameObjects(want, got map[string]string, n int) error {
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
