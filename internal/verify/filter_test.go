package verify_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3fanout/internal/verify"
)

// A key that the configuration does not copy is missing nowhere.
func TestFilteredKeysAreNotCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o := buckets(2)
		b[0].Put("films/one", object("x", time.Hour))
		b[0].Put("logs/one", object("x", time.Hour))
		b[1].Put("logs/two", object("x", time.Hour))
		o.Matches = func(key string) bool { return strings.HasPrefix(key, "films/") }
		got, s, err := found(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		wantFound(t, got, map[string]string{"missing films/one": "r1 absent"})
		if want := (verify.Summary{Keys: 1, Bytes: 1, Missing: 1, Filtered: 2, Lists: 2, Heads: 2}); s != want {
			t.Errorf("got %+v, want %+v", s, want)
		}
	})
}
