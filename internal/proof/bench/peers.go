package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	ours = "s3fanout backfill"
	// peerConcurrency is what peers are told to do at once, where they can be
	// told: as many as s3fanout begins with.
	peerConcurrency = 32
)

// peer is a program that copies between buckets.
type peer struct {
	name, version, missing string
	command                func(*world, env) (call, error)
	// copiedTo is where the copies are.
	copiedTo place
	// oneAtATime says that it waits for each copy before the next.
	oneAtATime bool
}

// place is a Region's bucket, or keys with a prefix in it.
type place struct{ region, prefix string }

// call is how a program is called.
type call struct {
	environment []string
	path        string
	args        []string
}

// peers are s3fanout and those that are compared with it.
func peers() []peer {
	target := place{targetRegion, ""}
	rclone := installed("rclone", "rclone copy", "version")
	rclone.command, rclone.copiedTo = rcloneCommand, target
	aws := installed("aws", "aws s3 sync", "--version")
	aws.command, aws.copiedTo = awsCommand, target
	if aws.missing == "" && !knowsEndpoint(aws.version) {
		aws.missing = "this release asks AWS itself for the source, whatever endpoint it is told"
	}
	s3cmd := installed("s3cmd", "s3cmd sync", "--version")
	s3cmd.command, s3cmd.copiedTo, s3cmd.oneAtATime = s3cmdCommand, place{sourceRegion, "copies/"}, true
	return []peer{{name: ours, command: backfillCommand, copiedTo: target}, rclone, aws, s3cmd}
}

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
func installed(program, name string, args ...string) peer {
	p := peer{name: name}
	path, err := exec.LookPath(program)
	if err != nil {
		p.missing = program + " is not installed"
		return p
	}
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

func backfillCommand(w *world, e env) (call, error) {
	config := filepath.Join(w.dir, "cdk.json")
	text := fmt.Sprintf(`{"context": {"s3fanout": {"name": "s3fanout", "regions": [%q, %q, "ap-northeast-1"]}}}`, sourceRegion, targetRegion)
	return call{
		environment: w.environment(sourceRegion), path: e.command,
		args: []string{"backfill", "--yes", "--config", config, "--from", sourceRegion, "--to", targetRegion},
	}, os.WriteFile(config, []byte(text), 0o600)
}

// rcloneCommand copies on the server between two remotes, and lists as it does
// in AWS; with AWS as the provider it would look for the bucket's name in DNS.
// With --s3-no-head-object it takes its copies for empty.
func rcloneCommand(w *world, _ env) (call, error) {
	environment := append(cleanEnvironment(w.dir), "RCLONE_CONFIG="+filepath.Join(w.dir, "rclone.conf"))
	for remote, region := range map[string]string{"SOURCE": sourceRegion, "TARGET": targetRegion} {
		prefix := "RCLONE_CONFIG_" + remote + "_"
		environment = append(environment, prefix+"TYPE=s3", prefix+"PROVIDER=Other", prefix+"FORCE_PATH_STYLE=true", prefix+"LIST_VERSION=2", prefix+"LIST_URL_ENCODE=true",
			prefix+"ENDPOINT="+w.state.Endpoint, prefix+"REGION="+region,
			prefix+"ACCESS_KEY_ID="+w.state.AccessKeyID, prefix+"SECRET_ACCESS_KEY="+w.state.SecretAccessKey)
	}
	n := strconv.Itoa(peerConcurrency)
	return call{environment: environment, path: "rclone", args: []string{
		"copy", "--retries", "1", "--server-side-across-configs", "--transfers", n, "--checkers", n, "--s3-no-check-bucket",
		"source:" + w.bucket(sourceRegion), "target:" + w.bucket(targetRegion),
	}}, os.WriteFile(filepath.Join(w.dir, "rclone.conf"), nil, 0o600)
}

func awsCommand(w *world, _ env) (call, error) {
	config := filepath.Join(w.dir, "aws.config")
	text := fmt.Sprintf("[default]\ns3 =\n  max_concurrent_requests = %d\n  addressing_style = path\n", peerConcurrency)
	return call{
		environment: append(w.environment(targetRegion), "AWS_CONFIG_FILE="+config), path: "aws",
		args: []string{
			"s3", "sync", "--endpoint-url", w.state.Endpoint, "--no-progress", "--only-show-errors", "--source-region", sourceRegion, "--region", targetRegion,
			"s3://" + w.bucket(sourceRegion), "s3://" + w.bucket(targetRegion),
		},
	}, os.WriteFile(config, []byte(text), 0o600)
}

// s3cmdCommand copies within one Region, as s3cmd signs for one: to another
// prefix of the same bucket.
func s3cmdCommand(w *world, _ env) (call, error) {
	config, bucket := filepath.Join(w.dir, "s3cfg"), "s3://"+w.bucket(sourceRegion)+"/"
	host := strings.TrimPrefix(w.state.Endpoint, "http://")
	text := fmt.Sprintf("[default]\naccess_key = %s\nsecret_key = %s\nhost_base = %s\nhost_bucket = %s\nuse_https = False\nbucket_location = %s\n",
		w.state.AccessKeyID, w.state.SecretAccessKey, host, host, sourceRegion)
	return call{
		environment: cleanEnvironment(w.dir), path: "s3cmd",
		args: []string{"--config", config, "--no-progress", "--quiet", "sync", bucket + objectPrefix, bucket + "copies/" + objectPrefix},
	}, os.WriteFile(config, []byte(text), 0o600)
}
