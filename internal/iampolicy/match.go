package iampolicy

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// match says whether a text matches a pattern in which * stands for any
// characters, none included, and ? for exactly one. It takes time in the order
// of len(pattern) × len(s) at most.
func match(pattern, s string) bool {
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

func matchFold(pattern, s string) bool { return match(strings.ToLower(pattern), strings.ToLower(s)) }

// intersect says whether there is a text that matches both patterns.
func intersect(a, b string) bool {
	p, q := []rune(a), []rune(b)
	// reach[j] says whether p's first i characters and q's first j can be the same text.
	reach := make([]bool, len(q)+1)
	for i := 0; i <= len(p); i++ {
		next := make([]bool, len(q)+1)
		for j := range next {
			above, left, both := i > 0 && reach[j], j > 0 && next[j-1], i > 0 && j > 0 && reach[j-1]
			switch {
			case i == 0 && j == 0:
				next[j] = true
			// A * stands for nothing, or for what the other pattern has next.
			case i > 0 && p[i-1] == '*':
				next[j] = above || left
			case j > 0 && q[j-1] == '*':
				next[j] = left || above
			default:
				next[j] = both && (p[i-1] == '?' || q[j-1] == '?' || p[i-1] == q[j-1])
			}
		}
		reach = next
	}
	return reach[len(q)]
}

// arnParts is the number of an ARN's colon-separated parts; the last may hold
// colons. A pattern has as many, and need not be an ARN.
const arnParts = 6

// ParseARN reads an ARN, which has at least a partition, a service and a
// resource.
func ParseARN(s string) (arn.ARN, bool) {
	a, err := arn.Parse(s)
	return a, err == nil && a.Partition != "" && a.Service != "" && a.Resource != ""
}

// matchARN matches an ARN against a pattern part by part: a wildcard does not
// reach over a colon between the six parts.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN)
func matchARN(pattern, arn string) bool {
	if _, is := ParseARN(arn); !is {
		return false
	}
	p, a := strings.SplitN(pattern, ":", arnParts), strings.SplitN(arn, ":", arnParts)
	if len(p) != arnParts {
		return false
	}
	for i := range p {
		if !match(p[i], a[i]) {
			return false
		}
	}
	return true
}
