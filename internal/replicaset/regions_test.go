package replicaset

import (
	"slices"
	"strings"
	"testing"
)

func TestRegionTableIsSorted(t *testing.T) {
	// lookUp searches it by bisection.
	table := regionTable()
	if !slices.IsSortedFunc(table, func(a, b regionInfo) int { return strings.Compare(a.name, b.name) }) {
		t.Error("regionTable is not sorted by name")
	}
	for _, r := range table {
		if got, ok := lookUp(r.name); !ok || got != r {
			t.Errorf("lookUp(%q) = %v, %v, want %v", r.name, got, ok, r)
		}
	}
}

func TestPartition(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1":      "aws",
		"cn-northwest-1": "aws-cn",
		"us-gov-west-1":  "aws-us-gov",
		"eu-west-9":      "",
		"":               "",
	} {
		if got := Partition(region); got != want {
			t.Errorf("Partition(%q) = %q, want %q", region, got, want)
		}
	}
}

func TestSNSPrincipal(t *testing.T) {
	for _, tc := range []struct{ topic, function, want string }{
		{"us-east-1", "eu-west-1", "sns.amazonaws.com"},
		{"us-east-1", "eu-south-1", "sns.eu-south-1.amazonaws.com"},
		{"eu-south-1", "us-east-1", "sns.eu-south-1.amazonaws.com"},
		{"eu-south-1", "af-south-1", "sns.af-south-1.amazonaws.com"},
		{"cn-north-1", "cn-northwest-1", "sns.amazonaws.com"},
	} {
		if got := SNSPrincipal(tc.topic, tc.function); got != tc.want {
			t.Errorf("SNSPrincipal(%s, %s) = %q, want %q", tc.topic, tc.function, got, tc.want)
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string][]string{
		"eu-west-9":               {"eu-west-1", "eu-west-2", "eu-west-3"},
		"US-EAST-1":               {"us-east-1"},
		"ap-northeast1":           {"ap-northeast-1"},
		"":                        {},
		"somewhere":               {},
		strings.Repeat("x", 1000): {},
	} {
		if got := nearest(name); !slices.Equal(got, want) {
			t.Errorf("nearest(%q) = %v, want %v", name, got, want)
		}
	}
}
