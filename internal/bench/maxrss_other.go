//go:build !linux

package main

// maxrssUnit is what the kernel counts a process's memory in, in bytes.
const maxrssUnit = 1
