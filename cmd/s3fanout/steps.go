package main

import (
	"regexp"
	"strings"
)

// commandStart is how a step that can be pasted into a shell begins.
var commandStart = regexp.MustCompile(`(^|: )((?:s3fanout|aws|npx cdk) [a-z0-9-]+)`)

// stepsOf takes a fix apart into its steps, and the words before a command from
// the command, which then stands in a line of its own and can be copied whole.
func stepsOf(fix string) []string {
	var steps []string
	for _, step := range strings.Split(fix, "; ") {
		for {
			at := commandStart.FindStringSubmatchIndex(step)
			if at == nil || at[4] == 0 {
				break
			}
			steps, step = append(steps, step[:at[4]-1]), step[at[4]:]
		}
		// A command that follows at once needs no "then".
		if rest, ok := strings.CutPrefix(step, "then "); ok && isCommand(rest) {
			step = rest
		}
		steps = append(steps, step)
	}
	return steps
}

// isCommand says whether a step is a command.
func isCommand(step string) bool {
	at := commandStart.FindStringSubmatchIndex(step)
	return at != nil && at[4] == 0
}
