package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"s3fanout/internal/sandbox"
	sandboxs3 "s3fanout/internal/sandbox/s3"
)

// Two of three members are buckets that were there before, with contents, others'
// notifications and a policy. They become a replica set; and when the set goes, or
// one leaves it, nothing of it is left in them.
func TestAdoptedBuckets(t *testing.T) {
	t.Parallel()
	w := startAccount(t)
	const first, second = "my-old-bucket", "my-other-bucket"
	w.deployAll(nothingElse(t).withOwner())
	w.oldBucket("us-east-1", first)
	w.oldBucket("eu-west-1", second)
	both, onlyFirst, onlySecond := object{key: "films/both", body: "both"}, object{key: "films/first", body: "first"},
		object{key: "films/second", body: "second"}
	w.have("us-east-1", first, both)
	w.have("eu-west-1", second, both)
	w.have("us-east-1", first, onlyFirst)
	w.have("eu-west-1", second, onlySecond)
	w.have("us-east-1", first, object{key: "private/notes", body: "no filter matches"})
	w.putNotifications(first, owners())
	policy := "{ \"Version\" : \"2012-10-17\",\n \"Statement\": [ {\"Sid\":\"Mine\", \"Effect\":\"Deny\", \"Principal\":\"*\", " +
		"\"Action\":\"s3:*\",\n" +
		"\"Resource\":\"arn:aws:s3:::" + first +
		"/private/*\", \"Condition\":{\"StringNotEquals\":{\"aws:PrincipalAccount\":\"123456789012\"}} } ] }\n"
	if _, err := w.s3("us-east-1").PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{
		Bucket: aws.String(first), Policy: &policy,
	}); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{"us-east-1": w.settingsOf("us-east-1", first), "eu-west-1": w.settingsOf("eu-west-1", second)}

	context, config := adopting(t, map[string]string{"us-east-1": first, "eu-west-1": second}, nil)
	set := editable(t, synthesize(t, context)).withOwner()
	w.deployAll(set, adoptRegions...)
	for region, bucket := range map[string]string{
		"us-east-1": first, "eu-west-1": second, "ap-northeast-1": "media-123456789012-ap-northeast-1",
	} {
		if got := w.bucket(region); got != bucket {
			t.Errorf("%s: the member is %q, want %q", region, got, bucket)
		}
	}
	if ids, others := w.ours("us-east-1", first); len(ids) != 1 || others != 4 {
		t.Errorf("%s has the entries %v and %d of others, want one and four", first, ids, others)
	}
	if ids, others := w.ours("eu-west-1", second); len(ids) != 1 || others != 0 {
		t.Errorf("%s has the entries %v and %d of others, want one and none", second, ids, others)
	}

	// What is new is everywhere, whoever has it first, and the owner hears what it did.
	fromOwn, fromAdopted := object{key: "films/new in a bucket of the set's own", body: "1"},
		object{key: "films/new in a bucket that was there", body: "2"}
	w.upload("ap-northeast-1", fromOwn)
	w.upload("us-east-1", fromAdopted)
	w.upload("us-east-1", object{key: "logs/of the owner", body: "3"})
	w.settle()
	w.wantEverywhere(fromOwn)
	w.wantEverywhere(fromAdopted)
	w.wantMissing("eu-west-1", "logs/of the owner")
	if got := w.ownerNotified(); !strings.Contains(got, "logs/of+the+owner") || strings.Contains(got, "films") {
		t.Errorf("the owner's queue has %s, want the log alone", got)
	}

	// What was there before is brought together.
	run := func(want int, args ...string) {
		t.Helper()
		if code, stdout, stderr := w.command(append(args, "--config", config)...); code != want {
			t.Errorf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
	}
	run(3, "verify", "--grace", "0s")
	run(0, "backfill", "--dry-run")
	w.wantMissing("ap-northeast-1", both.key)
	run(0, "backfill")
	run(0, "verify", "--grace", "0s")
	for _, o := range []object{both, onlyFirst, onlySecond} {
		w.wantEverywhere(o)
	}
	w.wantMissing("eu-west-1", "private/notes")

	// The owner's own deployment writes all of the notifications, without the
	// set's entry: doctor finds it, and adopt puts it back.
	w.wantHealthOf(config, nil)
	w.putNotifications(first, owners())
	w.wantHealthOf(config, []string{"us-east-1 adopted-notification"})
	run(0, "adopt")
	w.wantHealthOf(config, nil)
	repaired := object{key: "films/after the repair", body: "4"}
	w.upload("us-east-1", repaired)
	w.settle()
	w.wantEverywhere(repaired)

	// A bucket that leaves the configuration is as it was.
	context, _ = adopting(t, map[string]string{"us-east-1": first}, nil)
	w.deployAll(editable(t, synthesize(t, context)).withOwner(), adoptRegions...)
	w.wantSettings("eu-west-1", second, before["eu-west-1"])
	if ids, _ := w.ours("us-east-1", first); len(ids) != 1 {
		t.Errorf("%s, which stays, has the entries %v", first, ids)
	}

	// So is one whose set goes. Own buckets go with the set once they are empty;
	// those that were there before stay, with all that is in them.
	own := w.bucket("ap-northeast-1")
	if _, err := w.become(nothingElse(t).withOwner()); err == nil || !strings.Contains(err.Error(), own) ||
		!strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Errorf("%v, want that %s is not deleted with what is in it", err, own)
	}
	w.emptied("ap-northeast-1")
	w.regions = nil
	if _, err := w.become(nothingElse(t).withOwner()); err != nil {
		t.Fatal(err)
	}
	w.wantSettings("us-east-1", first, before["us-east-1"])
	w.wantSettings("eu-west-1", second, before["eu-west-1"])
	for bucket, region := range map[string]string{first: "us-east-1", second: "eu-west-1"} {
		for _, o := range []object{both, onlyFirst, onlySecond, fromOwn, fromAdopted} {
			_, err := w.s3(region).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String(o.key)})
			if err != nil {
				t.Errorf("%s in %s: %v", o.key, bucket, err)
			}
		}
	}
	if out, err := w.s3("us-east-1").ListBuckets(t.Context(), nil); err != nil || len(out.Buckets) != 2 {
		t.Errorf("%+v, %v; want the two buckets that were there before", out, err)
	}
}

// ownerNotified is what arrived in the owner's queue.
func (w *world) ownerNotified() string {
	w.t.Helper()
	out, err := sqs.NewFromConfig(w.config("us-east-1")).ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(w.state.Endpoint + "/123456789012/owners"), MaxNumberOfMessages: 10,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var all strings.Builder
	for _, m := range out.Messages {
		all.WriteString(*m.Body)
	}
	return all.String()
}

// fuse kills the processes of a Region's functions once, at the n-th moment at
// which a function's S3 request begins or ends.
type fuse struct {
	w *world

	mu     sync.Mutex
	left   int // moments until it burns; negative: never
	passed int
	killed int
}

func (f *fuse) look(c sandboxs3.Call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !byFunction(c) {
		return nil
	}
	f.passed++
	if f.left--; f.left != -1 {
		return nil
	}
	f.killed += f.w.sandbox.KillFunction(c.Region)
	return errors.New("killed: the request goes no further")
}

// light sets the fuse and counts moments from here.
func (f *fuse) light(after int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.passed, f.killed = after, 0, 0
}

// saw tells how many moments have passed since, and processes been killed.
func (f *fuse) saw() (moments, killed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.passed, f.killed
}

// However the function of adopted buckets is killed, CloudFormation's request is
// repeated, and the bucket has what it should have: the entry while the set is
// deployed, and after it is gone, or was rolled back, what it had before.
func TestAdoptionThatIsKilledAndRolledBack(t *testing.T) {
	t.Parallel()
	f := &fuse{left: -1}
	w := startAccount(t, func(c *sandbox.Config) { c.OnS3Call = f.look })
	f.w = w
	const bucket = "my-old-bucket"
	owner := nothingElse(t).withOwner()
	w.deployAll(owner)
	w.oldBucket("us-east-1", bucket)
	w.putNotifications(bucket, owners())
	before := w.settingsOf("us-east-1", bucket)
	context, _ := adopting(t, map[string]string{"us-east-1": bucket}, nil)
	set := editable(t, synthesize(t, context)).withOwner()
	failing := editable(t, set.files)
	failing.edit("media-us-east-1", failsAfterAdoption)

	// The moments are counted in a first run in which nobody is killed.
	cycle := func() {
		t.Helper()
		if _, err := w.become(set); err != nil {
			t.Fatal(err)
		}
		if ids, others := w.ours("us-east-1", bucket); len(ids) != 1 || others != 4 {
			t.Errorf("deployed: the entries %v and %d of others, want one and four", ids, others)
		}
		w.deployAll(owner)
		w.wantSettings("us-east-1", bucket, before)
	}
	rolledBack := func() {
		t.Helper()
		changes, err := w.become(failing)
		if err == nil || !strings.Contains(err.Error(), "nobody") || strings.Contains(err.Error(), "roll back") {
			t.Errorf("deployed what fails: %v", err)
		}
		if !slices.ContainsFunc(changes.RolledBack, func(c sandbox.Change) bool { return c.Type == "Custom::S3FanoutAdoptedBucket" }) ||
			len(changes.Made) > 0 {
			t.Errorf("changes %+v, want the adoption rolled back, and nothing that was made", changes)
		}
		w.wantSettings("us-east-1", bucket, before)
		w.deployAll(owner)
	}
	for name, run := range map[string]func(){"deployed and removed": cycle, "rolled back": rolledBack} {
		f.light(-1)
		run()
		moments, _ := f.saw()
		if moments < 10 {
			t.Fatalf("%s: %d moments, want those of a dozen requests at least", name, moments)
		}
		for n := range moments {
			f.light(n)
			run()
			if _, killed := f.saw(); killed == 0 { // more if one that has answered waits for its next request
				t.Error("nobody was killed")
			}
			if t.Failed() {
				t.Fatalf("%s: killed at moment %d of %d", name, n, moments)
			}
		}
		f.light(-1)
	}

	// An update that fails leaves what the deployment before it made.
	w.deployAll(set, adoptRegions...)
	deployed := w.settingsOf("us-east-1", bucket)
	failing.edit("media-us-east-1", announces(func(entry map[string]any) { entry["Prefix"] = "music/" }))
	if _, err := w.become(failing); err == nil || strings.Contains(err.Error(), "roll back") {
		t.Errorf("an update that fails: %v", err)
	}
	w.wantSettings("us-east-1", bucket, deployed)
	w.deployAll(owner)
	w.wantSettings("us-east-1", bucket, before)
}

// What S3 would refuse ends the deployment with one line that says what is in the
// way, and leaves the bucket as it was.
func TestAdoptionThatS3Refuses(t *testing.T) {
	t.Parallel()
	w := startAccount(t)
	owner := nothingElse(t).withOwner()
	w.deployAll(owner)
	const bucket = "my-old-bucket"
	w.oldBucket("us-east-1", bucket)
	w.putNotifications(bucket, owners())
	before := w.settingsOf("us-east-1", bucket)
	context, _ := adopting(t, map[string]string{"us-east-1": bucket}, nil)
	set := editable(t, synthesize(t, context)).withOwner()
	// Of every key, and the owner's queue hears of new logs.
	set.edit("media-us-east-1", announces(func(entry map[string]any) { delete(entry, "Prefix") }))
	changes, err := w.become(set)
	if err == nil || !strings.Contains(err.Error(), "zz") || strings.Contains(err.Error(), "\n") {
		t.Errorf("deployed: %v; want one line that names the owner's entry", err)
	}
	if len(changes.RolledBack) == 0 {
		t.Error("the stack is not rolled back")
	}
	w.wantSettings("us-east-1", bucket, before)
	w.deployAll(owner)
	w.wantSettings("us-east-1", bucket, before)
}

// failsAfterAdoption adds a resource that fails once the bucket is adopted.
func failsAfterAdoption(resources map[string]any) (n int) {
	for id, r := range resources {
		if r.(map[string]any)["Type"] == "Custom::S3FanoutAdoptedBucket" {
			resources["Failing"] = map[string]any{"Type": "Custom::Failing", "DependsOn": id, "Properties": map[string]any{
				"ServiceToken": fmt.Sprintf("arn:aws:lambda:us-east-1:123456789012:function:nobody-%d", len(resources)),
			}}
			n++
		}
	}
	return n
}

// announces changes the entry that an adopted bucket is given.
func announces(change func(entry map[string]any)) func(map[string]any) int {
	return func(resources map[string]any) int {
		return ofType(resources, "Custom::S3FanoutAdoptedBucket", func(_ string, properties map[string]any) {
			for _, entry := range properties["Announcements"].([]any) {
				change(entry.(map[string]any))
			}
		})
	}
}
