package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
	sandboxs3 "s3fanout/internal/sandbox/s3"
)

// killSeed is what the random choices of a test begin with. What the machine
// runs first is not the seed's to say, so that the same seed tells the same
// faults and keys, and not the same run to the call.
func killSeed(t *testing.T) uint64 {
	t.Helper()
	const variable = "S3FANOUT_KILLS_SEED"
	seed := rand.Uint64()
	if text := os.Getenv(variable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", variable, err)
		}
	}
	t.Logf("%s=%d", variable, seed)
	return seed
}

// storm kills processes at random moments: at S3 calls, whosever they are.
type storm struct {
	w      *world
	calm   atomic.Bool
	config string // the command's

	mu       sync.Mutex
	random   *rand.Rand
	fuses    map[*exec.Cmd]int   // calls until a command is killed
	commands map[string]int      // killed, by subcommand
	function map[string]int      // processes killed, by Region
	begun    map[upload]struct{} // uploads in parts that the product began
}

// upload is a Region's key that was, or may have been, copied in parts.
type upload struct{ region, key string }

// One call in so many has the processes of a Region's function killed.
const killEvery = 150

func (s *storm) look(c sandboxs3.Call) error {
	if s.calm.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if byFunction(c) && c.Operation == "CreateMultipartUpload" {
		s.begun[upload{c.Region, c.Key}] = struct{}{}
	}
	for cmd, left := range s.fuses {
		if left == 0 {
			_ = cmd.Process.Kill() // it may have ended by itself; run sees which
			delete(s.fuses, cmd)
			continue
		}
		s.fuses[cmd] = left - 1
	}
	if !byFunction(c) || s.random.IntN(killEvery) != 0 {
		return nil
	}
	n := s.w.sandbox.KillFunction(c.Region)
	s.function[c.Region] += n
	if n > 0 && s.random.IntN(2) == 0 {
		return fmt.Errorf("killed %d processes of %s: the request goes no further", n, c.Region)
	}
	return nil
}

// run runs a command until it ends, or is killed within so many calls.
func (s *storm) run(within int, args ...string) {
	cmd := exec.CommandContext(s.w.t.Context(), build.command, append(args, "--config", s.config)...)
	cmd.Dir = build.root
	cmd.Env = []string{
		"AWS_ENDPOINT_URL=" + s.w.state.Endpoint,
		"AWS_ACCESS_KEY_ID=" + s.w.state.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + s.w.state.SecretAccessKey,
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		s.w.t.Error(err)
		return
	}
	s.mu.Lock()
	s.fuses[cmd] = s.random.IntN(within)
	s.mu.Unlock()
	_ = cmd.Wait() // the exit code says it
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.fuses, cmd)
	switch code := cmd.ProcessState.ExitCode(); code {
	case -1:
		s.commands[args[0]]++
	case 0, 1, 3: // with connections cut, 1 is an honest answer
	default:
		s.w.t.Errorf("%v: exit %d\n%s", args, code, &out)
	}
}

func (s *storm) killed(command string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commands[command]
}

// functions counts the processes of functions that were killed.
func (s *storm) functions() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, killed := range s.function {
		n += killed
	}
	return n
}

// weather switches the faults of a storm on or off, everywhere.
func (s *storm) weather(storm bool) {
	s.w.t.Helper()
	s.calm.Store(!storm)
	for _, region := range s.w.regions {
		for kind, rate := range map[fault.Kind]float64{
			fault.S3Cut: 0.07, fault.S3SlowDown: 0.14, fault.S3Unavailable: 0.06, fault.LambdaCrash: 0.05, fault.DuplicateDelivery: 0.1,
			fault.Delay: 0.1,
		} {
			if !storm {
				rate = 0
			}
			s.w.fault(region, kind, rate, 0)
		}
	}
}

// farAhead is how many events wait at most when users go on.
const farAhead = 150

// keepUp waits until the functions are not too far behind. Each event takes them
// seconds in a storm, with all that is tried again; users who do not wait
// make it longer and nothing else.
func (s *storm) keepUp() {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.w.sandbox.Stats().Pending > farAhead {
		select {
		case <-tick.C:
		case <-s.w.t.Context().Done():
			return
		}
	}
}

// users upload until work is over, and so many times more each, which no backfill
// brings where an event is lost. A key of their
// own they never write twice, answered or not, so that it is the same everywhere
// in the end.
func (s *storm) users(book *book, round, users, more int, over func() bool) error {
	var group errgroup.Group
	for user := range users {
		s.mu.Lock()
		random := rand.New(rand.NewPCG(s.random.Uint64(), 0))
		s.mu.Unlock()
		group.Go(func() error {
			for i, after := 0, 0; after < more; i++ {
				if over() {
					after++
				}
				region := s.w.regions[random.IntN(len(s.w.regions))]
				key, size := fmt.Sprintf("own/%d/%d-%04d", round, user, i), 0
				switch random.IntN(12) {
				case 0, 1, 2: // others write it, too
					key = fmt.Sprintf("contested/%d/%d", round, random.IntN(2*users))
				case 3:
					size = threshold + random.IntN(4*mib)
				}
				s.keepUp()
				book.upload(region, key, size)
				if s.w.t.Context().Err() != nil {
					return s.w.t.Context().Err()
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// strike is one round: a storm while users upload and commands are run and
// killed, and the count of what it left.
func (s *storm) strike(book *book, round, users, more, kills int) {
	w := s.w
	w.t.Helper()
	s.weather(true)
	redrives, backfills := s.killed("redrive")+kills, s.killed("backfill")+kills
	var lanes sync.WaitGroup
	for _, lane := range []struct {
		command string
		want    int
		within  int
	}{{"redrive", redrives, 150}, {"backfill", backfills, 300}} {
		lanes.Go(func() {
			for s.killed(lane.command) < lane.want && !w.t.Failed() {
				s.run(lane.within, lane.command)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		lanes.Wait()
		close(done)
	}()
	processes := s.functions()
	err := s.users(book, round, users, more, func() bool {
		select {
		case <-done: // and a process of the function was killed as well
			return s.functions() > processes || w.t.Failed()
		default:
			return w.t.Failed()
		}
	})
	lanes.Wait()
	if err != nil {
		w.t.Fatal(err)
	}
	w.settle() // in the storm, in which most of the events still are to be handled
	s.weather(false)
	w.sandbox.ReleaseLetters() // of readers that were killed
	book.check(fmt.Sprintf("own/%d/", round), fmt.Sprintf("contested/%d/", round))
}

// Whatever is killed, and whenever, nothing is lost and nothing overwritten:
// what is missing is a dead letter with a reason, and redrive and backfill bring
// all of it.
func TestNothingIsLostWhateverIsKilled(t *testing.T) {
	t.Parallel()
	survive(t, 1, 4, 5, 1)
}

func TestNothingIsLostInManyStorms(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	survive(t, 4, 8, 30, 3)
}

// copyInParts writes a configuration with which the command copies in parts
// where the function does.
func copyInParts(t *testing.T, config string) {
	t.Helper()
	if err := os.WriteFile(config, fmt.Appendf(nil,
		`{"context": {"s3fanout": {"name": "s3fanout", "regions": ["us-east-1", "eu-west-1", "ap-northeast-1"], `+
			`"multipartThresholdMiB": %d}}}`, threshold/mib), 0o600); err != nil {
		t.Fatal(err)
	}
}

func survive(t *testing.T, rounds, users, more, kills int) {
	seed := killSeed(t)
	s := &storm{
		random: rand.New(rand.NewPCG(seed, seed)), fuses: map[*exec.Cmd]int{},
		commands: map[string]int{}, function: map[string]int{}, begun: map[upload]struct{}{},
		config: filepath.Join(t.TempDir(), "cdk.json"),
	}
	copyInParts(t, s.config)
	s.calm.Store(true)
	s.w = start(t, inParts(t, 2), observe(s.look), func(c *sandbox.Config) { c.Seed = seed })
	w, book := s.w, newBook(s.w)
	w.leavesUploads = true // the book knows which may be there
	began := time.Now()
	left := 0
	for round := range rounds {
		s.strike(book, round, users, more, kills)
		left += w.deadLetters()
		orphans := book.unfinished()
		if code, out := w.redrive("--config", s.config); code != 0 {
			t.Errorf("redrive: exit %d, want 0\n%s", code, out)
		}
		w.settle()
		if code, out := w.backfill("--config", s.config); code != 0 {
			t.Errorf("backfill: exit %d, want 0\n%s", code, out)
		}
		w.settle()
		s.wantConverged(book, orphans)
		t.Logf("round %d: %d uploads so far, %d dead letters, %v", round, len(book.attempts), left, time.Since(began).Round(time.Second))
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d rounds in %v: %d uploads, %d of them not acknowledged; killed: function %v, commands %v; %d dead letters",
		rounds, time.Since(began).Round(time.Second), len(book.attempts), book.unanswered(), s.function, s.commands, left)
	for region, r := range w.sandbox.Stats().Regions {
		t.Logf("%s: %d invocations, %d of them failed, %v", region, r.Lambda.Invocations, r.Lambda.Errors, w.operations(region))
	}
	t.Logf("unfinished uploads that killed processes left: %v", slices.SortedFunc(maps.Values(book.unfinished()), func(a, b upload) int {
		return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.key, b.key))
	}))
}

// wantConverged checks that all Regions have all keys, that no dead letters are left,
// and that what was done in calm left no uploads.
func (s *storm) wantConverged(book *book, orphans map[string]upload) {
	w := s.w
	w.t.Helper()
	w.wantNothingLost(w.regions...)
	book.check("")
	book.wantEverywhere()
	if code, stdout, stderr := w.command("verify", "--prefix", "own/", "--grace", "0s"); code != 0 {
		w.t.Errorf("verify: exit %d, want 0\n%s%s", code, stdout, stderr)
	}
	// Keys that several wrote differ, as they do where the first write wins.
	if code, stdout, stderr := w.command("verify", "--prefix", "contested/", "--grace", "0s"); code != 0 &&
		(code != 3 || !bytes.Contains(stdout, []byte(", 0 missing, ")) && !bytes.Contains(stderr, []byte(", 0 missing, "))) {
		w.t.Errorf("verify of contested keys: exit %d, want them different at most\n%s%s", code, stdout, stderr)
	}
	for id, u := range book.unfinished() {
		_, known := orphans[id]
		_, begun := s.begun[u]
		if !known || !begun || !strings.HasPrefix(u.key, "own/") {
			w.t.Errorf("%s: the unfinished upload of %s is none that a killed process left", u.region, u.key)
		}
	}
}
