package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/failover"
)

// That a result cannot be written hides neither where the traffic goes nor the exit code.
func TestUnwrittenResultHidesNothing(t *testing.T) {
	unread := &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
	const back = "s3fanout failover shift --to eu-west-1"
	left := drillError(failover.Result{Outcome: failover.Failed, Problems: []string{"p"}}, back)
	for _, c := range []struct {
		ended, write error
		code         int
		says         string
	}{
		{nil, nil, exitDone, ""},
		{nil, unread, exitUnread, "write the result: "},
		{left, nil, exitLeftOver, "the traffic is NOT as it was; to shift back: " + back},
		{left, unread, exitLeftOver, "the traffic is NOT as it was; to shift back: " + back},
		{left, errors.New("the disk is full"), exitLeftOver, "; write the result: the disk is full"},
	} {
		err := withWrite(c.ended, c.write)
		if got := exitCode(err, true); got != c.code || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, %v: exit %d, %v; want %d and %q", c.ended, c.write, got, err, c.code, c.says)
		}
	}
}

// Nobody is told that the traffic is shifted, or is not, where that is not known.
func TestUnknownRoutesAreCalledSo(t *testing.T) {
	const look, back = "look with s3fanout failover status; to shift back: ", "s3fanout failover shift --to eu-west-1"
	for _, outcome := range []failover.Outcome{failover.Interrupted, failover.Failed} {
		err := drillError(failover.Result{Outcome: outcome, Unsure: true}, back)
		if want := "whether the traffic is as it was is not known: " + look + back; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", outcome, err, want)
		}
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	for ctx, code := range map[context.Context]int{t.Context(): exitFailed, interrupted: exitInterrupted} {
		err := unsureShift(ctx, errors.New("503"), back)
		if want := "S3 may have taken the change: " + look + back; exitCode(err, true) != code || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q and exit %d", err, want, code)
		}
	}
}

// A shift that is not made says so, one of which nobody knows does not.
func TestShiftThatIsNotMade(t *testing.T) {
	d := document.FailoverShift{
		AccessPoint: document.FailoverPoint{Routes: []document.FailoverRoute{{Region: "eu-west-1", Active: true}}},
		After:       []document.FailoverRoute{{Region: "eu-west-1"}}, Submitted: new(bool),
	}
	const region = "eu-west-1: active -> passive\n"
	var b strings.Builder
	if err := writeShiftText(&b, d, "", 0, false); err != nil || !strings.HasSuffix(b.String(), region+"nothing was changed\n") {
		t.Errorf("%v, %q", err, &b)
	}
	b.Reset()
	d.Submitted = nil
	if err := writeShiftText(&b, d, "", 0, false); err != nil || !strings.HasSuffix(b.String(), region) {
		t.Errorf("%v, %q", err, &b)
	}
}

// A drill whose report cannot be made does not begin.
func TestDrillReportsAreMadeFirst(t *testing.T) {
	directory := t.TempDir()
	if err := os.Mkdir(filepath.Join(directory, "failover-drill-20260102T030405Z.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := createDrillReports(directory, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)); err == nil ||
		!strings.HasPrefix(err.Error(), "make the report: ") {
		t.Errorf("%v", err)
	}
}
