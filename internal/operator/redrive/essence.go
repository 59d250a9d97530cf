package redrive

import "strings"

// Essence leaves out of a reason for display that one of one records of a
// message failed. Nearly every letter has one record, and the words would
// stand in front of what matters.
func Essence(reason string) string {
	return strings.Replace(reason, "1 of 1 failed: ", "", 1)
}
