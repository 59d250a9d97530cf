package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// grace is how long verify waits for what is on its way: the suite has waited
// itself.
const grace = "5s"

func firstWriteWins(ctx context.Context, w *world) (note string, err error) {
	const key = "conflict/one"
	first, second := w.regions[0], w.regions[1]
	defer func() {
		if forgot := w.forgetEverywhere(context.WithoutCancel(ctx), key); err == nil {
			err = forgot
		}
	}()
	if _, err := w.put(ctx, first, key, text("first")); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, key); err != nil {
		return "", err
	}
	if _, err := w.put(ctx, second, key, text("second")); err != nil {
		return "", err
	}
	// A second object, whose arrival says that the first event has had its time.
	const later = "conflict/one-later"
	if _, err := w.put(ctx, second, later, text("later")); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, later); err != nil {
		return "", err
	}
	out, err := w.s3fanout(ctx, "verify", "--grace", grace, "--prefix", key)
	if err != nil {
		return "", err
	}
	for _, region := range w.regions {
		want := "first"
		if region == second {
			want = "second"
		}
		got, err := w.read(ctx, region, key)
		if err != nil {
			return "", err
		}
		if string(got) != want {
			return "", fmt.Errorf("%s has %q, want %q", region, got, want)
		}
	}
	if out.code != 3 || !strings.Contains(out.stdout, key) {
		return "", fmt.Errorf("verify ended with %d and does not name %s: %s", out.code, key, out.last())
	}
	return "", nil
}

// lacking is the object whose replica a Region is made to lack, as if an event
// had been lost.
const lacking = "lacking/one object"

// makeLacking destroys the replica in the last Region, as its operator.
func makeLacking(ctx context.Context, w *world) (region string, err error) {
	region = w.regions[len(w.regions)-1]
	if found, err := w.head(ctx, w.regions[0], lacking); err != nil || found == nil {
		if err != nil {
			return region, err
		}
		if _, err := w.put(ctx, w.regions[0], lacking, text("lacking")); err != nil {
			return region, err
		}
		if err := w.arrives(ctx, lacking); err != nil {
			return region, err
		}
	}
	_, err = w.forget(ctx, region, lacking)
	return region, err
}

func verifyMissing(ctx context.Context, w *world) (string, error) {
	if _, err := w.wantCode(ctx, 0, "verify", "--grace", grace); err != nil {
		return "", fmt.Errorf("before anything is missing: %w", err)
	}
	region, err := makeLacking(ctx, w)
	if err != nil {
		return "", err
	}
	out, err := w.wantCode(ctx, 3, "verify", "--grace", "0s", "--keys")
	if err != nil {
		return "", err
	}
	if got := strings.Fields(strings.ReplaceAll(out.stdout, lacking, "it")); !slices.Equal(got, []string{"it"}) {
		return "", fmt.Errorf("verify names %q, want %q alone", out.stdout, lacking)
	}
	return "missing in " + region, nil
}

func explainMissing(ctx context.Context, w *world) (string, error) {
	region, err := makeLacking(ctx, w)
	if err != nil {
		return "", err
	}
	out, err := w.wantCode(ctx, 3, "explain", lacking)
	if err != nil {
		return "", err
	}
	if !strings.Contains(out.stdout, region) {
		return "", fmt.Errorf("explain does not name %s: %s", region, out.last())
	}
	verdict, err := w.s3fanout(ctx, "explain", "--output", "json", lacking)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(verdict.stdout, `"verdict": "`)
	word, _, _ := strings.Cut(rest, `"`)
	if _, err := w.wantCode(ctx, 0, "explain", "properties/one"); err != nil {
		return "", err
	}
	return "the verdict is " + word, nil
}

func backfill(ctx context.Context, w *world) (string, error) {
	region, err := makeLacking(ctx, w)
	if err != nil {
		return "", err
	}
	before, err := w.countVersions(ctx)
	if err != nil {
		return "", err
	}
	if _, err := w.wantCode(ctx, 0, "backfill"); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, lacking, region); err != nil {
		return "", err
	}
	after, err := w.countVersions(ctx)
	if err != nil {
		return "", err
	}
	if after != before+1 {
		return "", fmt.Errorf("%d versions became %d, want one more", before, after)
	}
	if _, err := w.wantCode(ctx, 0, "verify", "--grace", "0s"); err != nil {
		return "", err
	}
	_, err = w.wantCode(ctx, 0, "explain", lacking)
	return "one object to " + region, err
}

func (w *world) countVersions(ctx context.Context) (n int, err error) {
	for _, region := range w.regions {
		list, err := w.versions(ctx, region, "")
		if err != nil {
			return n, err
		}
		n += len(list)
	}
	return n, nil
}

// deleted deletes a key in one Region, with a delete marker.
func deleted(ctx context.Context, w *world) (note string, err error) {
	const key = "deleted/one"
	defer func() {
		if forgot := w.forgetEverywhere(context.WithoutCancel(ctx), key); err == nil {
			err = forgot
		}
	}()
	region := w.regions[1]
	if _, err := w.put(ctx, w.regions[0], key, text("deleted")); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, key); err != nil {
		return "", err
	}
	if _, err := w.clients[region].s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(w.bucket(region)),
		Key: aws.String(key)}); err != nil {
		return "", err
	}
	if _, err := w.s3fanout(ctx, "backfill", "--key", key); err != nil {
		return "", err
	}
	found, err := w.head(ctx, region, key)
	if err != nil {
		return "", err
	}
	if found != nil {
		return "", fmt.Errorf("backfill brought %s back to %s", key, region)
	}
	if _, err := w.wantCode(ctx, 0, "backfill", "--key", key, "--restore-deleted"); err != nil {
		return "", err
	}
	return "", w.arrives(ctx, key, region)
}

func repaired(ctx context.Context, w *world) (string, error) {
	note, err := doctor(ctx, w)
	if err != nil {
		return "", err
	}
	if _, err := w.wantCode(ctx, 0, "verify", "--grace", "20s"); err != nil {
		return "", err
	}
	for _, region := range w.regions {
		if err := w.drained(ctx, region); err != nil {
			return "", err
		}
	}
	return note, ctx.Err()
}

// since is a duration for people.
func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }
