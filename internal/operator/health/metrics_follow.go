package health

import (
	"strings"

	"s3fanout/internal/replicaset"
)

// Followed counts what a Region's function did in the last hour because changes
// are followed. A nil value means that CloudWatch has no data, or that such changes
// are not followed.
type Followed struct {
	Replaced   *float64 // replicas made over others, which stay as noncurrent versions
	Superseded *float64 // events that came too late: the Region has a later write
	Deleted    *float64 // delete markers made
	Retagged   *float64 // replicas that got other tags
	Waited     *float64 // invocations that waited for a later second of S3's clock
}

// followedMetrics are the metrics that a set has whose changes travel so.
func followedMetrics(f replicaset.Follow) []string {
	if !f.Any() {
		return nil
	}
	names := []string{"Replaced", "Superseded", "Waited"}
	if f.Deletions {
		names = append(names, "Deleted")
	}
	if f.Tags {
		names = append(names, "Retagged")
	}
	return names
}

// addFollowed asks for them.
func (q *queries) addFollowed(set, region string, window int32, f replicaset.Follow) {
	q.followed = followedMetrics(f)
	for _, name := range q.followed {
		q.add(strings.ToLower(name), "s3fanout", name, "Sum", window, [2]string{"ReplicaSet", set}, [2]string{"TargetRegion", region})
	}
}

// followedFigures reads the answers, nil if nothing is followed.
func (q queries) followedFigures(values map[string][]float64) *Followed {
	if q.followed == nil {
		return nil
	}
	sum := func(name string) *float64 { return total(values[strings.ToLower(name)]) }
	return &Followed{
		Replaced:   sum("Replaced"),
		Superseded: sum("Superseded"),
		Waited:     sum("Waited"),
		Deleted:    sum("Deleted"),
		Retagged:   sum("Retagged"),
	}
}
