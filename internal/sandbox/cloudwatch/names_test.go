package cloudwatch

import (
	"strings"
	"testing"
)

func TestLengthsOfNames(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "a": true, strings.Repeat("a", 255): true, strings.Repeat("a", 256): false, "A": false, "é": false, "a-b": false,
	} {
		if got := validQueryID(name); got != want {
			t.Errorf("query %q of %d bytes: %v, want %v", name, len(name), got, want)
		}
	}
	for name, want := range map[string]bool{
		"": false, "An alarm": true, strings.Repeat("~", 255): true, strings.Repeat("~", 256): false, "é": false, "a\nb": false,
	} {
		if got := validAlarmName(name); got != want {
			t.Errorf("alarm %q of %d bytes: %v, want %v", name, len(name), got, want)
		}
	}
}
