//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command the first of a process group, so that what it starts
// ends with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup asks the group of a command that has started to end, or ends it.
func endGroup(cmd *exec.Cmd, force bool) error {
	signal := syscall.SIGTERM
	if force {
		signal = syscall.SIGKILL
	}
	return syscall.Kill(-cmd.Process.Pid, signal)
}
