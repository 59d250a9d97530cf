// Package smalldisk runs a test on a disk that is soon full, in a process that has
// mounts of its own. Tests only.
package smalldisk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const (
	// dirVariable names the directory where the child process may mount the disk.
	dirVariable = "S3FANOUT_TEST_SMALL_DISK"
	mayNotMount = "MAY NOT MOUNT"
)

// Run runs one test of the test's own program in a child process that Mount works
// in. It skips the test where no process may mount a disk.
func Run(t *testing.T, test string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v") //nolint:gosec // the test itself
	cmd.Env = append(os.Environ(), dirVariable+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || bytes.Contains(out, []byte(mayNotMount)) {
		t.Skipf("this machine lets no process mount a disk: %v %s", err, out)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+test)) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Mount mounts a disk of so many MiB and returns its directory. It skips a test
// that Run has not begun.
func Mount(t *testing.T, mib int) (dir string) {
	t.Helper()
	if dir = os.Getenv(dirVariable); dir == "" {
		t.Skip("runs on a disk of its own, within another test")
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		fmt.Println(mayNotMount, err)
		t.SkipNow()
	}
	return dir
}
