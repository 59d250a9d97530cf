package replicaset

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// set returns a valid configuration with the change.
func set(change func(*Config)) Config {
	c := media()
	change(&c)
	return c
}

func TestValidateFeatures(t *testing.T) {
	keys := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	const id = "1234abcd-12ab-34cd-56ef-1234567890ab"
	key := func(region string) string { return "arn:aws:kms:" + region + ":111122223333:key/" + id }
	all := keys("us-east-1", key("us-east-1"), "eu-west-1", key("eu-west-1"), tokyo,
		"arn:aws:kms:ap-northeast-1:111122223333:key/mrk-"+strings.Repeat("0", 32))
	with := func(region, arn string) map[string]string {
		m := keys()
		for r, a := range all {
			m[r] = a
		}
		m[region] = arn
		return m
	}
	filters := func(list ...Filter) func(*Config) { return func(c *Config) { c.Filters = list } }
	many := func(n int) []Filter {
		var list []Filter
		for i := range n {
			list = append(list, Filter{Prefix: fmt.Sprintf("%03d/", i)})
		}
		return list
	}
	tags := func(pairs ...string) func(*Config) { return func(c *Config) { c.Tags = keys(pairs...) } }
	for _, tc := range []struct {
		what   string
		change func(*Config)
		want   string // the beginning of the message, "" for none
	}{
		{"least memory", func(c *Config) { c.FunctionMemoryMiB = 128 }, ""},
		{"most memory", func(c *Config) { c.FunctionMemoryMiB = 10240 }, ""},
		{"too little memory", func(c *Config) { c.FunctionMemoryMiB = 127 }, "functionMemoryMiB: 127 is not possible; use 128 to 10240"},
		{"too much memory", func(c *Config) { c.FunctionMemoryMiB = 10241 }, "functionMemoryMiB: 10241 is not possible"},
		{"arm64", func(c *Config) { c.FunctionArchitecture = "arm64" }, ""},
		{"x86_64", func(c *Config) { c.FunctionArchitecture = "x86_64" }, ""},
		{"Go's name of x86_64", func(c *Config) { c.FunctionArchitecture = "amd64" },
			`functionArchitecture: "amd64" is not a processor of Lambda; use "arm64" or "x86_64", or leave it out`},
		{"reserved", func(c *Config) { c.ReservedConcurrency = 1 }, ""},
		{"late after a minute", func(c *Config) { c.ReplicationTimeThreshold = time.Minute }, ""},
		{"late after six hours", func(c *Config) { c.ReplicationTimeThreshold = 6 * time.Hour }, ""},
		{"late after seven hours", func(c *Config) { c.ReplicationTimeThreshold = 7 * time.Hour },
			"replicationTimeThreshold: 7 hours is not possible; use 1 minute to 6 hours"},
		{"late after a second", func(c *Config) { c.ReplicationTimeThreshold = time.Second },
			"replicationTimeThreshold: 1s is not possible; use 1 minute"},
		{"negative reservation", func(c *Config) { c.ReservedConcurrency = -1 }, "reservedConcurrency: -1 is not possible"},
		{"a year of logs", func(c *Config) { c.LogRetentionDays = 365 }, ""},
		{"logs for 31 days", func(c *Config) { c.LogRetentionDays = 31 },
			"logRetentionDays: CloudWatch Logs does not keep logs for 31 days; use 1, 3, 5,"},

		{"destroy", func(c *Config) { c.RemovalPolicy = Destroy }, ""},
		{"delete", func(c *Config) { c.RemovalPolicy = "delete" }, `removalPolicy: "delete" is not known; use "retain" or "destroy"`},

		{"boundary", func(c *Config) { c.PermissionsBoundary = "arn:aws:iam::{account}:policy/teams/boundary" }, ""},
		{"AWS's own policy", func(c *Config) { c.PermissionsBoundary = "arn:aws:iam::aws:policy/PowerUserAccess" }, ""},
		{"boundary is a role", func(c *Config) { c.PermissionsBoundary = "arn:aws:iam::111122223333:role/r" }, `permissionsBoundary: ` +
			`"arn:aws:iam::111122223333:role/r" is not the ARN of a policy; use one such as arn:aws:iam::{account}:policy/boundary`},
		{"boundary of another partition", func(c *Config) { c.PermissionsBoundary = "arn:aws-cn:iam::111122223333:policy/p" },
			"permissionsBoundary: "},

		{"operators", func(c *Config) {
			c.OperatorARNs = []string{"arn:aws:iam::{account}:role/ops", "arn:aws:iam::111122223333:user/team/jo@example.com",
				"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_0123456789abcdef"}
		}, ""},
		{"no operators", func(c *Config) { c.OperatorARNs = []string{} }, ""},
		{"an operator's session", operators("arn:aws:sts::111122223333:assumed-role/ops/jo"),
			`operatorArns[0]: "arn:aws:sts::111122223333:assumed-role/ops/jo" is a session; name its role`},
		{"many operators at once", operators("arn:aws:iam::111122223333:role/ops-*"),
			`operatorArns[0]: "arn:aws:iam::111122223333:role/ops-*" has a wildcard; name each role and user`},
		{"a group of operators", operators("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:group/ops"), `operatorArns[1]: ` +
			`"arn:aws:iam::111122223333:group/ops" is not the ARN of a role or user; ` +
			`use one such as arn:aws:iam::{account}:role/operators`},
		{"the account for an operator", operators("arn:aws:iam::111122223333:root"),
			`operatorArns[0]: "arn:aws:iam::111122223333:root" is not the ARN of a role or user`},
		{"an operator without ARN", operators("ops"), `operatorArns[0]: "ops" is not the ARN of a role or user`},
		{"operators of two accounts",
			operators("arn:aws:iam::111122223333:role/a", "arn:aws:iam::{account}:role/b", "arn:aws:iam::444455556666:role/c"),
			"operatorArns[2]: arn:aws:iam::444455556666:role/c is of another account than operatorArns[0], and roles trust their own " +
				"account alone; name a role there that the others can assume"},
		{"an empty operator", operators(""), `operatorArns[0]: "" is not the ARN of a role or user`},
		{"operators of another partition", operators("arn:aws-cn:iam::111122223333:role/ops"),
			`operatorArns[0]: "arn:aws-cn:iam::111122223333:role/ops" is not the ARN of a role or user; use one such as arn:aws:iam`},
		{"an operator twice", operators("arn:aws:iam::{account}:role/ops", "arn:aws:iam::{account}:role/ops"),
			"operatorArns[1]: arn:aws:iam::{account}:role/ops is listed already as operatorArns[0]; remove one"},

		{"address", func(c *Config) { c.AlarmEmail = "ops+s3@example.com" }, ""},
		{"no address", func(c *Config) { c.AlarmEmail = "ops" }, `alarmEmail: "ops" is not an e-mail address`},
		{"address with a name", func(c *Config) { c.AlarmEmail = "Ops <ops@example.com>" }, "alarmEmail: "},
		{"topic", func(c *Config) { c.AlarmTopicARN = "arn:aws:sns:{region}:{account}:alarms" }, ""},
		{"topic of one Region", func(c *Config) { c.AlarmTopicARN = "arn:aws:sns:eu-west-1:111122223333:alarms" },
			"alarmTopicArn: it names eu-west-1, but an alarm notifies topics of its own Region only"},
		{"FIFO topic", func(c *Config) { c.AlarmTopicARN = "arn:aws:sns:{region}:111122223333:alarms.fifo" },
			`alarmTopicArn: "arn:aws:sns:{region}:111122223333:alarms.fifo" is not the ARN of a standard SNS topic`},
		{"queue for alarms", func(c *Config) { c.AlarmTopicARN = "arn:aws:sqs:{region}:111122223333:alarms" }, "alarmTopicArn: "},
		{"address and topic", func(c *Config) {
			c.AlarmEmail, c.AlarmTopicARN = "ops@example.com", "arn:aws:sns:{region}:{account}:alarms"
		}, "alarmEmail: alarmTopicArn is given too; keep one"},

		{"access logs", func(c *Config) { c.AccessLogBucket, c.AccessLogPrefix = "logs-{account}-{region}", "s3/{region}/" }, ""},
		{"prefix alone", func(c *Config) { c.AccessLogPrefix = "s3/" }, "accessLogPrefix: accessLogBucket is missing"},
		{"one log bucket", func(c *Config) { c.AccessLogBucket = "logs" },
			`accessLogBucket: "logs" is one bucket, but S3 logs to a bucket of the same Region only`},
		{"log bucket in capitals", func(c *Config) { c.AccessLogBucket = "Logs-{region}" },
			`accessLogBucket: "Logs-{region}" is not a bucket's name`},
		{"unknown part", func(c *Config) { c.AccessLogBucket = "logs-{zone}-{region}" },
			`accessLogBucket: "logs-{zone}-{region}" is not a bucket's name`},
		{"unknown part of the prefix", func(c *Config) { c.AccessLogBucket, c.AccessLogPrefix = "logs-{region}", "{zone}/" },
			`accessLogPrefix: "{zone}/" has braces`},
		{"long log bucket", func(c *Config) { c.AccessLogBucket = strings.Repeat("l", 50) + "-{region}" },
			`accessLogBucket: "` + strings.Repeat("l", 50) +
				`-{region}" makes the name in ap-northeast-1 65 characters long, 63 are allowed`},
		{"long prefix", func(c *Config) { c.AccessLogBucket, c.AccessLogPrefix = "logs-{region}", strings.Repeat("p", 513) },
			"accessLogPrefix: it is 513 characters long in us-east-1, 512 are allowed"},
		{"logs into itself", func(c *Config) { c.AccessLogBucket = "media-{account}-{region}" },
			`accessLogBucket: "media-{account}-{region}" is the replica set's own bucket`},

		{"S3's keys", func(c *Config) { c.Encryption = EncryptionS3 }, ""},
		{"keys that are made", func(c *Config) { c.Encryption = EncryptionKMS }, ""},
		{"keys that are given", func(c *Config) { c.Encryption, c.KMSKeyARNs = EncryptionKMS, all }, ""},
		{"other encryption", func(c *Config) { c.Encryption = "aws:kms" }, `encryption: "aws:kms" is not known; use "s3", or "kms"`},
		{"keys without kms", func(c *Config) { c.KMSKeyARNs = all }, `kmsKeyArns: encryption is not "kms"; set it`},
		{"no keys", func(c *Config) { c.Encryption, c.KMSKeyARNs = EncryptionKMS, keys() }, "kmsKeyArns: us-east-1 has none"},
		{"a key too few", func(c *Config) {
			c.Encryption, c.KMSKeyARNs = EncryptionKMS, keys("us-east-1", key("us-east-1"))
		}, "kmsKeyArns: eu-west-1 has none"},
		{"a key too many", func(c *Config) {
			c.Encryption, c.KMSKeyARNs = EncryptionKMS, with("eu-west-2", key("eu-west-2"))
		}, "kmsKeyArns.eu-west-2: it is not one of regions; remove it"},
		{"key of another Region", func(c *Config) {
			c.Encryption, c.KMSKeyARNs = EncryptionKMS, with("eu-west-1", key("us-east-1"))
		}, `kmsKeyArns.eu-west-1: "` + key("us-east-1") + `" is not the ARN of a key in eu-west-1`},
		{"alias", func(c *Config) {
			c.Encryption, c.KMSKeyARNs = EncryptionKMS, with("eu-west-1", "arn:aws:kms:eu-west-1:111122223333:alias/media")
		}, "kmsKeyArns.eu-west-1: "},

		{"account-regional names", func(c *Config) { c.BucketNamespace = AccountRegionalNamespace }, ""},
		{"longest account-regional name",
			func(c *Config) { c.BucketNamespace, c.Name = AccountRegionalNamespace, strings.Repeat("m", 32) }, ""},
		{"too long account-regional name",
			func(c *Config) { c.BucketNamespace, c.Name = AccountRegionalNamespace, strings.Repeat("m", 33) },
			`name: "` + strings.Repeat("m", 33) +
				`" makes the bucket name in ap-northeast-1 64 characters long, 63 are allowed; use at most 32 characters`},
		{"other namespace", func(c *Config) { c.BucketNamespace = "account" },
			`bucketNamespace: "account" is not known; use "global" or "account-regional"`},

		{"one filter", filters(Filter{Prefix: "in/", Suffix: ".jpg"}), ""},
		{"same prefix, other suffix", filters(Filter{Prefix: "images", Suffix: ".jpg"}, Filter{Prefix: "images", Suffix: ".png"}), ""},
		{"same suffix, other prefix", filters(Filter{Prefix: "a/", Suffix: ".jpg"}, Filter{Prefix: "b/", Suffix: ".jpg"}), ""},
		{"as many as S3 takes", filters(many(100)...), ""},
		{"more than S3 takes", filters(many(101)...), "filters: 101 given, S3 allows 100 for a bucket"},
		{"empty filter", filters(Filter{}), "filters[0]: neither prefix nor suffix is given"},
		{"twice the same", filters(Filter{Prefix: "a/"}, Filter{Prefix: "a/"}),
			`filters[1]: prefix "a/" overlaps with prefix "a/" of filters[0]`},
		{"prefix of a prefix", filters(Filter{Prefix: "images/"}, Filter{Prefix: "images/cats/"}),
			`filters[1]: prefix "images/cats/" overlaps with prefix "images/" of filters[0]`},
		{"suffix of a suffix", filters(Filter{Suffix: ".tar.gz"}, Filter{Suffix: ".gz"}),
			`filters[1]: suffix ".gz" overlaps with suffix ".tar.gz" of filters[0]`},
		{"prefix alone and suffix alone", filters(Filter{Prefix: "a/"}, Filter{Suffix: ".jpg"}),
			`filters[1]: suffix ".jpg" overlaps with prefix "a/" of filters[0]`},
		{"both overlap", filters(Filter{Prefix: "x/"}, Filter{Prefix: "a", Suffix: ".jpg"}, Filter{Prefix: "a/b", Suffix: "jpg"}),
			`filters[2]: prefix "a/b" with suffix "jpg" overlaps with prefix "a" with suffix ".jpg" of filters[1], and S3 refuses`},
		{"wildcard", filters(Filter{Suffix: "*.jpg"}), `filters[0].suffix: "*.jpg" has a "*", which S3 does not accept`},
		{"long prefix", filters(Filter{Prefix: strings.Repeat("é", 171)}),
			"filters[0].prefix: it is 1026 characters long once encoded, 1024 are allowed"},

		{"tags", tags("team", "platform", "cost center", "ü=1", "empty", ""), ""},
		{"empty key", tags("", "x"), "tags: a key is empty"},
		{"AWS's key", tags("Aws:team", "x"), "tags.Aws:team: AWS reserves keys that begin with aws:"},
		{"long key", tags(strings.Repeat("k", 129), "x"),
			"tags." + strings.Repeat("k", 60) + "…: the key is 129 characters long, 128 are allowed"},
		{"long value", tags("k", strings.Repeat("é", 257)), "tags.k: the value is 257 characters long, 256 are allowed"},
		{"bad key", tags("team!", "x"), "tags.team!: the key has characters that a tag cannot have"},
		{"line break", tags("team", "a\nb"), "tags.team: the value a b has characters that a tag cannot have"},
		{"keys that differ in case", tags("team", "a", "Team", "b"), "tags.team: Team is given too, and IAM treats the two as one"},
		{"51 tags", func(c *Config) {
			c.Tags = keys()
			for i := range 51 {
				c.Tags[fmt.Sprint(i)] = ""
			}
		}, "tags: 51 given, AWS allows 50"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			wantBeginning(t, set(tc.change).Validate(), tc.want)
		})
	}
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		filters []Filter
		key     string
		want    bool
	}{
		{nil, "anything", true},
		{[]Filter{{Prefix: "in/"}}, "in/a.jpg", true},
		{[]Filter{{Prefix: "in/"}}, "in/", true},
		{[]Filter{{Prefix: "in/"}}, "in", false},
		{[]Filter{{Prefix: "in/"}}, "out/in/", false},
		{[]Filter{{Suffix: ".jpg"}}, "a/b.jpg", true},
		{[]Filter{{Suffix: ".jpg"}}, "a/b.JPG", false},
		{[]Filter{{Prefix: "in/", Suffix: ".jpg"}}, "in/a.png", false},
		{[]Filter{{Prefix: "in/", Suffix: ".jpg"}, {Prefix: "raw/"}}, "raw/a.png", true},
		{[]Filter{{Prefix: "in/", Suffix: ".jpg"}, {Prefix: "raw/"}}, "raw", false},
		{[]Filter{{Prefix: "a b/"}}, "a b/c", true}, // keys are not encoded
		{[]Filter{{Prefix: "a b/"}}, "a+b/c", false},
	} {
		if got := (Config{Filters: tc.filters}).Matches(tc.key); got != tc.want {
			t.Errorf("%v matches %q: got %v, want %v", tc.filters, tc.key, got, tc.want)
		}
	}
}

func TestEncodeFilterValue(t *testing.T) {
	for value, want := range map[string]string{
		"images/":      "images/",
		"a b":          "a+b",
		"a+b":          "a%2Bb",
		"dt=2026/":     "dt%3D2026/",
		"Ünï(1)!.-_'c": "%C3%9Cn%C3%AF(1)!.-_'c",
		"100%":         "100%25",
	} {
		if got := EncodeFilterValue(value); got != want {
			t.Errorf("EncodeFilterValue(%q) = %q, want %q", value, got, want)
		}
	}
}

func operators(arns ...string) func(*Config) {
	return func(c *Config) { c.OperatorARNs = arns }
}

// An empty list is nobody, and no list is whom the account lets: the two must
// not be taken for one.
func TestOperators(t *testing.T) {
	for raw, want := range map[string]struct {
		arns       []string
		restricted bool
	}{
		`{}`:                   {nil, false},
		`{"operatorArns": []}`: {nil, true},
		`{"operatorArns": ["arn:aws:iam::{account}:role/ops"]}`: {[]string{"arn:aws:iam::" + account + ":role/ops"}, true},
	} {
		c, err := Parse([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		if arns, restricted := c.Operators(account); !slices.Equal(arns, want.arns) || restricted != want.restricted {
			t.Errorf("%s: got %v, restricted %t, want %v, %t", raw, arns, restricted, want.arns, want.restricted)
		}
	}
}

func TestExpansion(t *testing.T) {
	c := set(func(c *Config) {
		c.AlarmTopicARN = "arn:aws:sns:{region}:{account}:alarms"
		c.PermissionsBoundary = "arn:aws:iam::{account}:policy/p"
		c.AccessLogBucket = "logs-{account}-{region}"
	})
	bucket, prefix := c.AccessLogs(account, tokyo)
	for _, tc := range []struct{ what, got, want string }{
		{"alarm topic", c.AlarmTopic(account, tokyo), "arn:aws:sns:ap-northeast-1:111122223333:alarms"},
		{"boundary", c.BoundaryARN(account), "arn:aws:iam::111122223333:policy/p"},
		{"log bucket", bucket, "logs-111122223333-ap-northeast-1"},
		{"log prefix", prefix, "media-111122223333-ap-northeast-1/"},
		{"no topic", media().AlarmTopic(account, tokyo), ""},
		{"no boundary", media().BoundaryARN(account), ""},
		{"account-regional bucket", set(func(c *Config) { c.BucketNamespace = AccountRegionalNamespace }).Member(account, tokyo).Bucket,
			"media-111122223333-ap-northeast-1-an"},
		{"key alias", c.KeyAlias(), "alias/media-replica-set"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s = %q, want %q", tc.what, tc.got, tc.want)
		}
	}
	c.AccessLogPrefix = "s3/{region}/"
	if _, got := c.AccessLogs(account, tokyo); got != "s3/ap-northeast-1/" {
		t.Errorf("given log prefix = %q", got)
	}
}

// TestOverlapIsAKeyThatBothMatch holds the rule against its meaning.
func TestOverlapIsAKeyThatBothMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab]{0,3}`)
		draw := func(what string) Filter {
			return Filter{Prefix: text.Draw(t, what+" prefix"), Suffix: text.Draw(t, what+" suffix")}
		}
		f, o := draw("first"), draw("second")
		both := func(key string) bool {
			return (Config{Filters: []Filter{f}}).Matches(key) && (Config{Filters: []Filter{o}}).Matches(key)
		}
		found := false
		for _, prefix := range []string{f.Prefix, o.Prefix} {
			for _, suffix := range []string{f.Suffix, o.Suffix} {
				found = found || both(prefix+suffix)
			}
		}
		if got := f.overlaps(o); got != found {
			t.Errorf("%v overlaps %v: got %v, want %v", f, o, got, found)
		}
		if key := rapid.StringMatching(`[ab]{0,6}`).Draw(t, "key"); both(key) && !f.overlaps(o) {
			t.Errorf("%q matches %v and %v, which do not overlap", key, f, o)
		}
	})
}
