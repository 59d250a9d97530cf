package replicaset

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func adopting(pairs ...string) func(*Config) {
	return func(c *Config) {
		c.Buckets = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			c.Buckets[pairs[i]] = pairs[i+1]
		}
	}
}

// keyed adopts a bucket in us-east-1, with a key for one in region.
func keyed(region, arn string) func(*Config) {
	return func(c *Config) {
		adopting("us-east-1", "my-old-bucket")(c)
		c.BucketKeyARNs = map[string]string{region: arn}
	}
}

// TestAdoptedMembers: whoever asks a member gets the adopted bucket, and nobody
// is told a name that the set would have made.
func TestAdoptedMembers(t *testing.T) {
	c := set(adopting("eu-west-1", "old.photos", tokyo, "media-444455556666-ap-northeast-1"))
	c.AccessLogBucket = "logs-{region}"
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	want := Members{
		{Set: "media", Region: "us-east-1", Account: account, Bucket: "media-111122223333-us-east-1"},
		{Set: "media", Region: "eu-west-1", Account: account, Bucket: "old.photos", Adopted: true},
		{Set: "media", Region: tokyo, Account: account, Bucket: "media-444455556666-ap-northeast-1", Adopted: true},
	}
	if got := c.Members(account); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	patterns := []string{"arn:aws:s3:::media-111122223333-*", "arn:aws:s3:::old.photos", "arn:aws:s3:::media-444455556666-ap-northeast-1"}
	if got := c.BucketARNs(account); !slices.Equal(got, patterns) {
		t.Errorf("BucketARNs = %q, want %q", got, patterns)
	}
	for region, logs := range map[string]string{"us-east-1": "logs-us-east-1", "eu-west-1": ""} {
		if got, _ := c.AccessLogs(account, region); got != logs {
			t.Errorf("access logs of %s go to %q, want %q", region, got, logs)
		}
	}
	all := set(adopting("us-east-1", "a-bucket", "eu-west-1", "b-bucket", tokyo, "c-bucket"))
	if err := all.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := all.BucketARNs(account); len(got) != 3 ||
		slices.ContainsFunc(got, func(arn string) bool { return strings.Contains(arn, "*") }) {
		t.Errorf("all adopted: BucketARNs = %q, want the three and no pattern", got)
	}
}

// TestOpaqueETags: two objects with one content have different ETags where a key
// of KMS encrypts one of them, and an adopted bucket may have one.
func TestOpaqueETags(t *testing.T) {
	for want, c := range map[bool][]Config{
		false: {media()},
		true:  {set(adopting("us-east-1", "a-bucket")), set(func(c *Config) { c.Encryption = EncryptionKMS })},
	} {
		for _, c := range c {
			if got := c.OpaqueETags(); got != want {
				t.Errorf("%+v: got %v, want %v", c, got, want)
			}
		}
	}
}

// TestAdopterNames: every bucket has a function of its own, under a name that
// Lambda and IAM take.
func TestAdopterNames(t *testing.T) {
	long := Config{Name: strings.Repeat("m", 43), Regions: []string{"us-east-1", "eu-west-1"}}
	adopting("us-east-1", "a-bucket", "eu-west-1", "b-bucket")(&long)
	if err := long.Validate(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range []Member{
		long.Member(account, "us-east-1"), long.Member(account, "eu-west-1"),
		{Set: "media", Region: "us-east-1", Bucket: "a-bucket"}, {Set: "media", Region: "us-east-1", Bucket: "b-bucket"},
		{Set: "media", Region: "eu-west-1", Bucket: "a-bucket"},
	} {
		name := m.AdopterName()
		if !regexp.MustCompile(`^[a-z0-9-]{1,64}$`).MatchString(name) || seen[name] {
			t.Errorf("%+v: name %q is too long, or another's", m, name)
		}
		seen[name] = true
	}
	m := Member{Set: "media", Region: "us-east-1", Account: account, Bucket: "a-bucket"}
	if got, want := m.AdopterLogGroupARN(), "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/"+m.AdopterName(); got != want {
		t.Errorf("log group %s, want %s", got, want)
	}
}

func TestValidateBuckets(t *testing.T) {
	for _, tc := range []struct {
		what   string
		change func(*Config)
		want   string // the beginning of the message, "" for none
	}{
		{"one", adopting("us-east-1", "my-old-bucket"), ""},
		{"dots", adopting("us-east-1", "images.example.com"), ""},
		{"a name of 63", adopting("us-east-1", strings.Repeat("b", 63)), ""},
		{"the bucket that a former deployment left", adopting("us-east-1", "media-111122223333-us-east-1"), ""},
		{"none", adopting(), "buckets: the object is empty; name a bucket, or leave buckets out"},
		{"no Region", adopting("us-east1", "b-bucket"), "buckets.us-east1: it is not an AWS Region; did you mean us-east-1?"},
		{"an escape sequence", adopting("\x1b[2J", "b-bucket"), "buckets.?[2J: it is not an AWS Region; "},
		{"no member", adopting("eu-west-2", "b-bucket"), "buckets.eu-west-2: it is not one of regions; add it there, or remove it here"},
		{"nothing", adopting("us-east-1", ""), "buckets.us-east-1: the name is empty"},
		{"an ARN", adopting("us-east-1", "arn:aws:s3:::my-old-bucket"),
			"buckets.us-east-1: arn:aws:s3:::my-old-bucket is an ARN; give the bucket's name"},
		{"an address", adopting("us-east-1", "s3://my-old-bucket"),
			"buckets.us-east-1: s3://my-old-bucket is an address; give the bucket's name alone"},
		{"a prefix", adopting("us-east-1", "my-old-bucket/images"), "buckets.us-east-1: my-old-bucket/images has a slash; "},
		{"two letters", adopting("us-east-1", "ab"), "buckets.us-east-1: ab is 2 characters long"},
		{"64 letters", adopting("us-east-1", strings.Repeat("b", 64)),
			"buckets.us-east-1: " + strings.Repeat("b", 60) + "… is 64 characters long"},
		{"capitals", adopting("us-east-1", "My-Bucket"), "buckets.us-east-1: My-Bucket is not a bucket's name; "},
		{"an underscore", adopting("us-east-1", "my_bucket"), "buckets.us-east-1: my_bucket is not a bucket's name; "},
		{"two dots", adopting("us-east-1", "my..bucket"), "buckets.us-east-1: my..bucket is not a bucket's name; "},
		{"a trailing newline", adopting("us-east-1", "my-bucket\n"), "buckets.us-east-1: my-bucket is not a bucket's name; "},
		{"an IP address", adopting("us-east-1", "192.168.5.4"), "buckets.us-east-1: 192.168.5.4 is an IP address"},
		{"an access point", adopting("us-east-1", "mine-s3alias"),
			"buckets.us-east-1: mine-s3alias is the name of an access point's alias; "},
		{"a Multi-Region Access Point", adopting("us-east-1", "mfzwi23gnjvgw.mrap"),
			"buckets.us-east-1: mfzwi23gnjvgw.mrap is the name of a Multi-Region Access Point"},
		{"a directory bucket", adopting("us-east-1", "mine--use1-az4--x-s3"),
			"buckets.us-east-1: mine--use1-az4--x-s3 is the name of a directory bucket"},
		{"the same bucket twice", adopting("us-east-1", "my-bucket", "eu-west-1", "my-bucket"),
			"buckets.us-east-1: my-bucket is given for eu-west-1 already"},
		{"a bucket that the set makes elsewhere", adopting("us-east-1", "media-111122223333-eu-west-1"),
			"buckets.us-east-1: media-111122223333-eu-west-1 is the name of the bucket that the set makes in eu-west-1"},
		{"a key", keyed("us-east-1", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"), ""},
		{"a key of another account", keyed("us-east-1", "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"), ""},
		{"a key's alias", keyed("us-east-1", "alias/mine"), `bucketKeyArns.us-east-1: "alias/mine" is not the ARN of a key in us-east-1; ` +
			`use arn:aws:kms:us-east-1:111122223333:key/… (not an alias)`},
		{"a key of another Region", keyed("us-east-1", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
			`bucketKeyArns.us-east-1: "arn:aws:kms:eu-west-1`},
		{"a key of a bucket that the set makes",
			keyed("eu-west-1", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
			"bucketKeyArns.eu-west-1: buckets names no bucket there; name it, or remove the key"},
		{"a key of no Region", keyed("\x1b[2J", ""), "bucketKeyArns.?[2J: buckets names no bucket there"},
		{"access logs of no bucket", func(c *Config) {
			adopting("us-east-1", "a-bucket", "eu-west-1", "b-bucket", tokyo, "c-bucket")(c)
			c.AccessLogBucket = "logs-{region}"
		}, "accessLogBucket: it is for buckets that the set makes, and buckets names one for every Region; leave it out"},
		{"a namespace of no bucket", func(c *Config) {
			adopting("us-east-1", "a-bucket", "eu-west-1", "b-bucket", tokyo, "c-bucket")(c)
			c.BucketNamespace = AccountRegionalNamespace
		}, "bucketNamespace: it is for buckets that the set makes"},
		{"a name too long for buckets that are made", func(c *Config) {
			c.Name = strings.Repeat("m", 38)
			adopting("us-east-1", "a-bucket", "eu-west-1", "b-bucket", tokyo, "c-bucket")(c)
		}, ""},
	} {
		t.Run(tc.what, func(t *testing.T) {
			wantBeginning(t, set(tc.change).Validate(), tc.want)
		})
	}
}

// TestAnnouncements: an adopted bucket announces what a bucket of the set's own
// would, under IDs that are no other set's.
func TestAnnouncements(t *testing.T) {
	c := set(func(c *Config) {
		c.Filters = []Filter{{Prefix: "a/"}, {Suffix: ".b", Follow: Follow{Deletions: true, Overwrites: true}, OwnFollow: true}}
	})
	got := c.Announcements()
	if len(got) != 2 || got[0].ID != "s3fanout.media.1" || got[1].ID != "s3fanout.media.2" || got[0].Filter != c.Filters[0] ||
		got[1].Filter != c.Filters[1] ||
		!slices.Equal(got[0].Events, []string{"s3:ObjectCreated:*"}) ||
		!slices.Equal(got[1].Events, []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated"}) {
		t.Errorf("got %+v", got)
	}
	c = set(func(c *Config) { c.Follow = Follow{Overwrites: true, Tags: true} })
	if got := c.Announcements(); len(got) != 1 || got[0].Filter != (Filter{}) ||
		!slices.Equal(got[0].Events, []string{"s3:ObjectCreated:*", "s3:ObjectTagging:*"}) {
		t.Errorf("got %+v", got)
	}
	for _, other := range []string{"m", "media2", "media-1"} {
		if strings.HasPrefix((Config{Name: other}).AnnouncementPrefix(), media().AnnouncementPrefix()) {
			t.Errorf("set %s's IDs begin as media's", other)
		}
	}
}
