package lambda

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Log formats, and levels from the most to the least detailed
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
const (
	textFormat = "Text"
	jsonFormat = "JSON"

	defaultLevel = "INFO"
	warnLevel    = "WARN"

	maxLine = 256 << 10 // bytes; CloudWatch Logs cuts longer ones
)

func applicationLevels() []string {
	return []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
}

func systemLevels() []string { return []string{"DEBUG", "INFO", "WARN"} }

// passes says whether a line of a level is written where least is the least level.
func passes(level, least string) bool {
	levels := applicationLevels()
	return slices.Index(levels, level) >= slices.Index(levels, least)
}

// applicationLine is a line of the function's output as it is written to the log in
// JSON format, or nil if the level is too low. A line that is not JSON stays as it is
// and has the level INFO, which a line has too that names no level, or no time by a
// name that Lambda knows: that one gets a timestamp.
func applicationLine(line []byte, least string, now time.Time) []byte {
	var members map[string]json.RawMessage
	isObject := json.Unmarshal(line, &members) == nil && members != nil
	level := defaultLevel
	if isObject {
		if !timed(members) {
			stamp, _ := json.Marshal(now.UTC().Format("2006-01-02T15:04:05.000Z")) // a string
			rest := bytes.TrimLeft(bytes.TrimLeft(line, " \t")[1:], " \t")
			if len(members) > 0 {
				rest = append([]byte(","), rest...)
			}
			line = slices.Concat([]byte(`{"timestamp":`), stamp, rest)
		} else if own := levelOf(members); own != "" {
			level = own
		}
	}
	if !passes(level, least) {
		return nil
	}
	return line
}

// timed says whether a line has its time by the one name that Lambda's page gives.
func timed(members map[string]json.RawMessage) bool {
	var text string
	if json.Unmarshal(members["timestamp"], &text) != nil {
		return false
	}
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

func levelOf(members map[string]json.RawMessage) string {
	var text string
	if json.Unmarshal(members["level"], &text) != nil {
		return ""
	}
	level := strings.ToUpper(text)
	if !slices.Contains(applicationLevels(), level) {
		return ""
	}
	return level
}

// output is what a process's output goes through on its way to the log file, in JSON
// format: the process writes to a pipe, each line is filtered by its level, and
// Lambda's own lines come in between.
type output struct {
	least string // of the function's lines
	to    *os.File
	in    *os.File // the process's end of the pipe, and drain's
	out   *os.File

	mu    sync.Mutex
	marks map[string]chan struct{}
	ended chan struct{}
}

// newOutput begins to filter. It owns the file from now on.
func newOutput(to *os.File, least string) (*output, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, to.Close())
	}
	o := &output{least: least, to: to, in: in, out: out, marks: map[string]chan struct{}{}, ended: make(chan struct{})}
	go o.run()
	return o, nil
}

func (o *output) run() {
	defer close(o.ended)
	var rest []byte
	buffer := make([]byte, 64<<10)
	for {
		n, err := o.out.Read(buffer)
		rest = append(rest, buffer[:n]...)
		for {
			line, after, whole := bytes.Cut(rest, []byte("\n"))
			if !whole {
				break
			}
			if begun, isMark := o.reached(line); isMark {
				rest = slices.Concat(begun, after)
				continue
			}
			o.write(line)
			rest = after
		}
		if len(rest) > maxLine {
			o.write(rest)
			rest = nil
		}
		if err != nil { // all have closed their ends, or close has
			if len(rest) > 0 {
				o.write(rest)
			}
			return
		}
	}
}

// reached says whether the line ends in a mark of drain's, ends the wait for it, and
// returns what the process had begun to write before it.
func (o *output) reached(line []byte) (begun []byte, isMark bool) {
	i := bytes.IndexByte(line, 0)
	if i < 0 {
		return nil, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	mark := o.marks[string(line[i:])]
	if mark == nil {
		return nil, false
	}
	delete(o.marks, string(line[i:]))
	close(mark)
	return line[:i], true
}

// write writes a line of the function's. The file was opened to append, and one call
// is one line.
func (o *output) write(line []byte) {
	if line = applicationLine(line, o.least, time.Now()); line != nil {
		_, _ = o.to.Write(append(slices.Clip(line), '\n')) // as a lost line of CloudWatch's
	}
}

// drain waits until all is in the log that the process had written before: the pipe
// keeps the order.
func (o *output) drain() {
	if o == nil {
		return
	}
	mark, reached := "\x00"+rand.Text(), make(chan struct{})
	o.mu.Lock()
	o.marks[mark] = reached
	o.mu.Unlock()
	if _, err := io.WriteString(o.in, mark+"\n"); err != nil {
		return // it is closed, and so is the log
	}
	select {
	case <-reached:
	case <-o.ended:
	}
}

// close ends the filtering once the process is gone, whoever else has the pipe.
func (o *output) close() {
	if o == nil {
		return
	}
	o.drain()
	_ = o.in.Close()
	_ = o.out.Close()
	<-o.ended
	_ = o.to.Close()
}

// platform writes what Lambda says itself of an invocation, if the level is not too
// low: that it starts, and how it ended
// (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html).
func (o *output) platform(set *settings, kind, level string, record map[string]any) {
	if o == nil || !passes(level, set.SystemLogLevel) {
		return
	}
	// The process may be gone, and the filter's file with it.
	file, err := os.OpenFile(o.to.Name(), os.O_WRONLY|os.O_APPEND, 0) //nolint:gosec // openLog opened it by this name
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	line, err := json.Marshal(struct {
		Time   string         `json:"time"`
		Type   string         `json:"type"`
		Record map[string]any `json:"record"`
	}{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "platform." + kind, record})
	if err == nil {
		_, _ = file.Write(append(line, '\n'))
	}
}

// checkLogging checks a function's log settings and fills in Lambda's defaults.
func (c *FunctionConfig) checkLogging() error {
	if c.LogFormat == "" {
		c.LogFormat = textFormat
	}
	if c.LogFormat != textFormat && c.LogFormat != jsonFormat {
		return invalid("LogFormat %q is neither Text nor JSON", c.LogFormat)
	}
	for _, l := range []struct {
		name   string
		level  *string
		levels []string
	}{{"ApplicationLogLevel", &c.ApplicationLogLevel, applicationLevels()}, {"SystemLogLevel", &c.SystemLogLevel, systemLevels()}} {
		switch {
		case c.LogFormat == textFormat && *l.level != "":
			return invalid("%s is for functions whose LogFormat is JSON", l.name)
		case c.LogFormat == textFormat:
		case *l.level == "":
			*l.level = defaultLevel
		case !slices.Contains(l.levels, *l.level):
			return invalid("%s %q is none of %s", l.name, *l.level, fmt.Sprint(l.levels))
		}
	}
	return nil
}
