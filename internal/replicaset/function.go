package replicaset

import (
	"fmt"
	"slices"
)

// Lambda's bounds of a function's memory
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const (
	minFunctionMemoryMiB = 128
	maxFunctionMemoryMiB = 10240
)

// The processors that Lambda has, as it spells them
// (https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html).
const (
	ARM64 = "arm64"
	X86   = "x86_64"
)

// What is taken where the configuration says nothing. The least memory suffices: the
// function waits for S3 nearly all of the time, and no object passes through it. It holds
// less than a sixth of it for copies by one request, and less than half for the 256 parts
// that all copies of an invocation together may have under way.
const (
	defaultFunctionMemoryMiB = 128
	defaultLogRetentionDays  = 30
)

// logRetentions are the days that CloudWatch Logs takes
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html).
func logRetentions() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// FunctionMemory is the function's memory in MiB.
func (c Config) FunctionMemory() int {
	if c.FunctionMemoryMiB == 0 {
		return defaultFunctionMemoryMiB
	}
	return c.FunctionMemoryMiB
}

// Architecture is the processor that the functions run on, in Lambda's
// spelling.
func (c Config) Architecture() string {
	if c.FunctionArchitecture == "" {
		return ARM64
	}
	return c.FunctionArchitecture
}

// LogRetention is for how many days the function's logs are kept.
func (c Config) LogRetention() int {
	if c.LogRetentionDays == 0 {
		return defaultLogRetentionDays
	}
	return c.LogRetentionDays
}

func (c Config) validateFunction() error {
	if n := c.FunctionMemoryMiB; n != 0 && (n < minFunctionMemoryMiB || n > maxFunctionMemoryMiB) {
		return fmt.Errorf("functionMemoryMiB: %d is not possible; use %d to %d, or leave it out",
			n, minFunctionMemoryMiB, maxFunctionMemoryMiB)
	}
	if a := c.Architecture(); a != ARM64 && a != X86 {
		return fmt.Errorf("functionArchitecture: %q is not a processor of Lambda; use %q or %q, or leave it out", a, ARM64, X86)
	}
	if n := c.ReservedConcurrency; n < 0 {
		return fmt.Errorf("reservedConcurrency: %d is not possible; use 1 or more, or leave it out", n)
	}
	if n, known := c.LogRetentionDays, logRetentions(); n != 0 && !slices.Contains(known, n) {
		return fmt.Errorf("logRetentionDays: CloudWatch Logs does not keep logs for %d days; use %s, or leave it out",
			n, alternatives(known))
	}
	return nil
}

// alternatives writes a list of numbers as a choice.
func alternatives(numbers []int) string {
	var s string
	for i, n := range numbers {
		switch i {
		case 0:
		case len(numbers) - 1:
			s += " or "
		default:
			s += ", "
		}
		s += fmt.Sprint(n)
	}
	return s
}
