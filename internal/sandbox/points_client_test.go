package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// clientOf is set for this program when it plays a client: to the ARN of the
// access point that it uses.
const clientOf = "S3FANOUT_TEST_CLIENT_OF"

// beClient is a program as somebody writes it for AWS: it knows an access point's
// ARN, and everything else is the environment's.
func beClient() {
	if err := useAccessPoint(context.Background(), os.Getenv(clientOf)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func useAccessPoint(ctx context.Context, arn string) error {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client, key := s3.NewFromConfig(c), aws.String("written by an unmodified client")
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &arn, Key: key, Body: strings.NewReader("by its own words"),
	}); err != nil {
		return err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &arn, Key: key})
	if err != nil {
		return err
	}
	defer func() { _ = out.Body.Close() }()
	_, err = io.Copy(os.Stdout, out.Body)
	return err
}

// A client that nobody has told of the sandbox uploads and reads by the access
// point's own host, with HTTPS_PROXY and AWS_CA_BUNDLE alone.
func TestUnmodifiedClientOfAnAccessPoint(t *testing.T) {
	s, point := startPoint(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	state := s.State()
	run := func(proxy, bundle string) (string, error) {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = []string{
			clientOf + "=" + point.ARN, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + state.AccessKeyID,
			"AWS_SECRET_ACCESS_KEY=" + state.SecretAccessKey,
			"HTTPS_PROXY=" + proxy, "AWS_CA_BUNDLE=" + bundle, "AWS_ENDPOINT_URL=" + state.Endpoint, "AWS_MAX_ATTEMPTS=1",
			"HOME=" + t.TempDir(),
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(state.AccessPoints.Proxies["ap-northeast-1"], state.AccessPoints.CABundle); err != nil || out != "by its own words" {
		t.Errorf("%v: %s", err, out)
	}
	if got := s.where(t, "written by an unmodified client"); len(got) != 1 || got[0] != "ap-northeast-1" {
		t.Errorf("written in %v, want ap-northeast-1", got)
	}
	if out, err := run(state.AccessPoints.Proxies["ap-northeast-1"], ""); err == nil || !strings.Contains(out, "certificate") {
		t.Errorf("without the authority: %v: %s", err, out)
	}
}
