package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/price"
	"s3fanout/internal/table"
)

// costOf runs the command with a configuration of three Regions.
func costOf(t *testing.T, fields string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "cdk.json")
	err := os.WriteFile(config,
		[]byte(`{"context": {"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1", "ap-northeast-1"]`+fields+`}}}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	var out, problem bytes.Buffer
	code = run(t.Context(), append([]string{"cost", "--config", config}, args...), nil, &out, &problem, func(string) string { return "" })
	return code, out.String(), problem.String()
}

// What the estimate cannot be of is refused, and not left out without a word
// (bad input: cm-31).
func TestCostUsage(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "give the uploads of a month"},
		{"--objects 5", "give the uploads of a month"},
		{"--bytes 5GB", "give the uploads of a month"},
		{"--objects -1 --bytes 5GB", "give the uploads of a month"},
		{"--objects 1 --bytes many", `--bytes: "many" is not a size; give one like 500GB or 1.5TiB`},
		{"--objects 1 --bytes 1PiB", "--bytes: that is 1.0 PiB an object, and S3's objects have at most 48.8 TiB; give more --objects"},
		{"--objects 1 --bytes 1GB --copy-time -1s", "--copy-time: -1s is not possible"},
		{"--objects 1 --bytes 1GB --regions 1", "--regions 1: a replica set has 2 to 100 Regions"},
		{"--objects 1 --bytes 1GB --regions 101", "--regions 101: a replica set has"},
		{"--objects 1 --bytes 1GB --regions us-east-1", "--regions: regions"},
		{"--objects 1 --bytes 1GB --regions us-east-1,us-east-1", "--regions: regions"},
		{"--objects 1 --bytes 1GB --regions us-east-1,moon-1", `--regions: regions[1]: "moon-1" is not an AWS Region`},
		{"--objects 1 --bytes 1GB --from eu-west-2",
			"--from eu-west-2: not one of the Regions; they are us-east-1, eu-west-1, ap-northeast-1"},
		{"--objects 1 --bytes 1GB --deletions -1", "--deletions: -1 is not possible"},
		{"--objects 1 --bytes 1GB --deletions 5",
			"--deletions: deletions are not followed, and cost nothing; to follow them, add --follow overwrites,deletions"},
		{"--objects 1 --bytes 1GB --follow deletions", `--follow: deletions cannot be followed without overwrites; add "overwrites"`},
		{"--objects 1 --bytes 1GB --follow overwrites,all", `--follow[1]: "all" is not known; use "overwrites", "deletions" or "tags"`},
		{"--objects 1 --bytes 1GB --keys 5",
			`--keys: the buckets are not compared, and keys cost nothing; to compare them, add --reconcile "1 day"`},
		{"--objects 1 --bytes 1GB --reconcile daily",
			`--reconcile: "daily" is not possible; give 6 hours to 30 days, as in --reconcile "1 day"`},
		{"--objects 1 --bytes 1GB --read 10TiB",
			"--read: cdk.json has no access point to read through; leave it out, or add accessPoint there"},
		{"--objects 1 --bytes 1GB --read 10TiB --regions 3", "--read: the access point is that of cdk.json; leave --regions or --read out"},
		{"--objects 1 --bytes 1GB surplus", "cost takes no arguments"},
	} {
		code, stdout, stderr := costOf(t, "", strings.Fields(tt.args)...)
		if code != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "s3fanout: "+tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("cost %s: exit code %d, %q and %q, want 2 and one line %q…", tt.args, code, stdout, stderr, tt.want)
		}
	}
	// Without a configuration, Regions have to be named.
	var out, problem bytes.Buffer
	args := []string{"cost", "--objects", "1", "--bytes", "1GB", "--config", filepath.Join(t.TempDir(), "cdk.json")}
	if code := run(t.Context(), args, nil, &out, &problem, nil); code != exitUsage {
		t.Errorf("exit code %d without a configuration, want 2: %s", code, problem.String())
	}
	if code := run(t.Context(), append(args, "--regions", "3"), nil, &out, &problem, func(string) string { return "" }); code != exitDone {
		t.Errorf("exit code %d with --regions, want 0: %s", code, problem.String())
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "2kB": 2000, "1.5MB": 1500000, "1GB": 1e9, "1TB": 1e12, "1PB": 1e15, "1EB": 1e18,
		"1KiB": 1024, "1.5MiB": 3 << 19, "1GiB": 1 << 30, "1 TiB": 1 << 40, "1PiB": 1 << 50, "7EiB": 7 << 60,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: got %d and %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "B", "GB", "-1GB", "1G", "1KB", "1kiB", "1iB", "1BB", "1GBB", "1_TiB", "1gb", "NaN", "InfGB", "8EiB", "1,5GB", "1TiBs",
	} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%s: got %d, want an error", text, got)
		}
	}
}

func costDocument(t *testing.T, fields string, args ...string) (d document.Cost) {
	t.Helper()
	code, stdout, stderr := costOf(t, fields, append(args, "--output", "json")...)
	if code != exitDone || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// fanoutItems are s3fanout's, by name.
func fanoutItems(d document.Cost) map[cost.Item]document.CostItem {
	items := map[cost.Item]document.CostItem{}
	for _, i := range d.Designs[0].Items {
		items[cost.Item(i.Item)] = i
	}
	return items
}

func TestCostJSON(t *testing.T) {
	d := costDocument(t, "", "--objects", "1000", "--bytes", "1000MiB", "--from", "eu-west-1")
	if d.Objects != 1000 || d.Bytes != 1000<<20 || d.From != "eu-west-1" ||
		!slices.Equal(d.Regions, []string{"us-east-1", "eu-west-1", "ap-northeast-1"}) {
		t.Errorf("got %+v", d)
	}
	if d.AssumedPrices == nil || len(d.AssumedPrices) != 0 || d.BreakEvenBytes == nil || *d.BreakEvenBytes <= 1<<20 {
		t.Errorf("assumed %v, break-even %v", d.AssumedPrices, d.BreakEvenBytes)
	}
	// 1,000 copies in us-east-1 at $5 a million, and as many in Tokyo at $4.70.
	if got := fanoutItems(d)[cost.Writes]; got.Quantity != 2000 || got.Unit != "requests" || math.Abs(got.Dollars-0.0097) > 1e-9 {
		t.Errorf("copies: %+v", got)
	}
	var names []cost.Design
	for _, design := range d.Designs {
		names = append(names, cost.Design(design.Design))
		sum := 0.0
		for _, i := range design.Items {
			sum += i.Dollars
			if i.Unit == "" {
				t.Errorf("%s of %s has no unit", i.Item, design.Design)
			}
		}
		if math.Abs(sum-design.Dollars) > 1e-7 {
			t.Errorf("%s: the items make $%v, together they are $%v", design.Design, sum, design.Dollars)
		}
	}
	if !slices.Equal(names, []cost.Design{cost.S3Fanout, cost.CRR, cost.CRRRTC, cost.Original}) {
		t.Errorf("designs %v", names)
	}
	if got := costDocument(
		t, "", "--objects", "9", "--bytes", "1GB", "--regions", "us-east-1,af-south-1",
	).AssumedPrices; !slices.Equal(got, []string{"af-south-1"}) {
		t.Errorf("assumed prices of %v, want af-south-1", got)
	}
}

// What cdk.json says of copies counts.
func TestCostFollowsTheConfiguration(t *testing.T) {
	tenMiB := []string{"--objects", "1000", "--bytes", "10000MiB"}
	if got := fanoutItems(costDocument(t, "", tenMiB...)); got[cost.Writes].Quantity != 2000 || got[cost.Reads].Quantity != 0 {
		t.Errorf("by default %+v and %+v", got[cost.Writes], got[cost.Reads])
	}
	// Two parts of 8 MiB and less, the beginning and the end.
	if got := fanoutItems(costDocument(t, `, "multipartThresholdMiB": 5`, tenMiB...))[cost.Writes]; got.Quantity != 2000*4 {
		t.Errorf("with a threshold of 5 MiB %+v, want 8000", got)
	}
	if got := fanoutItems(costDocument(t, `, "replicaStorageClass": "source"`, tenMiB...))[cost.Reads]; got.Quantity != 2000 {
		t.Errorf("with the source's storage class %+v, want 2000", got)
	}
	// Eight times the memory.
	if a, b := fanoutItems(costDocument(t, "", tenMiB...)),
		fanoutItems(
			costDocument(t, `, "functionMemoryMiB": 1024`, tenMiB...),
		); b[cost.FunctionTime].Quantity != 8*a[cost.FunctionTime].Quantity {
		t.Errorf("with 1024 MiB %+v, with 128 %+v", b[cost.FunctionTime], a[cost.FunctionTime])
	}
	// The same time, at another price.
	if a, b := fanoutItems(costDocument(t, "", tenMiB...))[cost.FunctionTime],
		fanoutItems(costDocument(t, `, "functionArchitecture": "x86_64"`, tenMiB...))[cost.FunctionTime]; b.Quantity != a.Quantity ||
		math.Abs(b.Dollars/a.Dollars-price.GBSecondX86/price.GBSecond) > 1e-9 {
		t.Errorf("on x86_64 %+v, on arm64 %+v", b, a)
	}
	// 1,000 uploads to two other Regions, 4 s of an eighth of a GiB each.
	if got := fanoutItems(costDocument(t, "", append(tenMiB, "--copy-time", "4s")...))[cost.FunctionTime]; got.Quantity != 1000 {
		t.Errorf("with a time of 4 s %+v, want 1000", got)
	}
}

// What the configuration has that the model does not is said.
func TestCostSaysWhatIsLeftOut(t *testing.T) {
	for fields, want := range map[string]string{
		``: "", `, "replicaStorageClass": "STANDARD"`: "", `, "replicaStorageClass": "source"`: "", `, "encryption": "s3"`: "",
		`, "replicaStorageClass": "GLACIER_IR"`: "GLACIER_IR cost more", `, "encryption": "kms"`: "keys of KMS",
		`, "auditTrail": true`:  "the audit trail is not in the estimate: less than $0.01 a month, with ownWrites less than $0.01",
		`, "auditTrail": false`: "",
		`, "accessPoint": {}`: "the access point is not in the estimate: about $0.33 a month for what is uploaded, and from the " +
			"internet $0.25 to $6.00 more",
		`, "accessPoint": {}, "vpcEndpoints": {"us-east-1": {"vpcId": "vpc-01234567", "subnetIds": ["subnet-01234567", ` +
			`"subnet-76543210"]}}`: "the endpoints in VPCs, in 2 subnets, are not in the estimate: about $14.60 a month, and $1.00 for " +
			"what is uploaded if all goes through them",
	} {
		code, stdout, stderr := costOf(t, fields, "--objects", "1000", "--bytes", "100GiB")
		if code != exitDone || stdout == "" || !strings.Contains(stderr, want) || want == "" && stderr != "" {
			t.Errorf("%s: exit code %d, %q", fields, code, stderr)
		}
	}
}

// The audit trail is priced by both choices, by how much is uploaded.
func TestCostOfTheAuditTrail(t *testing.T) {
	_, _, stderr := costOf(t, `, "auditTrail": true`, "--objects", "1000000", "--bytes", "1GiB")
	if want := "the audit trail is not in the estimate: $1.85 a month, with ownWrites $5.55"; !strings.Contains(stderr, want) {
		t.Errorf("%q, want %q", stderr, want)
	}
}

// What is read is routed as well.
func TestCostOfReading(t *testing.T) {
	_, _, stderr := costOf(t, `, "accessPoint": {}`, "--objects", "1000", "--bytes", "100GiB", "--read", "900GiB")
	want := "about $3.30 a month for what is uploaded and read, and from the internet $4.75 to $60.00 more"
	if !strings.Contains(stderr, want) {
		t.Errorf("%q, want %q", stderr, want)
	}
	if code, _, stderr := costOf(t, "", "--objects", "1", "--bytes", "1GB", "--read", "much"); code != exitUsage ||
		!strings.Contains(stderr, `--read: "much" is not a size`) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// The table fits a page of 80 columns, and says who is cheaper.
func TestCostText(t *testing.T) {
	for _, tt := range []struct {
		args  string
		wants []string
	}{
		{"--objects 1000000 --bytes 0B", []string{"(CRR) is cheaper by $", "(RTC) cheaper by $"}},
		{"--objects 1000000 --bytes 100TiB", []string{"(CRR) is cheaper by $", "(RTC) more expensive by $"}},
		{"--objects 1 --bytes 10GiB --regions 5", []string{"at the prices of us-east-1", "impossible", "The original design cannot do it"}},
		{"--objects 1000000000 --bytes 5000PiB --from eu-west-1", []string{"uploaded to eu-west-1 of"}},
		{"--objects 1 --bytes 1B --regions us-east-1,af-south-1", []string{"prices of af-south-1 are not known"}},
	} {
		code, stdout, stderr := costOf(t, "", strings.Fields(tt.args)...)
		if code != exitDone || stderr != "" {
			t.Fatalf("cost %s: exit code %d: %s", tt.args, code, stderr)
		}
		unbroken := strings.Join(strings.Fields(stdout), " ")
		for _, want := range tt.wants {
			if !strings.Contains(unbroken, want) {
				t.Errorf("cost %s does not say %q:\n%s", tt.args, want, stdout)
			}
		}
		for line := range strings.Lines(stdout) {
			if w := table.Width(strings.TrimSuffix(line, "\n")); w > 80 && !strings.Contains(tt.args, "PiB") {
				t.Errorf("cost %s: %d columns: %s", tt.args, w, line)
			}
		}
	}
}
