package lambda

import (
	"os/exec"
	"syscall"
)

// isolate puts a process into a group of its own, so that a terminal's
// interrupt does not reach it, and lets it die with the sandbox, however that
// ends.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup kills a started process and all of its group. It is harmless when
// they are gone.
func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
