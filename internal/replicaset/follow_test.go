package replicaset

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestValidateFollow(t *testing.T) {
	deletions := Follow{Overwrites: true, Deletions: true}
	everything := Follow{Overwrites: true, Deletions: true, Tags: true}
	many := func(n int) []Filter {
		var list []Filter
		for i := range n {
			list = append(list, Filter{Prefix: fmt.Sprintf("%03d/", i)})
		}
		return list
	}
	for _, tt := range []struct {
		name    string
		follow  Follow
		filters []Filter
		want    string // the beginning of the message, "" for none
	}{
		{"nothing", Follow{}, nil, ""},
		{"overwrites", Follow{Overwrites: true}, nil, ""},
		{"everything", everything, nil, ""},
		{"deletions alone", Follow{Deletions: true}, nil,
			`s3fanout.follow: deletions cannot be followed without overwrites; add "overwrites"`},
		{"tags alone", Follow{Tags: true}, nil, `s3fanout.follow: tags cannot be followed without overwrites; add "overwrites"`},
		{"a filter with less", everything, []Filter{{Prefix: "a/"}, {Prefix: "b/", OwnFollow: true}}, ""},
		{"a filter with more", Follow{}, []Filter{{Prefix: "a/", OwnFollow: true, Follow: deletions}}, ""},
		{"a filter without overwrites", everything,
			[]Filter{{Prefix: "a/"}, {Prefix: "b/", OwnFollow: true, Follow: Follow{Deletions: true, Tags: true}}},
			`s3fanout.filters[1].follow: deletions, tags cannot be followed without overwrites; add "overwrites"`},
		{"as many notifications as S3 takes", deletions, many(50), ""},
		{"more notifications than S3 takes", deletions, many(51),
			"s3fanout.filters: the 51 filters with deletions and tags make 102 notifications, S3 allows 100 for a bucket; " +
				"leave some out, " +
				"or follow less"},
		{"with tags besides", everything, many(34), "s3fanout.filters: the 34 filters with deletions and tags make 102 notifications"},
		{"overwrites need no more of them", Follow{Overwrites: true}, many(100), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := set(func(c *Config) { c.Follow, c.Filters = tt.follow, tt.filters }).Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got  %v\nwant %q…", err, tt.want)
			}
		})
	}
}

// What users copy is left out by what is announced: all other ways to make an object.
func TestCopiesByUsers(t *testing.T) {
	filters := func(n int) (list []Filter) {
		for i := range n {
			list = append(list, Filter{Prefix: fmt.Sprintf("%03d/", i)})
		}
		return list
	}
	for _, tt := range []struct {
		follow  Follow
		filters []Filter
		want    string
	}{
		{},
		{filters: filters(33)},
		{filters: filters(34), want: "s3fanout.filters: without copiesByUsers the 34 filters make 102 notifications, S3 allows 100 for a " +
			"bucket; leave some out, or set copiesByUsers"},
		{follow: Follow{Overwrites: true},
			want: "s3fanout.copiesByUsers: false with follow would lose changes, as new metadata and older " +
				"versions brought back are copies; leave one of them out"},
		{filters: []Filter{{Prefix: "a/", OwnFollow: true, Follow: Follow{Overwrites: true}}}, want: "s3fanout.copiesByUsers: " +
			"false with follow would lose changes, as new metadata and older versions brought back are copies; leave one of them out"},
	} {
		c := set(func(c *Config) { c.NoUserCopies, c.Follow, c.Filters = true, tt.follow, tt.filters })
		got := ""
		if err := c.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: got  %s\nwant %s", tt, got, tt.want)
		}
		want := []string{"s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:CompleteMultipartUpload"}
		if got := c.Events(Follow{}); !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
	}
}

func TestFollowFor(t *testing.T) {
	overwrites := Follow{Overwrites: true}
	deletions := Follow{Overwrites: true, Deletions: true}
	c := set(func(c *Config) {
		c.Follow = deletions
		c.Filters = []Filter{
			{Prefix: "films/"}, {Prefix: "logs/", OwnFollow: true}, {Prefix: "img/", Suffix: ".jpg", OwnFollow: true, Follow: overwrites},
		}
	})
	for key, want := range map[string]Follow{"films/a": deletions, "logs/a": {}, "img/a.jpg": overwrites, "img/a.png": deletions} {
		if got := c.FollowFor(key); got != want {
			t.Errorf("%q: got %v, want %v", key, got, want)
		}
	}
	for _, tt := range []struct {
		change func(*Config)
		want   Follow
	}{
		{func(*Config) {}, deletions},
		{func(c *Config) { c.Filters = nil }, deletions},
		{func(c *Config) { c.Filters = c.Filters[1:] }, overwrites}, // no key is left for the set's
		{func(c *Config) { c.Filters = c.Filters[1:2] }, Follow{}},
		{func(c *Config) { c.Follow = Follow{} }, overwrites},
	} {
		changed := c
		if tt.change(&changed); changed.FollowAny() != tt.want {
			t.Errorf("filters %v of a set that follows %v: got %v, want %v", changed.Filters, changed.Follow, changed.FollowAny(), tt.want)
		}
	}
}

// TestFollowIsReadAsItIsWritten has every value, in each of its forms.
func TestFollowIsReadAsItIsWritten(t *testing.T) {
	for _, f := range []Follow{
		{}, {Overwrites: true}, {Overwrites: true, Deletions: true}, {Overwrites: true, Tags: true},
		{Overwrites: true, Deletions: true, Tags: true},
	} {
		if got, err := DecodeFollow(f.Encode()); err != nil || got != f {
			t.Errorf("%q: got %v, %v, want %v", f.Encode(), got, err, f)
		}
		list := "[]"
		if f.Any() {
			list = `["` + strings.ReplaceAll(f.String(), ", ", `", "`) + `"]`
		}
		if got, err := Parse([]byte(`{"follow": ` + list + `}`)); err != nil || got.Follow != f {
			t.Errorf("%s: got %v, %v, want %v", list, got.Follow, err, f)
		}
	}
	for _, letters := range []string{"d", "t", "dt", "do", "oo", "x", "o d", "odtx"} {
		if got, err := DecodeFollow(letters); err == nil {
			t.Errorf("%q: got %v, want an error", letters, got)
		}
	}
}
