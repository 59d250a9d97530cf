package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/operator/verify"
	"s3fanout/internal/proof/bench/endless"
	"s3fanout/internal/sandbox/network"
)

// verifyRanges is how many ranges of each bucket the bare listing has at once: as many
// as verify may.
const verifyRanges = 8

// openVerify is the contest of comparing buckets with only listing them. Each is a
// process of its own, whose memory is its own.
func openVerify(_ context.Context, e env) (contest, error) {
	const bare = "bare listing"
	keys := e.keys
	if keys == 0 {
		keys = 100_000
		if e.distant() {
			keys = 500_000
		}
	}
	self, err := os.Executable()
	if err != nil {
		return contest{}, err
	}
	run := func(flag string) func(context.Context, int) (sample, error) {
		return func(ctx context.Context, round int) (sample, error) {
			server := httptest.NewServer(distantBuckets(e, &endless.Server{Keys: keys}, round))
			defer server.Close()
			used, err := runCommand(ctx, cleanEnvironment(os.TempDir()), self, flag, server.URL, "-keys", strconv.Itoa(keys))
			if err != nil {
				return nil, err
			}
			if n, err := strconv.Atoi(strings.TrimSpace(used.output)); err != nil || n != keys {
				return nil, fmt.Errorf("it counted %q keys, want %d", strings.TrimSpace(used.output), keys)
			}
			s := sample{"rate": float64(keys) / used.seconds}
			if used.mib > 0 {
				s["memory"] = used.mib
			}
			return s, nil
		}
	}
	about := fmt.Sprintf(
		"%d buckets of %d equal keys, beside listing them in %d known ranges and doing nothing", endless.Buckets, keys, verifyRanges,
	)
	if e.distant() {
		about += ", from " + targetRegion + " over a network like AWS's"
	}
	return contest{
		name: "verify", title: "Comparing buckets", rounds: 3, about: about + ".",
		metrics: []metric{
			{"rate", "comparing", "keys/s, each in all buckets", oursToTheirs},
			{"memory", "most memory", "MiB", oursToTheirs},
		},
		targets: []target{{metric: "rate", against: []string{bare}, atLeast: 0.95}, {metric: "memory", atMost: 64}},
		contestants: []contestant{
			{name: "s3fanout verify", run: run("-compare")},
			{name: bare, run: run("-list")},
		},
	}, nil
}

// distantBuckets has a server's buckets in the Regions of a set, and requests take as
// long as from the target's Region to there.
func distantBuckets(e env, server http.Handler, round int) http.Handler {
	if !e.distant() {
		return server
	}
	regions := map[string]string{
		endless.BucketName(0): sourceRegion, endless.BucketName(1): targetRegion, endless.BucketName(2): "ap-northeast-1",
	}
	n := network.AWS(uint64(round)+1, targetRegion) //nolint:gosec // counts from 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if network.Pass(r.Context(), n.Request("s3", "", regions[bucket])) == nil {
			server.ServeHTTP(w, r)
		}
	})
}

// printCount does the part of a contestant at an endpoint and prints how many keys it has
// seen in all buckets.
func printCount(
	ctx context.Context, w io.Writer, endpoint string, keys int, count func(context.Context, verify.Options, int) (int64, error),
) error {
	n, err := count(ctx, endless.Options(endpoint), keys)
	if err == nil {
		_, err = fmt.Fprintln(w, n)
	}
	return err
}

func compareBuckets(ctx context.Context, o verify.Options, _ int) (int64, error) {
	s, err := verify.Run(ctx, o, func(verify.Difference) error { return errors.New("buckets that are the same differ") }, nil)
	return s.Equal, err
}

// bareListing lists ranges of all buckets at once and counts the keys.
func bareListing(ctx context.Context, o verify.Options, keys int) (int64, error) {
	var total atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range o.Buckets {
		for i := range verifyRanges {
			g.Go(func() error {
				n, err := listRange(ctx, b, i*keys/verifyRanges, (i+1)*keys/verifyRanges)
				total.Add(n)
				return err
			})
		}
	}
	err := g.Wait()
	return total.Load() / int64(len(o.Buckets)), err
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
