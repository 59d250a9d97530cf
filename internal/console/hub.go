package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// hub holds the newest form of each part of the pages, and sends it to all browsers
// that are connected when it changes (server-sent events,
// https://html.spec.whatwg.org/multipage/server-sent-events.html).
type hub struct {
	mu      sync.Mutex
	parts   map[string]string
	clients map[*listener]bool
	joined  chan struct{} // receives when the first one comes
}

// listener is a browser. It holds no queue: what was overtaken is not sent.
type listener struct {
	without []string // parts that it does not show
	changed map[string]bool
	wake    chan struct{}
}

func newHub() *hub {
	return &hub{parts: map[string]string{}, clients: map[*listener]bool{}, joined: make(chan struct{}, 1)}
}

// set replaces a part; the same one again is not sent.
func (h *hub) set(name, html string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, ok := h.parts[name]; ok && old == html {
		return
	}
	h.parts[name] = html
	for l := range h.clients {
		if slices.Contains(l.without, name) {
			continue
		}
		l.changed[name] = true
		select {
		case l.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// watched says whether any browser is connected.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients) > 0
}

func (h *hub) join(without []string) *listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &listener{without: without, changed: map[string]bool{}, wake: make(chan struct{}, 1)}
	for name := range h.parts {
		l.changed[name] = !slices.Contains(without, name)
	}
	l.wake <- struct{}{}
	h.clients[l] = true
	select {
	case h.joined <- struct{}{}:
	default:
	}
	return l
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, l)
}

// take returns what the listener has not been sent yet.
func (h *hub) take(l *listener) map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := map[string]string{}
	for name, changed := range l.changed {
		if changed {
			news[name] = h.parts[name]
		}
	}
	clear(l.changed)
	return news
}

// lines has an event's lines begin as they must. A carriage return would end one, too:
// in HTML it is written as a reference.
var lines = strings.NewReplacer("\r", "&#13;", "\n", "\ndata: ")

// serve sends what changes until the browser, or the server, goes away; the query names
// parts that the page is without.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if flush.Flush() != nil {
		return
	}
	l := h.join(r.URL.Query()["without"])
	defer h.leave(l)
	for {
		select {
		case <-r.Context().Done():
			return
		case <-l.wake:
		}
		for name, html := range h.take(l) {
			if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, lines.Replace(html)); err != nil {
				return
			}
		}
		if flush.Flush() != nil {
			return
		}
	}
}
