//go:build !linux

package lambda

import "os/exec"

// isolate does nothing: only Linux ties a process to the one that started it.
func isolate(*exec.Cmd) {}

// killGroup kills a started process. It is harmless when it is gone.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
