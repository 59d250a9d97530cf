package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const foreignAccount = "999999999999"

// openToAll lets everybody do everything with the bucket of a Region's stack, as
// an account does that hopes for others' requests.
func openToAll(resources map[string]any) int {
	return ofType(resources, "AWS::S3::BucketPolicy", func(_ string, p map[string]any) {
		p["PolicyDocument"] = map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": "*", "Action": "s3:*",
			"Resource": p["PolicyDocument"].(map[string]any)["Statement"].([]any)[0].(map[string]any)["Resource"],
		}}}
	})
}

// anyAccount takes the account off the role's statements about S3.
func anyAccount(resources map[string]any) (n int) {
	roleStatements(resources, func(s map[string]any) {
		if condition, ok := s["Condition"].(map[string]any); ok && condition["StringEquals"] != nil {
			delete(s, "Condition")
			n++
		}
	})
	return n
}

// foreign is a replica set whose bucket in eu-west-1 was deleted, and whose name
// another account has taken: open to everybody, with an object in it. more
// changes the templates besides.
func foreign(t *testing.T, body string, more func(*assembly)) (w *world, taken record) {
	t.Helper()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-"+there, openToAll)
	a.remove("s3fanout-" + there + "-mesh") // so that nothing is copied before
	if more != nil {
		more(a)
	}
	w = start(t, a.files)
	version := w.upload(there, object{key: "bait", body: body})
	w.settle()
	w.sandbox.GiveBucket(w.bucket(there), foreignAccount)
	return w,
		record{region: there, bucket: w.bucket(there), key: "bait", version: version, topic: w.state.Regions[there].TopicARN,
			size: len(body)}
}

// saysDenied says whether S3 refused a request; a HEAD has no body that could say
// more than 403.
func saysDenied(text string) bool {
	return strings.Contains(text, "AccessDenied") || strings.Contains(text, "Forbidden")
}

// wantNothingMoved has the functions try to copy from the foreign bucket and
// into it, objects of the size of the bait.
func (w *world) wantNothingMoved(taken record) {
	w.t.Helper()
	ours := object{key: "secret", body: strings.Repeat("o", taken.size)}
	if trouble := w.invoke(here, forgery(taken)); !saysDenied(trouble) {
		w.t.Errorf("copy from the foreign bucket: %q, want it denied", trouble)
	}
	w.wantMissing(here, "bait")
	w.upload(here, ours)
	w.settle()
	w.wantMissing(there, "secret")
	w.wantLetters(there, 1)
	if letters := strings.Join(w.letters(there), "\n"); !saysDenied(letters) {
		w.t.Errorf("copy into the foreign bucket: %s, want it denied", letters)
	}
	if trouble := w.invoke("ap-northeast-1", forgery(taken)); !saysDenied(trouble) {
		w.t.Errorf("copy from the foreign bucket to a third Region: %q, want it denied", trouble)
	}
	w.wantIn("ap-northeast-1", ours) // the rest of the set goes on
}

// A bucket of a member's name in another account gets nothing of the set, and
// gives it nothing, though its policy would let everybody. The functions'
// requests name the account, and so do their roles' policies: each is enough.
func TestAForeignBucketOfAMembersNameGetsAndGivesNothing(t *testing.T) {
	t.Parallel()
	t.Run("as deployed", func(t *testing.T) {
		w, taken := foreign(t, "foreign", nil)
		w.wantNothingMoved(taken)
	})
	t.Run("by the requests alone", func(t *testing.T) {
		w, taken := foreign(t, "foreign", func(a *assembly) { a.edit("s3fanout-*[0-9]", anyAccount) })
		w.wantNothingMoved(taken)
	})
	t.Run("by the requests alone, in parts", func(t *testing.T) {
		w, taken := foreign(t, bigBody(), func(a *assembly) {
			a.edit("s3fanout-*[0-9]", anyAccount)
			a.edit("*", inSmallSteps)
		})
		w.wantNothingMoved(taken)
	})
	t.Run("by the roles alone", func(t *testing.T) {
		w, taken := foreign(t, "foreign", nil)
		set := defaultSet()
		get := &s3.GetObjectInput{Bucket: aws.String(taken.bucket), Key: aws.String("bait"), VersionId: aws.String(taken.version)}
		for _, region := range w.regions {
			role := w.mustAssume(set.Member(w.state.AccountID, region).RoleARN(), set.OperatorSession())
			client := s3.NewFromConfig(role.in(there))
			for what, try := range map[string]func() error{
				"read": func() error {
					_, err := client.GetObject(t.Context(), get)
					return err
				},
				"write": func() error {
					_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
						Bucket: get.Bucket, Key: aws.String("leaked"), Body: strings.NewReader("ours"),
					})
					return err
				},
				"list": func() error {
					_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: get.Bucket})
					return err
				},
			} {
				if err := try(); !accessDenied(err) {
					t.Errorf("%s: %s: %v, want it denied", region, what, err)
				}
			}
		}
		// Nothing but the roles' policies stopped them.
		if _, err := w.s3(there).GetObject(t.Context(), get); err != nil {
			t.Errorf("the bucket is not open: %v", err)
		}
	})
	t.Run("by neither", func(t *testing.T) {
		w, taken := foreign(t, "foreign", func(a *assembly) { a.edit("s3fanout-*[0-9]", anyAccount) })
		set := defaultSet()
		role := w.mustAssume(set.Member(w.state.AccountID, here).RoleARN(), set.OperatorSession())
		if _, err := s3.NewFromConfig(role.in(there)).GetObject(t.Context(), &s3.GetObjectInput{
			Bucket: aws.String(taken.bucket), Key: aws.String("bait"), VersionId: aws.String(taken.version),
		}); err != nil {
			t.Errorf("without the account in policies and request: %v, want it to be read", err)
		}
	})
}

// The command neither reads a foreign bucket nor writes to it.
func TestTheCommandLeavesAForeignBucketAlone(t *testing.T) {
	t.Parallel()
	w, _ := foreign(t, "foreign", nil)
	w.upload(here, object{key: "secret", body: "ours"})
	w.settle()
	for _, args := range [][]string{
		{"verify", "--grace", "0s"},
		{"explain", "bait"},
		{"backfill"},
		{"backfill", "--own-credentials"},
		{"doctor"},
	} {
		args = append([]string{args[0], "--config", filepath.Join(build.root, "cdk.json")}, args[1:]...)
		code, stdout, stderr := w.command(args...)
		// The lines are wrapped.
		said := strings.Join(strings.Fields(string(stdout)+string(stderr)), " ")
		if code == 0 || !strings.Contains(said, "denied") || !strings.Contains(said, "if the bucket is this account's") {
			t.Errorf("%s: exit %d, want it denied, and that the bucket may be another account's\n%s%s", args[0], code, stdout, stderr)
		}
	}
	w.wantMissing(there, "secret")
	for _, region := range []string{here, "ap-northeast-1"} {
		w.wantMissing(region, "bait")
	}
}

// What is announced of a foreign bucket does not get to the set's topic.
func TestAForeignBucketAnnouncesNothing(t *testing.T) {
	t.Parallel()
	w, _ := foreign(t, "foreign", nil)
	before := w.sandbox.Stats().Regions[there].SNS
	w.upload(there, object{key: "forged", body: "foreign"})
	w.settle()
	if after := w.sandbox.Stats().Regions[there].SNS; after != before {
		t.Errorf("the topic's counters went from %+v to %+v", before, after)
	}
}
