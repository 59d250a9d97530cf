package sandbox

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// withSecond is the committed assembly with another function in us-east-1, of
// the program reconcile.
func withSecond(t *testing.T) func(region, mesh map[string]any) {
	t.Helper()
	return func(region, _ map[string]any) {
		id, properties := first(region, "AWS::Lambda::Function")
		second := maps.Clone(properties)
		second["FunctionName"] = "second"
		second["Code"] = map[string]any{"S3Bucket": "assets", "S3Key": "reconcile.zip"}
		region["ZSecond"] = map[string]any{"Type": "AWS::Lambda::Function", "Properties": second, "DependsOn": id}
	}
}

// Each function runs its own program, and the replicator is still the one that
// clients are told of.
func TestEachFunctionRunsItsOwnProgram(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Config{
		Assembly: changed(t, withSecond(t)), Function: own, Programs: map[string]string{"reconcile": script}, RetryWait: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	region := s.State().Regions["us-east-1"]
	if region.FunctionName != "s3fanout-replicator" || !strings.HasSuffix(region.DeadLetterQueueURL, "/s3fanout-dead-letters") {
		t.Errorf("clients are told of function %q and queue %q", region.FunctionName, region.DeadLetterQueueURL)
	}
	for name, want := range map[string]string{region.FunctionName: "exit status 1", "second": "exit status 7"} {
		out, err := lambda.NewFromConfig(s.config("us-east-1")).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out.Payload), want+`"`) {
			t.Errorf("%s answers %s, want that its program ended with %s", name, out.Payload, want)
		}
	}
}

// A program that is not there is found before anything is changed.
func TestProgramMissing(t *testing.T) {
	const want = "the program reconcile is not built for this machine; run `make build` in a checkout or install a release"
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{Assembly: changed(t, withSecond(t)), Function: own}); err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("start: got %v, want %q", err, want)
	}
	missing := filepath.Join(t.TempDir(), "bootstrap")
	_, err = Start(t.Context(), Config{
		Assembly: changed(t, withSecond(t)), Function: own, Programs: map[string]string{"reconcile": missing},
	})
	if err == nil || !strings.Contains(err.Error(), missing+" is not there; run `make build` in a checkout or install a release") {
		t.Errorf("start with a file that is not there: got %v", err)
	}
	s := start(t)
	changes, err := s.Update(t.Context(), changed(t, withSecond(t)))
	refused := (RefusedError{})
	if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &refused) || len(changes.Made) > 0 {
		t.Errorf("update: got %v and %v, want a refusal with %q", changes, err, want)
	}
}
