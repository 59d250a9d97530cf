package logline

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// Lambda adds a timestamp to a line that has none by the name it knows, and takes it
// for one of level INFO, whatever it says.
func TestLineHasWhatLambdaReads(t *testing.T) {
	var out bytes.Buffer
	New(&out).With("time", "the caller's").Error("no", "a", 1)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("%v: %s", err, out.String())
	}
	at, err := time.Parse(time.RFC3339, line["timestamp"].(string))
	if err != nil || time.Since(at) > time.Minute || !strings.HasSuffix(line["timestamp"].(string), "Z") {
		t.Errorf("timestamp %v: %v", line["timestamp"], err)
	}
	if line["level"] != "ERROR" || line["msg"] != "no" || line["a"] != 1.0 || line["time"] != "the caller's" {
		t.Errorf("got %s", out.String())
	}
}
