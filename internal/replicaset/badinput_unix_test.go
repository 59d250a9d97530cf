//go:build unix

package replicaset

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A configuration can come through a named pipe, which only Unix has.
func TestBadInputOfAPipe(t *testing.T) {
	const good = `{"context": {"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"]}}}`
	t.Run("cf-21", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error, 1)
		go func() { wrote <- os.WriteFile(path, []byte(good), 0) }()
		if c, err := Load(path); err != nil || c.Name != "media" {
			t.Errorf("got %+v, %v", c, err)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}
