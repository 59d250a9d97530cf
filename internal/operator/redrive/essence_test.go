package redrive_test

import (
	"testing"

	"s3fanout/internal/operator/redrive"
)

func TestEssence(t *testing.T) {
	tests := []struct{ in, want string }{
		{"1 of 1 failed: denied: AccessDenied", "denied: AccessDenied"},
		{"the function failed again: 1 of 1 failed: denied", "the function failed again: denied"},
		{"1 of 2 failed: denied", "1 of 2 failed: denied"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := redrive.Essence(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}
