package console

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/printable"
)

//go:embed pages
var pages embed.FS

// templates escape all that comes from outside; keys may hold any character, and none
// of them is ever HTML. They are read when the first is asked for: no other command
// needs them, and they take half a megabyte.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"age": age, "number": number, "count": count, "bytes": size, "duration": duration, "key": printable.Escape,
		"shell": printable.Shell, "short": printable.Short, "jobPage": jobPage,
		"of":     func(p page, main any) page { p.Main = main; return p },
		"replay": newReplayForm, "everyLetter": everyLetter, "groupOf": groupOf, "letterOf": letterOf, "ofKey": ofKey,
		"letterCount": letterCount, "plural": plural, "copiedTo": copiedTo, "firstFailures": firstFailures,
		"phrases": phrases, "called": strings.Clone, "sign": sign, "utc": utc, "spark": spark, "rate": rate,
		"seconds": func(s float64) string { return duration(s * 1000) },
		"percent": percent, "clock": clock, "fixed": fixed, "dollars": dollars, "encoded": url.QueryEscape, "fits": fits,
		"tab": newTab, "states": states, "lanes": lanes, "lane": laneText, "laneLine": laneLine, "momentX": momentX,
		"momentLine": momentLine, "flowLanes": func(f flow) int { return laneHeight * len(f.Lanes) },
		"class": func(s string) string { return strings.ReplaceAll(s, " ", "-") },
	}).ParseFS(pages, "pages/*.html"))
})

// called are the templates, in which commands begin as this one was called.
func called(command string) *template.Template {
	return template.Must(templates().Clone()).Funcs(template.FuncMap{"called": func(text string) string {
		if arguments, ours := strings.CutPrefix(text, "s3fanout "); ours {
			return command + " " + arguments
		}
		return text
	}})
}

// page is what every page has, beside its own part.
type page struct {
	Title, Tab, Set string
	Regions         []string
	CSRF, Command   string
	Write, Sandbox  bool
	Proofs          bool // the set compares itself by a schedule
	Main            any
}

type jobView struct {
	job

	Kind string
	Now  time.Time
}

func (s *Server) page(tab, title string, main any) page {
	return page{
		Title: title, Tab: tab, Set: s.o.Set, Regions: s.o.Regions, CSRF: s.guard.csrf, Command: s.o.Command,
		Write: s.o.Write, Sandbox: s.o.Sandbox != nil, Proofs: s.o.Proofs, Main: main,
	}
}

func (s *Server) show(w http.ResponseWriter, status int, tab, title string, main any) {
	s.write(w, status, tab+".html", s.page(tab, title, main))
}

// showPart renders a part of a page that a browser asks for when it has changed.
func (s *Server) showPart(w http.ResponseWriter, name string, main any) {
	s.write(w, http.StatusOK, name, s.page("", "", main))
}

func (s *Server) write(w http.ResponseWriter, status int, name string, p page) {
	var text bytes.Buffer
	if err := s.pages.ExecuteTemplate(&text, name, p); err != nil {
		http.Error(w, "This page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the browser may be gone
}

// fragment renders a part that is sent by itself.
func (s *Server) fragment(name string, data any) string {
	var text bytes.Buffer
	if err := s.pages.ExecuteTemplate(&text, name, data); err != nil {
		return template.HTMLEscapeString("This part could not be made: " + err.Error())
	}
	return text.String()
}

// sign tells states apart without colours.
func sign(state string) string {
	switch state {
	case stateOK, "present", "everywhere", "OK", "replayed":
		return "✓"
	case stateFailed, "missing", "dead-letter", "different", "ALARM", "undeleted",
		"failed again", "not understood", "not ours", "not invoked", "not deleted":
		return "✗"
	case stateWarning, "stale", "paused", "in the queue":
		return "!"
	case "note":
		return "i"
	case stateIdle:
		return "–"
	}
	return "?"
}

// unavailable is said where a number is not known: never zero.
const unavailable = "not available"

func number(v any) string {
	switch n := v.(type) {
	case *int:
		if n != nil {
			return count(int64(*n))
		}
	case *int64:
		if n != nil {
			return count(*n)
		}
	case *float64:
		if n != nil {
			return count(int64(*n))
		}
	}
	return unavailable
}

// count has commas between thousands.
func count(v any) string {
	digits := fmt.Sprint(v)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural is a number of things, whose word takes an s.
func plural(n any, word string) string {
	if text := count(n); text != "1" {
		return text + " " + word + "s"
	}
	return "1 " + word
}

// age is how long something took or is ago, in seconds.
func age(seconds *float64) string {
	if seconds == nil {
		return unavailable
	}
	return duration(*seconds * 1000)
}

// duration is milliseconds, in the unit that suits.
func duration(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strings.TrimSuffix(fixed(d.Hours()), ".0") + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

func size(n int64) string {
	value, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit]
}

func utc(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// percent is never 100 where something is left, nor without anything.
func percent(n, of int64) string {
	if of == 0 {
		return "no data"
	}
	tenths := n * 1000 / of
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// clock is the time of the day alone.
func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

// rate is a number a minute, in the unit that suits.
func rate(perMinute *float64) string {
	switch n := perMinute; {
	case n == nil:
		return "no data"
	case *n >= 600:
		return count(strconv.FormatFloat(*n/60, 'f', 0, 64)) + " /s"
	case *n >= 60:
		return fixed(*n/60) + " /s"
	case *n >= 10:
		return strconv.FormatFloat(*n, 'f', 0, 64) + " /min"
	}
	return fixed(*perMinute) + " /min"
}

func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

func dollars(v float64) string { return "$" + strconv.FormatFloat(v, 'f', 2, 64) }

// spark is the data of a small chart, as the script reads it: times in seconds, and
// values or null.
func spark(t Trend) (string, error) {
	var times []int64
	for i := range t.Replicas {
		times = append(times, t.Start.Add(time.Duration(i)*t.Period).Unix())
	}
	data, err := json.Marshal([]any{times, t.Replicas, t.P99Seconds})
	return string(data), err
}

// tab is a link to a page.
type tab struct {
	Path, Name string
	Here       bool
}

func newTab(p page, id, path, name string) tab { return tab{path, name, p.Tab == id} }

// jobPage is the page that shows what comes of a run.
func jobPage(kind string) string {
	if kind == "letters" || kind == "replay" {
		return "/letters"
	}
	return "/compare"
}

func states() []string { return []string{stateIdle, stateOK, stateUnknown, stateWarning, stateFailed} }
