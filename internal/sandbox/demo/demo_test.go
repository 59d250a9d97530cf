package demo

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"s3fanout/internal/table"
)

func TestSameBytes(t *testing.T) {
	long := strings.Repeat("0123456789", 100_000)
	for _, c := range []struct {
		name string
		a, b string
		want bool
	}{
		{"both empty", "", "", true},
		{"equal", long, long, true},
		{"one more byte", long, long + "x", false},
		{"one byte less", long, long[1:], false},
		{"last byte differs", long + "a", long + "b", false},
		{"a buffer's length exactly", long[:256<<10], long[:256<<10], true},
		{"empty against something", "", "x", false},
	} {
		for _, a := range []io.Reader{strings.NewReader(c.a), iotest.DataErrReader(strings.NewReader(c.a))} {
			got, err := sameBytes(a, iotest.OneByteReader(strings.NewReader(c.b)))
			if err != nil || got != c.want {
				t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
			}
		}
	}
	for _, broken := range []error{errors.New("broken"), io.ErrUnexpectedEOF} {
		if _, err := sameBytes(iotest.ErrReader(broken), strings.NewReader("")); !errors.Is(err, broken) {
			t.Errorf("a reader that breaks: %v, want its error", err)
		}
		half := io.MultiReader(strings.NewReader(long[:1000]), iotest.ErrReader(broken))
		if _, err := sameBytes(half, strings.NewReader(long)); !errors.Is(err, broken) {
			t.Errorf("a reader that breaks half-way: %v, want its error", err)
		}
	}
}

func TestObjectsAreReproducibleAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range objects([]string{"a", "b", "c"}) {
		if seen[o.key] {
			t.Errorf("key %q is there twice", o.key)
		}
		seen[o.key] = true
		first, err := io.ReadAll(io.LimitReader(o.body(), 1000))
		if err != nil {
			t.Fatal(err)
		}
		again, err := io.ReadAll(io.LimitReader(o.body(), 1000))
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("%q: the body is another each time", o.key)
		}
		if want := min(o.size, 1000); int64(len(first)) != want {
			t.Errorf("%q: %d bytes, want %d", o.key, len(first), want)
		}
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	var b strings.Builder
	regions := []string{"us-east-1", "eu-west-1", "ap-northeast-1"}
	var rows []row
	for _, o := range objects(regions) {
		rows = append(rows, row{object: o, arrivals: map[string]arrival{
			"us-east-1": {uploaded: true}, "eu-west-1": {arrived: true, lag: 12 * time.Millisecond},
		}})
	}
	rows = append(rows, row{object: object{key: strings.Repeat("日本語", 30)}})
	if _, err := objectTable(regions, rows).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := table.Width(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if !strings.Contains(b.String(), "12 ms") || !strings.Contains(b.String(), "MISSING") || !strings.Contains(b.String(), "…") {
		t.Errorf("the table says\n%s", b.String())
	}
}
