package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"s3fanout/internal/sandbox"
)

// versitygwTests are those of versitygw's integration tests that are about what
// the sandbox's S3 has: objects, multipart uploads, copies, lists, deletions,
// versions, tags, conditions and signatures.
var versitygwTests = regexp.MustCompile(`^(` + strings.Join([]string{
	"AbortMultipartUpload", "Authentication", "CompletedMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket",
	"CreateMultipartUpload", "DeleteBucket", "DeleteObject", "DeleteObjects", "DeleteObjectTagging", "GetBucketLocation",
	"GetBucketVersioning",
	"GetObject", "GetObjectAttributes", "GetObjectTagging", "HeadBucket", "HeadObject", "ListBuckets", "ListMultipartUploads",
	"ListObjects",
	"ListObjectsV2", "ListObjectVersions", "ListParts", "PresignedAuth", "PutBucketVersioning", "PutObject", "PutObjectTagging",
	"SignedStreamingPayload", "SignedStreamingPayloadTrailer", "UnsignedStreaminPayloadTrailer", "UnsignedStreamingPayloadTrailer",
	"UploadPart",
	"UploadPartCopy", "Versioning",
}, "|") + `)_`)

// otherTests are those among them that are about users, policies, ACLs and locks,
// or about options of versitygw.
var otherTests = regexp.MustCompile(
	`_WORM|_iam_|_no_access|_not_owned|_as_admin|non_owner|_lock|lock_|legal_hold|[rR]etention|retain_until|` +
		`_acl|ACL|AccessControl|_as_user|data_integrity_etag`,
)

// TestVersitygwSuite runs the integration tests that the authors of versitygw
// wrote for theirs. testdata/versitygw.txt names each test that does not pass,
// with the reason; all others have to.
func TestVersitygwSuite(t *testing.T) {
	versitygw := os.Getenv("S3FANOUT_VERSITYGW")
	if versitygw == "" {
		t.Skip("make suites sets S3FANOUT_VERSITYGW, the path of the versitygw command")
	}
	names, err := namesOfTests(t.Context(), versitygw)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 400 {
		t.Fatalf("versitygw has only %d tests of the wanted kinds", len(names))
	}
	reasons, err := knownFailures("testdata/versitygw.txt")
	if err != nil {
		t.Fatal(err)
	}

	var (
		g        errgroup.Group
		mu       sync.Mutex
		failures = map[string]string{}
	)
	g.SetLimit(4)
	for _, name := range names {
		g.Go(func() error {
			out, err := runTest(t, versitygw, name)
			if err != nil {
				mu.Lock()
				failures[name] = strings.TrimSpace(fmt.Sprintf("%s\n%v", out, err))
				mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait() // no error leaves the group
	for _, name := range names {
		output, failed := failures[name]
		_, known := reasons[name]
		switch {
		case failed && !known:
			t.Errorf("%s failed:\n%s", name, output)
		case !failed && known:
			t.Errorf("%s passes now: take it out of testdata/versitygw.txt", name)
		}
	}
	for name := range maps.Keys(reasons) {
		if !slices.Contains(names, name) {
			t.Errorf("testdata/versitygw.txt has %s, which is no test that is run", name)
		}
	}
	t.Logf("%d of %d tests pass", len(names)-len(failures), len(names))
}

// namesOfTests asks the command for its tests' names, in order.
func namesOfTests(ctx context.Context, versitygw string) ([]string, error) {
	help, err := exec.CommandContext(ctx, versitygw, "test", "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("%s test --help: %w", versitygw, err)
	}
	var names []string
	for line := range strings.Lines(string(help)) {
		if fields := strings.Fields(line); len(fields) > 1 && versitygwTests.MatchString(fields[0]) && !otherTests.MatchString(fields[0]) {
			names = append(names, fields[0])
		}
	}
	slices.Sort(names)
	return names, nil
}

// knownFailures reads lines "NAME: reason"; empty ones and those that begin
// with # are for readers.
func knownFailures(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, ": ")
		if !ok || reason == "" {
			return nil, fmt.Errorf("%s: %q is not NAME: reason", file, line)
		}
		if _, twice := reasons[name]; twice {
			return nil, fmt.Errorf("%s: %s is there twice", file, name)
		}
		reasons[name] = reason
	}
	return reasons, nil
}

// runTest runs one test in a process of its own, on a sandbox of its own, since
// all tests name their buckets alike. It returns what the test printed.
func runTest(t *testing.T, versitygw, name string) (string, error) {
	sb, err := sandbox.Start(t.Context(), sandbox.Config{Assembly: threeRegions(t), Function: build.function, Seed: 1})
	if err != nil {
		return "", err
	}
	defer func() { _ = sb.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	state := sb.State()
	cmd := exec.CommandContext(ctx, versitygw, "test",
		"--access", state.AccessKeyID, "--secret", state.SecretAccessKey, "--endpoint", state.Endpoint, name,
		"--versioning-enabled") // that it deletes versions when it tidies up
	cmd.Env = []string{"HOME=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=us-east-1"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if err == nil && bytes.Contains(out.Bytes(), []byte("FAIL")) {
		err = errors.New("it says that it failed")
	}
	return out.String(), err
}
