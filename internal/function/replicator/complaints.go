package replicator

import "log/slog"

// maxComplaints is how many parts of one invocation that are not understood
// have a line of the log each.
const maxComplaints = 10

// complaints logs what is not understood of one invocation: the first parts
// with a line each, and of the others how many there are. What somebody else
// writes into a message must not fill the log, which is paid for.
type complaints struct {
	log  *slog.Logger
	text string // of each line
	n    int
}

func (c *complaints) add(err error, attributes ...any) {
	if c.n++; c.n <= maxComplaints {
		c.log.Error(c.text, append(attributes, "error", err.Error())...)
	}
}

// end logs how many parts had no line.
func (c *complaints) end() {
	if more := c.n - maxComplaints; more > 0 {
		c.log.Error(c.text, "more", more)
	}
}
