package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/operator/health"
)

func TestStepsOf(t *testing.T) {
	for fix, want := range map[string][]string{
		"npx cdk deploy a; then find what was missed: s3fanout verify": {"npx cdk deploy a", "then find what was missed:",
			"s3fanout verify"},
		"set this machine's clock, as with NTP; then s3fanout doctor": {"set this machine's clock, as with NTP", "s3fanout doctor"},
		"s3fanout resume eu-west-1":                                   {"s3fanout resume eu-west-1"},
		"see the AWS Health Dashboard":                                {"see the AWS Health Dashboard"},
	} {
		if got := stepsOf(fix); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", fix, got, want)
		}
	}
}

// Each command of a fix stands alone, so that it can be pasted: what is in a line
// with it would be taken for its arguments.
func TestCommandsOfFixesCanBeCopied(t *testing.T) {
	others := regexp.MustCompile(
		`^(npx cdk (deploy|destroy)|aws [a-z0-9-]+ [a-z0-9-]+|aws logs tail [^ ]+)( (--[a-z-]+( [^- ][^ ]*)?|\{[A-Za-z]+\}))*$`,
	)
	commands := 0
	for _, check := range health.Checks() {
		for _, step := range stepsOf(check.Fix) {
			args, ok := strings.CutPrefix(step, "s3fanout ")
			switch {
			case ok:
				commands++
				if err := parses(strings.Fields(strings.ReplaceAll(args, "{region}", "eu-west-1"))); err != nil {
					t.Errorf("%s: %q: %v", check.ID, step, err)
				}
			case isCommand(step):
				commands++
				if !others.MatchString(step) {
					t.Errorf("%s: %q is not a command alone", check.ID, step)
				}
			case regexp.MustCompile(`\b(s3fanout|npx cdk|aws) [a-z0-9-]+ --`).MatchString(step):
				t.Errorf("%s: the command in %q cannot be copied", check.ID, step)
			}
		}
	}
	if commands < 100 {
		t.Errorf("%d commands, too few to be all", commands)
	}
}
