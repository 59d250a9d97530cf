package explain

import (
	"time"

	"s3fanout/internal/operator/audit"
)

// Made are the versions and delete markers that the Regions were seen to have, for the
// audit trail to say who made them.
func Made(f Facts) []audit.Version {
	var list []audit.Version
	for _, r := range f.Regions {
		for _, v := range r.Versions {
			list = append(list, audit.Version{Region: r.Region, ID: v.VersionID, Marker: v.Marker, Made: v.Modified})
		}
	}
	return list
}

// sinceWhen is when the first of the versions was made; zero if there is none, or if a
// Region has older ones that were not asked for.
func sinceWhen(f Facts) (first time.Time) {
	for _, v := range Made(f) {
		if first.IsZero() || v.Made.Before(first) {
			first = v.Made
		}
	}
	for _, r := range f.Regions {
		if r.MoreVersions {
			return time.Time{}
		}
	}
	return first
}
