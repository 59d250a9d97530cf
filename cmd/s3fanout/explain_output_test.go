package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/operator/audit"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/explain"
	"s3fanout/internal/policy"
	"s3fanout/internal/table"
)

// explained are facts with something in every table.
func explained() explain.Facts {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	object := func(after time.Duration) *explain.Object {
		return &explain.Object{
			VersionID: "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
			Figures: policy.Figures{
				Size: 123456789012, ETag: "841a2d689ad86bd1611447453c22c6fc-1200",
				Checksums: []policy.Checksum{{Algorithm: "CRC64NVME", Type: policy.FullObject, Value: "mI+Ji1NHP80="}},
			},
			Modified: noon.Add(after), StorageClass: "STANDARD",
		}
	}
	marker := explain.Version{VersionID: "m1", Marker: true, Modified: noon}
	return explain.Facts{
		Key: "key", Now: noon.Add(time.Hour),
		Regions: []explain.Region{
			{Region: "us-east-1", Bucket: "b1", Object: object(0),
				Versions: []explain.Version{{VersionID: "v2\x1b[31m", Size: 1, ETag: "e", Modified: noon}, marker}, MoreVersions: true},
			{Region: "ap-southeast-3", Bucket: "b2", Object: object(time.Minute)},
			{
				Region: "eu-west-1", Bucket: "b3",
				Uploads: []uploads.Upload{
					{UploadID: strings.Repeat("u", 100), Initiated: noon, By: initiator.ByReplicator, Parts: 3, Bytes: 5 << 30, Last: noon},
				},
			},
			{Region: "eu-north-1", Bucket: "b4",
				Err: errors.New("region eu-north-1: s3:GetObject on bucket b4 is denied; " + strings.Repeat("allow it ", 20))},
		},
		Letters: []explain.Letter{
			{Queue: "eu-west-1", MessageID: "1", SentAt: noon.Add(time.Minute), Kind: "on-failure", Source: "us-east-1",
				Reason: strings.Repeat("SlowDown ", 20), Targets: []string{"eu-west-1"}},
			{Queue: "us-east-1", MessageID: "2", Kind: "subscription-dlq", Source: "us-east-1", Reason: "not delivered"},
		},
		Queues: []explain.Queue{{Region: "eu-west-1", Looked: 5000, Cut: true}, {Region: "eu-north-1", Looked: 2, Held: 3}},
		Audit: &audit.Trail{To: noon.Add(time.Hour), Events: []audit.Event{
			{Time: noon, Region: "ap-southeast-3", Name: "CompleteMultipartUpload", Key: "key", Made: strings.Repeat("v", 32),
				Address: "192.0.2.1", Point: true,
				Who: "arn:aws:sts::111122223333:assumed-role/" + strings.Repeat("long-", 10) + "/\x1b[31mjo"},
			{Time: noon, Region: "us-east-1", Name: "DeleteObject", Key: "key", Named: "v1", Made: "v1"},
			{Time: noon, Region: "us-east-1", Name: "PutObject", Key: "key", Who: "eve", Error: "AccessDenied"},
		}},
	}
}

func TestExplanationFitsTheTerminal(t *testing.T) {
	facts := explained()
	d := newExplainView("media", facts, explain.Judge(facts))
	for _, colours := range []bool{false, true} {
		var b bytes.Buffer
		if err := writeExplainText(&b, d, 80, colours); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		unbroken := strings.Join(strings.Fields(text), " ")
		if strings.Contains(text, "\x1b") != colours {
			t.Errorf("colours: %t, got %q", colours, text)
		}
		for _, code := range []string{green, yellow, red, plain} {
			text = strings.ReplaceAll(text, code, "")
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSuffix(line, "\n"); table.Width(line) > 80 && !strings.HasPrefix(line, "    s3fanout ") {
				t.Errorf("%d columns: %q", table.Width(line), line)
			}
		}
		for _, want := range []string{
			"likely a replica: as in us-east-1 and 60 s later", "and older ones", "delete marker", "others than us-east-1", "5.0 GiB",
			"replicator",
			"eu-west-1: 5000 dead letters looked at, 0 not understood, and there are more", "about 3 held by another reader",
			"it is in us-east-1 and ap-southeast-3", "s3fanout redrive --key='key' --region eu-west-1 --region us-east-1",
			"last part 2026-11-20 12:00:00Z · upload uuu",
		} {
			if !strings.Contains(unbroken, want) {
				t.Errorf("no %q in:\n%s", want, text)
			}
		}
	}
}

// TestWritesFitTheTerminal: the Regions of a followed key's writes took more columns
// than a terminal has, at three Regions already.
func TestWritesFitTheTerminal(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	all := []string{"us-east-1", "eu-west-1", "ap-northeast-1"}
	writes := []document.ExplainWrite{
		{Region: "ap-northeast-1", VersionID: "w2", Written: noon, Wins: true, Why: "the latest write", Shown: all[1:], Hidden: []string{},
			Kept: all[:1]},
		{Region: "us-east-1", VersionID: strings.Repeat("w", 32), Written: noon, Why: "written 26 s before", Hidden: all, HiddenAt: &noon,
			Destroyed: true},
	}
	for width, want := range map[int]string{
		80: `WRITTEN IN      AT                    VERSION
ap-northeast-1  2026-11-20 12:00:00Z  w2
    wins: the latest write · shown in eu-west-1, ap-northeast-1 · kept in
    us-east-1
us-east-1       2026-11-20 12:00:00Z  wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww
    written 26 s before · deleted in all Regions · first deleted 2026-11-20
    12:00:00Z · destroyed in us-east-1
`,
		0: `WRITTEN IN      AT                    SHOWN IN                   DELETED IN                            KEPT IN    VERSION
ap-northeast-1  2026-11-20 12:00:00Z  eu-west-1, ap-northeast-1  -                                     us-east-1  w2
    wins: the latest write
us-east-1       2026-11-20 12:00:00Z  -                          us-east-1, eu-west-1, ap-northeast-1  -          ` +
			strings.Repeat("w", 32) + `
    written 26 s before · first deleted 2026-11-20 12:00:00Z · destroyed in us-east-1
`,
	} {
		var b strings.Builder
		if _, err := writesTable(writes, 3, width).WriteTo(&b); err != nil || b.String() != want {
			t.Errorf("%d columns: got %v\n%s\nwant\n%s", width, err, b.String(), want)
		}
	}
}

func TestChained(t *testing.T) {
	for line, want := range map[string]string{
		"aws a":                             "aws a",
		"aws a && aws b && s3fanout c":      "aws a|aws b|s3fanout c",
		`aws a --key='x && y' && aws b`:     `aws a --key='x && y'|aws b`,
		`aws a --key='it'\''s && y' && b c`: `aws a --key='it'\''s && y'|b c`,
	} {
		if got := strings.Join(chained(line), "|"); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}
