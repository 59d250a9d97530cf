package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
	sandboxs3 "s3fanout/internal/sandbox/s3"
)

// A copy in parts that is interrupted is given up at once: its upload goes, and
// the next run copies the object whole.
func TestInterruptedBackfillAbortsCopiesInParts(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(
		`{"context": {"s3fanout": {"name": "s3fanout", "regions": ["us-east-1", "eu-west-1", "ap-northeast-1"], `+
			`"multipartThresholdMiB": 5}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-*-mesh", withoutSubscriber("eu-west-1"))
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	w := start(t, a.files, func(c *sandbox.Config) {
		c.OnS3Call = func(call sandboxs3.Call) error {
			if call.Operation == "UploadPartCopy" && !call.Done {
				begin()
			}
			return nil
		}
	})
	large := object{key: "large", body: strings.Repeat("0123456789abcdef", 20<<20/16), tags: "a=b", metadata: map[string]string{"m": "n"}}
	w.upload("us-east-1", large)
	w.settle()
	before := w.sandbox.Stats()

	if err := w.sandbox.SetFault(fault.Fault{Region: "eu-west-1", Kind: fault.S3Bandwidth, Rate: 1, BytesPerSecond: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), build.command, "backfill", "--config", config, "--to", "eu-west-1")
	cmd.Env = []string{
		"AWS_ENDPOINT_URL=" + w.state.Endpoint,
		"AWS_ACCESS_KEY_ID=" + w.state.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + w.state.SecretAccessKey,
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-begun:
	case <-t.Context().Done():
		t.Fatal("no part was begun")
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 ||
		!strings.Contains(out.String(), "eu-west-1: 1 object missing, 0 copied (0 B), 1 left") {
		t.Errorf("exit %d, want 130\n%s", code, out.String())
	}
	after := w.sandbox.Stats()
	if got := requests(after, "eu-west-1", "AbortMultipartUpload", ":assumed-role/"); got != 1 {
		t.Errorf("%d uploads were aborted, want 1", got)
	}
	open, err := w.s3("eu-west-1").ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{
		Bucket: aws.String(w.bucket("eu-west-1")),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(open.Uploads) != 0 {
		t.Errorf("%d uploads stay open", len(open.Uploads))
	}

	w.fault("eu-west-1", fault.S3Bandwidth, 0, 0)
	if code, out := w.backfill("--config", config, "--to", "eu-west-1"); code != 0 ||
		!strings.Contains(out, "1 object missing, 1 copied (20.0 MiB)") {
		t.Errorf("exit %d\n%s", code, out)
	}
	w.settle()
	w.wantIn("eu-west-1", large)
	if got := invocations(w.sandbox.Stats()) - invocations(before); got != 0 {
		t.Errorf("%d invocations, want none", got)
	}
}
