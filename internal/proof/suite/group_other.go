//go:build !unix

package main

import "os/exec"

// ownGroup does nothing here: there are no process groups.
func ownGroup(*exec.Cmd) {}

// endGroup ends the command itself alone.
func endGroup(cmd *exec.Cmd, _ bool) error { return cmd.Process.Kill() }
