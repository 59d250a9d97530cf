package pause

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TagKey is the tag of a function that is paused. Its value is a Memory.
const TagKey = "s3fanout:paused"

// Memory is what a pause keeps for the end of it.
type Memory struct {
	Since time.Time // in whole seconds
	// Reserved is the reserved concurrency before, nil for none. It is never 0.
	Reserved *int
}

// String is the value of the tag, in characters that tags may have.
func (m Memory) String() string {
	reserved := noneReserved
	if m.Reserved != nil {
		reserved = strconv.Itoa(*m.Reserved)
	}
	return m.Since.UTC().Format(time.RFC3339) + " reserved=" + reserved
}

const noneReserved = "none"

// ParseMemory reads the value of the tag.
func ParseMemory(value string) (Memory, error) {
	since, rest, ok := strings.Cut(value, " reserved=")
	at, err := time.Parse(time.RFC3339, since)
	if !ok || err != nil {
		return Memory{}, fmt.Errorf("%q does not say since when", value)
	}
	m := Memory{Since: at.UTC()}
	if rest == noneReserved {
		return m, nil
	}
	n, err := strconv.Atoi(rest)
	if err != nil || n < 1 {
		return Memory{}, errors.New("it does not say which reserved concurrency there was")
	}
	m.Reserved = &n
	return m, nil
}
