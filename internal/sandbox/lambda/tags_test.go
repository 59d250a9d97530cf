package lambda

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"s3fanout/internal/sandbox/iam"
)

// Tags are added, replaced and removed by hand, and stay beside those of a
// template that changes.
func TestTagsByHand(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, func(c *FunctionConfig) { c.Tags = map[string]string{"team": "media", "old": "1"} })
	client := w.client(t, w.admin())
	want := func(want map[string]string) {
		t.Helper()
		got, err := client.ListTags(t.Context(), &awslambda.ListTagsInput{Resource: &arn})
		if err != nil || !maps.Equal(got.Tags, want) {
			t.Errorf("tags %v, %v; want %v", got, err, want)
		}
	}
	want(map[string]string{"team": "media", "old": "1"})
	tag := func(tags map[string]string) error {
		_, err := client.TagResource(t.Context(), &awslambda.TagResourceInput{Resource: &arn, Tags: tags})
		return err
	}
	if err := tag(map[string]string{"s3fanout:paused": "2026-11-29T12:30:00Z reserved=none", "team": "video"}); err != nil {
		t.Fatal(err)
	}
	c := w.functions[arn].current().FunctionConfig
	c.Tags = map[string]string{"team": "film"}
	if err := w.UpdateFunction(arn, c); err != nil {
		t.Fatal(err)
	}
	want(map[string]string{"s3fanout:paused": "2026-11-29T12:30:00Z reserved=none", "team": "film"})
	for range 2 {
		_, err := client.UntagResource(t.Context(), &awslambda.UntagResourceInput{
			Resource: &arn, TagKeys: []string{"s3fanout:paused", "none"},
		})
		if err != nil {
			t.Fatal(err)
		}
		want(map[string]string{"team": "film"})
	}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint("t", i)] = ""
	}
	for name, tags := range map[string]map[string]string{
		"AWS's": {"aws:x": ""}, "a key that is too long": {strings.Repeat("k", 129): ""},
		"a value that is too long": {"k": strings.Repeat("v", 257)},
		"characters":               {"k": "a,b"}, "too many": many,
	} {
		wantCode(t, name, tag(tags), "InvalidParameterValueException")
	}
	want(map[string]string{"team": "film"})
}

func TestTagsNeedPermissions(t *testing.T) {
	w := newWorld(t)
	arn := w.function(t, nil)
	nobody := w.client(t, iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/r/s", AccountID: account, Role: &iam.Role{Name: "r"}})
	_, err := nobody.ListTags(t.Context(), &awslambda.ListTagsInput{Resource: &arn})
	wantCode(t, "ListTags", err, "AccessDeniedException")
	_, err = nobody.TagResource(t.Context(), &awslambda.TagResourceInput{Resource: &arn, Tags: map[string]string{"a": "b"}})
	wantCode(t, "TagResource", err, "AccessDeniedException")
	_, err = nobody.UntagResource(t.Context(), &awslambda.UntagResourceInput{Resource: &arn, TagKeys: []string{"a"}})
	wantCode(t, "UntagResource", err, "AccessDeniedException")
	gone := arn + "-gone"
	_, err = w.client(t, w.admin()).ListTags(t.Context(), &awslambda.ListTagsInput{Resource: &gone})
	wantCode(t, "no function", err, "ResourceNotFoundException")
}
