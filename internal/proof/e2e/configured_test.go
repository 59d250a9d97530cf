package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/fault"
)

// configureCareful writes the configuration of a careful company, and returns the
// context of its cdk.json.
var configureCareful = sync.OnceValues(func() (context string, err error) {
	set, err := os.ReadFile(filepath.Join(build.root, "infra", "testdata", "careful.json"))
	if err != nil {
		return "", err
	}
	context = `{"s3fanout":` + string(set) + `}`
	if err := os.Mkdir(filepath.Join(build.dir, "careful"), 0o700); err != nil {
		return "", err
	}
	return context, os.WriteFile(filepath.Join(build.dir, "careful", "cdk.json"), []byte(`{"context":`+context+`}`), 0o600)
})

func careful(t *testing.T) fs.FS {
	t.Helper()
	context, err := configureCareful()
	if err != nil {
		t.Fatal(err)
	}
	return synthesize(t, context)
}

// redriveCareful runs the command with the careful configuration.
func (w *world) redriveCareful() {
	w.t.Helper()
	if code, out := w.redrive("--config", filepath.Join(build.dir, "careful", "cdk.json")); code != 0 {
		w.t.Errorf("redrive: exit %d\n%s", code, out)
	}
}

func TestCarefulConfigurationReplicates(t *testing.T) {
	t.Parallel()
	a := editable(t, careful(t))
	a.edit("*", inSmallSteps)
	w := start(t, a.files)
	if got, want := w.bucket("eu-west-1"), "careful-123456789012-eu-west-1-an"; got != want {
		t.Errorf("bucket %q, want %q", got, want)
	}
	small := object{key: "in put/a b+c.jpg", body: "small", tags: "a=b", metadata: map[string]string{"camera": "one"}}
	large := object{key: "dt=2026/large", body: bigBody()}
	w.upload("us-east-1", small)
	w.upload("eu-west-1", large)
	w.upload("us-east-1", object{key: "in put/a.png", body: "no filter matches"})
	w.upload("us-east-1", object{key: "input/a.jpg", body: "nor here"})
	w.settle()
	w.wantEverywhere(small)
	w.wantEverywhere(large)
	w.wantMissing("eu-west-1", "in put/a.png")
	w.wantMissing("eu-west-1", "input/a.jpg")
	w.wantLetters("us-east-1", 0)
	w.wantLetters("eu-west-1", 0)
	head, err := w.s3("eu-west-1").HeadObject(t.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(w.bucket("eu-west-1")), Key: aws.String(small.key),
	})
	if err != nil {
		t.Fatal(err)
	}
	if head.ServerSideEncryption != "aws:kms" || !strings.Contains(aws.ToString(head.SSEKMSKeyId), ":eu-west-1:") ||
		!aws.ToBool(head.BucketKeyEnabled) {
		t.Errorf("replica encrypted by %s with %s, want aws:kms with the Region's key and a bucket key",
			head.ServerSideEncryption, aws.ToString(head.SSEKMSKeyId))
	}
}

// What fails gets into the encrypted queue, and comes out again.
func TestCarefulConfigurationKeepsDeadLetters(t *testing.T) {
	t.Parallel()
	o := object{key: "dt=2026/key", body: "body"}
	t.Run("of the function", func(t *testing.T) {
		w := start(t, careful(t))
		w.fault("eu-west-1", fault.LambdaCrash, 1, 0)
		w.upload("us-east-1", o)
		w.settle()
		w.wantLetters("eu-west-1", 1)
		w.fault("eu-west-1", fault.LambdaCrash, 0, 0)
		w.redriveCareful()
		w.wantEverywhere(o)
	})
	t.Run("of the topic", func(t *testing.T) {
		a := editable(t, careful(t))
		a.edit("careful-eu-west-1", without("AWS::Lambda::Permission"))
		w := start(t, a.files)
		w.upload("us-east-1", o)
		w.settle()
		w.wantLetters("us-east-1", 1)
		w.redriveCareful()
		w.settle()
		w.wantEverywhere(o)
	})
}

// ofStatement calls change with the statement of that Sid, in roles' policies
// and keys' policies.
func ofStatement(sid string, change func(statement map[string]any)) func(map[string]any) int {
	return func(resources map[string]any) (n int) {
		visit := func(s map[string]any) {
			if s["Sid"] == sid {
				change(s)
				n++
			}
		}
		roleStatements(resources, visit)
		ofType(resources, "AWS::KMS::Key", func(_ string, p map[string]any) {
			for _, s := range p["KeyPolicy"].(map[string]any)["Statement"].([]any) {
				visit(s.(map[string]any))
			}
		})
		return n
	}
}

// Every permission on keys is needed: without it something fails, and says so.
func TestEveryKeyPermissionIsNeeded(t *testing.T) {
	t.Parallel()
	only := func(action string) func(map[string]any) {
		return func(s map[string]any) { s["Action"] = action }
	}
	small := replicates(object{body: "plain"})
	for _, tc := range []struct {
		name   string
		sid    string
		change func(map[string]any)
		probe  probe
		want   string
	}{
		{"to encrypt here", "EncryptHere", only("kms:Decrypt"), small, "kms:GenerateDataKey"},
		{"to put parts together here", "EncryptHere", only("kms:GenerateDataKey"), replicates(object{body: bigBody()}), "kms:Decrypt"},
		{"to decrypt sources", "DecryptSources", only("kms:DescribeKey"), small, "kms:Decrypt"},
		{"on the sources' Regions", "DecryptSources", func(s map[string]any) {
			s["Resource"] = "arn:aws:kms:ap-northeast-1:123456789012:key/*"
		}, small, "kms:Decrypt"},
		{"on keys with the alias", "DecryptSources", func(s map[string]any) {
			s["Condition"] = map[string]any{"ForAnyValue:StringEquals": map[string]any{"kms:ResourceAliases": "alias/other"}}
		}, small, "kms:Decrypt"},
		{"on what the sources' buckets hold", "DecryptSources", func(s map[string]any) {
			s["Condition"] = map[string]any{"StringLike": map[string]any{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other"}}
		}, small, "kms:Decrypt"},
		{"of the account", "AccountDecides", func(s map[string]any) {
			s["Principal"] = map[string]any{"AWS": "arn:aws:iam::123456789012:user/administrator"}
		}, small, "no key policy allows it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := editable(t, careful(t))
			a.edit("*", inSmallSteps)
			a.edit("careful-us-east-1", ofStatement(tc.sid, tc.change))
			w := start(t, a.files)
			trouble := tc.probe(w, "dt=2026/probed") // uploads in eu-west-1
			if trouble == "" {
				t.Fatal("nothing fails")
			}
			// Not the dead letter: without the key there is none.
			if w.logLines("us-east-1", tc.want) == "" {
				t.Errorf("%s; the function's log does not say %q", trouble, tc.want)
			}
		})
	}
}

func TestServicesNeedTheKey(t *testing.T) {
	t.Parallel()
	nothing := func(s map[string]any) { s["Action"] = "kms:DescribeKey" }
	t.Run("S3 for the topic", func(t *testing.T) {
		a := editable(t, careful(t))
		a.edit("careful-us-east-1", ofStatement("BucketPublishes", nothing))
		if _, err := tryStart(t, a.files); err == nil ||
			!strings.Contains(err.Error(), "unable to validate the following destination configurations") ||
			!strings.Contains(err.Error(), "kms:GenerateDataKey") {
			t.Errorf("deployed: %v, want an error that says what S3 may not", err)
		}
	})
	t.Run("SNS for the queue", func(t *testing.T) {
		a := editable(t, careful(t))
		a.edit("careful-us-east-1", ofStatement("TopicSendsUndelivered", nothing))
		a.edit("careful-eu-west-1", without("AWS::Lambda::Permission"))
		w := start(t, a.files)
		w.upload("us-east-1", object{key: "dt=2026/key", body: "body"})
		w.settle()
		if got := w.sandbox.Stats().Regions["us-east-1"].SNS; got.Lost != 1 {
			t.Errorf("%+v, want the message lost", got)
		}
	})
	t.Run("Lambda for the queue, as the function", func(t *testing.T) {
		a := editable(t, careful(t))
		a.edit("careful-eu-west-1", ofStatement("EncryptHere", nothing))
		w := start(t, a.files)
		w.fault("eu-west-1", fault.LambdaCrash, 1, 0)
		w.upload("us-east-1", object{key: "dt=2026/key", body: "body"})
		w.settle()
		if got := w.sandbox.Stats().Regions["eu-west-1"].Lambda; got.Lost != 1 {
			t.Errorf("%+v, want the event lost", got)
		}
	})
}
