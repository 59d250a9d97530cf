package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/sandbox/s3"
)

const (
	storageCopies  = 10_000
	storageSources = 1_000
	storageClients = 32
	storageBytes   = 1 << 10

	copiesBucket = "bench-copies"
)

// openStorage measures the sandbox's S3 alone, as many functions use it.
func openStorage(_ context.Context, e env) (contest, error) {
	c := contest{
		name: "storage", title: "Copies on the sandbox's S3", rounds: 5,
		about: fmt.Sprintf("%d clients send %d conditional copies to the sandbox's S3, beside a server that answers at once.",
			storageClients, storageCopies),
		metrics: []metric{
			{"rate", "conditional copies", "1/s", oursToTheirs},
			{"cpu", "processor time of the server a copy", "µs", oursToTheirs},
		},
	}
	for _, who := range []struct {
		name, kind string
	}{{"the sandbox's S3", "storage"}, {"that server", "instant"}} {
		c.contestants = append(c.contestants, contestant{name: who.name, run: func(ctx context.Context, round int) (sample, error) {
			return copiesByMany(ctx, who.kind, e.dir, round)
		}})
	}
	return c, nil
}

// served is what a server process says when it serves.
type served struct{ Endpoint, KeyID, Secret string }

// serveUntilEOF is what a server process does: it serves until its standard
// input ends.
func serveUntilEOF(ctx context.Context, kind, dir string, stdin io.Reader, stdout io.Writer) (err error) {
	var about served
	switch kind {
	case "instant":
		server, endpoint, err := serve(ctx, http.HandlerFunc(instantS3))
		if err != nil {
			return err
		}
		defer func() { _ = server.Close() }() // clients have gone
		about = served{endpoint, anyKeyID, anySecret}
	case "storage":
		s, err := startStorage(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		for region, bucket := range map[string]string{sourceRegion: sourceBucket, targetRegion: copiesBucket} {
			if err := s.service.CreateBucket(ctx, region, s3.BucketConfig{Name: bucket, Versioned: true}); err != nil {
				return err
			}
		}
		admin := s.store.Admin()
		about = served{s.endpoint, admin.AccessKeyID, admin.SecretAccessKey}
	default:
		return fmt.Errorf("no server is called %q", kind)
	}
	if err := json.NewEncoder(stdout).Encode(about); err != nil { //nolint:gosec // the benchmark's own, to itself
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

// copiesByMany starts a server, copies, and ends it.
func copiesByMany(ctx context.Context, kind, dir string, round int) (_ sample, err error) {
	dir, err = os.MkdirTemp(dir, kind+strconv.Itoa(round))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-serve", kind, "-dir", dir) //nolint:gosec // this program
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stdin.Close(), cmd.Wait()) }()
	var about served
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &about)
	}
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	return about.measure(ctx, kind == "storage", cmd.Process.Pid, storageCopies)
}

// measure has the clients copy, from objects that they put first if the server
// keeps any.
func (s served) measure(ctx context.Context, keeps bool, pid int, copies int64) (sample, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: storageClients}
	defer transport.CloseIdleConnections()
	client := func(region string) *sdk.Client {
		return sdk.New(sdk.Options{
			Region: region, BaseEndpoint: &s.Endpoint, UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
			Credentials: credentials.NewStaticCredentialsProvider(s.KeyID, s.Secret, ""),
			APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
		})
	}
	here, there := client(sourceRegion), client(targetRegion)
	key := func(n int64) string { return fmt.Sprintf("films/%06d.mp4", n) }
	body := strings.Repeat("x", storageBytes)
	if keeps {
		if err := byMany(ctx, storageSources, func(ctx context.Context, n int64) error {
			_, err := here.PutObject(ctx, &sdk.PutObjectInput{
				Bucket: aws.String(sourceBucket), Key: aws.String(key(n)), Body: strings.NewReader(body),
			})
			return err
		}); err != nil {
			return nil, err
		}
	}
	cpu, known := processorTime(pid)
	begun := time.Now()
	err := byMany(ctx, copies, func(ctx context.Context, n int64) error {
		_, err := there.CopyObject(ctx, &sdk.CopyObjectInput{
			Bucket: aws.String(copiesBucket), Key: aws.String("copies/" + key(n)), IfNoneMatch: aws.String("*"),
			CopySource: aws.String(sourceBucket + "/" + key(n%storageSources)),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(begun)
	out := sample{"rate": float64(copies) / took.Seconds()}
	if after, ok := processorTime(pid); ok && known {
		out["cpu"] = float64((after - cpu).Microseconds()) / float64(copies)
	}
	return out, nil
}

// byMany calls f for 0 to n-1, by as many goroutines as there are clients.
func byMany(ctx context.Context, n int64, f func(ctx context.Context, n int64) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range storageClients {
		group.Go(func() error {
			for {
				i := next.Add(1) - 1
				if i >= n {
					return nil
				}
				if err := f(ctx, i); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}
