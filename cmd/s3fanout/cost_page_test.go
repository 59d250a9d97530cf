package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/price"
	"s3fanout/internal/table"
)

// TestCostIsDocumented holds docs/cost.md against the model, the prices and
// what the command prints.
func TestCostIsDocumented(t *testing.T) {
	const path = "../../docs/cost.md"
	want := costPage(t)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the model says: go test ./cmd/s3fanout -run Documented -update", path)
	}
}

// TestCostPageNamesRealTests finds each test that the page appeals to.
func TestCostPageNamesRealTests(t *testing.T) {
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
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(costPage(t), -1)
	if len(named) < 8 {
		t.Fatalf("the page names %d tests", len(named))
	}
	for _, m := range named {
		if !defined[m[1]] {
			t.Errorf("docs/cost.md appeals to %s, which there is not", m[1])
		}
	}
}

// costExamples are command lines whose results are on the page.
func costExamples() []struct{ title, line string } {
	return []struct{ title, line string }{
		{"A million small objects", "--objects 1000000 --bytes 50GiB"},
		{"A hundred thousand pictures", "--objects 100000 --bytes 1TiB"},
		{"A million objects of which a fifth is deleted, followed", "--objects 1000000 --bytes 50GiB --follow overwrites,deletions --deletions 200000"},
		{"Films, all from one Region", "--objects 2000 --bytes 20TiB --from us-east-1"},
	}
}

func costPage(t *testing.T) string {
	t.Helper()
	var examples strings.Builder
	for _, e := range costExamples() {
		var out, problem bytes.Buffer
		args := append([]string{"cost", "--config", "../../cdk.json"}, strings.Fields(e.line)...)
		if code := run(t.Context(), args, nil, &out, &problem, func(string) string { return "" }); code != exitDone {
			t.Fatalf("cost %s: exit code %d: %s", e.line, code, problem.String())
		}
		fmt.Fprintf(&examples, "\n### %s\n```sh\nbin/s3fanout cost %s\n```\n```text\n%s```\n", e.title, e.line, out.String())
	}
	var regions strings.Builder
	for _, region := range slices.Sorted(maps.Keys(price.Table())) {
		p := price.Table()[region]
		fmt.Fprintf(&regions, "| %s | %s | %s | %s | %s |\n", region, number(p.Write*1000), number(p.Read*1000), number(p.Transfer), number(p.Logs))
	}
	d := price.Default()
	fmt.Fprintf(&regions, "| any other | %s | %s | %s | %s |\n", number(d.Write*1000), number(d.Read*1000), number(d.Transfer), number(d.Logs))
	var even strings.Builder
	for _, objects := range []int64{10_000, 100_000, 1_000_000, 100_000_000} {
		fmt.Fprintf(&even, "| %d |", objects)
		for _, n := range []int{2, 3, 5, 10} {
			size, ok := cost.BreakEven(cost.Usage{Regions: cost.Alike(n), Objects: objects})
			if !ok {
				t.Fatalf("no break-even with %d uploads to %d Regions", objects, n)
			}
			fmt.Fprintf(&even, " %s |", table.Bytes(size))
		}
		even.WriteString("\n")
	}
	bills := cost.Bills(cost.Usage{Regions: cost.Alike(3), Objects: 1_000_000})
	requests := func(b cost.Bill) string {
		return dollars(b.Of(cost.Writes).Dollars + b.Of(cost.Reads).Dollars + b.Of(cost.Publishes).Dollars + b.Of(cost.Invocations).Dollars)
	}
	perMillion := func(writes, reads float64) string {
		p, _ := price.Of("us-east-1")
		return dollars(writes*p.Write*1000 + reads*p.Read*1000)
	}
	million := cost.Usage{Regions: cost.Alike(3), Objects: 1_000_000}
	return strings.NewReplacer(
		"{audit}", dollars(million.Audit(false)), "{auditOwn}", dollars(million.Audit(true)),
		"{event100k}", dollars(price.DataEvent*100_000), "{auditBytes}", strconv.Itoa(cost.AuditEventBytes),
		"{follow}", perMillion(0, 2), "{deletion}", perMillion(1, 2), "{announcement}", perMillion(0, 2), "{retag}", perMillion(1, 5),
		"{examples}", examples.String(), "{regions}", regions.String(), "{even}", even.String(),
		"{ours}", requests(bills[0]), "{crr}", requests(bills[1]), "{original}", requests(bills[3]),
		"{oursAll}", dollars(bills[0].Dollars()), "{fixed}", dollars(bills[0].Fixed()), "{variable}", dollars(bills[0].Dollars()-bills[0].Fixed()),
		"{originalAll}", dollars(bills[3].Dollars()),
		"{over}", dollars((bills[0].Dollars()-bills[0].Fixed()-bills[0].Of(cost.Writes).Dollars)/2), // two replicas an upload
		"{event}", strconv.Itoa(cost.EventBytes), "{notification}", strconv.Itoa(cost.NotificationBytes),
		"{line}", strconv.Itoa(cost.LogLineBytes),
		"{publish}", number(price.Publish*1e6), "{filter}", number(price.FilterGiB), "{invocation}", number(price.Invocation*1e6),
		"{gbs}", number(price.GBSecond), "{x86}", number(price.GBSecondX86), "{metric}", number(price.MetricMonth), "{alarm}", number(price.AlarmMonth),
		"{dashboard}", number(price.DashboardMonth), "{rtc}", number(price.ReplicationTimeControlGiB),
	).Replace(costText)
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

const costText = `<!-- Generated from internal/operator/cost and internal/operator/price: go test ./cmd/s3fanout -run Documented -update -->
# What it costs

**S3's own replication (CRR) is cheaper than s3fanout, always:** it has the same requests and the same transfer, and no functions,
messages, logs, alarms or dashboards besides. **CRR with Replication Time Control is more expensive than s3fanout** for objects above a size
that depends on how many they are; [below](#from-which-size-on) is where. How much it is in your case:

` + "```sh" + `
bin/s3fanout cost --objects 1000000 --bytes 1TiB
` + "```" + `

It is a model: uploads of a month, all of the mean size, at list prices before tax, discounts and free tiers, and nothing failing. Storage
is left out; it is the same with all of them. Keys of KMS and requests to them, access logs and the keeping of logs are left out too, and so
are access points: $0.0033 for each GB that S3 routes, and for an endpoint in a VPC about $7.30 a month for each subnet and $0.01 a GB.
So is a backfill: ` + "`s3fanout backfill --dry-run`" + ` tells its own price.

## What is counted
For N Regions, for each upload:

| what | s3fanout | held by |
|---|---|---|
| ` + "`CopyObject`, up to 256 MiB" + ` | N-1 | ` + "`TestCostOfFreshUpload`" + ` |
| other requests to S3 then | none; a HEAD for each replica if ` + "`replicaStorageClass` is `source`" + ` | ` + "`TestCostOfFreshUpload`, `TestStorageClassOfReplicas`" + ` |
| requests where the key is there already | a HEAD, and another of the source where size and ETag do not tell; not in the model, which takes all keys to be fresh | ` + "`TestRefusedWriteIsDivergedOrTheSame`" + ` |
| requests for an object that a user copied into a bucket | a HEAD for each replica more; not in the model, which takes all objects to be uploaded | ` + "`TestCopyOfAUserIsLookedAtFirst`" + ` |
| requests of a copy in parts | 2 HEAD, 1 for the tags, 2 to begin and to complete, 1 for each part | ` + "`TestMultipartOnTheWire`, `TestPartsAreLegalUpTo50TB`" + ` |
| invocations | N-1 | ` + "`TestCostOfFreshUpload`" + ` |
| notifications published | N: the upload's and each replica's | ` + "`TestCostOfFreshUpload`" + `, which counts the echoes that filters drop |
| messages scanned by filters | N·(N-1), {event} bytes each | ` + "`TestCostOfWhatIsDeployed`, `TestCostOfWhatIsWritten`" + ` |
| messages to other Regions | N-1, {notification} bytes each; that SNS delivers to Lambda is free, the transfer is not | ` + "`TestCostOfWhatIsWritten`" + ` |
| log lines | N-1 of {line} bytes; Lambda itself writes about failed invocations alone | ` + "`TestCostOfWhatIsWritten`" + ` |
| a Region's metrics | 1, and 1 for each other Region | ` + "`TestCostOfWhatIsWritten`" + ` |
| metrics that a Region's alarms look at; the set's dashboards | 10; 1 | ` + "`TestCostOfWhatIsDeployed`" + ` |
| the function's memory, unless configured | 128 MB, arm64 | ` + "`TestCostOfWhatIsDeployed`" + ` |

S3's notifications themselves are free. The model's sums are held by ` + "`TestBillsOfAMillionUploads`, `TestCounts` and `TestBreakEven`" + `.

What is given up for the price:

| saved | given up |
|---|---|
| Lambda's lines about invocations that went well | each one's duration and memory; the metric ` + "`Duration`" + ` stays |
| what a record's line says twice | the bucket of a member, whose Region is named; the request ID of what went well |
| metrics of bytes, copies and their time | CloudWatch's sums of bytes; the lines have them, and ` + "`ReplicationLag`" + ` counts copies |
| alarms on errors and on timeouts | errors that a retry repairs; others end as dead letters, which have alarms |
| a dashboard in each Region | nothing: one shows all Regions |
| 128 MB of memory instead of 256 | about a millisecond an event, not measured on AWS (` + "`TestMemoryOfTenThousandEvents`" + `) |

**CRR** has one PUT and the transfer for each replica, and with Replication Time Control (RTC) a surcharge on the transfer and three
metrics for each pair of Regions, which are billed like others. S3 makes up to five GET or HEAD and another PUT at the source for each
object as well; they are left out, as AWS's page on prices names the PUTs of replicas alone. An object that was uploaded in parts is taken for one
PUT. Both are in favour of CRR.

**The original** is the design that s3fanout goes back to: functions in Python without filters, so that N·(N-1) are woken by an upload,
each of which asks for the target with a HEAD, N-1 of them before a copy. It is taken to have 128 MB on x86. It has no metrics of its own, no
alarms and no dashboards, and cannot copy objects over 5 GiB. That makes it the cheaper one where little is uploaded.

## What following costs
With ` + "`follow`" + ` in ` + "`cdk.json`" + ` or ` + "`--follow`" + `, later changes travel. For N Regions, besides the above:

| what | s3fanout | a million of them, to one Region |
|---|---|---|
| an upload or an overwrite | 2 HEAD for each replica, and the time that they take | {follow} |
| a deletion | 1 LIST and 2 HEAD in each other Region; delete markers and DELETE are free | {deletion} |
| announcements | each of the N-1 delete markers is announced, and N-1 functions look at both sides: (N-1)² invocations with 2 HEAD each, but no writes | {announcement} |
| a late or doubled event | 2 HEAD, an invocation and a log line, and no write | {announcement} |
| a condition that fails | the COPY that failed, and 2 HEAD to decide anew: S3 charges refused requests; not in the model | {deletion} |
| a change of tags | 2 HEAD, 3 requests to read tags and 1 to write them; not in the model | {retag} |
| alarms and metrics | an alarm, and 2 metrics of each Region with deletions | |

The prices are those of us-east-1, and of S3's requests alone. What is written over or deleted stays as a noncurrent version in every
Region, and is paid for as storage there until a lifecycle rule removes it; keep it for 30 days at least. The requests are held by
` + "`TestRequests`, the sums by `TestBillOfFollowing`" + `. A function that writes asks every three minutes whether its bucket keeps versions,
which is not in the model. CRR carries overwrites and, if it is told to, delete markers too; what those cost is left out, in favour of CRR.

## Reconcile
With ` + "`reconcile`" + ` in ` + "`cdk.json`" + ` or ` + "`--reconcile`" + `, each Region compares its bucket with the others.
For N Regions of K keys, besides the above:

| what | s3fanout | held by |
|---|---|---|
| a comparison, of all Regions together | N²·K/1000 LIST; N·(N-1)·K keys of 300 bytes transferred | ` + "`TestBillOfComparing`" + ` |
| its function's time | N·K/3300 s of 512 MB, which has not been measured on AWS | ` + "`TestReconcileIsPricedAsItIsDeployed`" + ` |
| ticks | 2,920 invocations a month and Region of 0.2 s, with a read of a table each, which is not in the model: less than a cent | ` + "`TestReconcileIsPricedAsItIsDeployed`" + ` |
| alarms and metrics of a Region | 2 and 4, as long as nothing differs | ` + "`TestReconcileIsPricedAsItIsDeployed`, `TestMetrics`" + ` |

What differs costs HEADs and copies like those of the replicator. [reconcile.md](reconcile.md) has a table for up to 10⁹ keys. With
` + "`keyRanges`" + ` Step Functions charge $0.025 for 1,000 transitions, of which a range makes a few.

## Audit trail
With ` + "`auditTrail` in `cdk.json`" + `, CloudTrail delivers an event for each write, to a log bucket and to CloudWatch Logs. Prices of us-east-1:

| what | a million uploads to three Regions |
|---|---|
| without the functions' own writes, the default | {audit} |
| ` + "with `ownWrites`: true" + ` | {auditOwn} |

That is {event100k} for 100,000 events and {auditBytes} bytes of each in the log group. Each part of an upload in parts is an event too.
A query costs $0.005 for each GB that it reads. The sums are held by ` + "`TestPriceOfTheAuditTrail`" + `.

## What is assumed
How long a function waits for S3 has not been measured on AWS: 0.2 s and 1 s for each 50 MiB of a request, 64 parts at a time. Set
` + "`--copy-time`" + ` to what Lambda's metric ` + "`Duration`" + ` says. That filters scan a message once for each subscription, and that messages are
transferred at the price between Regions, is the more expensive reading of AWS's pages. Metrics have data in every hour of the month.

Counting S3's, SNS's and Lambda's requests alone, a million uploads to three Regions cost {ours}, with CRR {crr}, in the original design
{original}. The whole of it, for empty objects, is {variable} and {fixed} for metrics, alarms and dashboards, together {oursAll}, or $3 less
without the dashboard; the original has {originalAll}. A million replicas cost {over} besides their COPY, which CRR pays
too. No free tier is in this. An account has ten metrics, ten alarms and three dashboards of up to 50 metrics; that of three Regions
has 48. Each month a million publishes and invocations and 400,000 GB-s are free.

## From which size on
Mean size of objects from which on s3fanout costs no more than CRR with Replication Time Control, at the prices of us-east-1:

| uploads a month | 2 Regions | 3 Regions | 5 Regions | 10 Regions |
|---|---|---|---|---|
{even}
## Prices
AWS's list prices, written down in November 2026 from quotations of AWS's
[price list](https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json) and pages
([S3](https://aws.amazon.com/s3/pricing/), [SNS](https://aws.amazon.com/sns/pricing/), [Lambda](https://aws.amazon.com/lambda/pricing/),
[CloudWatch](https://aws.amazon.com/cloudwatch/pricing/)) in public repositories, articles and bills of 2021 to 2026. For some Regions'
figures none was found: ` + "`internal/operator/price/price.go`" + ` says which. The price of filtering has one source only, a copy of AWS's calculator.

| what | price |
|---|---|
| SNS: a million publishes; deliveries to Lambda | {publish}; free |
| SNS: GiB scanned by filters on the message's body | {filter} |
| Lambda: a million requests | {invocation} |
| Lambda: GB-s on arm64; on x86 | {gbs}; {x86} |
| CloudWatch: a metric, an alarm, a dashboard for a month | {metric}, {alarm}, {dashboard} |
| S3 Replication Time Control: GiB | {rtc} |

| Region | a million COPY, PUT or LIST | a million HEAD or GET | GiB to another Region | GB of logs |
|---|---|---|---|---|
{regions}
## Examples
{examples}`
