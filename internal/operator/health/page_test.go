package health

import (
	"os"
	"strings"
	"testing"
)

// docs/checks.md has a row for each check, with what the command says, and no
// other rows.
func TestPageListsTheChecks(t *testing.T) {
	page, err := os.ReadFile("../../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `") {
			rows[strings.TrimSpace(line)] = false
		}
	}
	for _, c := range Checks() {
		row := pageRow(c)
		if _, ok := rows[row]; !ok {
			t.Errorf("the page lacks the row\n%s", row)
		}
		rows[row] = true
	}
	for row, known := range rows {
		if !known {
			t.Errorf("the page has a row that no check has\n%s", row)
		}
	}
}

// pageRow is the row of a check on the page.
func pageRow(c CheckInfo) string {
	return "| `" + c.ID + "` | " + string(c.Severity) + " | " + c.Means + " | " + strings.NewReplacer("{", "*", "}", "*").Replace(c.Fix) + " |"
}
