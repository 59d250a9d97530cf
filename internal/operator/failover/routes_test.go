package failover

import (
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// routesOf are routes of three Regions; "1" is active.
func routesOf(dials string) []Route {
	var routes []Route
	for i, region := range []string{"ap-northeast-1", "eu-west-1", "us-east-1"} {
		routes = append(routes, Route{Region: region, Bucket: "b-" + region, Active: dials[i] == '1'})
	}
	return routes
}

func TestNewRoutes(t *testing.T) {
	const to, away = "to", "away"
	for _, c := range []struct {
		before, how, regions string
		after, refused       string
		gaining              string
	}{
		{"111", away, "eu-west-1", "101", "", "ap-northeast-1,us-east-1"},
		{"111", away, "eu-west-1,us-east-1", "100", "", "ap-northeast-1"},
		{"101", away, "eu-west-1", "101", "", ""},
		{"101", to, "eu-west-1", "010", "", "eu-west-1"},
		{"101", to, "eu-west-1,us-east-1,ap-northeast-1", "111", "", "eu-west-1"},
		{"110", to, "ap-northeast-1,us-east-1", "101", "", "ap-northeast-1,us-east-1"},
		{"111", to, "", "", "no Region would be active", ""},
		{"111", to, "us-west-2", "", `no bucket in "us-west-2"; it has ap-northeast-1, eu-west-1, us-east-1`, ""},
		{"111", away, "us-west-2", "", `no bucket in "us-west-2"`, ""},
		{"111", away, "eu-west-1,us-east-1,ap-northeast-1", "", "leave one of", ""},
		{"100", away, "ap-northeast-1", "", "--to eu-west-1,us-east-1", ""},
	} {
		var regions []string
		if c.regions != "" {
			regions = strings.Split(c.regions, ",")
		}
		f := To
		if c.how == away {
			f = AwayFrom
		}
		before := routesOf(c.before)
		after, err := f(before, regions)
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s %s %s: %v, want %q", c.before, c.how, c.regions, err, c.refused)
			}
			continue
		}
		if err != nil || !slices.Equal(after, routesOf(c.after)) || !slices.Equal(before, routesOf(c.before)) {
			t.Errorf("%s %s %s: %v, %v, want %s", c.before, c.how, c.regions, after, err, c.after)
			continue
		}
		// Where one becomes passive, readers may be moved to any that is active.
		if got := strings.Join(Gaining(before, after), ","); got != c.gaining {
			t.Errorf("%s %s %s: %q gain readers, want %q", c.before, c.how, c.regions, got, c.gaining)
		}
		for _, r := range Changes(before, after) {
			if slices.Contains(before, r) {
				t.Errorf("%s %s %s: %v is no change", c.before, c.how, c.regions, r)
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

// Readers are not moved to a Region that lacks something, does not answer, or of which
// that is not known, nor away from dead letters, which may be
// for the others; what is just on its way in a set that is in use is no reason.
func TestRisks(t *testing.T) {
	well := func(region string) Figures {
		return Figures{Region: region, DeadLetters: ptr(0), Waiting: ptr(int64(0))}
	}
	for name, c := range map[string]struct {
		change  func(*Figures)
		want    string
		leaving string // of the Region that readers leave
	}{
		"all is well":             {func(*Figures) {}, "", ""},
		"nothing within a day":    {func(f *Figures) { f.Waiting = nil }, "", ""},
		"ordinary traffic":        {func(f *Figures) { f.Waiting, f.Oldest = ptr(int64(40)), ptr(2*time.Second) }, "", ""},
		"an old one that is done": {func(f *Figures) { f.Oldest = ptr(time.Hour) }, "", ""},
		"dead letters": {func(f *Figures) { f.DeadLetters = ptr(3) }, "eu-west-1: dead letters: 3; redrive them first",
			// In an outage they are copies into the Region that is down: they cannot be redriven, and need not.
			"eu-west-1: dead letters: 3; only those of kind subscription-dlq matter to readers elsewhere; see them: " +
				"s3fanout redrive --dry-run --region eu-west-1; if there are none, --accept-missing",
		},
		"the oldest waits": {func(f *Figures) { f.Waiting, f.Oldest = ptr(int64(2)), ptr(61*time.Second) },
			"eu-west-1: about 2 events wait for its function, the oldest for 1m1s", ""},
		"some wait for long": {func(f *Figures) { f.Waiting, f.Oldest, f.Overdue = ptr(int64(9)), ptr(time.Second), 4 },
			"eu-west-1: about 9 events wait for its function, 4 of them for more than 5 minutes", ""},
		"nothing is invoked": {func(f *Figures) { f.Waiting = ptr(int64(5)) },
			"eu-west-1: about 5 events wait for its function, which nothing has invoked lately", ""},
		"its bucket is away": {func(f *Figures) { f.Away = "why" }, "eu-west-1: its bucket does not answer: why", ""},
		"nothing is known": {func(f *Figures) { f.DeadLetters, f.Unknown = nil, []string{"not known"} },
			"eu-west-1: not known", ""},
		"its queue is unknown": {func(f *Figures) { f.DeadLetters, f.LettersUnknown = nil, "no answer" },
			"eu-west-1: its dead letters are not known: no answer", "eu-west-1: its dead letters are not known: no answer"},
		"lag that cannot be asked": {func(f *Figures) { f.Unmeasured = []string{"no"} }, "", ""},
	} {
		f := well("eu-west-1")
		c.change(&f)
		figures := []Figures{well("us-east-1"), f, well("ap-northeast-1")}
		if got := Sentence(Risks(routesOf("101"), routesOf("010"), figures)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := Sentence(Risks(routesOf("111"), routesOf("101"), figures)); got != c.leaving {
			t.Errorf("%s: %q, of the Region that readers leave, want %q", name, got, c.leaving)
		}
		if got := Sentence(Risks(routesOf("111"), routesOf("110"), figures)); got != c.want {
			t.Errorf("%s, one of two that stay active: %q, want %q", name, got, c.want)
		}
	}
	full := well("us-east-1")
	full.DeadLetters = ptr(1)
	if got := Risks(routesOf("111"), routesOf("111"), []Figures{full}); len(got) != 0 {
		t.Errorf("%v, and no reader moves", got)
	}
	if got := Sentence(
		Risks(routesOf("101"), routesOf("111"), nil),
	); got != "eu-west-1: it is not in cdk.json, and nothing may be copied to it any more" {
		t.Errorf("a Region that left: %q", got)
	}
}
