package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// neighbours are the processes in this process's network namespace, itself left
// out.
func neighbours() ([]int, error) {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	entries, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return nil, err
	}
	var list []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(entry))))
		if err != nil || pid == os.Getpid() {
			continue
		}
		if other, err := os.Readlink(entry); err == nil && other == own {
			list = append(list, pid)
		}
	}
	return list, nil
}

// countProcesses counts what runs in the emulator's network.
func countProcesses() (int, error) {
	list, err := neighbours()
	return len(list), err
}

// endOthers kills what the emulator has left behind: all that runs in this
// network, which is this run's own.
func endOthers() error {
	if os.Getenv(confinedVariable) == "" {
		return fmt.Errorf("the network is not this run's own; nothing is killed")
	}
	list, err := neighbours()
	for _, pid := range list {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it has gone if this fails
	}
	return err
}
