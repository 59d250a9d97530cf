package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/owner"
	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/snapshot"
)

// world is a running `s3fanout sandbox`: a process of its own, so that a
// contestant's memory is the contestant's, and what is asked of S3 is counted.
type world struct {
	state sandbox.State
	// ready is how long it took from the start of the process to its word that
	// it serves.
	ready time.Duration

	distant bool // see env

	cmd    *exec.Cmd
	stderr *bytes.Buffer
	dir    string
	ended  bool
}

// worldArgs start a sandbox. Its seed is the round's, so that all contestants of a round
// meet the same network; they run in the target's Region.
func worldArgs(e env, dir, templates string, round int) []string {
	args := []string{
		"sandbox", "--listen", "127.0.0.1:0", "--dir", filepath.Join(dir, "data"), "--function", e.function, "--output", "json",
		"--network", e.network, "--seed", strconv.Itoa(round + 1),
	}
	if e.distant() {
		args = append(args, "--network-from", targetRegion)
	}
	if templates != "" {
		args = append(args, "--templates", templates)
	}
	return args
}

// startWorld starts a sandbox of a round, from 0, in a directory of its own. An empty
// templates is for the built-in ones.
func startWorld(ctx context.Context, e env, templates string, round int) (*world, error) {
	return startWorldWith(ctx, e, templates, round, "")
}

// startWorldWith is startWorld with a copy of what an earlier sandbox has kept in a
// directory; empty for none.
func startWorldWith(ctx context.Context, e env, templates string, round int, kept string) (_ *world, err error) {
	w := &world{stderr: &bytes.Buffer{}, distant: e.distant()}
	if w.dir, err = os.MkdirTemp(e.dir, "sandbox"); err != nil {
		return nil, err
	}
	if kept != "" {
		if err := os.CopyFS(w.data(), os.DirFS(kept)); err != nil {
			return nil, err
		}
	}
	w.cmd = exec.CommandContext(ctx, e.command, worldArgs(e, w.dir, templates, round)...) //nolint:gosec // the command that is measured
	w.cmd.Cancel = func() error { return w.cmd.Process.Signal(os.Interrupt) }
	w.cmd.Env = append(cleanEnvironment(w.dir), "GOGC=400") // it shares the cores with those that are measured
	w.cmd.Stderr = w.stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(out).Decode(&w.state); err != nil {
		return nil, errors.Join(fmt.Errorf("start a sandbox: %w: %s", err, w.stderr), w.stop())
	}
	w.ready = time.Since(began)
	return w, nil
}

// data is where the sandbox keeps what it has.
func (w *world) data() string { return filepath.Join(w.dir, "data") }

// stop ends the sandbox and removes what it has stored.
func (w *world) stop() error { return errors.Join(w.end(), os.RemoveAll(w.dir)) }

// end ends the sandbox, unless it has, and leaves what it has stored.
func (w *world) end() error {
	if w.ended {
		return nil
	}
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err := w.cmd.Wait()
	w.ended = true
	if err != nil {
		err = fmt.Errorf("the sandbox: %w: %s", err, w.stderr)
	}
	return err
}

// stats are the sandbox's counters.
func (w *world) stats(ctx context.Context) (sandbox.Stats, error) {
	var s sandbox.Stats
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.state.Endpoint+"/_sandbox/stats", nil)
	if err != nil {
		return s, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	if res.StatusCode != http.StatusOK {
		return s, fmt.Errorf("the sandbox's statistics: %s", res.Status)
	}
	return s, json.NewDecoder(res.Body).Decode(&s)
}

// s3Requests counts what was asked of S3 in all Regions.
func s3Requests(s sandbox.Stats) (n int64) {
	for _, r := range s.Regions {
		for _, operations := range r.S3 {
			for _, count := range operations {
				n += count
			}
		}
	}
	return n
}

// settled waits until no event is under way.
func (w *world) settled(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := w.stats(ctx)
		if err != nil || s.Pending == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// config is the administrator's, in a Region.
func (w *world) config(region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(w.state.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(w.state.AccessKeyID, w.state.SecretAccessKey, ""),
		APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
	}
}

func (w *world) s3(region string) *s3.Client {
	return s3.NewFromConfig(w.config(region), func(o *s3.Options) { o.UsePathStyle = true }, owner.Expect(w.state.AccountID))
}

// atOnce is how many requests prepare a contest at a time.
func (w *world) atOnce() int {
	if w.distant {
		return 256
	}
	return 16
}

func (w *world) bucket(region string) string { return w.state.Regions[region].Bucket }

// environment is what a client of the AWS SDKs finds the sandbox with.
func (w *world) environment(region string) []string {
	return append(cleanEnvironment(w.dir),
		"AWS_ENDPOINT_URL="+w.state.Endpoint, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID="+w.state.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+w.state.SecretAccessKey,
	)
}

// cleanEnvironment has nothing of the person's who runs the benchmark but where
// programs are. The directory is empty of configuration.
func cleanEnvironment(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + os.TempDir(), "LC_ALL=C.UTF-8",
		// Who would leave this machine finds nobody.
		"HTTPS_PROXY=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// usage is what a process took.
type usage struct {
	seconds float64
	cpu     float64 // seconds of a processor, of its children too
	mib     float64 // the most memory that it had; 0 if this system does not tell
	output  string
}

// runCommand runs a program to its end, in an environment.
func runCommand(ctx context.Context, environment []string, program string, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // a contestant
	cmd.Env = environment
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	ended, peak := make(chan struct{}), make(chan float64)
	go func() { peak <- peakMemory(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	u := usage{seconds: time.Since(began).Seconds(), output: out.String()}
	close(ended)
	u.mib = <-peak
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastLines(u.output))
	}
	u.cpu = cmd.ProcessState.UserTime().Seconds() + cmd.ProcessState.SystemTime().Seconds()
	return u, nil
}

// peakMemory watches the most memory that a process has had, in MiB, until it
// has ended; then nobody can tell any more.
func peakMemory(pid int, ended <-chan struct{}) (mib float64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, peak, ok := memoryOf(pid); ok {
			mib = max(mib, peak)
		}
		select {
		case <-ended:
			return mib
		case <-tick.C:
		}
	}
}

// lastLines is the end of a program's output, where it says what went wrong.
func lastLines(text string) string {
	const most = 2000
	return strings.TrimSpace(text[max(0, len(text)-most):])
}

// withoutMesh writes the built-in templates of the Regions without those that
// connect them: the real buckets, roles and notifications, but what is written
// in one Region stays there until somebody copies it.
func withoutMesh(dir string) error {
	const mesh = "-mesh"
	templates := snapshot.FS()
	names, err := fs.Glob(templates, "*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, mesh+".template.json") {
			continue
		}
		data, err := fs.ReadFile(templates, name)
		if err != nil {
			return err
		}
		if name == "manifest.json" {
			if data, err = withoutArtifacts(data, mesh); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// withoutArtifacts leaves out of a manifest what has a name that ends so.
func withoutArtifacts(manifest []byte, suffix string) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(manifest, &document); err != nil {
		return nil, err
	}
	artifacts, ok := document["artifacts"].(map[string]any)
	if !ok {
		return nil, errors.New("the manifest has no artifacts")
	}
	for name := range artifacts {
		if strings.HasSuffix(name, suffix) {
			delete(artifacts, name)
		}
	}
	return json.Marshal(document)
}
