package table

import "fmt"

// Bytes is a size for people, as in 3 B and 1.5 GiB.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	const prefixes = "KMGTPE"
	f, i := float64(n)/unit, 0
	// What would be rounded up to 1024.0 is one of the next unit.
	for f >= unit-0.05 && i < len(prefixes)-1 {
		f /= unit
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, prefixes[i])
}
