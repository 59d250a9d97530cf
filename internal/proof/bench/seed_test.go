package main

import (
	"slices"
	"testing"
)

// Who meets a slower network than the others of its round loses by chance.
func TestContestantsOfARoundMeetTheSameNetwork(t *testing.T) {
	e := env{function: "f", network: "aws"}
	seed := func(round int, templates string) string {
		args := worldArgs(e, "d", templates, round)
		i := slices.Index(args, "--seed")
		if i < 0 || i+1 == len(args) || args[i+1] == "0" {
			t.Fatalf("%q has no seed", args)
		}
		return args[i+1]
	}
	if seed(0, "") != seed(0, "t") || seed(0, "") == seed(1, "") {
		t.Errorf("rounds 0 and 1 have the seeds %s, %s and %s", seed(0, ""), seed(0, "t"), seed(1, ""))
	}
}
