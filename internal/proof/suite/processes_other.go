//go:build !linux

package main

func countProcesses() (int, error) { return 0, nil }

func endOthers() error { return nil }
