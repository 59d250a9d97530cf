// Package failover shifts the traffic of a Multi-Region Access Point between the
// Regions of a replica set.
//
// Deciding takes and returns values: To and AwayFrom say which Regions are to be
// active, Risks what readers would miss if they were. Control asks S3 about the routes
// and changes them, Looker asks the Regions how far they are, and Drill shifts, watches
// and shifts back. Nothing is changed but routes, and no object is written.
//
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MrapFailover.html)
package failover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Route is a bucket of an access point. S3 sends requests to active ones alone.
type Route struct {
	Region, Bucket string
	Active         bool
}

// inOrder sorts routes as the set has its Regions, and others behind them by name.
func inOrder(routes []Route, order []string) []Route {
	place := func(r Route) int {
		if i := slices.Index(order, r.Region); i >= 0 {
			return i
		}
		return len(order)
	}
	return slices.SortedFunc(slices.Values(routes), func(a, b Route) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Region, b.Region))
	})
}

// To returns the routes with these Regions active and all others passive. Each Region
// has to be one of the access point's, and one at least has to be given.
func To(routes []Route, regions []string) ([]Route, error) {
	if len(regions) == 0 {
		return nil, fmt.Errorf("no Region would be active; name one of %s", strings.Join(regionsOf(routes), ", "))
	}
	if err := known(routes, regions); err != nil {
		return nil, err
	}
	after := slices.Clone(routes)
	for i := range after {
		after[i].Active = slices.Contains(regions, after[i].Region)
	}
	return after, nil
}

// AwayFrom returns the routes with these Regions passive and the others as they are.
// One at least has to stay active, as S3 demands.
func AwayFrom(routes []Route, regions []string) ([]Route, error) {
	if err := known(routes, regions); err != nil {
		return nil, err
	}
	after := slices.Clone(routes)
	for i := range after {
		after[i].Active = after[i].Active && !slices.Contains(regions, after[i].Region)
	}
	if len(Active(after)) > 0 {
		return after, nil
	}
	passive := slices.DeleteFunc(regionsOf(routes), func(region string) bool { return slices.Contains(regions, region) })
	if len(passive) == 0 {
		return nil, fmt.Errorf("no Region would be active; leave one of %s", strings.Join(regionsOf(routes), ", "))
	}
	return nil, fmt.Errorf("no Region would be active; make a passive one active instead: --to %s", strings.Join(passive, ","))
}

// known refuses Regions that the access point does not have.
func known(routes []Route, regions []string) error {
	for _, region := range regions {
		if !slices.Contains(regionsOf(routes), region) {
			return fmt.Errorf("the access point has no bucket in %q; it has %s", region, strings.Join(regionsOf(routes), ", "))
		}
	}
	return nil
}

// Changes are the routes of after that are not as they were before, which has the
// same Regions.
func Changes(before, after []Route) []Route {
	var changed []Route
	for i, r := range after {
		if r.Active != before[i].Active {
			changed = append(changed, r)
		}
	}
	return changed
}

// Active are the Regions that requests are sent to.
func Active(routes []Route) []string {
	var regions []string
	for _, r := range routes {
		if r.Active {
			regions = append(regions, r.Region)
		}
	}
	return regions
}

func regionsOf(routes []Route) []string {
	regions := make([]string, len(routes))
	for i, r := range routes {
		regions[i] = r.Region
	}
	return regions
}

// Gaining are the Regions that readers may be moved to: those that become active, and
// where one becomes passive all that are active, as S3 chooses among them.
func Gaining(before, after []Route) []string {
	var gaining []string
	for i, r := range after {
		if r.Active && !before[i].Active {
			gaining = append(gaining, r.Region)
		}
	}
	if len(gaining) < len(Changes(before, after)) {
		return Active(after)
	}
	return gaining
}
