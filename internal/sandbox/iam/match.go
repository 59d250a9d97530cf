package iam

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// wildcard matches s against a pattern in which * stands for any characters,
// none included, and ? for exactly one. It takes time in the order of
// len(pattern) × len(s) at most.
func wildcard(pattern, s string) bool {
	p, t := []rune(pattern), []rune(s)
	star, mark := -1, 0 // the last * and where its text ends
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0: // let the last * take one more
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// arnParts is the number of an ARN's colon-separated parts; the last may hold
// colons. A pattern has as many, and need not be an ARN.
const arnParts = 6

func parseARN(s string) (arn.ARN, bool) {
	a, err := arn.Parse(s)
	return a, err == nil && a.Partition != "" && a.Service != "" && a.Resource != ""
}

func isARN(s string) bool {
	_, is := parseARN(s)
	return is
}

// matchARN matches an ARN against a pattern part by part: a wildcard does not
// reach over a colon between the six parts.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN)
func matchARN(pattern, arn string) bool {
	if !isARN(arn) {
		return false
	}
	p, a := strings.SplitN(pattern, ":", arnParts), strings.SplitN(arn, ":", arnParts)
	if len(p) != arnParts {
		return false
	}
	for i := range p {
		if !wildcard(p[i], a[i]) {
			return false
		}
	}
	return true
}
