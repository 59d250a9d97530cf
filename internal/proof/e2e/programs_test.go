package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// program is an S3 client that others wrote. The functions do one operation
// each on one bucket; keys are as the program takes them.
type program struct {
	name string
	put  func(file, key string) []string
	// marker makes an empty object whose key ends in a slash; nil if the
	// program cannot.
	marker func(key string) []string
	list   func() []string
	// listed are the keys that a line of the list names, none for a line
	// that names none.
	listed func(line string) string
	copy   func(from, to string) []string
	move   func(from, to string) []string // nil if the program cannot
	remove func(key string) []string
	// cannot are keys that the program itself changes or refuses, with the
	// reason.
	cannot map[string]string
	env    []string
}

// programsFor are the clients, told of one bucket. Their executables are in
// bin, their configuration in dir.
func programsFor(w *world, region, bin, dir string) ([]program, error) {
	bucket := w.bucket(region)
	uri := func(key string) string { return "s3://" + bucket + "/" + key }
	host := strings.TrimPrefix(w.state.Endpoint, "http://")
	s3cfg := filepath.Join(dir, "s3cfg")
	err := os.WriteFile(s3cfg, fmt.Appendf(nil,
		"[default]\naccess_key = %s\nsecret_key = %s\nhost_base = %s\nhost_bucket = %s\nuse_https = False\nbucket_location = %s\n",
		w.state.AccessKeyID, w.state.SecretAccessKey, host, host, region), 0o600)
	if err != nil {
		return nil, err
	}
	script, err := filepath.Abs("testdata/boto3_client.py")
	if err != nil {
		return nil, err
	}
	in := func(name string, fixed ...string) func(...string) []string {
		return func(args ...string) []string { return slices.Concat([]string{filepath.Join(bin, name)}, fixed, args) }
	}
	aws, boto3, s3cmd := in("aws"), in("python3", script), in("s3cmd", "--config", s3cfg, "--no-progress", "--no-preserve")
	s5cmd := in("s5cmd")
	rclone := in("rclone", "--config", os.DevNull, "--s3-directory-markers", "--s3-no-check-bucket", "--retries", "1", "--no-traverse")
	remote := func(key string) string { return "s3:" + bucket + "/" + key }
	whole := func(line string) string { return line }
	afterURI := func(line string) string {
		_, key, _ := strings.Cut(line, uri(""))
		return key
	}
	return []program{
		{
			name:   "aws",
			put:    func(file, key string) []string { return aws("s3", "cp", "--quiet", file, uri(key)) },
			marker: func(key string) []string { return aws("s3api", "put-object", "--bucket", bucket, "--key", key) },
			list: func() []string {
				return aws("s3api", "list-objects-v2", "--bucket", bucket, "--page-size", "3", "--output", "text",
					"--query", "Contents[].[Key]")
			},
			listed: whole,
			copy:   func(from, to string) []string { return aws("s3", "cp", "--quiet", uri(from), uri(to)) },
			move:   func(from, to string) []string { return aws("s3", "mv", "--quiet", uri(from), uri(to)) },
			remove: func(key string) []string { return aws("s3", "rm", "--quiet", uri(key)) },
		}, {
			name:   "boto3",
			put:    func(file, key string) []string { return boto3("put", file, key) },
			marker: func(key string) []string { return boto3("marker", key) },
			list:   func() []string { return boto3("list") },
			listed: whole,
			copy:   func(from, to string) []string { return boto3("copy", from, to) },
			remove: func(key string) []string { return boto3("remove", key) },
		}, {
			name:   "rclone",
			put:    func(file, key string) []string { return rclone("copyto", file, remote(key)) },
			marker: func(key string) []string { return rclone("mkdir", remote(strings.TrimSuffix(key, "/"))) },
			list:   func() []string { return rclone("lsf", "--recursive", "--s3-list-chunk", "3", remote("")) },
			listed: whole,
			copy:   func(from, to string) []string { return rclone("copyto", remote(from), remote(to)) },
			move:   func(from, to string) []string { return rclone("moveto", remote(from), remote(to)) },
			remove: func(key string) []string { return rclone("deletefile", remote(key)) },
			cannot: map[string]string{
				"plain//two slashes": "it makes one slash of two",
				"./dot":              "it writes a wide dot instead, as it does for file systems",
				"a/../b":             "it writes wide dots instead",
			},
			env: []string{
				"RCLONE_CONFIG_S3_TYPE=s3", "RCLONE_CONFIG_S3_PROVIDER=Other", "RCLONE_CONFIG_S3_FORCE_PATH_STYLE=true",
				"RCLONE_CONFIG_S3_ENDPOINT=" + w.state.Endpoint, "RCLONE_CONFIG_S3_REGION=" + region,
				"RCLONE_CONFIG_S3_ACCESS_KEY_ID=" + w.state.AccessKeyID, "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY=" + w.state.SecretAccessKey,
			},
		}, {
			name:   "s3cmd",
			put:    func(file, key string) []string { return s3cmd("put", file, uri(key)) },
			list:   func() []string { return s3cmd("ls", "--recursive", uri("")) },
			listed: afterURI,
			copy:   func(from, to string) []string { return s3cmd("cp", uri(from), uri(to)) },
			move:   func(from, to string) []string { return s3cmd("mv", uri(from), uri(to)) },
			remove: func(key string) []string { return s3cmd("rm", uri(key)) },
		}, {
			name:   "s5cmd",
			put:    func(file, key string) []string { return s5cmd("cp", "--raw", file, uri(key)) },
			list:   func() []string { return s5cmd("ls", "--show-fullpath", uri("*")) },
			listed: afterURI,
			copy:   func(from, to string) []string { return s5cmd("cp", "--raw", uri(from), uri(to)) },
			move:   func(from, to string) []string { return s5cmd("mv", "--raw", uri(from), uri(to)) },
			remove: func(key string) []string { return s5cmd("rm", "--raw", uri(key)) },
		},
	}, nil
}

// runProgram runs a client's command to its end and returns what it printed.
func (w *world) runProgram(p program, region, dir string, command []string) (string, error) {
	u := user{w: w, region: region, home: dir, env: p.env}
	return u.try(command[0], command[1:]...)
}

// user is somebody who works with one Region, on a machine of their own.
type user struct {
	w      *world
	region string
	home   string   // everything that programs keep on the machine
	env    []string // besides what every program is told
}

func newUser(w *world, region string, env ...string) user {
	return user{w: w, region: region, home: w.t.TempDir(), env: env}
}

// command is a program that knows the Region and its bucket, and nobody else.
func (u user) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(u.w.t.Context(), name, args...)
	cmd.Dir = u.home
	environment := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": u.home, "TMPDIR": u.home, "LC_ALL": "C.UTF-8", "BUCKET": u.w.bucket(u.region),
		// Who would leave this machine finds nobody.
		"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_ENDPOINT_URL": u.w.state.Endpoint, "S3_ENDPOINT_URL": u.w.state.Endpoint, "AWS_REGION": u.region,
		"AWS_DEFAULT_REGION": u.region,
		"AWS_ACCESS_KEY_ID":  u.w.state.AccessKeyID, "AWS_SECRET_ACCESS_KEY": u.w.state.SecretAccessKey,
	}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		cmd.Env = append(cmd.Env, name+"="+environment[name])
	}
	cmd.Env = append(cmd.Env, u.env...)
	return cmd
}

// try runs a program to its end and returns what it printed as its result; the
// error has everything that it printed.
func (u user) try(name string, args ...string) (string, error) {
	cmd := u.command(name, args...)
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %q: %w\n%s%s", filepath.Base(name), args, err, out.Bytes(), notes.Bytes())
	}
	return out.String(), nil
}

// do is try for what has to succeed.
func (u user) do(name string, args ...string) string {
	u.w.t.Helper()
	out, err := u.try(name, args...)
	if err != nil {
		u.w.t.Fatal(err)
	}
	return out
}
