package console

import (
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/operator/health"
)

func TestPhrases(t *testing.T) {
	for hint, want := range map[string]string{
		"find out who put it there":                                   "find out who put it there",
		"run s3fanout doctor, which finds it; then redrive":           "run [s3fanout doctor], which finds it; then redrive",
		"run s3fanout doctor again: s3fanout verify":                  "run [s3fanout doctor] again: [s3fanout verify]",
		"s3fanout resume ends that; or s3fanout resume eu-west-1 now": "[s3fanout resume] ends that; or [s3fanout resume eu-west-1] now",
		"why: s3fanout redrive --dry-run --region eu-west-1; replay":  "why: [s3fanout redrive --dry-run --region eu-west-1]; replay",
		`s3fanout backfill --key='a; b, it'\''s' --to eu-west-1 does`: `[s3fanout backfill --key='a; b, it'\''s' --to eu-west-1] does`,
		`s3fanout backfill --key=$'a\'; aws s3 rm' and`:               `[s3fanout backfill --key=$'a\'; aws s3 rm'] and`,
		`of "s3fanout resume us-east-1", s3fanout status`:             `of "s3fanout resume us-east-1", [s3fanout status]`,
		"s3fanout failover drill --region eu-west-1 goes on":          "[s3fanout failover drill --region eu-west-1] goes on",
		"npx cdk deploy --revert-drift A B; then s3fanout redrive":    "[npx cdk deploy --revert-drift A B]; then [s3fanout redrive]",
		"read: aws iam list-role-policies --role-name r, and":         "read: [aws iam list-role-policies --role-name r], and",
		"see: aws logs tail /aws/lambda/f --region us-east-1; then":   "see: [aws logs tail /aws/lambda/f --region us-east-1]; then",
		"get-policy of aws iam for the role":                          "get-policy of aws iam for the role",
	} {
		var got strings.Builder
		for _, p := range phrases(hint) {
			if p.Command {
				got.WriteString("[" + p.Text + "]")
			} else {
				got.WriteString(p.Text)
			}
		}
		if got.String() != want {
			t.Errorf("%s\n got %s\nwant %s", hint, got.String(), want)
		}
	}
}

// Each command that doctor's fixes name can be copied.
func TestFixesAreCopied(t *testing.T) {
	begins := regexp.MustCompile(`s3fanout [a-z]|aws [a-z0-9]+ [a-z]+-[a-z]|npx cdk [a-z]`)
	for _, c := range health.Checks() {
		for _, p := range phrases(c.Fix) {
			if !p.Command && begins.MatchString(p.Text) {
				t.Errorf("%s: no command was seen in %q", c.ID, p.Text)
			}
		}
	}
}
