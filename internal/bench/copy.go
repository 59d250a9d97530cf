package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"s3fanout/internal/sandbox/s3"
)

const (
	warmEvents = 300
	copyTime   = 2 * time.Minute // that a round may take before it counts as hanging
)

// openCopy measures functions from their start to their first copy, and copies
// after that.
func openCopy(ctx context.Context, e env) (_ contest, err error) {
	functions, err := theFunctions(ctx, e)
	if err != nil {
		return contest{}, err
	}
	real, err := startStorage(ctx, e.dir)
	if err != nil {
		return contest{}, err
	}
	instant, endpoint, err := serve(ctx, http.HandlerFunc(instantS3))
	if err != nil {
		return contest{}, errors.Join(err, real.close())
	}
	end := func() error { return errors.Join(instant.Close(), real.close()) }
	events, err := real.uploads(ctx, 1+warmEvents)
	if err != nil {
		return contest{}, errors.Join(err, end())
	}
	c := contest{
		name:  "copy",
		title: "A copy by the function",
		about: "Functions behind a Lambda Runtime API of the benchmark's own copy objects of a few bytes, each announced by an event as SNS delivers it. *Cold* is from the start of the program " +
			"to the answer to its first event; *warm* is the time an event then takes, 300 of them one after another. " +
			"Both are measured on the sandbox's S3, a real server (versitygw) whose own work is in the figures, and again on a stand-in for S3 that answers at once, " +
			"where what remains is the function, HTTP on the loopback address and the Runtime API. " +
			"*Processor time* is the function process's alone, of the warm events on the stand-in. Peak memory is that of the run on the sandbox's S3. " +
			"Bare Go sends one conditional `CopyObject` an event with the same SDK, without checks, log, metrics or copies in parts (`internal/bench/bare`). The Python function is what people write: boto3, a HEAD and a " +
			"copy for each record (`internal/bench/original`), with a small runtime of its own instead of AWS's. It logs a line a copy, as s3fanout does. No request is encrypted here, which TLS to S3 would add to all.",
		metrics: []metric{
			{key: "cold", name: "start to first copy", unit: "ms", ratio: theirsToOurs},
			{key: "warm", name: "an event, warm", unit: "ms", ratio: theirsToOurs},
			{key: "cold instant", name: "start to first copy, S3 answering at once", unit: "ms", ratio: theirsToOurs},
			{key: "warm instant", name: "an event, warm, S3 answering at once", unit: "ms", ratio: theirsToOurs},
			{key: "cpu", name: "processor time an event, warm", unit: "ms", ratio: theirsToOurs},
			{key: "peak", name: "peak memory", unit: "MiB", ratio: theirsToOurs},
		},
		targets: []target{
			{metric: "cold", against: []string{boto3ed}, atLeast: 15},
			{metric: "warm", against: []string{boto3ed}, atLeast: 4},
			{metric: "peak", atMost: 20},
		},
		rounds: 10,
		end:    end,
	}
	for _, f := range functions {
		c.contestants = append(c.contestants, contestant{
			name: f.name, version: f.version, missing: f.missing,
			run: func(ctx context.Context, round int) (sample, error) {
				bucket := fmt.Sprintf("bench-%s-%d", strings.Fields(strings.ToLower(f.name))[0], round)
				if err := real.service.CreateBucket(ctx, targetRegion, s3.BucketConfig{Name: bucket, Versioned: true}); err != nil {
					return nil, err
				}
				admin := real.store.Admin()
				out, err := copies(ctx, f, environment(real.endpoint, bucket, admin.AccessKeyID, admin.SecretAccessKey), events)
				if err != nil {
					return nil, err
				}
				fast, err := copies(ctx, f, environment(endpoint, bucket, anyKeyID, anySecret), events)
				if err != nil {
					return nil, err
				}
				out["cold instant"], out["warm instant"] = fast["cold"], fast["warm"]
				if cpu, ok := fast["cpu"]; ok {
					out["cpu"] = cpu
				}
				return out, nil
			},
		})
	}
	return c, nil
}

// uploads makes the source bucket with n objects, and the event of each.
func (s *storage) uploads(ctx context.Context, n int) ([][]byte, error) {
	if err := s.service.CreateBucket(ctx, sourceRegion, s3.BucketConfig{Name: sourceBucket, Versioned: true}); err != nil {
		return nil, err
	}
	var events [][]byte
	for i := range n {
		key := fmt.Sprintf("films/%06d.mp4", i)
		version, err := s.upload(ctx, key, key)
		if err != nil {
			return nil, err
		}
		event, err := payload(key, version, len(key))
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}

// copies starts the function and has it handle the events, one after another.
func copies(ctx context.Context, f function, environment []string, events [][]byte) (_ sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, copyTime)
	defer cancel()
	e, err := launch(ctx, f.command, environment)
	if err != nil {
		return nil, err
	}
	defer func() {
		_, ended := e.end()
		err = errors.Join(err, ended)
	}()
	if _, err := e.untilReady(ctx); err != nil {
		return nil, err
	}
	answered, err := e.invoke(ctx, 0, events[0])
	if err != nil {
		return nil, err
	}
	s := sample{"cold": milliseconds(answered.Sub(e.began))}
	before, _ := processorTime(e.cmd.Process.Pid)
	for i, event := range events[1:] {
		if answered, err = e.invoke(ctx, 1+i, event); err != nil {
			return nil, err
		}
		if i == 0 {
			s["warm"] = -milliseconds(answered.Sub(e.began))
		}
	}
	s["warm"] = (s["warm"] + milliseconds(answered.Sub(e.began))) / float64(len(events)-2)
	if after, ok := processorTime(e.cmd.Process.Pid); ok {
		s["cpu"] = milliseconds(after-before) / float64(len(events)-1)
	}
	if _, peak, ok := memoryOf(e.cmd.Process.Pid); ok {
		s["peak"] = peak
	}
	return s, nil
}
