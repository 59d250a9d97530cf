package console

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// events is what a browser is sent.
type events struct {
	t     *testing.T
	lines *bufio.Scanner
}

// watch connects until the test ends.
func (u *user) watch() events {
	u.t.Helper()
	r, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.base+"/live", nil)
	if err != nil {
		u.t.Fatal(err)
	}
	resp, err := u.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(func() { _ = resp.Body.Close() }) // read
	return newEvents(u.t, resp.Body)
}

func newEvents(t *testing.T, r io.Reader) events {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	return events{t, lines}
}

// next is the next event.
func (e events) next() (name, data string) {
	e.t.Helper()
	for e.lines.Scan() {
		line := e.lines.Text()
		switch {
		case line == "":
			return name, data
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		default:
			data += strings.TrimPrefix(line, "data: ") + "\n"
		}
	}
	e.t.Fatalf("the events ended: %v", e.lines.Err())
	return "", ""
}

// until reads events until one of that name says so.
func (e events) until(name, text string) string {
	e.t.Helper()
	for {
		if got, data := e.next(); got == name && strings.Contains(data, text) {
			return data
		}
	}
}
