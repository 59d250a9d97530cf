package replicaset

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestBadFiles has a row of cmd/s3fanout/testdata/bad-input.txt each: files that --config can
// name. An empty want is a file that is read all the same.
func TestBadFiles(t *testing.T) {
	const good = `{"context": {"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"]}}}`
	wide := []byte{0xff, 0xfe}
	for _, c := range utf16.Encode([]rune(good)) {
		wide = append(wide, byte(c), byte(c>>8))
	}
	context := func(value string) []byte { return []byte(`{"context": {"s3fanout": ` + value + `}}`) }
	fields := func(more string) []byte {
		return context(`{"name": "media", "regions": ["us-east-1", "eu-west-1"]` + more + `}`)
	}
	for _, tt := range []struct {
		id   string
		file []byte
		want string
	}{
		{"cf-01", nil, "line 1, column 1: the JSON is not complete"},
		{"cf-02", []byte("\x7fELF\x02\x01\x01\x00\x00"), `line 1, column 1: '\x7f' cannot be here; the file has to be JSON`},
		{"cf-03", wide, "line 1, column 1: 'ÿ' cannot be here; the file has to be JSON"},
		{"cf-04", []byte("\xef\xbb\xbf" + good), ""},
		{"cf-05", bytes.Repeat([]byte(" "), 5<<20), "it has more than 4 MiB; name the project's cdk.json"},
		{"cf-06", []byte(`{"context":` + strings.Repeat("[", 100_000)), "the JSON is nested too deep"},
		{"cf-07", []byte(`{"context": 5}`), "context has to be an object"},
		{"cf-08", []byte(`{"context": {}}`), `key "s3fanout" is missing in "context"; add`},
		{"cf-09", context(`{"name": "a", "name": "b"}`), "field name is given twice; remove one"},
		{"cf-10", fields(`, "nam": "x"`), "s3fanout.nam: no such field; did you mean name?"},
		{"cf-11", context(`{"name": "media", "regions": ["us-east-1"]}`), "s3fanout.regions: 1 given, a replica set needs at least two"},
		{"cf-12", context(`{"name": "media", "regions": ["us-east-1", "us-east-1"]}`),
			"s3fanout.regions[1]: us-east-1 is listed already as regions[0]; remove one"},
		{"cf-13", context(`{"name": "media", "regions": ["us-east-1", "cn-north-1"]}`),
			"s3fanout.regions[1]: cn-north-1 is in partition aws-cn and us-east-1 in aws"},
		{"cf-14", context(`{"name": "Media Files", "regions": ["us-east-1", "eu-west-1"]}`), "s3fanout.name: "},
		{"cf-15", context(`{"name": "` + strings.Repeat("m", 300) + `", "regions": ["us-east-1", "eu-west-1"]}`), "s3fanout.name: "},
		{"cf-16", fields(`, "multipartThresholdMiB": 1e99`), "s3fanout.multipartThresholdMiB: 1e99 is not a whole number from 1 on"},
		{"cf-17", fields(`, "tags": {"\u001b[2J": "x"}`), "s3fanout.tags.?[2J: the key has characters that a tag cannot have"},
		{"cf-23", fields(`, "operatorArns": "arn:aws:iam::111122223333:role/ops"`),
			`s3fanout.operatorArns: "arn:aws:iam::111122223333:role/ops" is not a list of role and user ARNs`},
		{"cf-24", fields(`, "operatorArns": ["arn:aws:iam::111122223333:role/*"]`),
			`s3fanout.operatorArns[0]: "arn:aws:iam::111122223333:role/*" has a wildcard; name each role and user`},
		{"cf-25", fields(`, "operatorArns": ["*\u001b[2J"]`), "s3fanout.operatorArns[0]: "},
		{"cf-27", fields(`, "follow": ["deletions"]`),
			`s3fanout.follow: deletions cannot be followed without overwrites; add "overwrites"`},
		{"cf-34", fields(`, "follow": ["overwrites"], "followSince": "yesterday"`),
			`s3fanout.followSince: "yesterday" is not a time such as "2026-11-29T08:30:00Z"`},
		{"cf-35", fields(`, "followSince": "2026-11-29T08:30:00Z"`),
			`s3fanout.followSince: nothing is followed; set follow as well, or leave it out`},
		{"cf-83", fields(`, "copiesByUsers": false, "follow": ["overwrites"]`),
			"s3fanout.copiesByUsers: false with follow would lose changes"},
		{"cf-36", fields(`, "exclude": [{"suffix": "*.tmp"}]`),
			`s3fanout.exclude[0].suffix: "*.tmp" has a "*", which is not a wildcard here`},
		{"cf-37", fields(`, "exclude": [{}]`), "s3fanout.exclude[0]: neither prefix nor suffix is given; give one, or leave the entry out"},
		{"cf-38", fields(`, "roleArn": "arn:aws:iam::{account}:role/*"`),
			`s3fanout.roleArn: "arn:aws:iam::{account}:role/*" is not the ARN of a role`},
		{"cf-39",
			fields(`, "roleArn": "arn:aws:iam::{account}:role/r-{region}", "roleIds": {"us-east-1": "arn:aws:iam::111122223333:role/r", ` +
				`"eu-west-1": "x"}`), "s3fanout.roleIds.us-east-1: arn:aws:iam::111122223333:role/r is not the ID of a role"},
		{"cf-40", fields(`, "roleArn": "arn:aws:iam::{account}:role/r-{region}", "batchOperations": true`),
			"s3fanout.jobRoleArn: with roleArn the roles are yours, and batchOperations needs one more"},
		{"cf-73", fields(`, "reconcile": {"every": "daily\u001b[31m"}`),
			`s3fanout.reconcile.every: "daily\u001b[31m" is not a time such as "6 hours" or "1 day"`},
		{"cf-74", fields(`, "reconcile": {"every": "5 hours"}`),
			"s3fanout.reconcile.every: 5 hours is not possible; use 6 hours to 30 days"},
		{"cf-75", fields(`, "reconcile": {"every": "1 day", "every": "2 days"}`),
			"s3fanout.reconcile: field every is given twice; remove one"},
		{"cf-76", fields(`, "reconcile": {"keyRanges": 1000000}`),
			"s3fanout.reconcile.keyRanges: 1000000 is not possible; use 2 to 100, or leave it out to compare with one function"},
		{"cf-80", fields(`, "auditTrail": "on\u001b[2J"`), `s3fanout.auditTrail: "on\u001b[2J" is not true, false or an object such as`},
		{"cf-88", fields(`, "auditTrail": {"region": "\u001b[2J"}`), "s3fanout.auditTrail.region: "},
		{"cf-81", fields(`, "auditTrail": {"retentionDays": 100}`),
			"s3fanout.auditTrail.retentionDays: CloudWatch Logs does not keep events for 100 days; use 1, 3"},
		{"cf-82", fields(`, "roleArn": "arn:aws:iam::{account}:role/r-{region}", "auditTrail": true`),
			"s3fanout.auditRoleArn: with roleArn the roles are yours, and auditTrail needs one more"},
		{"cf-70", fields(`, "replicationTimeThreshold": "quarter of an hour\u001b[31m"`),
			`s3fanout.replicationTimeThreshold: "quarter of an hour\u001b[31m" is not a time such as "15 minutes" or "1 hour"`},
		{"cf-71", fields(`, "replicationTimeThreshold": "2 days"`),
			`s3fanout.replicationTimeThreshold: "2 days" is not a time such as "15 minutes" or "1 hour"`},
		{"cf-72", fields(`, "replicationTimeThreshold": "7 hours"`),
			"s3fanout.replicationTimeThreshold: 7 hours is not possible; use 1 minute to 6 hours, the longest that Lambda keeps an event"},
		{"cf-60", fields(`, "accessPoint": {"points": [{"name": "main", "regions": ["us-west-2"]}]}`),
			"s3fanout.accessPoint.points[0].regions[0]: us-west-2 is not one of regions; add it there, or remove it here"},
		{"cf-61", fields(`, "accessPoint": {"points": [{"name": "\u001b[2J"}]}`), "s3fanout.accessPoint.points[0].name: "},
		{"cf-62", fields(`, "accessPoint": {"region": "\u001b[2J"}`), "s3fanout.accessPoint.region: "},
		{"cf-63", fields(`, "access": "access-point-only"`),
			"s3fanout.access: access-point-only needs an access point; set accessPoint as well"},
		{"cf-64", fields(`, "accessPoint": {}, "access": "access-point-only"`),
			"s3fanout.access: with access-point-only only those who are named can use the commands on objects"},
		{"cf-65", fields(`, "accessPoint": {}, "access": "access-point-only", "directAccessArns": ["arn:aws:iam::111122223333:role/*"]`),
			`s3fanout.directAccessArns[0]: "arn:aws:iam::111122223333:role/*" has a wildcard; name each role and user`},
		{"cf-66", fields(`, "accessPoint": {}, "vpcEndpoints": {"us-east-1": {"vpcId": "vpc-0123456789abcdef0"}}`),
			"s3fanout.vpcEndpoints.us-east-1.subnetIds: it is missing or empty; give IDs such as subnet-0123456789abcdef0"},
		{"cf-67", fields(`, "accessPoint": {}, "vpcEndpoints": {"us-east-1": {"vpcId": "\u001b[2J", "subnetIds": []}}`),
			"s3fanout.vpcEndpoints.us-east-1.vpcId: "},
		{"cf-28", fields(`, "follow": ["\u001b[2J"]`), `s3fanout.follow[0]: `},
		{"cf-29", fields(`, "buckets": {"us-east-1": "arn:aws:s3:::my-old-bucket"}`),
			"s3fanout.buckets.us-east-1: arn:aws:s3:::my-old-bucket is an ARN; give the bucket's name"},
		{"cf-30", fields(`, "buckets": {"us-east-1": "b-one", "eu-west-1": "b-one"}`),
			"s3fanout.buckets.us-east-1: b-one is given for eu-west-1 already"},
		{"cf-31", fields(`, "buckets": {"eu-west-2": "b-one"}`),
			"s3fanout.buckets.eu-west-2: it is not one of regions; add it there, or remove it here"},
		{"cf-32", fields(`, "buckets": {"us-east-1": "` + strings.Repeat("b", 5000) + `\u001b[2J"}`), "s3fanout.buckets.us-east-1: "},
		{"cf-33", fields(`, "bucketKeyArns": {"us-east-1": "alias/mine"}`),
			"s3fanout.bucketKeyArns.us-east-1: buckets names no bucket there"},
		{"cf-18", context("{\"name\": \"me\xffdia\", \"regions\": [\"us-east-1\", \"eu-west-1\"]}"), "s3fanout.name: "},
	} {
		t.Run(tt.id, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cdk.json")
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := Load(path)
			if tt.want == "" {
				if err != nil || c.Name != "media" {
					t.Errorf("got %+v, %v", c, err)
				}
				return
			}
			wantLine(t, path, err, tt.want)
		})
	}
	t.Run("cf-19", func(t *testing.T) {
		dir := t.TempDir()
		_, err := Load(dir)
		wantLine(t, dir, err, "it is a directory; name the cdk.json in it")
	})
	t.Run("cf-20", func(t *testing.T) {
		_, err := Load("/dev/zero")
		wantLine(t, "/dev/zero", err, "it has more than 4 MiB; name the project's cdk.json")
	})
	t.Run("cf-22", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "loop")
		if err := os.Symlink(path, path); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		wantLine(t, path, err, "too many levels of symbolic links")
	})
}

// wantLine checks that the error is one short line that begins with the path.
func wantLine(t *testing.T, path string, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %s: …%s", err, path, want)
	}
	if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\n\r\x00\x1b") {
		t.Errorf("%d bytes, or more than a line: %q", len(text), text)
	}
}
