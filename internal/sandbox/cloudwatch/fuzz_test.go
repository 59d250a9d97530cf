package cloudwatch

import (
	"math"
	"strings"
	"testing"
	"time"
)

// FuzzParseEmbedded checks that a line of a log is some bounded numbers, or one
// line that says why it has none.
func FuzzParseEmbedded(f *testing.F) {
	f.Add([]byte(line(noon, "5")))
	f.Add([]byte(line(noon, "[1,2,3]")))
	f.Add([]byte(line(noon, "1e999")))
	f.Add(
		[]byte(`{"_aws":{"Timestamp":-9223372036854775808,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[[]],` +
			`"Metrics":[{"Name":"_aws"}]}]}}`),
	)
	f.Add([]byte(`{"_aws":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		data, err := parseEmbedded(text, noon)
		if err != nil {
			if len(data) != 0 || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%d values and %q", len(data), err)
			}
			return
		}
		for _, d := range data {
			if d.Namespace == "" || math.IsNaN(d.Value) || math.IsInf(d.Value, 0) ||
				d.Time.Before(noon.Add(-15*24*time.Hour)) || d.Time.After(noon.Add(3*time.Hour)) || len(d.Dimensions) > maxDimensions {
				t.Errorf("%s: got %+v", text, d)
			}
		}
	})
}
