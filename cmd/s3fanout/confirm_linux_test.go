package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"s3fanout/internal/operator/backfill"
)

// openTerminal opens a pseudoterminal: what is written to user is typed.
func openTerminal(t *testing.T) (user, terminal *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = user.Close() })
	var unlocked, number uint32
	ioctl(t, user, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	ioctl(t, user, syscall.TIOCGPTN, unsafe.Pointer(&number))
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() }) // again, if the test did
	return user, terminal
}

func ioctl(t *testing.T, f *os.File, request uintptr, argument unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument)); errno != 0 {
		t.Fatalf("ioctl %#x: %v", request, errno)
	}
}

// What is over the limit needs a yes, and a yes alone will do.
func TestBackfillAsksOnATerminal(t *testing.T) {
	estimate := backfill.Estimate{
		RequestDollars: 5, TransferDollars: 57.1, Transfer: []backfill.Transfer{{From: "a", To: "b", Bytes: 3 << 40}},
	}
	estimate.Requests.Copy = 2_000_000
	for _, c := range []struct {
		typed string
		want  error
	}{{"y\n", nil}, {" Yes \n", nil}, {"n\n", errOverLimit}, {"\n", errOverLimit}, {"yellow\n", errOverLimit}, {"\x04", errOverLimit}} {
		typed, want := c.typed, c.want
		user, terminal := openTerminal(t)
		a := &app{stdin: terminal, stderr: terminal, getenv: func(string) string { return "" }}
		if _, err := user.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		upTo, err := a.approve(a.newProgress(), backfillFlags{limit: 10})(t.Context(), estimate)
		if want == nil && math.Abs(upTo-1.1*62.1) > 1e-9 {
			t.Errorf("typed %q: agreed to %v dollars, want a tenth more than the estimate", typed, upTo)
		}
		if !errors.Is(err, want) || want == nil && err != nil || want != nil && !errors.Is(err, errLeftOver) {
			t.Errorf("typed %q: error %v, want %v", typed, err, want)
		}
		if err := terminal.Close(); err != nil {
			t.Fatal(err)
		}
		shown, _ := io.ReadAll(user) // ends with EIO once nobody has the terminal
		text := strings.Join(strings.Fields(string(shown)), " ")
		if want := "estimated cost $62.10 for 2000000 copies, 3.0 TiB, more than the limit of $10.00. " +
			"Copy it? [y/N]"; !strings.Contains(text, want) {
			t.Errorf("shown %q, want %q in it", text, want)
		}
	}
}

// Jobs of S3 Batch Operations, whose cost nobody knows, need a yes on a terminal.
func TestBatchJobsAreAskedAbout(t *testing.T) {
	for _, c := range []struct {
		typed string
		made  int
	}{{"yes\n", 2}, {"n\n", 0}} {
		a, _, f := batchApp(t, true)
		user, terminal := openTerminal(t)
		a.stdin, a.stderr = terminal, terminal
		if _, err := user.WriteString(c.typed); err != nil {
			t.Fatal(err)
		}
		err := a.createBatchJob(t.Context(), batchRequest{To: "eu-west-1"})
		if len(f.created) != c.made || (err == nil) != (c.made > 0) || err != nil && !errors.Is(err, errLeftOver) {
			t.Errorf("typed %q: %d jobs made, error %v; want %d", c.typed, len(f.created), err, c.made)
		}
		if err := terminal.Close(); err != nil {
			t.Fatal(err)
		}
		shown, _ := io.ReadAll(user) // ends with EIO once nobody has the terminal
		if text := strings.Join(strings.Fields(string(shown)), " "); !strings.Contains(text, "invocations and transfer. Make them? [y/N]") {
			t.Errorf("shown %q", text)
		}
	}
}

// What became more than was agreed to is for who runs it to agree to again.
func TestBackfillOfMoreThanWasAgreedTo(t *testing.T) {
	err := backfillError(backfill.Report{}, false, fmt.Errorf("%w: about $3.00 so far, of $2.00", backfill.ErrGrown))
	const want = "more is missing than was agreed to: about $3.00 so far, of $2.00; what was copied stays, run it again to be asked " +
		"about the rest"
	if err == nil || err.Error() != want || exitCode(err, true) != exitLeftOver {
		t.Errorf("got %v, want %s and exit code %d", err, want, exitLeftOver)
	}
}

// A signal ends the question.
func TestTheQuestionIsInterruptible(t *testing.T) {
	_, terminal := openTerminal(t)
	a := &app{stdin: terminal, stderr: terminal, getenv: func(string) string { return "" }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if agreed, err := a.confirm(ctx, "Copy it?"); agreed || !errors.Is(err, context.Canceled) {
		t.Errorf("agreed %v, error %v; want false and cancelled", agreed, err)
	}
}

// Within the limit, and with --yes, nobody is asked; without a terminal nobody can be
// (bad input: cm-42).
func TestBackfillAsksNobodyElsewhere(t *testing.T) {
	a := &app{stdin: strings.NewReader("y\n"), stderr: &strings.Builder{}, getenv: func(string) string { return "" }}
	dear := backfill.Estimate{RequestDollars: 10.01}
	_, err := a.approve(a.newProgress(), backfillFlags{limit: 10})(t.Context(), dear)
	if !errors.Is(err, errOverLimit) || !errors.Is(err, errLeftOver) ||
		!strings.Contains(err.Error(), "; see what it is with --dry-run, then give --yes or a higher --limit") {
		t.Errorf("over the limit: error %v, want %v", err, errOverLimit)
	}
	upTo, err := a.approve(a.newProgress(), backfillFlags{limit: 10})(t.Context(), backfill.Estimate{RequestDollars: 10})
	if err != nil || upTo != 10 {
		t.Errorf("at the limit: agreed to %v dollars, error %v; want the limit", upTo, err)
	}
	if a.approve(a.newProgress(), backfillFlags{yes: true}) != nil {
		t.Error("asked although --yes was given")
	}
}
