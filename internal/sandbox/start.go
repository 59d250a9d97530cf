package sandbox

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/template"
)

// replicator is the name of the program that copies.
const replicator = "function"

// findStacks returns what is to be deployed, the Regions that are served, in
// order, and their partition.
func findStacks(c Config) (a *template.Assembly, regions []string, partition string, err error) {
	a = &template.Assembly{}
	if c.Assembly != nil {
		if a, err = template.Load(c.Assembly); err != nil {
			return nil, nil, "", err
		}
	}
	regions = append(a.Regions(), c.Regions...)
	slices.Sort(regions)
	regions = slices.Compact(regions)
	if len(regions) == 0 {
		return nil, nil, "", misconfigured("there is nothing to run: name templates or Regions")
	}
	partition = replicaset.Partition(regions[0])
	for _, r := range regions {
		switch p := replicaset.Partition(r); {
		case p == "":
			return nil, nil, "", misconfigured("%q is not an AWS Region", r)
		case p != partition:
			return nil, nil, "", misconfigured("the Regions %s and %s are in two partitions", regions[0], r)
		}
	}
	return a, regions, partition, nil
}

// findPrograms returns the absolute paths of the functions' programs, by name.
func findPrograms(c Config) (map[string]string, error) {
	programs := map[string]string{replicator: c.Function}
	maps.Copy(programs, c.Programs)
	for name, path := range programs {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(abs); err != nil || info.IsDir() {
			hint := ""
			if name == replicator {
				hint = ", or name it with --function"
			}
			return nil, misconfigured("the function's binary %s is not there; run `make build`%s", path, hint)
		}
		programs[name] = abs
	}
	return programs, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, misconfigured("listen address %q is not host:port, as 127.0.0.1:4566", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, misconfigured("listen address %q is not a loopback address; the sandbox listens on 127.0.0.1 or [::1] only", address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; stop what uses the port, or name another with --listen", address, err)
	}
	return l, nil
}
