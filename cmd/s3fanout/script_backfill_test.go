package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"s3fanout/internal/sandbox"
)

// markStats: mark. Counts begin anew.
func markStats(ts *testscript.TestScript, _ bool, _ []string) {
	b, err := json.Marshal(readStats(ts))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("mark.json"), b, 0o600))
}

// statsSince is how much a count has grown since the last mark.
func statsSince(ts *testscript.TestScript, of func(sandbox.Stats) int64) int64 {
	var before sandbox.Stats
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(ts.MkAbs("mark.json"))), &before))
	return of(readStats(ts)) - of(before)
}

// callsOf counts an operation's requests to a Region's S3 by callers whose ARN
// has who in it.
func callsOf(region, operation, who string) func(sandbox.Stats) int64 {
	return func(s sandbox.Stats) (n int64) {
		for arn, operations := range s.Regions[region].S3 {
			if strings.Contains(arn, who) {
				n += operations[operation]
			}
		}
		return n
	}
}

// checkCalls: calls REGION OPERATION WHO LEAST [MOST].
func checkCalls(ts *testscript.TestScript, _ bool, args []string) {
	least, err := strconv.ParseInt(args[3], 10, 64)
	ts.Check(err)
	most := least
	if len(args) > 4 {
		most, err = strconv.ParseInt(args[4], 10, 64)
		ts.Check(err)
	}
	if got := statsSince(ts, callsOf(args[0], args[1], args[2])); got < least || got > most {
		ts.Fatalf("%s in %s by %s: %d times, want %d to %d", args[1], args[0], args[2], got, least, most)
	}
}

// awaitCalls: await-calls REGION OPERATION WHO N.
func awaitCalls(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.ParseInt(args[3], 10, 64)
	ts.Check(err)
	eventually(ts, func() string {
		if got := statsSince(ts, callsOf(args[0], args[1], args[2])); got < want {
			return fmt.Sprintf("%s in %s by %s: %d times, want %d", args[1], args[0], args[2], got, want)
		}
		return ""
	})
}

// checkInvocations: invocations N, of all functions.
func checkInvocations(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	got := statsSince(ts, func(s sandbox.Stats) (n int64) {
		for _, r := range s.Regions {
			n += r.Lambda.Invocations
		}
		return n
	})
	if got != want {
		ts.Fatalf("%d invocations, want %d", got, want)
	}
}
