package awsapi

import (
	"errors"
	"slices"
	"strings"
)

// shared is one failure that several Regions have in common, such as wrong
// credentials: it is said once.
type shared struct {
	regions  []string
	failures []error
	text     string
}

func (s *shared) Error() string {
	if len(s.regions) == 1 {
		return "region " + s.regions[0] + ": " + s.text
	}
	return "regions " + strings.Join(s.regions, ", ") + ": " + s.text
}

func (s *shared) Unwrap() []error { return s.failures }

// Join joins errors, each text once, and each text of several Regions once
// with all of them. The order is that of the first of each.
func Join(errs []error) error {
	var joined []error
	groups := map[string]*shared{} // by text
	seen := map[string]bool{}
	for _, err := range errs {
		if err == nil || seen[err.Error()] {
			continue
		}
		seen[err.Error()] = true
		var f *Failure
		if !errors.As(err, &f) || f.Error() != err.Error() {
			joined = append(joined, err)
			continue
		}
		g := groups[f.text]
		if g == nil {
			g = &shared{text: f.text}
			groups[f.text] = g
			joined = append(joined, g)
		}
		if !slices.Contains(g.regions, f.region) {
			g.regions = append(g.regions, f.region)
		}
		g.failures = append(g.failures, err)
	}
	return errors.Join(joined...)
}
