package main

import "testing"

func TestKnowsEndpoint(t *testing.T) {
	for version, want := range map[string]bool{
		"1.28.9": false, "1.29.0": true, "1.45.11": true, "2.9.19": false, "2.12.7": false, "2.13.0": true, "3.0.0": true, "": false,
		"new": false,
	} {
		if got := knowsEndpoint(version); got != want {
			t.Errorf("%q: got %t, want %t", version, got, want)
		}
	}
}
