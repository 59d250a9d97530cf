package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"
)

// followed is the prefix of what the steps of follow mode change.
const followed = "followed/"

// followSteps are those of a set that follows, instead of the ones about the first
// write that wins. What was not confirmed against AWS is asked in the other run.
func followSteps() []step {
	return between([]step{
		{"overwritten", "an overwrite travels, also one of a replica, and what was replaced is kept", overwritten},
		{"hidden", "a deletion travels, also one of a replica, and the key can be written again", hidden},
		{"retagged", "tags travel from where the object was written", retagged},
		{"at-once", "all Regions change the same keys at once, and end the same", atOnce},
		{"bounded", "that comes to an end, and takes no more deliveries than changes explain", bounded},
		{"undeleted", "`s3fanout undelete --since 1h` brings back what was deleted, in all Regions", undeleted},
	})
}

// shows waits until all Regions show a body, nothing if it is empty.
func (w *world) shows(ctx context.Context, key, body string) error {
	for _, region := range w.regions {
		err := poll(ctx, 250*time.Millisecond, arrival, func(ctx context.Context) (bool, string, error) {
			found, err := w.head(ctx, region, key)
			if err != nil || found == nil {
				return body == "", fmt.Sprintf("%s shows nothing under %s, want %q", region, key, body), err
			}
			got, err := w.read(ctx, region, key)
			if code(err) == "NoSuchKey" { // deleted in the meantime
				err = nil
			}
			return string(got) == body && body != "", fmt.Sprintf("%s shows %q under %s, want %q", region, got, key, body), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writes uploads in a later second than anything before, and waits for it.
func (w *world) writes(ctx context.Context, region, key, body string) error {
	now := time.Now()
	if smithytime.SleepWithContext(ctx, time.Until(now.Truncate(time.Second).Add(time.Second))) != nil {
		return context.Cause(ctx)
	}
	if _, err := w.put(ctx, region, key, text(body)); err != nil {
		return err
	}
	return w.shows(ctx, key, body)
}

// deletes makes a delete marker.
func (w *world) deletes(ctx context.Context, region, key string) error {
	_, err := w.clients[region].s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key})
	w.changes++
	return err
}

func overwritten(ctx context.Context, w *world) (string, error) {
	const key = followed + "overwritten"
	for i, region := range slices.Repeat(w.regions, 2) {
		if err := w.writes(ctx, region, key, fmt.Sprint("write ", i)); err != nil {
			return "", err
		}
	}
	list, err := w.versions(ctx, w.regions[0], key)
	if err != nil {
		return "", err
	}
	if want := 2 * len(w.regions); len(list) != want {
		return "", fmt.Errorf("%s keeps %d versions of %d writes", w.regions[0], len(list), want)
	}
	return fmt.Sprintf("%d versions are kept", len(list)), nil
}

func hidden(ctx context.Context, w *world) (string, error) {
	const key = followed + "hidden"
	for i, region := range w.regions {
		if err := w.writes(ctx, w.regions[0], key, fmt.Sprint("write ", i)); err != nil {
			return "", err
		}
		if err := w.deletes(ctx, region, key); err != nil {
			return "", err
		}
		if err := w.shows(ctx, key, ""); err != nil {
			return "", fmt.Errorf("deleted in %s: %w", region, err)
		}
	}
	return "", nil
}

func retagged(ctx context.Context, w *world) (string, error) {
	const key = followed + "retagged"
	from := w.regions[0]
	if err := w.writes(ctx, from, key, "tagged"); err != nil {
		return "", err
	}
	if _, err := w.clients[from].s3.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket: aws.String(w.bucket(from)), Key: aws.String(key),
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("team"), Value: aws.String("suite")}}},
	}); err != nil {
		return "", err
	}
	w.changes++
	limit := arrival
	if w.has(tagsUnannounced) {
		limit = 10 * time.Second
	}
	for _, region := range w.regions {
		err := poll(ctx, 250*time.Millisecond, limit, func(ctx context.Context) (bool, string, error) {
			out, err := w.clients[region].s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: aws.String(w.bucket(region)),
				Key: aws.String(key)})
			return err == nil && len(out.TagSet) == 1, "the tag is not in " + region, err
		})
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// contested are the keys that all Regions change at once.
const contested = followed + "at-once/"

// atOnce has a user in each Region write and delete the same keys, without waiting
// for anybody. Where conditions of copies are ignored, a copy can land on a later
// write that came in between: such keys are named by verify, and ended by backfill.
func atOnce(ctx context.Context, w *world) (string, error) {
	const keys, rounds = 20, 3
	var users errgroup.Group
	for r, region := range w.regions {
		users.Go(func() error {
			for i := range keys * rounds {
				key := fmt.Sprintf("%s%02d", contested, i%keys)
				if (i+r)%4 == 3 {
					_, err := w.clients[region].s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key})
					if err != nil {
						return err
					}
					continue
				}
				body := strings.NewReader(fmt.Sprint(region, " ", i))
				if _, err := w.clients[region].s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key,
					Body: body}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := users.Wait(); err != nil {
		return "", err
	}
	w.changes += keys * rounds * len(w.regions)
	if err := w.atRest(ctx); err != nil {
		return "", err
	}
	out, err := w.s3fanout(ctx, "verify", "--grace", "0s", "--prefix", contested, "--keys")
	if err != nil {
		return "", err
	}
	differing := len(strings.Fields(out.stdout))
	if out.code == 0 {
		return fmt.Sprintf("%d keys, all the same", keys), nil
	}
	if !w.has(conditionIgnored) {
		return "", fmt.Errorf("verify ended with %d and names %q", out.code, out.stdout)
	}
	if _, err := w.wantCode(ctx, 0, "backfill", "--prefix", contested, "--hide-deleted"); err != nil {
		return "", err
	}
	if err := w.atRest(ctx); err != nil {
		return "", err
	}
	_, err = w.wantCode(ctx, 0, "verify", "--grace", "0s", "--prefix", contested)
	return fmt.Sprintf("%d of %d keys differed until a backfill", differing, keys), err
}

// atRest waits until nothing is written for a while in which a loop would write.
func (w *world) atRest(ctx context.Context) error {
	const quiet = 5 * time.Second
	before, since := -1, time.Now()
	return poll(ctx, time.Second, arrival, func(ctx context.Context) (bool, string, error) {
		n, err := w.countVersions(ctx)
		if err != nil {
			return false, "", err
		}
		if n != before {
			before, since = n, time.Now()
		}
		return time.Since(since) > quiet, fmt.Sprintf("there are %d versions now, and more are made", n), nil
	})
}

// bounded counts what the functions were given. A change is delivered to every other
// Region, and what is written there because of it is again; twice as much is allowed
// for copies that lose a race.
func bounded(ctx context.Context, w *world) (string, error) {
	if err := w.atRest(ctx); err != nil {
		return "", err
	}
	counts, ok := w.target.(interface{ deliveries() (int, error) })
	if !ok {
		return "at rest; deliveries cannot be counted here", nil
	}
	n, err := counts.deliveries()
	if err != nil {
		return "", err
	}
	others, changes := len(w.regions)-1, w.changes+w.uploads
	most := 2 * changes * others * (1 + others)
	if n > most {
		return "", fmt.Errorf("%d deliveries for %d changes, at most %d are explained", n, changes, most)
	}
	return fmt.Sprintf("%d deliveries for %d changes, at most %d are explained", n, changes, most), nil
}

func undeleted(ctx context.Context, w *world) (string, error) {
	const key = followed + "undeleted"
	if err := w.writes(ctx, w.regions[0], key, "deleted by mistake"); err != nil {
		return "", err
	}
	if err := w.deletes(ctx, w.regions[1], key); err != nil {
		return "", err
	}
	if err := w.shows(ctx, key, ""); err != nil {
		return "", err
	}
	if _, err := w.wantCode(ctx, 0, "undelete", "--since", "1h", "--prefix", key); err != nil {
		return "", err
	}
	return "", w.shows(ctx, key, "deleted by mistake")
}
