package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// functionName is the file that holds a function, built for this machine.
func functionName() string {
	if runtime.GOOS == "windows" {
		return "bootstrap.exe" // it starts nothing without the ending
	}
	return "bootstrap"
}

// functionFile returns the program to run as the function.
func functionFile(flag string) (string, error) {
	if flag != "" {
		return filepath.Abs(flag)
	}
	dir, err := programsDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, functionName()), nil
}

// programsBeside returns the programs of further functions, by name: those in
// directories of that name beside the function.
func programsBeside() (map[string]string, error) {
	dir, err := programsDir()
	if err != nil {
		return nil, err
	}
	return programsIn(dir)
}

// programsDir is the directory with the functions for this machine.
func programsDir() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the functions that came with this command: %w; name one with --function", err)
	}
	return programsOf(exe), nil
}

// programsOf is the directory with the functions that came with a command: that
// of the command, where "make build" leaves them, or ../lib/s3fanout, where a
// release has them.
func programsOf(exe string) string {
	if resolved, err := filepath.EvalSymlinks(exe); err == nil {
		exe = resolved // as Homebrew links it
	}
	beside := filepath.Dir(exe)
	installed := filepath.Join(beside, "..", "lib", "s3fanout")
	if _, err := os.Stat(filepath.Join(beside, functionName())); err != nil {
		if _, err := os.Stat(filepath.Join(installed, functionName())); err == nil {
			return installed
		}
	}
	return beside
}

func programsIn(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("find the functions that came with this command: %w", err)
	}
	programs := map[string]string{}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name(), functionName())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			programs[entry.Name()] = path
		}
	}
	return programs, nil
}
