package template

import (
	"slices"
	"strings"
)

// sortByDependency returns the names so that each comes after those that it
// depends on. It goes through them in the given order and takes, before each,
// only what that one needs; so the first name comes as early as it can. If
// names depend on each other in a circle, it returns the circle instead, with
// its first name at both ends.
func sortByDependency(names []string, dependencies func(string) []string) (sorted, cycle []string) {
	const (
		underWay = 1
		done     = 2
	)
	state := map[string]int{}
	var path []string
	var visit func(string) bool
	visit = func(name string) bool {
		switch state[name] {
		case done:
			return true
		case underWay:
			cycle = append(slices.Clone(path[slices.Index(path, name):]), name)
			return false
		}
		state[name] = underWay
		path = append(path, name)
		for _, d := range dependencies(name) {
			if !visit(d) {
				return false
			}
		}
		path = path[:len(path)-1]
		state[name] = done
		sorted = append(sorted, name)
		return true
	}
	for _, name := range names {
		if !visit(name) {
			return nil, cycle
		}
	}
	return sorted, nil
}

// rank puts resources in an order that is as unkind as the template allows:
// what needs others that it does not refer to comes first, and what gives
// permissions last.
func rank(resourceType string) int {
	switch {
	case resourceType == "AWS::S3::Bucket": // needs its topic's policy
		return 0
	case resourceType == "AWS::Lambda::EventInvokeConfig", // needs the role's permission
		resourceType == "AWS::CloudFormation::CustomResource", strings.HasPrefix(resourceType, "Custom::"): // so does its function
		return 1
	case strings.HasSuffix(resourceType, "Policy"), resourceType == "AWS::Lambda::Permission":
		return 3
	}
	return 2
}

// order returns the logical ids of a template's resources in the order of creation.
func (p *parsed) order() (sorted, cycle []string) {
	names := make([]string, 0, len(p.resources))
	for name := range p.resources {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if ra, rb := rank(p.resources[a].Type), rank(p.resources[b].Type); ra != rb {
			return ra - rb
		}
		return strings.Compare(a, b)
	})
	return sortByDependency(names, func(name string) []string { return p.resources[name].dependencies })
}
