package lambda

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// logged are the lines of the function's log, with Lambda's own shortened to their
// type and status.
func (w *world) logged(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(w.logDir, "us-east-1-replicator.log"))
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`"timestamp":"20[^"]+"`).ReplaceAllString(string(content), `"timestamp":NOW`)
	text = regexp.MustCompile(`(?m)^.*"type":"(platform\.\w+)".*?(?:"status":"(\w+)".*)?$`).ReplaceAllString(text, "$1 $2")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	// The runtime client's own, as text with a time.
	return slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, `"errorMessage"`) })
}

// In JSON format Lambda leaves lines out whose level is too low. What names no level
// has INFO, and so has what names no time, whatever its level.
func TestLevelsOfLogs(t *testing.T) {
	const (
		at    = `"timestamp":"1999-11-29T16:00:00.123Z"`
		debug = `{` + at + `,"level":"DEBUG"}`
		info  = `{` + at + `,"level":"INFO","a":1}`
		fatal = `{` + at + `,"level":"Fatal"}`
		other = `{` + at + `,"level":7}`
		late  = `{"time":"1999-11-29T16:00:00Z","level":"ERROR"}`
		text  = `text, as of a panic`
	)
	written := strings.Join([]string{debug, info, fatal, other, late, "{}", text}, "\n") + "\nbegun"
	stamped := `{"timestamp":NOW,` + late[1:]
	for _, tt := range []struct {
		application, system string
		want                []string // of two invocations
	}{
		{"", "",
			[]string{"platform.start ", "doing report", info, fatal, other, stamped, `{"timestamp":NOW}`, text, "platform.report success",
				"platform.start ", "begundoing fail", "platform.report error"}},
		{"INFO", "WARN",
			[]string{"doing report", info, fatal, other, stamped, `{"timestamp":NOW}`, text, "begundoing fail", "platform.report error"}},
		{"DEBUG", "WARN",
			[]string{
				"doing report", debug, info, fatal, other, stamped, `{"timestamp":NOW}`, text, "begundoing fail", "platform.report error",
			}},
		{"ERROR", "WARN", []string{fatal, "platform.report error"}},
	} {
		t.Run(tt.application+tt.system, func(t *testing.T) {
			w := newWorld(t)
			w.allow(t, "logs:CreateLogStream", "*")
			w.allow(t, "logs:PutLogEvents", "*")
			arn := w.function(t, func(c *FunctionConfig) {
				c.LogFormat, c.ApplicationLogLevel, c.SystemLogLevel = jsonFormat, tt.application, tt.system
			})
			w.invoke(t, arn, order{Do: "report", Text: written})
			w.invoke(t, arn, order{Do: "fail"})
			if got := w.logged(t); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// All that a process wrote is in the log when its invocation is over, also if it ends
// with it or is killed.
func TestLogOfWhatEnds(t *testing.T) {
	w := newWorld(t)
	w.allow(t, "logs:CreateLogStream", "*")
	w.allow(t, "logs:PutLogEvents", "*")
	arn := w.function(t, func(c *FunctionConfig) {
		c.LogFormat, c.SystemLogLevel, c.Timeout = jsonFormat, warnLevel, 5*time.Second
	})
	many := slices.Repeat([]string{"as much as fills a pipe several times over"}, 10_000)
	var want []string
	for _, do := range []string{"exit", "hang"} {
		w.invoke(t, arn, order{Do: do, Text: strings.Join(many, "\n") + "\nno end"})
		want = append(append(append(want, "doing "+do), many...), "no end",
			map[string]string{"exit": "platform.report error", "hang": "platform.report timeout"}[do])
	}
	if got := w.logged(t); !slices.Equal(got, want) {
		t.Errorf("got %d lines, want %d; the last are %q", len(got), len(want), got[max(0, len(got)-3):])
	}
}

func TestCreateFunctionRefusesLevels(t *testing.T) {
	for _, c := range []FunctionConfig{
		{LogFormat: "XML"}, {ApplicationLogLevel: "INFO"}, {LogFormat: textFormat, SystemLogLevel: "INFO"},
		{LogFormat: jsonFormat, SystemLogLevel: "ERROR"}, {LogFormat: jsonFormat, ApplicationLogLevel: "info"},
	} {
		if err := c.checkLogging(); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}
