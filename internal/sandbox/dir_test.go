package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/snapshot"
)

// startIn runs the committed templates in a directory.
func startIn(t *testing.T, dir string) (*Sandbox, error) {
	t.Helper()
	return startOf(t, snapshot.FS(), dir)
}

func startOf(t *testing.T, assembly fs.FS, dir string) (*Sandbox, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Start(t.Context(), Config{Assembly: assembly, Function: program, Dir: dir, RetryWait: time.Millisecond})
}

// oneTopic is an assembly of a stack with a topic.
func oneTopic() fstest.MapFS {
	return fstest.MapFS{
		"manifest.json": {
			Data: []byte(`{"version":"54.0.0","artifacts":{"one":{"type":"aws:cloudformation:stack",` +
				`"environment":"aws://unknown-account/eu-west-1","properties":{"templateFile":"t.json"}}}}`),
		},
		"t.json": {Data: []byte(`{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{}}}}`)},
	}
}

func mustStartIn(t *testing.T, dir string) *Sandbox {
	t.Helper()
	s, err := startIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A sandbox on the directory of another one has its objects, under the same
// credentials, but none of the events that were on their way.
func TestSandboxGoesOn(t *testing.T) {
	dir := t.TempDir()
	first := mustStartIn(t, dir)
	region := first.regions[0]
	bucket := first.State().Regions[region].Bucket
	if _, err := s3.NewFromConfig(first.config(region)).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("k"), Body: strings.NewReader("body"),
	}); err != nil {
		t.Fatal(err)
	}
	if s, err := startIn(t, dir); err == nil || !errors.Is(err, errInUse) ||
		!strings.Contains(err.Error(), "stop that one, or name another directory") {
		t.Fatalf("a second one: got %v, %v, want that the directory is in use", s, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := mustStartIn(t, dir)
	a, b := first.State(), second.State()
	if a.AccessKeyID != b.AccessKeyID || a.SecretAccessKey != b.SecretAccessKey || b.Regions[region].Bucket != bucket {
		t.Errorf("the second one has other credentials or buckets: %+v, %+v", a, b)
	}
	out, err := s3.NewFromConfig(second.config(region)).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body)
	if err != nil || string(body) != "body" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := second.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, r := range second.Stats().Regions {
		if r.Lambda.Invocations != 0 || r.DeadLetters != 0 {
			t.Errorf("%s: %+v, want that nothing happened", name, r)
		}
	}
}

// What is not a sandbox's is left alone, and so is another replica set's.
func TestDirectoryRefused(t *testing.T) {
	other := func(dir string) {
		s, err := startOf(t, oneTopic(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name, text string) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name string
		put  func(dir string)
		want string // "" if it is taken
	}{
		{"something else", file("notes.txt", "mine"), "is not empty, and not of a sandbox; name a new one"},
		{"another replica set", other, "is that of a sandbox with other stacks (one in eu-west-1); name a new one"},
		{"a file of that name", file(identityFile, `{"stacks":["mine"]}`), "its sandbox.json is not a sandbox's of this version"},
		{"no JSON", file(identityFile, ``), "its sandbox.json is not a sandbox's of this version"},
		{"of one that was killed as it began", func(dir string) { file(lockFile, "")(dir); file(halfIdentity, `{"sta`)(dir) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.put(dir)
			before := names(t, dir)
			s, err := startIn(t, dir)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			var config ConfigError
			if !errors.As(err, &config) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
			if after := names(t, dir); tt.name == "something else" && after != before {
				t.Errorf("the directory had %s and has %s", before, after)
			}
		})
	}
}

// What a sandbox was changed to is what the next one goes on with.
func TestUpdateIsRemembered(t *testing.T) {
	dir := t.TempDir()
	s, err := startOf(t, oneTopic(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), fstest.MapFS{}); err == nil {
		t.Error("an update to nothing was not refused")
	}
	if _, err := s.Update(t.Context(), snapshot.FS()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := startOf(t, oneTopic(), dir); err == nil ||
		!strings.Contains(err.Error(), "other stacks (s3fanout-ap-northeast-1 in ap-northeast-1 and 5 more)") {
		t.Errorf("got %v, want that the stacks are others", err)
	}
	mustStartIn(t, dir)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}
