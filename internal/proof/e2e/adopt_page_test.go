package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// pageStep is a command of the page, and the exit code that it says.
type pageStep struct {
	line string
	code int
}

// adoptPage reads docs/adopt.md: the configuration that it has its reader write,
// and its commands in their order. A comment says an exit code other than 0.
func adoptPage(t *testing.T) (context string, steps []pageStep) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(build.root, "docs", "adopt.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```(sh|json)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if block[1] == "json" {
			context = "{" + block[2] + "}"
			continue
		}
		for line := range strings.Lines(block[2]) {
			command, comment, _ := strings.Cut(line, "#")
			s := pageStep{line: strings.Join(strings.Fields(command), " ")}
			if code := regexp.MustCompile(`exit code (\d+)`).FindStringSubmatch(comment); code != nil {
				s.code, _ = strconv.Atoi(code[1])
			}
			steps = append(steps, s)
		}
	}
	return context, steps
}

// The commands of the page about adopting, one after the other, do what the page
// says: from three buckets with data to a replica set, and back without a trace.
func TestAdoptionPage(t *testing.T) {
	t.Parallel()
	context, steps := adoptPage(t)
	config := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+context+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := startAccount(t)
	w.deployAll(nothingElse(t).withOwner())
	buckets := map[string]string{"us-east-1": "films-us", "eu-west-1": "films-eu", "ap-northeast-1": "films-ap"}
	var had []object
	for region, bucket := range buckets {
		w.oldBucket(region, bucket)
		had = append(had, object{key: "films/of " + region, body: region})
		w.have(region, bucket, had[len(had)-1])
	}
	w.putVersioning("ap-northeast-1", "films-ap", s3types.BucketVersioningStatusSuspended)
	others := owners()
	others.QueueConfigurations = nil // new objects are the set's alone: it has no filters
	w.putNotifications("films-us", others)
	policy := `{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::films-eu"}]}`
	if _, err := w.s3("eu-west-1").PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{
		Bucket: aws.String("films-eu"), Policy: &policy,
	}); err != nil {
		t.Fatal(err)
	}

	before := map[string]string{}
	uploaded := object{key: "films/new", body: "new"}
	for _, s := range steps {
		fields := strings.Fields(s.line)
		flags := map[string]string{}
		for i, f := range fields[:len(fields)-1] {
			if strings.HasPrefix(f, "--") {
				flags[f] = fields[i+1]
			}
		}
		switch {
		case s.line == "npx cdk deploy --all":
			for region, bucket := range buckets {
				before[region] = w.settingsOf(region, bucket)
			}
			w.deployAll(editable(t, synthesize(t, context)).withOwner(), adoptRegions...)
			w.upload("eu-west-1", uploaded)
			w.settle()
			w.wantEverywhere(uploaded)
		case s.line == "npx cdk destroy --all":
			for _, o := range had {
				w.wantEverywhere(o)
			}
			w.deployAll(nothingElse(t).withOwner())
		case strings.HasPrefix(s.line, "aws s3api put-bucket-versioning ") && flags["--versioning-configuration"] == "Status=Enabled":
			w.putVersioning(flags["--region"], flags["--bucket"], s3types.BucketVersioningStatusEnabled)
		case strings.HasPrefix(s.line, "aws s3api get-bucket-notification-configuration "):
			if ids, n := w.ours(flags["--region"], flags["--bucket"]); len(ids) > 0 || n != 2 {
				t.Errorf("%s shows the set's %v and %d of others, want the owner's two", s.line, ids, n)
			}
		case fields[0] == "s3fanout":
			args := append(slices.Clone(fields[1:]), "--config", config)
			if fields[1] == "verify" { // which waits for what is minutes old
				args = append(args, "--grace", "0s")
			}
			if code, stdout, stderr := w.command(args...); code != s.code {
				t.Fatalf("%s: exit code %d, and the page says %d\n%s%s", s.line, code, s.code, stdout, stderr)
			}
		default:
			t.Fatalf("the page has a command that is not run here: %s", s.line)
		}
	}
	if len(before) != len(buckets) {
		t.Fatal("the page does not deploy")
	}
	for region, bucket := range buckets {
		w.wantSettings(region, bucket, before[region])
		for _, o := range append(had, uploaded) {
			_, err := w.s3(region).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String(o.key)})
			if err != nil {
				t.Errorf("%s in %s: %v", o.key, bucket, err)
			}
		}
	}
}
