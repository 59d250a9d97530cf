package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
	"unsafe"
)

// confinedVariable says that this process has a network of its own.
const confinedVariable = "S3FANOUT_SUITE_CONFINED"

// confine runs this program again in a network namespace that has the loopback
// interface alone, and says so; done is false in there. The error is that this
// machine does not let it, or that of the confined run.
func confine(ctx context.Context) (done bool, err error) {
	if os.Getenv(confinedVariable) != "" {
		if err := loopbackUp(); err != nil {
			return false, fmt.Errorf("switch the loopback interface on: %w", err)
		}
		interfaces, err := net.Interfaces()
		if err != nil {
			return false, err
		}
		return false, onlyLoopback(interfaces)
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...) //nolint:gosec // this program, as it was run
	cmd.Env = append(os.Environ(), confinedVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		// Somebody else may make one in a user namespace, as its root.
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		return true, fmt.Errorf("this machine gives no network namespace of its own (%w), and the emulator is not run without one; "+
			"allow unprivileged user namespaces, or run it as root in a container", err)
	}
	var exit *exec.ExitError
	switch err := cmd.Wait(); {
	case errors.As(err, &exit):
		return true, fmt.Errorf("the run in its own network ended with %d", exit.ExitCode())
	default:
		return true, err
	}
}

// loopbackUp switches the loopback interface on.
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(fd) }()
	var request struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS,
		uintptr(unsafe.Pointer(&request))); e != 0 { //nolint:gosec // the kernel's interface is a pointer
		return e
	}
	return nil
}
