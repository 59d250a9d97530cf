package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/sandbox"
)

// running is a sandbox of the committed templates in a process of its own, and
// a directory with the repository's cdk.json to run commands in.
type running struct {
	t     *testing.T
	state sandbox.State
	dir   string // of the commands
	data  string // of the sandbox
	built built
	env   []string // of the commands, besides
}

// runSandbox starts one that ends with the test. More arguments are the sandbox's.
func runSandbox(t *testing.T, more ...string) *running {
	t.Helper()
	r := &running{t: t, dir: t.TempDir(), data: t.TempDir(), built: programs(t)}
	config, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "cdk.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(r.built.command, append([]string{"sandbox", "--listen", "127.0.0.1:0", "--function", r.built.function,
		"--dir", r.data, "--retry-wait", "5ms", "--output", "json"}, more...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	ready, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the sandbox: %v\n%s", err, stderr.String())
		}
	})
	if err := json.NewDecoder(ready).Decode(&r.state); err != nil {
		t.Fatalf("the sandbox did not become ready: %v", err)
	}
	return r
}

// s3fanout runs a command line against the sandbox.
func (r *running) s3fanout(args ...string) (code int, output string) {
	r.t.Helper()
	cmd := r.command(args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// s3fanoutFor is s3fanout for a command that may not end; then it is killed, and
// ended is false.
func (r *running) s3fanoutFor(limit time.Duration, args ...string) (code int, output string, ended bool) {
	r.t.Helper()
	cmd := r.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	killed := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait() // the code says it
	return cmd.ProcessState.ExitCode(), out.String(), killed.Stop()
}

// command is s3fanout with the sandbox's credentials.
func (r *running) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.t.Context(), r.built.command, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+r.state.Endpoint, "AWS_ACCESS_KEY_ID="+r.state.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+r.state.SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+filepath.Join(r.dir, "none"),
		"AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(r.dir, "none"))
	cmd.Env = append(cmd.Env, r.env...)
	return cmd
}

func (r *running) config(region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(r.state.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(r.state.AccessKeyID, r.state.SecretAccessKey, ""),
		APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
	}
}

func (r *running) upload(region, key, body string) { r.uploadAs(region, key, body, "") }

// uploadAs uploads to a storage class.
func (r *running) uploadAs(region, key, body string, class types.StorageClass) {
	r.t.Helper()
	client := s3.NewFromConfig(r.config(region), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.PutObject(r.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(r.state.Regions[region].Bucket), Key: aws.String(key), Body: strings.NewReader(body), StorageClass: class,
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// remove deletes an object.
func (r *running) remove(region, key string) {
	r.t.Helper()
	client := s3.NewFromConfig(r.config(region), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.DeleteObject(r.t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(r.state.Regions[region].Bucket), Key: &key})
	if err != nil {
		r.t.Fatal(err)
	}
}

// settle waits until nothing is under way.
func (r *running) settle() {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(2 * time.Minute)
	for r.pending() > 0 {
		select {
		case <-tick.C:
		case <-timeout:
			r.t.Fatal("the sandbox did not come to rest")
		}
	}
}

func (r *running) pending() int64 {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.state.Endpoint+"/_sandbox/stats", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var s sandbox.Stats
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		r.t.Fatal(err)
	}
	return s.Pending
}
