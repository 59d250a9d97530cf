package replicaset

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExclude(t *testing.T) {
	c := media()
	c.Filters = []Filter{{Prefix: "in/"}, {Prefix: "raw/"}}
	c.Exclude = Exclusions{{Prefix: "in/tmp/"}, {Prefix: "raw/", Suffix: ".part"}, {Suffix: "~"}}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{
		"in/a": true, "in/tmp/a": false, "in/tmp": true, "in/tmp/": false, "raw/a.part": false, "in/a.part": true, "in/a~": false,
		"raw/a.part/b": true, "out/a": false, "raw/.part": false,
	} {
		if got := c.Matches(key); got != want {
			t.Errorf("%q is copied: %t, want %t", key, got, want)
		}
	}
	for _, tt := range []struct{ prefix, want string }{
		{"", "in/ raw/"},
		{"in/tmp/", ""},
		{"in/tmp/deep/", ""},
		{"in/t", "in/t"},
		{"raw/", "raw/"}, // the rest of raw/ is copied
	} {
		var got []string
		for _, f := range c.Narrow(tt.prefix) {
			got = append(got, f.Prefix)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("Narrow(%q) = %v, want %s", tt.prefix, got, tt.want)
		}
	}
}

func TestDroppedPrefix(t *testing.T) {
	for _, tt := range []struct {
		exclude Exclusions
		want    string
	}{
		{nil, ""},
		{Exclusions{{Prefix: "tmp/"}}, "tmp/"},
		{Exclusions{{Suffix: ".part"}, {Prefix: "a/", Suffix: ".x"}, {Prefix: "tmp/"}, {Prefix: "b/"}}, "tmp/"},
		// Encoded, these are other text, or nobody says which.
		{Exclusions{{Prefix: "a b/"}, {Prefix: "ä/"}, {Prefix: "a+b/"}, {Prefix: "it's/"}, {Prefix: "(1)/"}, {Prefix: "~tmp/"}}, ""},
	} {
		if got := (Config{Exclude: tt.exclude}).DroppedPrefix(); got != tt.want {
			t.Errorf("of %v %q is dropped, want %q", tt.exclude, got, tt.want)
		}
	}
}

func TestValidateExclude(t *testing.T) {
	exclude := func(list ...Exclusion) func(*Config) { return func(c *Config) { c.Exclude = list } }
	for _, tt := range []struct {
		what   string
		change func(*Config)
		want   string
	}{
		{"a prefix and a suffix", exclude(Exclusion{Prefix: "tmp/"}, Exclusion{Suffix: ".part"}), ""},
		{"both of one", exclude(Exclusion{Prefix: "tmp/", Suffix: ".part"}), ""},
		{"nothing", exclude(Exclusion{Prefix: "tmp/"}, Exclusion{}),
			"exclude[1]: neither prefix nor suffix is given; give one, or leave the entry out"},
		{"wildcard", exclude(Exclusion{Suffix: "*.tmp"}),
			`exclude[0].suffix: "*.tmp" has a "*", which is not a wildcard here; leave it out, because a suffix needs none`},
		{"longer than a key", exclude(Exclusion{Prefix: strings.Repeat("k", 1025)}),
			"exclude[0].prefix: it is 1025 bytes long, a key has 1024 at most; use a shorter one"},
		{"twice", exclude(Exclusion{Prefix: "tmp/"}, Exclusion{Prefix: "tmp/"}),
			`exclude[1]: exclude[0] leaves out all keys with prefix "tmp/" already; remove one`},
		{"narrower after", exclude(Exclusion{Prefix: "tmp/"}, Exclusion{Prefix: "tmp/a/", Suffix: ".x"}),
			`exclude[1]: exclude[0] leaves out all keys with prefix "tmp/a/" with suffix ".x" already; remove one`},
		{"narrower before", exclude(Exclusion{Prefix: "tmp/a/"}, Exclusion{Prefix: "tmp/"}),
			`exclude[0]: exclude[1] leaves out all keys with prefix "tmp/a/" already; remove one`},
		{"all of a filter", func(c *Config) {
			c.Filters, c.Exclude = []Filter{{Prefix: "in/"}, {Prefix: "tmp/a/"}}, Exclusions{{Prefix: "tmp/"}}
		}, `exclude[0]: it leaves out every key that filters[1] chooses, those with prefix "tmp/a/"; remove one of the two`},
		{"some of a filter", func(c *Config) {
			c.Filters, c.Exclude = []Filter{{Prefix: "in/"}}, Exclusions{{Prefix: "in/tmp/"}, {Suffix: ".part"}}
		}, ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			got := ""
			if err := set(tt.change).Validate(); err != nil {
				got = strings.TrimPrefix(err.Error(), "s3fanout.")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Narrow chooses every key that Matches and none that is not Chosen, whatever is
// excluded.
func TestNarrowLosesNoKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab]{0,2}`)
		var c Config
		for range rapid.IntRange(0, 2).Draw(t, "filters") {
			c.Filters = append(c.Filters, Filter{Prefix: text.Draw(t, "prefix"), Suffix: text.Draw(t, "suffix")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "exclusions") {
			c.Exclude = append(c.Exclude, Exclusion{Prefix: text.Draw(t, "prefix"), Suffix: text.Draw(t, "suffix")})
		}
		prefix, key := text.Draw(t, "asked for"), rapid.StringMatching(`[ab]{0,5}`).Draw(t, "key")
		chosen := Config{Filters: c.Narrow(prefix)}
		narrowed := len(chosen.Filters) > 0 && chosen.Chosen(key)
		if c.Matches(key) && strings.HasPrefix(key, prefix) && !narrowed {
			t.Errorf("%q is copied, and %v leave it out of %q", key, chosen.Filters, prefix)
		}
		if narrowed && (!c.Chosen(key) || !strings.HasPrefix(key, prefix)) {
			t.Errorf("%q is chosen by %v of %q, and not by %v", key, chosen.Filters, prefix, c.Filters)
		}
	})
}
