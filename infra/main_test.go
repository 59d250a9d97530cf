package infra

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	closeRuntime()
	os.Exit(code)
}
