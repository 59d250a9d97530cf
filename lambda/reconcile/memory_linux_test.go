package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/function/reconcile"
	"s3fanout/internal/proof/bench/endless"
)

// mostMemory is what the function's process may ever hold, in KiB.
const mostMemory = 64 << 10

// Memory and GiB-seconds of a function of 512 MB: it has a share of a processor
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), so that
// processor time tells how long it takes where the network does not.
const (
	functionMB     = 512
	wholeProcessor = 1769.0       // MB
	perGBSecond    = 0.0000133334 // $ on arm64, us-east-1
	perList        = 0.005 / 1000
)

// TestMemoryOfManyKeys runs the function as it is built for AWS, in a process of its
// own, against a server that lists buckets of any number of keys: what it holds does
// not depend on that. It prints how fast it was, and what that costs.
func TestMemoryOfManyKeys(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the function: %v\n%s", err, out)
	}
	for _, tt := range []struct {
		name        string
		keys, large int // large in make test-large
		lacks       int // one of so many keys is missing
	}{
		{"few are missing", 40_000, 1_000_000, 20_000},
		{"half are missing", 4_000, 100_000, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys := tt.keys
			if os.Getenv("S3FANOUT_E2E_LARGE") != "" {
				keys = tt.large
			}
			answer, usage := runFunction(t, binary, &endlessServices{t: t, Server: endless.Server{Keys: keys, Lacks: tt.lacks}})
			missing := int64(keys / tt.lacks)
			want := (reconcile.Counts{Compared: int64(keys), Missing: missing, Repaired: missing})
			if answer.Status != reconcile.Complete || answer.Counts != want {
				t.Errorf("got %s %+v, want %+v", answer.Status, answer.Counts, want)
			}
			lists := float64(endless.Buckets * ((keys + 999) / 1000))
			million := 1e6 / float64(keys)
			seconds := usage.processor.Seconds() / (functionMB / wholeProcessor)
			t.Logf("%d keys in each of %d buckets: peak memory %.1f MiB, %.0f keys/s here; of a million keys: %.1f s of a processor, "+
				"%.0f s of a function of %d MB ($%.4f), lists $%.4f",
				keys, endless.Buckets, float64(usage.peak)/1024, float64(keys)/usage.took.Seconds(), usage.processor.Seconds()*million,
				seconds*million, functionMB, seconds*million*functionMB/1024*perGBSecond, lists*million*perList)
			if usage.peak == 0 || usage.peak > mostMemory {
				t.Errorf("the function held %d KiB, at most %d were expected", usage.peak, mostMemory)
			}
		})
	}
}

// endlessServices are AWS's to the function: buckets without end, whose writes are
// forgotten, and a table.
type endlessServices struct {
	endless.Server
	t    *testing.T
	item json.RawMessage // one call at a time
}

func (e *endlessServices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	body := []byte(nil)
	if r.Method == http.MethodPost {
		body, _ = io.ReadAll(r.Body)
	}
	_, lifecycle := r.URL.Query()["lifecycle"]
	_, versions := r.URL.Query()["versions"]
	switch {
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem"):
		if e.item == nil {
			_, _ = io.WriteString(w, `{}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"Item": %s}`, e.item)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem"):
		var in struct{ Item json.RawMessage }
		if err := json.Unmarshal(body, &in); err != nil {
			e.t.Error(err)
		}
		e.item = in.Item
		_, _ = io.WriteString(w, `{}`)
	case r.Method == http.MethodPost:
		_, _ = fmt.Fprintf(w,
			`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAWRITER</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
				`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	case lifecycle:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchLifecycleConfiguration</Code></Error>`)
	case versions: // nothing was deleted
		_, _ = io.WriteString(w,
			`<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated></ListVersionsResult>`)
	case r.Method == http.MethodPut:
		_, _ = io.WriteString(w, `<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>`)
	default:
		e.Server.ServeHTTP(w, r)
	}
}

// usage is what a process took.
type usage struct {
	peak            int // KiB
	processor, took time.Duration
}

// runFunction has the function handle one tick.
func runFunction(t *testing.T, binary string, services http.Handler) (reconcile.Answer, usage) {
	t.Helper()
	aws := httptest.NewServer(services)
	defer aws.Close()
	answered, ended := make(chan []byte, 1), make(chan struct{})
	asked := false
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
			answered <- body
		case asked:
			<-ended // nothing more to do
		default:
			asked = true
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(15*time.Minute).UnixMilli(), 10))
			_, _ = io.WriteString(w, `{"tick": true}`)
		}
	}))
	defer api.Close()
	defer close(ended)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	function := exec.CommandContext(ctx, binary)
	env := environment(aws.URL)
	small := config()
	small.Target.Region, small.Target.Bucket = "eu-west-1", endless.BucketName(endless.Buckets-1) // the one that lacks keys
	small.Sources = nil
	for i := range endless.Buckets - 1 {
		source := small.Target
		source.Region, source.Bucket = fmt.Sprintf("region-%d", i), endless.BucketName(i)
		small.Sources = append(small.Sources, source)
	}
	small.Rate = 1_000_000
	maps.Copy(env, functionenv.EncodeReconcile(small))
	env["AWS_LAMBDA_RUNTIME_API"] = strings.TrimPrefix(api.URL, "http://")
	for name, value := range env {
		function.Env = append(function.Env, name+"="+value)
	}
	began := time.Now()
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	var raw []byte
	select {
	case raw = <-answered:
	case <-ctx.Done():
	}
	took := time.Since(began)
	peak := peakOf(t, function.Process.Pid)
	cancel()
	_ = function.Wait() // it was killed
	var a reconcile.Answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("the answer %q: %v", raw, err)
	}
	used := function.ProcessState.SysUsage().(*syscall.Rusage)
	return a, usage{peak, time.Duration(used.Utime.Nano() + used.Stime.Nano()), took}
}

// peakOf is the most memory that a process has had, in KiB
// (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
func peakOf(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return kib
		}
	}
	return 0
}
