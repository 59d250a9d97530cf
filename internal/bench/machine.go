package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine is what the results were got on.
type machine struct {
	processor string
	cores     int
	system    string
	goVersion string
	date      time.Time
}

func thisMachine() (machine, error) {
	m := machine{processor: runtime.GOARCH, cores: runtime.NumCPU(), system: runtime.GOOS, goVersion: runtime.Version(), date: time.Now().UTC()}
	info, err := os.ReadFile("/proc/cpuinfo")
	switch {
	case os.IsNotExist(err):
		return m, nil // not Linux
	case err != nil:
		return m, err
	}
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			m.processor = strings.TrimSpace(value)
			break
		}
	}
	return m, nil
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores (%s), %s, %s", m.cores, m.processor, m.system, m.goVersion)
}

// absolute makes the binaries' paths absolute, and says how to make those that
// are not there.
func (e *env) absolute() error {
	for _, path := range []*string{&e.function, &e.command, &e.hello} {
		if _, err := os.Stat(*path); err != nil {
			return fmt.Errorf("%w: run `make bench`, which builds it", err)
		}
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}
