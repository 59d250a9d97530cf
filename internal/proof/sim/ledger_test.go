package sim

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestLedger holds the ledger of schedules to what a row is: a range of seeds that no other
// row has, and all by which it can be run again. The page says how many there are.
func TestLedger(t *testing.T) {
	file, err := os.Open(filepath.Join(module, "docs", "internals", "schedules.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const head = "test,first,schedules,requests,faults,invocations,digest,commit,go,architecture,machine,date,seconds"
	if got := strings.Join(rows[0], ","); got != head {
		t.Fatalf("the columns are %s", got)
	}
	is := regexp.MustCompile(
		`^(TestSchedules|TestFollowSchedules),[0-9]+,[0-9]+,[0-9]+,[0-9]+,[0-9]+,[0-9a-f]{16},[0-9a-f]{12},` +
			`go[0-9.]+,\w+,[^,]+,\d{4}-\d\d-\d\d,\d+$`,
	)
	type seeds struct{ first, after uint64 }
	of, all := map[string][]seeds{}, uint64(0)
	for i, row := range rows[1:] {
		if line := strings.Join(row, ","); !is.MatchString(line) {
			t.Errorf("row %d is %s", i+1, line)
			continue
		}
		first, _ := strconv.ParseUint(row[1], 10, 64)
		n, _ := strconv.ParseUint(row[2], 10, 64)
		these := seeds{first, first + n}
		if slices.ContainsFunc(of[row[0]], func(o seeds) bool { return these.first < o.after && o.first < these.after }) {
			t.Errorf("row %d has seeds of another one", i+1)
		}
		of[row[0]], all = append(of[row[0]], these), all+n
	}
	page, err := os.ReadFile(filepath.Join(module, "docs", "internals", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	millions := fmt.Sprintf("%.2f million have run", float64(beforeLedger+all)/1e6)
	if !strings.Contains(string(page), millions) {
		t.Errorf("docs/internals/reliability.md does not say that %s", millions)
	}
}

// beforeLedger is how many ran before there was a ledger, in both modes.
const beforeLedger = 280_000 + 1_710_000
