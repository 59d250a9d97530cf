package client

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func TestReadRootsOnce(t *testing.T) {
	full, empty := filepath.Join(t.TempDir(), "full"), filepath.Join(t.TempDir(), "empty")
	for path, content := range map[string]string{full: "certificates", empty: ""} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, bundle string
		env          map[string]string
		want         string // of SSL_CERT_DIR
	}{
		{"a bundle", full, nil, os.DevNull},
		{"no bundle", filepath.Join(t.TempDir(), "none"), nil, ""},
		{"an empty one", empty, nil, ""},
		{"a file of one's own", full, map[string]string{rootFile: "mine.pem"}, ""},
		{"a directory of one's own", full, map[string]string{rootDirectory: "mine"}, "mine"},
	} {
		env := map[string]string{}
		for name, value := range tt.env {
			env[name] = value
		}
		readRootsOnce(tt.bundle, func(name string) string { return env[name] }, func(name, value string) error {
			env[name] = value
			return nil
		})
		if got := env[rootDirectory]; got != tt.want {
			t.Errorf("%s: got directory %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestRootsOfAFileAlone shows what readRootsOnce relies on: without directories
// the system's roots are those of the file, and that is no error.
func TestRootsOfAFileAlone(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	path := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(rootFile, path)
	t.Setenv(rootDirectory, os.DevNull)
	want := x509.NewCertPool()
	want.AddCert(server.Certificate())
	if got, err := x509.SystemCertPool(); err != nil || !got.Equal(want) {
		t.Errorf("got other roots than the file's, or %v", err)
	}
}
