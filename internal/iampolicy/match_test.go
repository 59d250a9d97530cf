package iampolicy

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"a*", "a", true}, {"*b", "aab", true}, {"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false}, {"?", "a", true}, {"?", "", false}, {"a/*", "a/*", true}, {"a/?", "a/*", true}, {"a", "A", false},
	} {
		if got := match(c.pattern, c.s); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.s, got)
		}
	}
}

// naive is the definition of wildcards, without care for time.
func naive(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return naive(p[1:], s) || (len(s) > 0 && naive(p, s[1:]))
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && naive(p[1:], s[1:])
}

func TestMatchIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?é")), 0, 8, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abé*")), 0, 10, -1).Draw(t, "text")
		if got, want := match(p, s), naive([]rune(p), []rune(s)); got != want {
			t.Errorf("match(%q, %q) = %v, want %v", p, s, got, want)
		}
	})
}

func TestMatchIsQuick(t *testing.T) {
	start := time.Now()
	if match(strings.Repeat("a*", 500)+"b", strings.Repeat("a", 5000)) {
		t.Error("matched")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

// Two patterns intersect if one of all the short texts matches both: of two
// with n characters each, the shortest such text has at most 2n.
func TestIntersectIsItsDefinition(t *testing.T) {
	const n = 3
	var texts []string
	for last := []string{""}; len(last[0]) <= 2*n; {
		texts = append(texts, last...)
		var longer []string
		for _, s := range last {
			longer = append(longer, s+"a", s+"b")
		}
		last = longer
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?")), 0, n, -1)
		p, q := pattern.Draw(t, "p"), pattern.Draw(t, "q")
		want := false
		for _, s := range texts {
			want = want || match(p, s) && match(q, s)
		}
		if got := intersect(p, q); got != want {
			t.Errorf("intersect(%q, %q) = %v, want %v", p, q, got, want)
		}
	})
}
