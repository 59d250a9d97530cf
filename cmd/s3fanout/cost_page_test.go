package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/price"
	"s3fanout/internal/proof/page"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/table"
)

// TestCostIsDocumented holds docs/cost-and-performance.md against the model and the
// prices.
func TestCostIsDocumented(t *testing.T) {
	holdSection(t, "../../docs/cost-and-performance.md", "cost", costText(t))
}

// TestComparingIsDocumented holds the table of docs/reconcile.md against the model.
func TestComparingIsDocumented(t *testing.T) {
	holdSection(t, "../../docs/reconcile.md", "reconcile", comparingText())
}

// holdSection holds a part of a page against what it has to say; -update writes it.
func holdSection(t *testing.T, path, name, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := page.Section(string(got), name, text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(got) != want {
		t.Errorf("%s is not what the model says: go test ./cmd/s3fanout -run Documented -update", path)
	}
}

// comparingText says how long comparing three Regions takes and what it costs, by the
// keys in each.
func comparingText() string {
	const month = 730 * time.Hour
	var b strings.Builder
	b.WriteString("| keys in each bucket | one comparison | all Regions, once | every day, a month |\n|---|---|---|---|\n")
	for _, r := range []struct {
		name string
		keys int64
	}{{"10⁶", 1e6}, {"10⁸", 1e8}, {"10⁹", 1e9}} {
		u := cost.Usage{Regions: cost.Alike(3), Reconcile: &replicaset.Reconcile{Every: 24 * time.Hour}}
		idle := cost.Bills(u)[0].Dollars()
		u.Keys = r.keys
		daily := cost.Bills(u)[0].Dollars() - idle
		took := time.Duration(r.keys/cost.KeysPerSecond) * time.Second
		needs := ""
		if took > u.Reconcile.Every {
			needs = ", needs `keyRanges`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s%s |\n",
			r.name, rounded(took), wholeDollars(daily*24/month.Hours()), wholeDollars(daily), needs)
	}
	return b.String()
}

// rounded is a time as a reader remembers it: in minutes, hours or days.
func rounded(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 24*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

// wholeDollars are dollars without cents, from one on, and with commas.
func wholeDollars(sum float64) string {
	if sum < 1 {
		return dollars(sum)
	}
	whole := strconv.FormatFloat(sum, 'f', 0, 64)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return "$" + whole
}

// heldBy are the tests that hold what the page counts.
func heldBy() []string {
	return []string{
		"TestCostOfFreshUpload", "TestStorageClassOfReplicas", "TestMultipartOnTheWire", "TestPartsAreLegalUpTo50TB",
		"TestRefusedWriteIsDivergedOrTheSame", "TestCopyOfAUserIsLookedAtFirst", "TestCostOfWhatIsWritten", "TestCostOfWhatIsDeployed",
		"TestBillsOfAMillionUploads", "TestCounts", "TestBreakEven", "TestMemoryOfTenThousandEvents",
		"TestRequests", "TestBillOfFollowing", // following changes
		"TestBillOfComparing", "TestReconcileIsPricedAsItIsDeployed", "TestMetrics", // reconcile
		"TestPriceOfTheAuditTrail",
	}
}

// TestCostPageIsHeldByRealTests finds each test that the page rests on.
func TestCostPageIsHeldByRealTests(t *testing.T) {
	defined := map[string]bool{}
	for _, pattern := range []string{"../../*/*_test.go", "../../*/*/*_test.go", "../../*/*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllSubmatch(source, -1) {
				defined[string(m[1])] = true
			}
		}
	}
	for _, name := range heldBy() {
		if !defined[name] {
			t.Errorf("docs/cost-and-performance.md rests on %s, which there is not", name)
		}
	}
}

func costText(t *testing.T) string {
	t.Helper()
	var even strings.Builder
	for _, objects := range []int64{10_000, 100_000, 1_000_000, 100_000_000} {
		fmt.Fprintf(&even, "| %d |", objects)
		for _, n := range []int{2, 3, 5, 10} {
			size, ok := cost.BreakEven(cost.Usage{Regions: cost.Alike(n), Objects: objects})
			if !ok {
				t.Fatalf("no break-even with %d uploads to %d Regions", objects, n)
			}
			if size == 0 {
				even.WriteString(" any |")
				continue
			}
			fmt.Fprintf(&even, " %s |", table.Bytes(size))
		}
		even.WriteString("\n")
	}
	bills := cost.Bills(cost.Usage{Regions: cost.Alike(3), Objects: 1_000_000})
	p, _ := price.Of("us-east-1")
	perMillion := func(writes, reads float64) string {
		return dollars(writes*p.Write*1000 + reads*p.Read*1000)
	}
	million := cost.Usage{Regions: cost.Alike(3), Objects: 1_000_000}
	return strings.NewReplacer(
		"{audit}", dollars(million.Audit(false)), "{auditOwn}", dollars(million.Audit(true)),
		"{routed}", number(price.RoutedGiB), "{internetIn}", number(price.FromInternetLeast),
		"{internetOut}", number(price.ToInternetLeast),
		"{internetMost}", number(price.InternetMost), "{endpoint}", dollars(million.Access(0, 1).Endpoints),
		"{endpointGiB}", number(price.EndpointGiB),
		"{event100k}", dollars(price.DataEvent*100_000), "{auditBytes}", strconv.Itoa(cost.AuditEventBytes),
		"{follow}", perMillion(0, 2), "{deletion}", perMillion(1, 2), "{announcement}", perMillion(0, 2), "{retag}", perMillion(1, 5),
		"{even}", even.String(), "{priced}", strconv.Itoa(len(price.Table())),
		"{fixed}", dollars(bills[0].Fixed()),
		"{copies}",
		dollars((bills[0].Dollars()-cost.Bills(cost.Usage{Regions: cost.Alike(3), Objects: 1_000_000, NoUserCopies: true})[0].Dollars())/2),
		"{over}", dollars((bills[0].Dollars()-bills[0].Fixed()-bills[0].Of(cost.Writes).Dollars)/2), // two replicas an upload
		"{event}", strconv.Itoa(cost.EventBytes), "{notification}", strconv.Itoa(cost.NotificationBytes),
		"{line}", strconv.Itoa(cost.LogLineBytes),
		"{write}", number(p.Write*1000), "{read}", number(p.Read*1000), "{transfer}", number(p.Transfer), "{logs}", number(p.Logs),
		"{publish}", number(price.Publish*1e6), "{filter}", number(price.FilterGiB), "{invocation}", number(price.Invocation*1e6),
		"{gbs}", number(price.GBSecond), "{x86}", number(price.GBSecondX86), "{metric}", number(price.MetricMonth),
		"{alarm}", number(price.AlarmMonth),
		"{dashboard}", number(price.DashboardMonth), "{rtc}", number(price.ReplicationTimeControlGiB),
	).Replace(costTemplate)
}

// number is a price as AWS writes it.
func number(dollars float64) string {
	s := strconv.FormatFloat(dollars, 'f', 10, 64)
	s = strings.TrimRight(s, "0")
	if point := strings.IndexByte(s, '.'); len(s)-point < 3 {
		s += strings.Repeat("0", 3-(len(s)-point))
	}
	return "$" + s
}

const costTemplate = `**S3's own replication (CRR) is always cheaper:** it has the same requests and transfer, and no functions, messages, logs or alarms.
**CRR with Replication Time Control (RTC) is more expensive** for objects [from some size on](#from-which-size-on). Your case:

` + "```" + `sh
s3fanout cost --objects 1000000 --bytes 1TiB
` + "```" + `

Three Regions cost {fixed} a month, $3 less without the dashboard. A million replicas cost {over} besides their COPY requests and transfer,
which CRR pays too. That is a model: list prices before tax, discounts and free tiers, objects of the mean size, no failures. Storage (of
noncurrent versions too), KMS and access logs are left out.

## From which size on
The mean size of objects from which on s3fanout costs no more than CRR with RTC, in us-east-1:

| uploads a month | 2 Regions | 3 Regions | 5 Regions | 10 Regions |
|---|---|---|---|---|
{even}
## What is counted
For each upload to N Regions:

- N-1 ` + "`CopyObject`" + ` up to 256 MiB, and no other request to S3, or a HEAD with ` + "`replicaStorageClass: source`" + `
- a copy in parts: 2 HEAD, 3 others, 1 for each part
- N-1 invocations, at 128 MB on arm64
- SNS: N messages published, N·(N-1) of {event} bytes scanned by filters, N-1 of {notification} bytes sent to other Regions
- N-1 log lines of {line} bytes

And each month: one metric for the Region, and one for each other Region; 10 metrics of its alarms; 1 dashboard for the set. Not in the
model: a HEAD or two for a key that exists, or that a user copied. CRR is counted as one PUT and the transfer for each replica, with RTC
also its surcharge and three metrics for each pair.

Given up for the price: Lambda's log lines about invocations that went well, and alarms on errors and timeouts, which end in retries or
dead letters. By choice [users' own copies](configuration.md#what-is-copied), {copies} a million.

## Following changes
S3's requests in us-east-1, a million to one Region:

- an upload or overwrite, a late or repeated event: 2 HEAD for each replica, {follow}
- a deletion: 1 LIST, 2 HEAD, {deletion}; markers are free
- announcements of markers: (N-1)² invocations with 2 HEAD, {announcement}
- a condition that fails (not in the model): the COPY, 2 HEAD, {deletion}
- a change of tags (not in the model): 2 HEAD, 3 reads, 1 write, {retag}

## Reconcile
For N Regions of K keys, a comparison is N²·K/1000 LIST, N·(N-1)·K keys of 300 bytes, and N·K/3300 s of 512 MB. In each Region: 2,920
invocations of 0.2 s a month, two metrics of alarms, four metrics. With ` + "`keyRanges`" + ` Step Functions charge $0.025 for 1,000 transitions.
[In dollars](reconcile.md#proof-time-and-price).

## Access points
- ` + "`accessPoint`" + `: {routed} a GiB routed from AWS; from the internet {internetIn} in and {internetOut} out more within North America, up to
  {internetMost} between continents
- ` + "`vpcEndpoints`" + `: {endpoint} a month and subnet; {endpointGiB} a GiB

## Audit trail
A million uploads to three Regions cost {audit}, with ` + "`ownWrites`" + ` {auditOwn}: {event100k} for 100,000 events, of {auditBytes} bytes each in
the log group. A query costs $0.005 for each GB that it reads.

## Prices
AWS's list prices of November 2026, from public quotations of its
[price list](https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json) and pages; that of filters has one source only.
` + "`internal/operator/price/price.go`" + ` has {priced} Regions and says which prices are unconfirmed. ` +
	`Others are assumed; ` + "`cost`" + ` names them.

- S3, us-east-1: {write} for a million COPY, PUT or LIST, {read} for HEAD or GET; RTC {rtc} a GiB
- us-east-1: {transfer} a GiB to another Region, {logs} a GB of logs
- SNS: {publish} for a million publishes, {filter} a GiB scanned by filters
- Lambda: {invocation} for a million requests; {gbs} a GB-s on arm64, {x86} on x86
- CloudWatch, a month: a metric {metric}, an alarm's metric {alarm}, a dashboard {dashboard}

Free each month: ten metrics, ten alarms, three dashboards of 50 metrics, a million publishes and invocations, 400,000 GB-s.
`
