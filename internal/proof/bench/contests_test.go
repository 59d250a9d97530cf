package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event"
)

// asFunction, set in the environment, makes the test binary a function that
// fails at once.
const asFunction = "S3FANOUT_BENCH_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		_, _ = os.Stderr.WriteString("no configuration\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestFunctionThatDoesNotStartIsAnError(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, err = startOnce(t.Context(), exe, []string{asFunction + "=1"})
	if err == nil || !strings.Contains(err.Error(), "no configuration") {
		t.Errorf("got %v, want what the function wrote", err)
	}
	if _, err := startOnce(t.Context(), filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("got no error without a binary")
	}
}

// The functions are given what s3fanout's reads as one object.
func TestPayloadIsAnEvent(t *testing.T) {
	raw, err := payload(benchOrigin, uploaded{"films/000001.mp4", "v1", anyETag}, 7)
	if err != nil {
		t.Fatal(err)
	}
	in, err := event.ParseInvocation(raw)
	if err != nil || len(in.Messages) != 1 || len(in.Messages[0].Errs) > 0 || len(in.Messages[0].Records) != 1 {
		t.Fatalf("got %+v, %v", in, err)
	}
	r := in.Messages[0].Records[0]
	if r.Bucket != sourceBucket || r.Region != sourceRegion || r.Key != "films/000001.mp4" || r.VersionID != "v1" || r.Size != 7 {
		t.Errorf("got %+v", r)
	}
}

// The stand-in answers so that the copier takes it for S3.
func TestStandInCopies(t *testing.T) {
	s, err := startStandIn(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	client := sdk.New(sdk.Options{
		Region: targetRegion, BaseEndpoint: aws.String(s.server.URL), UsePathStyle: true, HTTPClient: s.server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(anyKeyID, anySecret, ""),
	})
	c := copier.New(client, copier.Target{Region: targetRegion, Bucket: "b"})
	for _, probable := range []bool{false, true} { // with a HEAD before, too
		got, err := c.Copy(t.Context(), copier.Request{Source: copier.Object{Bucket: sourceBucket, Key: "k"}, ProbableEcho: probable})
		if err != nil || got.Outcome != copier.Copied || got.ETag == "" || got.VersionID == "" {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

func TestInTurns(t *testing.T) {
	var order []string
	one := func(name string, figures ...float64) func(context.Context) (sample, error) {
		n := 0
		return func(context.Context) (sample, error) {
			order = append(order, name)
			n++
			return sample{"x": figures[(n-1)%len(figures)]}, nil
		}
	}
	turns := inTurns(3, one("a", 1, 2, 9), one("b", 5))
	b, err := turns[1](t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	a, err := turns[0](t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "b", "a", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("got order %v, want %v", order, want)
	}
	if a["x"] != 2 || b["x"] != 5 {
		t.Errorf("got medians %v and %v, want 2 and 5", a, b)
	}
	if _, err := turns[0](t.Context(), 1); err != nil || len(order) != 12 {
		t.Errorf("the next round was not measured anew: %v, %v", order, err)
	}
}

func TestReadBenchmarks(t *testing.T) {
	got := readBenchmarks("goos: linux\nBenchmarkInvoke/all-2 \t 5000\t 117078 ns/op\t 53570 cpu-ns/op\t 22503 B/op\t 177 allocs/op\n" +
		"BenchmarkOther 10 5.5 ns/op\nPASS\n")
	want := map[string]map[string]float64{
		"BenchmarkInvoke/all": {"ns/op": 117078, "cpu-ns/op": 53570, "B/op": 22503, "allocs/op": 177},
		"BenchmarkOther":      {"ns/op": 5.5},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMemoryAndTimeOfAProcess(t *testing.T) {
	now, peak, ok := memoryOf(os.Getpid())
	taken, timed := processorTime(os.Getpid())
	if !ok || !timed {
		t.Skip("this system does not say")
	}
	if now < 1 || peak < now || taken <= 0 {
		t.Errorf("this process: got %.1f MiB now, %.1f at most, %v of processor time", now, peak, taken)
	}
}
