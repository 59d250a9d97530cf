package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	sandboxs3 "s3fanout/internal/sandbox/s3"
)

// withoutSubscriber removes the subscriptions of a Region's function, so that
// it is invoked by the test alone.
func withoutSubscriber(region string) func(resources map[string]any) int {
	return func(resources map[string]any) (removed int) {
		ofType(resources, "AWS::SNS::Subscription", func(id string, p map[string]any) {
			if strings.Contains(fmt.Sprint(p["Endpoint"]), region) {
				delete(resources, id)
				removed++
			}
		})
		return removed
	}
}

// killer kills a Region's function at one of the S3 calls that it makes for a
// key: before the call has any effect, or after all of it but the answer.
type killer struct {
	mu     sync.Mutex
	w      *world
	region string
	key    string
	begins bool // the test itself begins uploads as the function does
	at     int  // the call, from 1; 0: none
	after  bool // kill after its effect
	calls  []string
	killed string // the operation
	done   bool   // it took effect
}

// aim makes ready for the next key.
func (k *killer) aim(key string, at int, after bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.key, k.at, k.after, k.calls, k.killed, k.done = key, at, after, nil, "", false
}

func (k *killer) look(c sandboxs3.Call) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.Key != k.key || k.begins && c.Operation == "CreateMultipartUpload" || !byFunction(c) || !strings.Contains(c.CallerARN, k.region) {
		return nil
	}
	if !c.Done {
		k.calls = append(k.calls, c.Operation)
	}
	if len(k.calls) != k.at || c.Done != k.after || k.killed != "" {
		return nil
	}
	k.killed = c.Operation
	k.w.sandbox.KillFunction(k.region)
	return errors.New("the function was killed")
}

func (k *killer) seen() (calls []string, killed string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls, k.killed
}

// newKiller starts a world in which parts are copied one after the other.
func newKiller(t *testing.T, edits ...func(*assembly)) *killer {
	t.Helper()
	k := &killer{region: "eu-west-1"}
	a := &assembly{t: t, files: inParts(t, 1).(fstest.MapFS)}
	for _, edit := range edits {
		edit(a)
	}
	k.w = start(t, a.files, observe(k.look))
	return k
}

// forEveryCall runs a test for each of the calls that an undisturbed run
// makes, killed before it and after it.
func (k *killer) forEveryCall(t *testing.T, least int, run func(t *testing.T, key string)) {
	t.Helper()
	k.aim("undisturbed", 0, false)
	run(t, "undisturbed")
	calls, _ := k.seen()
	if len(calls) < least {
		t.Fatalf("an undisturbed copy makes the calls %v, want at least %d", calls, least)
	}
	for i, operation := range calls {
		for _, after := range []bool{false, true} {
			when := map[bool]string{false: "before", true: "after"}[after]
			t.Run(fmt.Sprintf("%s call %d, %s", when, i+1, operation), func(t *testing.T) {
				key := fmt.Sprintf("killed %s call %d", when, i+1)
				k.aim(key, i+1, after)
				run(t, key)
				if _, killed := k.seen(); killed != operation {
					t.Errorf("killed at %q, want %s", killed, operation)
				}
			})
		}
	}
}

// uploads lists the unfinished uploads of a key, and aborts them, as the
// bucket's lifecycle rule does in time.
func (w *world) uploads(region, key string) int {
	w.t.Helper()
	out, err := w.s3(region).ListMultipartUploads(w.t.Context(), &s3.ListMultipartUploadsInput{
		Bucket: aws.String(w.bucket(region)), Prefix: &key,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range out.Uploads {
		_, err := w.s3(region).AbortMultipartUpload(w.t.Context(), &s3.AbortMultipartUploadInput{
			Bucket: aws.String(w.bucket(region)), Key: u.Key, UploadId: u.UploadId,
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return len(out.Uploads)
}

// Killed at any call, the function's retry makes the replica. Only an upload
// that no payload names can stay behind, until the lifecycle rule.
func TestFunctionKilledAtEveryCallOfACopy(t *testing.T) {
	t.Parallel()
	k := newKiller(t)
	w := k.w
	body := noise(plannedPart + 1)
	k.forEveryCall(t, 5, func(t *testing.T, key string) {
		o := object{key: key, body: body, metadata: map[string]string{"a": "b"}, tags: "c=d"}
		w.upload("us-east-1", o)
		w.settle()
		w.wantEverywhere(o)
		if n := w.versions(k.region, key); n != 1 {
			t.Errorf("%d versions, want 1", n)
		}
		w.wantLetters(k.region, 0)
		orphans, killed := 0, k.killed
		created := killed == "UploadPartCopy" || killed == "CreateMultipartUpload" && k.after ||
			killed == "CompleteMultipartUpload" && !k.after
		if created {
			orphans = 1
		}
		if n := w.uploads(k.region, key); n != orphans {
			t.Errorf("%d unfinished uploads, want %d", n, orphans)
		}
	})
}

// A continuation names its upload: killed at any call, its retry goes on with
// it. No part that was done is copied again, and nothing stays behind.
func TestFunctionKilledAtEveryCallOfAContinuation(t *testing.T) {
	t.Parallel()
	k := newKiller(t, func(a *assembly) { a.edit("s3fanout-us-east-1-mesh", withoutSubscriber("eu-west-1")) })
	k.begins = true
	w := k.w
	home := "us-east-1"
	body := noise(2*plannedPart + 1)
	k.forEveryCall(t, 7, func(t *testing.T, key string) {
		source := object{key: key, body: body}
		w.upload(home, source)
		payload := w.continuation(home, k.region, key, func(in *s3.CreateMultipartUploadInput) { // as the copier makes it
			in.ChecksumAlgorithm, in.ChecksumType = s3types.ChecksumAlgorithmCrc32, s3types.ChecksumTypeFullObject
		})
		_, err := lambda.NewFromConfig(w.config(k.region)).Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String(w.state.Regions[k.region].FunctionName), InvocationType: lambdatypes.InvocationTypeEvent,
			Payload: payload,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.wantIn(k.region, source)
		if n := w.versions(k.region, key); n != 1 {
			t.Errorf("%d versions, want 1", n)
		}
		w.wantLetters(k.region, 0)
		if n := w.uploads(k.region, key); n != 0 {
			t.Errorf("%d unfinished uploads, want none", n)
		}
		calls, killed := k.seen()
		copied := 0
		for _, operation := range calls {
			if operation == "UploadPartCopy" {
				copied++
			}
		}
		want := 3
		if killed == "UploadPartCopy" && !k.after {
			want = 4 // the call that had no effect, and once more
		}
		if copied != want {
			t.Errorf("%d calls of UploadPartCopy, want %d: %v", copied, want, calls)
		}
	})
}
