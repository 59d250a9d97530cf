package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/snapshot"
)

// TestCloseGivesEverythingBack starts and closes sandboxes that were used, and
// counts what this process has open and which processes it has started. The
// first one may leave what the process keeps for good.
func TestCloseGivesEverythingBack(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	use := func() {
		s, err := Start(t.Context(), Config{Assembly: snapshot.FS(), Function: program, Dir: t.TempDir(), RetryWait: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		for _, region := range s.regions {
			r := s.state.Regions[region]
			_, err := s3.NewFromConfig(s.config(region)).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: &r.Bucket, Key: aws.String("k"), Body: strings.NewReader("body"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := lambda.NewFromConfig(s.config(region)).Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: &r.FunctionName,
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	use()
	files, children := openFiles(t), childProcesses(t)
	for range 3 {
		use()
	}
	// Clients notice that the server has gone in their own time.
	deadline := time.After(20 * time.Second)
	for {
		left, running := openFiles(t), childProcesses(t)
		if len(left) <= len(files) && len(running) <= len(children) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%d files are open, %d were before: %v; child processes %v, were %v", len(left), len(files), left, running, children)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// openFiles are what this process has open.
func openFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil {
			list = append(list, target)
		}
	}
	return list
}

// childProcesses are the IDs of those that this process has started.
func childProcesses(t *testing.T) []string {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, path := range lists {
		if text, err := os.ReadFile(path); err == nil { // a thread may have ended meanwhile
			all = append(all, strings.Fields(string(text))...)
		}
	}
	return all
}
