package health

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"s3fanout/internal/proof/page"
)

var update = flag.Bool("update", false, "write the list of checks into docs/checks.md")

// docs/checks.md lists each check with its severity and what it looks for, and no
// other. What a finding means, and how to fix it, is in the finding.
func TestPageListsTheChecks(t *testing.T) {
	const path = "../../../docs/checks.md"
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after, err := page.Section(string(before), "checks", checkList())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if after != string(before) {
		t.Errorf("%s is not what the checks say: go test ./internal/operator/health -run Page -update", path)
	}
}

// checkList has the checks by part, with the names of things left out.
func checkList() string {
	named := regexp.MustCompile(`((?:adopted )?(?:bucket|topic|function|role|queue)) \{\w+\}`)
	var b strings.Builder
	part := Part("")
	for _, c := range Checks() {
		if c.Part != part {
			part = c.Part
			fmt.Fprintf(&b, "\n## %s\n", part)
		}
		severity := ""
		if c.Severity != Failed {
			severity = ", " + string(c.Severity)
		}
		fmt.Fprintf(&b, "- `%s`%s: %s\n", c.ID, severity, named.ReplaceAllString(c.Asks, "the $1"))
	}
	return b.String() + "\n"
}
