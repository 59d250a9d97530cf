package replicaset

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/copier"
)

const pagePath = "../../docs/configuration.md"

// pageField is what the page says of a field.
type pageField struct{ name, fallback, effect string }

// pageFields are those of docs/configuration.md: lines such as
//
//   - `name` (values; default): effect
func pageFields(t *testing.T) (fields []pageField) {
	t.Helper()
	page, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile("^- `(\\w+)` \\((.+); (.+)\\): (.+)$")
	for line := range strings.Lines(strings.ReplaceAll(string(page), "\n  ", " ")) {
		if !strings.HasPrefix(line, "- `") {
			continue
		}
		m := form.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			t.Errorf("no field, values, default and effect: %s", line)
			continue
		}
		fields = append(fields, pageField{m[1], m[3], m[4]})
	}
	return fields
}

// TestPageListsEveryField holds the lists of docs/configuration.md against
// the fields that Parse knows, both ways: names, order and defaults.
func TestPageListsEveryField(t *testing.T) {
	type row struct{ name, fallback string }
	var got, want []row
	for _, f := range pageFields(t) {
		got = append(got, row{f.name, f.fallback})
	}
	for _, f := range (&Config{}).fields() {
		want = append(want, row{f.name, f.fallback})
	}
	if !slices.Equal(got, want) {
		t.Errorf("the page has\n%v\nthe code has\n%v", got, want)
	}
}

// TestDefaultsAreTrue holds the defaults that the lists say against what is
// done without the field.
func TestDefaultsAreTrue(t *testing.T) {
	none := media()
	_, prefix := Config{Name: "media", AccessLogBucket: "logs-{region}"}.AccessLogs(account, tokyo)
	said := map[string]string{}
	for _, f := range (&Config{}).fields() {
		said[f.name] = f.fallback
	}
	for _, tc := range []struct {
		field, want string
		same        bool // without the field it is as with that value
	}{
		{"multipartThresholdMiB", strconv.FormatInt(copier.DefaultThreshold>>20, 10), true},
		{"multipartParallel", strconv.Itoa(copier.DefaultParallel), true},
		{"functionMemoryMiB", "128", none.FunctionMemory() == 128},
		{"functionArchitecture", "`arm64`",
			none.Architecture() == set(func(c *Config) { c.FunctionArchitecture = "arm64" }).Architecture()},
		{"logRetentionDays", "30", none.LogRetention() == 30},
		{"replicationTimeThreshold", "15 minutes", none.ReplicationTime() == 15*time.Minute},
		{"encryption", "`s3`", none.UsesKMS() == set(func(c *Config) { c.Encryption = "s3" }).UsesKMS()},
		{"removalPolicy", "`retain`", none.DestroysOnRemoval() == set(func(c *Config) { c.RemovalPolicy = "retain" }).DestroysOnRemoval()},
		{"bucketNamespace", "`global`",
			none.Member(account, tokyo).Bucket == set(func(c *Config) { c.BucketNamespace = "global" }).Member(account, tokyo).Bucket},
		{"filters", "every key", none.Matches("any")},
		{"accessLogPrefix", "the bucket's name and `/`", prefix == none.Member(account, tokyo).Bucket+"/"},
	} {
		if said[tc.field] != tc.want || !tc.same {
			t.Errorf("%s: the page says %q, want %q and that it be true (%v)", tc.field, said[tc.field], tc.want, tc.same)
		}
	}
}

// TestPagesExampleIsValid reads the example as cdk.json would be read.
func TestPagesExampleIsValid(t *testing.T) {
	page, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks of JSON, want the example, what is excluded, and the statements", len(blocks))
	}
	if c, err := Parse([]byte("{" + blocks[1][1] + "}")); err != nil || c.validateExclude() != nil {
		t.Errorf("what is excluded: %v, %v", err, c.validateExclude())
	}
	if _, err := parseFile([]byte(`{"context": {` + blocks[0][1] + `}}`)); err != nil {
		t.Errorf("the example: %v", err)
	}
	if !json.Valid([]byte("[" + blocks[2][1] + "]")) {
		t.Error("the statements of a key's policy are not JSON")
	}
}
