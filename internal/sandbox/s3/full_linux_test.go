package s3

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

// fullDir names the directory of a child process that may mount a small disk
// there.
const fullDir = "S3_TEST_FULL_DIR"

func TestFullDiskIsSaid(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInsideFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), fullDir+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || bytes.Contains(out, []byte("MAY NOT MOUNT")) {
		t.Skipf("this machine lets no process mount a disk: %v %s", err, out)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestInsideFullDisk")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// bad input: sb-11
func TestInsideFullDisk(t *testing.T) {
	dir := os.Getenv(fullDir)
	if dir == "" {
		t.Skip("runs within TestFullDiskIsSaid")
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=2m"); err != nil {
		fmt.Println("MAY NOT MOUNT", err)
		return
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *Config) { c.Dir = filepath.Join(dir, "s3") })
	body := strings.Repeat("x", 100<<10)
	var err error
	for n := 0; err == nil && n < 100; n++ {
		_, err = w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String(fmt.Sprint("k", n)), Body: strings.NewReader(body),
		})
	}
	wantCode(t, err, 500, "InternalError")
	if err == nil || !strings.Contains(err.Error(), "free some and try again; nothing that was stored has changed") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if got := w.get(t, here, hereBucket, "k0"); got != body {
		t.Error("what was stored has changed")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.put(t, here, hereBucket, "k0", "again")
}
