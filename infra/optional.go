package infra

import "github.com/aws/jsii-runtime-go"

// optionalNumber is nil for zero, which leaves a property out.
func optionalNumber(n int) *float64 {
	if n == 0 {
		return nil
	}
	return jsii.Number(n)
}

// optionalString is nil for the empty string, which leaves a property out.
func optionalString(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// optionalAny keeps a nil pointer nil in a property that takes more than
// strings.
func optionalAny(s *string) any {
	if s == nil {
		return nil
	}
	return s
}
