package replicaset

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestValidate(t *testing.T) {
	two := []string{"us-east-1", "eu-west-1"}
	for _, tc := range []struct {
		what   string
		config Config
		want   string // the beginning of the message, "" for a valid configuration
	}{
		{"three Regions", media(), ""},
		{"a name of one letter", Config{Name: "m", Regions: two}, ""},
		{"the longest name", Config{Name: strings.Repeat("m", 40), Regions: two}, ""},
		{"opt-in Region with the switch", Config{Name: "media", Regions: []string{"us-east-1", "eu-south-1"}, OptInRegions: true}, ""},
		{"China", Config{Name: "media", Regions: []string{"cn-north-1", "cn-northwest-1"}}, ""},

		{"unknown Region", Config{Name: "media", Regions: []string{"us-east-1", "eu-west-9"}},
			`s3fanout.regions[1]: "eu-west-9" is not an AWS Region; did you mean eu-west-1, eu-west-2 or eu-west-3?`},
		{"Region in capitals", Config{Name: "media", Regions: []string{"US-EAST-1", "eu-west-1"}},
			`s3fanout.regions[0]: "US-EAST-1" is not an AWS Region; did you mean us-east-1?`},
		{"nonsense", Config{Name: "media", Regions: []string{"everywhere", "eu-west-1"}},
			`s3fanout.regions[0]: "everywhere" is not an AWS Region; use names such as us-east-1`},
		{"duplicate", Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1", "us-east-1"}},
			"s3fanout.regions[2]: us-east-1 is listed already as regions[0]; remove one"},
		{"one Region", Config{Name: "media", Regions: two[:1]}, "s3fanout.regions: 1 given, a replica set needs at least two"},
		{"no Region", Config{Name: "media"}, "s3fanout.regions: 0 given"},
		{"two partitions", Config{Name: "media", Regions: []string{"us-east-1", "cn-north-1"}},
			"s3fanout.regions[1]: cn-north-1 is in partition aws-cn and us-east-1 in aws"},
		{"opt-in Region without the switch", Config{Name: "media", Regions: []string{"us-east-1", "eu-south-1"}},
			"s3fanout.regions[1]: eu-south-1 is an opt-in Region, where SNS delivers as another principal"},
		{"no name", Config{Regions: two}, "s3fanout.name: it is missing or empty"},
		{"capitals", Config{Name: "Media", Regions: two}, `s3fanout.name: "Media" is not usable`},
		{"leading digit", Config{Name: "1media", Regions: two}, `s3fanout.name: "1media" is not usable`},
		{"trailing hyphen", Config{Name: "media-", Regions: two}, `s3fanout.name: "media-" is not usable`},
		{"dot", Config{Name: "me.dia", Regions: two}, `s3fanout.name: "me.dia" is not usable`},
		{"trailing newline", Config{Name: "media\n", Regions: two}, `s3fanout.name: "media\n" is not usable`},
		{"reserved prefix", Config{Name: "sthree", Regions: two}, `s3fanout.name: "sthree" makes bucket names that begin with "sthree-"`},
		{"long name", Config{Name: strings.Repeat("m", 36), Regions: []string{"us-east-1", "ap-southeast-1"}},
			`s3fanout.name: "` + strings.Repeat("m", 36) +
				`" makes the bucket name in ap-southeast-1 64 characters long, 63 are allowed; use at most 35 characters`},
	} {
		t.Run(tc.what, func(t *testing.T) {
			err := tc.config.Validate()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %q, want no error", err)
			case tc.want != "" && err == nil:
				t.Errorf("got no error, want %q", tc.want)
			case err != nil && !strings.HasPrefix(err.Error(), tc.want):
				t.Errorf("got  %q\nwant %q…", err, tc.want)
			case err != nil && strings.Contains(err.Error(), "\n"):
				t.Errorf("got more than one line: %q", err)
			}
		})
	}
}

// checkNames fails the test if a name of a valid configuration breaks the
// rules of the service that it is for.
func checkNames(t rapid.TB, c Config) {
	t.Helper()
	check := func(kind, name, pattern string, longest int) {
		t.Helper()
		if len(name) > longest || !regexp.MustCompile(`^(?:`+pattern+`)$`).MatchString(name) {
			t.Errorf("%+v: %s name %q breaks %s or is longer than %d", c, kind, name, pattern, longest)
		}
	}
	check("topic", c.TopicName(), `[A-Za-z0-9_-]+`, 256)
	check("queue", c.QueueName(), `[A-Za-z0-9_-]+`, 80)
	check("function", c.FunctionName(), `[A-Za-z0-9_-]+`, 64)
	check("log group", c.LogGroupName(), `[A-Za-z0-9_/.#-]+`, 512)
	for _, region := range c.Regions {
		check("bucket", c.Member(account, region).Bucket, `[a-z0-9][a-z0-9-]*[a-z0-9]`, 63)
		check("role", c.Member(account, region).RoleName(), `[\w+=,.@-]+`, 64)
		check("role", c.Member(account, region).JobRoleName(), `[\w+=,.@-]+`, 64)
		check("stack", c.RegionStackName(region), `[A-Za-z][A-Za-z0-9-]*`, 128)
		check("stack", c.MeshStackName(region), `[A-Za-z][A-Za-z0-9-]*`, 128)
	}
}

func TestValidConfigurationsHaveValidNames(t *testing.T) {
	var names []string
	for _, r := range regionTable() {
		names = append(names, r.name)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			Name:         rapid.StringMatching(`[a-z][a-z0-9-]{0,45}`).Draw(t, "name"),
			Regions:      rapid.SliceOfNDistinct(rapid.SampledFrom(names), 2, 6, rapid.ID).Draw(t, "regions"),
			OptInRegions: true,
		}
		if rapid.Bool().Draw(t, "one partition") {
			c.Regions = []string{"us-east-1", "ap-southeast-1"}
		}
		if c.Validate() == nil {
			checkNames(t, c)
		}
	})
}

func TestLongestNameIsAccepted(t *testing.T) {
	for _, r := range regionTable() {
		c := Config{Regions: []string{r.name}}
		c.Name = strings.Repeat("m", c.longestName())
		if err := c.validateName(); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		c.Name += "m"
		if err := c.validateName(); err == nil {
			t.Errorf("%s: a name of %d characters is accepted, want an error", r.name, len(c.Name))
		}
	}
}

// wantBeginning checks an error of a field by how its one line begins after the name
// of the context key; nothing wants no error.
func wantBeginning(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %q, want no error", err)
	case want != "" && (err == nil || !strings.HasPrefix(err.Error(), "s3fanout."+want) || strings.ContainsAny(err.Error(), "\n\x1b")):
		t.Errorf("got  %v\nwant s3fanout.%s… on one line", err, want)
	}
}
