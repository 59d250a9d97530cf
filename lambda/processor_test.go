package main

import (
	"context"
	"runtime"
	"testing"
)

func TestSharesProcessor(t *testing.T) {
	for _, tt := range []struct {
		memory, procs string
		want          bool
	}{
		{"128", "", true},
		{"256", "", true},
		{"1768", "", true},
		{"1769", "", false}, // one whole processor
		{"10240", "", false},
		{"256", "2", false}, // somebody has chosen
		{"", "", false},     // not on Lambda
		{"much", "", false},
	} {
		env := map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": tt.memory, "GOMAXPROCS": tt.procs}
		if got := sharesProcessor(func(name string) string { return env[name] }); got != tt.want {
			t.Errorf("%q MB, GOMAXPROCS=%q: got %t", tt.memory, tt.procs, got)
		}
	}
}

// processors is a handler that answers with how many there are.
type processors struct{}

func (processors) Invoke(context.Context, []byte) ([]byte, error) {
	return []byte{byte(runtime.GOMAXPROCS(0))}, nil
}

func TestInvocationsRunOnOneProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(before)
	h := &onOneProcessor{Handler: processors{}}
	if runtime.GOMAXPROCS(0) != 2 {
		t.Error("the start is on one processor, too")
	}
	for range 2 {
		if got, err := h.Invoke(t.Context(), nil); err != nil || got[0] != 1 {
			t.Errorf("got %d processors, %v, want 1", got[0], err)
		}
	}
}
