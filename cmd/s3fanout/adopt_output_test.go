package main

import (
	"testing"

	"s3fanout/internal/operator/health"
)

// adopt --check lists what to act on first, as doctor does, and not by Region.
func TestAdoptCheckListsByUrgency(t *testing.T) {
	d := adoptCheckForPeople(health.Facts{}, []health.Finding{
		{Region: "us-east-1", Severity: health.Note}, {Region: "us-east-1", Severity: health.Warning},
		{Region: "eu-west-1", Severity: health.Failed},
	})
	for i, want := range []health.Severity{health.Failed, health.Warning, health.Note} {
		if got := d.Findings[i].Severity; got != string(want) {
			t.Errorf("finding %d is a %s, want a %s", i+1, got, want)
		}
	}
}
