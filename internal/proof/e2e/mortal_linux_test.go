package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// mortal is a sandbox in a process of its own, S3 and all, that is killed and
// begun again in the same directory, at the same address.
type mortal struct {
	*world
	random *rand.Rand
	args   []string
	notes  *os.File // what it wrote to its log

	mu    sync.Mutex
	cmd   *exec.Cmd
	up    chan struct{} // closed while it lives
	lives int

	fuse atomic.Int64 // requests until it is killed
	lit  chan struct{}
}

func newMortal(t *testing.T, seed uint64) *mortal {
	// It dies with the thread that starts it, which is the test's from here on: it
	// outlives no test that is killed.
	runtime.LockOSThread()
	dir := t.TempDir()
	templates := filepath.Join(dir, "cdk.out")
	if err := os.CopyFS(templates, inParts(t, 2)); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, seed))
	notes, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	m := &mortal{
		world: &world{t: t}, random: random, notes: notes, up: make(chan struct{}), lit: make(chan struct{}, 1),
		args: []string{
			"sandbox", "--listen", freeAddress(t, random), "--dir", filepath.Join(dir, "data"), "--templates", templates,
			"--function", build.function, "--retry-wait", "20ms", "--output", "json", "--verbose",
		},
	}
	m.fuse.Store(-1)
	m.start()
	t.Cleanup(func() {
		m.kill()
		if t.Failed() {
			text, _ := os.ReadFile(notes.Name())
			t.Logf("the sandbox's log ends with\n%s", text[max(0, len(text)-4096):])
		}
		if err := notes.Close(); err != nil {
			t.Error(err)
		}
	})
	m.regions = slices.Sorted(maps.Keys(m.state.Regions))
	return m
}

// freeAddress is none of those that clients get for their connections, so that
// nobody takes it while the sandbox is dead.
func freeAddress(t *testing.T, random *rand.Rand) string {
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+random.IntN(10_000)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no free address")
	return ""
}

// start begins a life.
func (m *mortal) start() {
	cmd := exec.Command(build.command, m.args...)
	cmd.Stderr = m.notes
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	var state sandbox.State
	if err := json.NewDecoder(out).Decode(&state); err != nil {
		_ = cmd.Process.Kill()
		text, _ := os.ReadFile(m.notes.Name())
		m.t.Fatalf("life %d did not begin: %v, %v\n%s", m.lives, err, cmd.Wait(), text[max(0, len(text)-4096):])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lives > 0 && state.AccessKeyID != m.state.AccessKeyID {
		m.t.Errorf("life %d has other credentials", m.lives)
	}
	m.cmd = cmd
	if m.lives == 0 {
		m.state = state // and is the same in all lives; users read it
	}
	m.lives++
	for region := range m.state.Regions {
		m.lag(region)
	}
	close(m.up)
}

// lag has some messages of a Region come up to two seconds late. However fast the
// others are copied beside slow users, a life ends with events that are lost.
func (m *mortal) lag(region string) {
	body, err := json.Marshal(fault.Fault{Region: region, Kind: fault.Delay, Rate: 0.2})
	if err != nil {
		m.t.Fatal(err)
	}
	res, err := http.Post(m.state.Endpoint+"/_sandbox/faults", "application/json", bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		m.t.Fatalf("the fault was answered with %s, %v", res.Status, err)
	}
}

// kill ends a life, and waits until it is over.
func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil {
		return
	}
	m.up = make(chan struct{})
	if err := syscall.Kill(-m.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		m.t.Error(err)
	}
	_ = m.cmd.Wait() // killed
	m.cmd = nil
}

// alive waits until it lives, as users do after a failure.
func (m *mortal) alive() {
	m.mu.Lock()
	up := m.up
	m.mu.Unlock()
	select {
	case <-up:
	case <-m.t.Context().Done():
	}
}

// begins tells that a user makes a request.
func (m *mortal) begins() {
	if m.fuse.Add(-1) == 0 {
		m.lit <- struct{}{}
	}
}

// die lets it live until a random moment under load, and starts it again. It
// lives on if its users have ended, as they do when the test has failed.
func (m *mortal) die(ended <-chan struct{}) {
	m.fuse.Store(int64(20 + m.random.IntN(40)))
	select {
	case <-m.lit:
	case <-ended:
		return
	}
	moment := time.NewTimer(time.Duration(m.random.Int64N(int64(50 * time.Millisecond)))) // at any step of what is under way
	<-moment.C
	m.kill()
	m.start()
}

func (m *mortal) stats() (s sandbox.Stats) {
	m.t.Helper()
	res, err := http.Get(m.state.Endpoint + "/_sandbox/stats")
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		m.t.Fatal(err)
	}
	return s
}

// rest waits until nothing is under way.
func (m *mortal) rest() {
	m.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for m.stats().Pending > 0 {
		select {
		case <-tick.C:
		case <-m.t.Context().Done():
			m.t.Fatal("it did not come to rest")
		}
	}
}
