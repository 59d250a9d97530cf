package event

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestTooManyRecords has a record more than an invocation may have, in one
// message or in several. It is one error, not one for each record, and what was within
// the limit before it is there.
func TestTooManyRecords(t *testing.T) {
	good, bad := record(`{"key":"k"}`), `{}`
	many := func(n int, record string) string { return notification(slices.Repeat([]string{record}, n)...) }
	for name, tt := range map[string]struct {
		bodies        []string
		records, errs []int // of each message
	}{
		"as many as may be":            {[]string{many(1000, good)}, []int{1000}, []int{0}},
		"one more":                     {[]string{many(1001, good)}, []int{0}, []int{1}},
		"empty ones":                   {[]string{many(85_000, bad)}, []int{0}, []int{1}},
		"as many empty ones as may be": {[]string{many(1000, bad)}, []int{0}, []int{1000}},
		"several messages":             {[]string{many(600, good), many(400, bad)}, []int{600, 0}, []int{0, 400}},
		"several messages and one more": {[]string{many(600, bad), many(401, good), many(399, good), many(1, good)}, []int{0, 0, 399, 0},
			[]int{600, 1, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := ParseInvocation(invocation(t, tt.bodies...))
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range in.Messages {
				if len(m.Records) != tt.records[i] || len(m.Errs) != tt.errs[i] {
					t.Errorf("message %d: %d records and %d errors, want %d and %d",
						i, len(m.Records), len(m.Errs), tt.records[i], tt.errs[i])
				}
				if tt.errs[i] == 1 && len(m.Records) == 0 && i < 2 &&
					(!errors.Is(m.Errs[0], ErrMalformed) || !strings.Contains(m.Errs[0].Error(), "more than 1000 records")) {
					t.Errorf("message %d: got %v, want that it has more than 1000 records", i, m.Errs[0])
				}
			}
		})
	}
}

// TestTooManyMessages has as many messages, or tasks of a batch, and one more.
func TestTooManyMessages(t *testing.T) {
	task := `{"taskId":"t","s3Key":"k","s3Bucket":"b"}`
	for name, payload := range map[string]func(n int) []byte{
		"messages": func(n int) []byte { return invocation(t, slices.Repeat([]string{`{}`}, n)...) },
		"tasks":    func(n int) []byte { return []byte(batchRequest("2.0", slices.Repeat([]string{task}, n)...)) },
	} {
		t.Run(name, func(t *testing.T) {
			in, err := ParseInvocation(payload(1000))
			if n := len(in.Messages); err != nil || n+tasksOf(in) != 1000 {
				t.Errorf("1000: got %d of them, %v", n+tasksOf(in), err)
			}
			in, err = ParseInvocation(payload(1001))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "more than 1000 "+name) ||
				len(in.Messages)+tasksOf(in) != 0 {
				t.Errorf("1001: got %d of them, %v", len(in.Messages)+tasksOf(in), err)
			}
		})
	}
}

func tasksOf(in Invocation) int {
	if in.Batch == nil {
		return 0
	}
	return len(in.Batch.Tasks)
}

// TestMemoryOfManyRecords reads arrays of half a million empty objects, which
// fit into an invocation: what they take is bounded by the payload's size, which
// is 6 MB at most. They took gigabytes.
func TestMemoryOfManyRecords(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`{},`, 500_000), ",")
	for name, payload := range map[string][]byte{
		"records":  invocation(t, `{"Records":[`+many+`]}`),
		"messages": []byte(`{"Records":[` + many + `]}`),
		"tasks":    []byte(`{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[` + many + `]}`),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			in, err := ParseInvocation(payload)
			runtime.ReadMemStats(&after)
			if errs := len(in.Messages); (err == nil) == (errs == 0) {
				t.Errorf("got %d messages and %v, want one error", errs, err)
			}
			if took, most := after.TotalAlloc-before.TotalAlloc, uint64(12*len(payload)); took > most {
				t.Errorf("it took %d MiB for a payload of %d MiB", took>>20, len(payload)>>20)
			}
		})
	}
}
