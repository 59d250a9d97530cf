package replicaset

import (
	"slices"
	"strings"
)

// regionInfo is what the rules need to know of a Region.
type regionInfo struct {
	name      string
	partition string
	optIn     bool
}

// regionTable lists AWS's Regions, sorted by name. Names and partitions are
// those of the AWS SDK's endpoint rules (partitions.json). A Region of the
// partition "aws" is opt-in if it was launched after 20 March 2019:
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
// Other partitions have no opt-in Regions.
func regionTable() []regionInfo {
	return []regionInfo{
		{"af-south-1", "aws", true},
		{"ap-east-1", "aws", true},
		{"ap-east-2", "aws", true},
		{"ap-northeast-1", "aws", false},
		{"ap-northeast-2", "aws", false},
		{"ap-northeast-3", "aws", false},
		{"ap-south-1", "aws", false},
		{"ap-south-2", "aws", true},
		{"ap-southeast-1", "aws", false},
		{"ap-southeast-2", "aws", false},
		{"ap-southeast-3", "aws", true},
		{"ap-southeast-4", "aws", true},
		{"ap-southeast-5", "aws", true},
		{"ap-southeast-6", "aws", true},
		{"ap-southeast-7", "aws", true},
		{"ca-central-1", "aws", false},
		{"ca-west-1", "aws", true},
		{"cn-north-1", "aws-cn", false},
		{"cn-northwest-1", "aws-cn", false},
		{"eu-central-1", "aws", false},
		{"eu-central-2", "aws", true},
		{"eu-isoe-west-1", "aws-iso-e", false},
		{"eu-north-1", "aws", false},
		{"eu-south-1", "aws", true},
		{"eu-south-2", "aws", true},
		{"eu-west-1", "aws", false},
		{"eu-west-2", "aws", false},
		{"eu-west-3", "aws", false},
		{"eusc-de-east-1", "aws-eusc", false},
		{"il-central-1", "aws", true},
		{"me-central-1", "aws", true},
		{"me-south-1", "aws", true},
		{"mx-central-1", "aws", true},
		{"sa-east-1", "aws", false},
		{"us-east-1", "aws", false},
		{"us-east-2", "aws", false},
		{"us-gov-east-1", "aws-us-gov", false},
		{"us-gov-west-1", "aws-us-gov", false},
		{"us-iso-east-1", "aws-iso", false},
		{"us-iso-west-1", "aws-iso", false},
		{"us-isob-east-1", "aws-iso-b", false},
		{"us-isob-west-1", "aws-iso-b", false},
		{"us-isof-east-1", "aws-iso-f", false},
		{"us-isof-south-1", "aws-iso-f", false},
		{"us-west-1", "aws", false},
		{"us-west-2", "aws", false},
	}
}

func lookUp(region string) (regionInfo, bool) {
	table := regionTable()
	i, ok := slices.BinarySearchFunc(table, region, func(r regionInfo, name string) int {
		return strings.Compare(r.name, name)
	})
	if !ok {
		return regionInfo{}, false
	}
	return table[i], true
}

// Partition returns the partition that region belongs to, such as "aws" or
// "aws-cn", and "" for a Region that does not exist.
func Partition(region string) string {
	info, _ := lookUp(region)
	return info.partition
}

// OptIn reports whether region has to be enabled in an account before it can
// be used. It is false for a Region that does not exist.
func OptIn(region string) bool {
	info, _ := lookUp(region)
	return info.optIn
}

// SNSPrincipal returns the service principal as which a topic in topicRegion
// invokes a function in functionRegion. A permission for any other principal
// makes SNS drop deliveries without a word. Where an opt-in Region takes part,
// the principal is that Region's own, and the function's Region goes before
// the topic's:
// https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html
//
// Another page, https://docs.aws.amazon.com/sns/latest/dg/lambda-prereq.html,
// calls delivery to functions in opt-in Regions unsupported. That is why
// Validate refuses opt-in Regions unless the configuration asks for them.
func SNSPrincipal(topicRegion, functionRegion string) string {
	switch {
	case OptIn(functionRegion):
		return "sns." + functionRegion + ".amazonaws.com"
	case OptIn(topicRegion):
		return "sns." + topicRegion + ".amazonaws.com"
	default:
		return "sns.amazonaws.com"
	}
}

// nearest returns the Regions whose names are closest to name, at most three,
// and none if nothing is close.
func nearest(name string) []string {
	const tooFar = 4
	best, found := tooFar, []string(nil)
	for _, r := range regionTable() {
		switch d := distance(strings.ToLower(strings.TrimSpace(name)), r.name); {
		case d < best:
			best, found = d, []string{r.name}
		case d == best && best < tooFar:
			found = append(found, r.name)
		}
	}
	return found[:min(len(found), 3)]
}

// distance is the Levenshtein distance of a and b in bytes. The work is
// bounded by the caller's choice of b and a cut of a.
func distance(a, b string) int {
	const longest = 32
	if len(a) > longest {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
