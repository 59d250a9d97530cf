package e2e

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// followStory changes a key in the first Region, in each way that travels, and
// returns what the second one did not follow, "" for nothing.
func followStory(w *world, key string) string {
	w.t.Helper()
	from, to := w.regions[0], w.regions[1]
	shown := func(region string) string {
		body, ok := w.read(region, key)
		if !ok {
			return "nothing"
		}
		return body + " tagged " + w.tags(region, key)
	}
	bucket := aws.String(w.bucket(from))
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"upload", func() error { _, err := w.put(from, object{key: key, body: "one", tags: "a=b"}); return err }},
		{"overwrite", func() error { _, err := w.put(from, object{key: key, body: "two"}); return err }},
		{"tags", func() error {
			_, err := w.s3(from).PutObjectTagging(w.t.Context(), &s3.PutObjectTaggingInput{Bucket: bucket, Key: &key,
				Tagging: &s3types.Tagging{
					TagSet: []s3types.Tag{{Key: aws.String("c"), Value: aws.String("d")}},
				}})
			return err
		}},
		{"deletion", func() error {
			_, err := w.s3(from).DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: &key})
			return err
		}},
		{"upload of what was deleted", func() error { _, err := w.put(from, object{key: key, body: "three"}); return err }},
	} {
		if err := step.do(); err != nil {
			w.t.Fatal(err)
		}
		w.settle()
		if want, got := shown(from), shown(to); got != want {
			return fmt.Sprintf("%s: %s shows %q, %s %q", step.name, from, want, to, got)
		}
	}
	return ""
}

// Every grant that following adds to the function's role is needed: without it a
// change does not travel, and the function's log says what is denied.
func TestEveryGrantOfFollowingIsNeeded(t *testing.T) {
	t.Parallel()
	grants := func(assembly fs.FS, stack string) (all []grant) {
		editable(t, assembly).edit(stack, func(resources map[string]any) int {
			grantsOf(resources, func(on, sid string, s map[string]any) {
				for _, action := range actions(s) {
					all = append(all, grant{on, sid, action})
				}
			})
			return 1
		})
		return all
	}
	const role = "function's role"
	table := map[grant]string{ // where the story ends without it
		{role, "ReadSources", "s3:GetObject"}:                       "upload:",
		{role, "SeeVersioning", "s3:GetBucketVersioning"}:           "upload:",
		{role, "WriteReplicas", "s3:GetObjectVersionTagging"}:       "tags:",
		{role, "WriteReplicas", "s3:PutObjectVersionTagging"}:       "tags:",
		{role, "TellMissingFromForbidden", "s3:ListBucketVersions"}: "deletion:",
		{role, "WriteReplicas", "s3:DeleteObject"}:                  "deletion:",
		{role, "WriteReplicas", "s3:GetObjectVersion"}:              "upload of what was deleted:",
	}
	plain := grants(threeRegions(t), "s3fanout-us-east-1")
	for _, g := range grants(synthesize(t, followContext), "follow-us-east-1") {
		if _, known := table[g]; !known && !slices.Contains(plain, g) {
			t.Errorf("%+v is granted, and nothing shows that it is needed", g)
		}
	}
	t.Run("with all", func(t *testing.T) {
		t.Parallel()
		w := start(t, synthesize(t, followContext))
		if trouble := followStory(w, "films/a b"); trouble != "" {
			t.Error(trouble)
		}
		for _, region := range w.regions {
			w.wantLetters(region, 0)
		}
		// A filter may follow less.
		w.upload("us-east-1", object{key: "logs/a", body: "one"})
		w.settle()
		w.upload("us-east-1", object{key: "logs/a", body: "two"})
		_, err := w.s3("us-east-1").DeleteObject(t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String(w.bucket("us-east-1")), Key: aws.String("logs/a"),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.wantIn("eu-west-1", object{key: "logs/a", body: "one"})
	})
	for g, want := range table {
		t.Run(g.sid+" "+g.action, func(t *testing.T) {
			t.Parallel()
			a := editable(t, synthesize(t, followContext))
			a.edit("follow-*-[0-9]", take(g))
			w := start(t, a.files)
			if trouble := followStory(w, "films/probed"); !strings.HasPrefix(trouble, want) {
				t.Fatalf("without it: %q, want an end at the %s", trouble, want)
			}
			to := w.regions[1]
			if w.logLines(to, "AccessDenied") == "" && w.logLines(to, "Forbidden") == "" {
				t.Errorf("%s: the function's log does not say that anything is denied", to)
			}
			w.wantLetters(to, 1)
		})
	}
}
