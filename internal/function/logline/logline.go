// Package logline writes a function's log as JSON lines that Lambda takes as they
// are: one that lacks a level or a timestamp under the names that Lambda knows is
// given them, or filtered as if it had the level INFO
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
package logline

import (
	"io"
	"log/slog"
)

// TimeKey is the attribute with the time of a line.
const TimeKey = "timestamp"

// timeLayout is RFC 3339 in milliseconds, which is what CloudWatch keeps.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// New returns a log of level INFO. Each line is written by one call.
func New(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
			return slog.String(TimeKey, a.Value.Time().UTC().Format(timeLayout))
		}
		return a
	}}))
}
