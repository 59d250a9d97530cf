package lambda

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// availableMemory is how many bytes this machine, or the control group that
// limits this process, can still give; -1 if that is not known.
func availableMemory() int64 {
	available := int64(-1)
	if raw, err := os.ReadFile("/proc/meminfo"); err == nil {
		available = memAvailable(raw)
	}
	limit, used := groupFile("memory.max"), groupFile("memory.current")
	if limit >= 0 && used >= 0 && (available < 0 || limit-used < available) {
		available = max(0, limit-used)
	}
	return available
}

// memAvailable reads the kernel's estimate out of /proc/meminfo.
func memAvailable(raw []byte) int64 {
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemAvailable:" && fields[2] == "kB" {
			if n, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return n << 10
			}
		}
	}
	return -1
}

// groupFile reads a number of the control group at the root of this process's
// own view; -1 if there is none, or no limit.
func groupFile(name string) int64 {
	raw, err := os.ReadFile("/sys/fs/cgroup/" + name)
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
