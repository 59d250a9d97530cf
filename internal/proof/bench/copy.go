package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"s3fanout/internal/sandbox/s3"
)

const (
	coldStarts = 5
	warmEvents = 300
	copyTime   = 2 * time.Minute // that one process may take before it counts as hanging
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
	instant, err := startStandIn(e.dir)
	if err != nil {
		return contest{}, errors.Join(err, real.close())
	}
	end := func() error { return errors.Join(instant.close(), real.close()) }
	events, err := real.uploads(ctx, coldStarts+1+warmEvents)
	if err != nil {
		return contest{}, errors.Join(err, end())
	}
	c := contest{
		name:  "copy",
		title: "A copy by the function",
		about: "A function copies small objects: on the sandbox's S3, and on a *stand-in* behind TLS that answers at once. " +
			"The Python function has boto3, a HEAD and a copy.",
		metrics: []metric{
			{key: "cold", name: "start to first copy", unit: "ms", ratio: theirsToOurs},
			{key: "warm", name: "an event, warm", unit: "ms", ratio: theirsToOurs},
			{key: "cold instant", name: "start to first copy, stand-in", unit: "ms", ratio: theirsToOurs},
			{key: "warm instant", name: "an event, warm, stand-in", unit: "ms", ratio: theirsToOurs},
			{key: "cpu", name: "processor time an event, warm, stand-in", unit: "ms", ratio: theirsToOurs},
			{key: "peak", name: "peak memory", unit: "MiB", ratio: oursToTheirs},
		},
		targets: []target{
			{metric: "cold", against: []string{boto3ed}, atLeast: 15},
			{metric: "warm", against: []string{boto3ed}, atLeast: 4},
			{metric: "warm instant", against: []string{boto3ed}, atLeast: 4},
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
				onReal, err := copies(ctx, f, environment(real.endpoint, bucket, admin.AccessKeyID, admin.SecretAccessKey), events)
				if err != nil {
					return nil, err
				}
				onInstant, err := copies(ctx, f, instant.environment(bucket), events)
				if err != nil {
					return nil, err
				}
				out := sample{
					"cold": onReal["cold"], "warm": onReal["warm"], "cold instant": onInstant["cold"], "warm instant": onInstant["warm"],
				}
				if cpu, ok := onInstant["cpu"]; ok {
					out["cpu"] = cpu
				}
				if peak, ok := onReal["peak"]; ok {
					out["peak"] = max(peak, onInstant["peak"])
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
		event, err := payload(benchOrigin, uploaded{key, version, anyETag}, len(key))
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}

// copies starts the function for each of a few events, and once more for the
// rest of them, one after another.
func copies(ctx context.Context, f function, environment []string, events [][]byte) (sample, error) {
	var colds []sample
	for _, event := range events[:coldStarts] {
		cold, err := copiesOf(ctx, f, environment, [][]byte{event})
		if err != nil {
			return nil, err
		}
		colds = append(colds, cold)
	}
	out, err := copiesOf(ctx, f, environment, events[coldStarts:])
	if err != nil {
		return nil, err
	}
	out["cold"] = medianOf(colds)["cold"]
	return out, nil
}

// copiesOf starts the function and has it handle the events.
func copiesOf(ctx context.Context, f function, environment []string, events [][]byte) (sample, error) {
	out := sample{}
	return out, f.withinTime(ctx, copyTime, environment, func(ctx context.Context, e *execution) error {
		first, err := e.invoke(ctx, 0, events[0])
		if err != nil {
			return err
		}
		out["cold"] = milliseconds(first.Sub(e.began))
		var warm series
		before, measured := processorTime(e.cmd.Process.Pid)
		for i, event := range events[1:] {
			began := time.Now()
			answered, err := e.invoke(ctx, 1+i, event)
			if err != nil {
				return err
			}
			warm = append(warm, milliseconds(answered.Sub(began)))
		}
		if after, ok := processorTime(e.cmd.Process.Pid); ok && measured && len(warm) > 0 {
			out["cpu"] = milliseconds(after-before) / float64(len(warm))
		}
		if sp, ok := warm.spread(); ok {
			out["warm"] = sp.median
		}
		if _, peak, ok := memoryOf(e.cmd.Process.Pid); ok {
			out["peak"] = peak
		}
		return nil
	})
}
