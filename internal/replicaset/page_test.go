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

// TestPageListsEveryField holds the tables of docs/configuration.md against
// the fields that Parse knows, both ways: names, order and defaults.
func TestPageListsEveryField(t *testing.T) {
	page, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ name, fallback string }
	var got, want []row
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		if len(cells) != 4 {
			t.Errorf("%d cells, want field, values, default and effect: %s", len(cells), line)
			continue
		}
		for _, cell := range cells {
			if strings.Trim(cell, "| ") == "" {
				t.Errorf("an empty cell: %s", line)
			}
		}
		got = append(got, row{strings.Trim(cells[0], "|` "), cells[2]})
	}
	for _, f := range (&Config{}).fields() {
		want = append(want, row{f.name, f.fallback})
	}
	if !slices.Equal(got, want) {
		t.Errorf("the page has\n%v\nthe code has\n%v", got, want)
	}
}

// TestDefaultsAreTrue holds the defaults that the tables say against what is
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
		{"functionArchitecture", "`arm64`", none.Architecture() == set(func(c *Config) { c.FunctionArchitecture = "arm64" }).Architecture()},
		{"logRetentionDays", "30", none.LogRetention() == 30},
		{"replicationTimeThreshold", "15 minutes", none.ReplicationTime() == 15*time.Minute},
		{"encryption", "`s3`", none.UsesKMS() == set(func(c *Config) { c.Encryption = "s3" }).UsesKMS()},
		{"removalPolicy", "`retain`", none.DestroysOnRemoval() == set(func(c *Config) { c.RemovalPolicy = "retain" }).DestroysOnRemoval()},
		{"bucketNamespace", "`global`", none.Member(account, tokyo).Bucket == set(func(c *Config) { c.BucketNamespace = "global" }).Member(account, tokyo).Bucket},
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
