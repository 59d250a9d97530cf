package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/operator/verify"
	"s3fanout/internal/proof/bench/endless"
)

// Of each bucket in the verify contest.
const (
	verifyKeys   = 100_000
	verifyRanges = 8
)

// openVerify is the contest of comparing buckets with only listing them.
func openVerify(context.Context, env) (contest, error) {
	const bare = "bare listing"
	server := httptest.NewServer(&endless.Server{Keys: verifyKeys})
	o := endless.Options(server.URL)
	rate := func(compare func(context.Context) (int64, error)) func(context.Context, int) (sample, error) {
		return func(ctx context.Context, _ int) (sample, error) {
			began := time.Now()
			n, err := compare(ctx)
			if err == nil && n != verifyKeys {
				err = fmt.Errorf("%d keys, want %d", n, verifyKeys)
			}
			return sample{"rate": verifyKeys / time.Since(began).Seconds()}, err
		}
	}
	return contest{
		name: "verify", title: "Comparing buckets", rounds: 5,
		about:   fmt.Sprintf("%d buckets of %d equal keys, beside listing them in %d known ranges and doing nothing.", endless.Buckets, verifyKeys, verifyRanges),
		metrics: []metric{{"rate", "comparing", "keys/s, each in all buckets", oursToTheirs}},
		targets: []target{{metric: "rate", against: []string{bare}, atLeast: 0.9}},
		contestants: []contestant{
			{name: "s3fanout verify", run: rate(func(ctx context.Context) (int64, error) {
				s, err := verify.Run(ctx, o, func(verify.Difference) error { return errors.New("buckets that are the same differ") }, nil)
				return s.Equal, err
			})},
			{name: bare, run: rate(func(ctx context.Context) (int64, error) {
				n, err := bareListing(ctx, o.Buckets)
				return n / endless.Buckets, err
			})},
		},
		end: func() error { server.Close(); return nil },
	}, nil
}

// bareListing lists ranges of all buckets at once and counts the keys.
func bareListing(ctx context.Context, buckets []verify.Bucket) (int64, error) {
	var total atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range buckets {
		for i := range verifyRanges {
			g.Go(func() error {
				n, err := listRange(ctx, b, i*verifyKeys/verifyRanges, (i+1)*verifyKeys/verifyRanges)
				total.Add(n)
				return err
			})
		}
	}
	err := g.Wait()
	return total.Load(), err
}

// listRange lists keys by their numbers and returns how many there were.
func listRange(ctx context.Context, b verify.Bucket, from, to int) (n int64, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.Name, MaxKeys: aws.Int32(1000), EncodingType: types.EncodingTypeUrl}
	if from > 0 {
		in.StartAfter = aws.String(endless.Key(from - 1))
	}
	for end := endless.Key(to - 1); ; {
		out, err := b.Client.ListObjectsV2(ctx, in)
		if err != nil {
			return n, err
		}
		for _, o := range out.Contents {
			key, err := url.QueryUnescape(*o.Key)
			if err != nil || key > end {
				return n, err
			}
			if n++; key == end {
				return n, nil
			}
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}
