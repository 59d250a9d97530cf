package cloudwatch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Limits of a document in the embedded metric format, and of a data point's age
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html).
const (
	maxDocument   = 256 << 10 // bytes; CloudWatch Logs cuts longer lines
	maxDimensions = 30
	maxMetrics    = 100
	maxArray      = 100
	maxPast       = 14 * 24 * time.Hour
	maxFuture     = 2 * time.Hour
)

// metadata is the _aws member of a document in the embedded metric format
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
type metadata struct {
	Timestamp         *int64 // milliseconds since 1970
	CloudWatchMetrics []struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []struct {
			Name              string
			Unit              string
			StorageResolution int
		}
	}
}

// parseEmbedded returns the values in a line of a log. A line that is no
// document of the embedded metric format has none; one that breaks its rules,
// and that CloudWatch leaves out, is an error that says why.
func parseEmbedded(line []byte, now time.Time) ([]Datum, error) {
	if !bytes.Contains(line, []byte(`"_aws"`)) {
		return nil, nil
	}
	var root map[string]json.RawMessage
	if isObject := json.Unmarshal(line, &root) == nil; !isObject || root["_aws"] == nil {
		return nil, nil // a text that happens to have the word
	}
	if len(line) > maxDocument {
		return nil, fmt.Errorf("it has more than %d bytes", maxDocument)
	}
	var m metadata
	if err := json.Unmarshal(root["_aws"], &m); err != nil {
		return nil, fmt.Errorf("_aws: %w", err)
	}
	if m.CloudWatchMetrics == nil {
		return nil, nil // it is for logs alone
	}
	if m.Timestamp == nil {
		return nil, errors.New("_aws: Timestamp is missing")
	}
	at := time.UnixMilli(*m.Timestamp)
	if at.Before(now.Add(-maxPast)) || at.After(now.Add(maxFuture)) {
		return nil, fmt.Errorf("_aws: Timestamp %v is more than two weeks ago, or more than two hours ahead", at.UTC())
	}
	var list []Datum
	for _, directive := range m.CloudWatchMetrics {
		if directive.Namespace == "" {
			return nil, errors.New("a Namespace is missing")
		}
		if len(directive.Metrics) > maxMetrics {
			return nil, fmt.Errorf("there are more than %d Metrics", maxMetrics)
		}
		if len(directive.Dimensions) == 0 {
			return nil, errors.New("there are no Dimensions; [[]] stands for a metric without any")
		}
		for _, names := range directive.Dimensions {
			dimensions, err := members(root, names)
			if err != nil {
				return nil, err
			}
			for _, metric := range directive.Metrics {
				numbers, err := numbers(root[metric.Name])
				if err != nil {
					return nil, fmt.Errorf("metric %q: %w", metric.Name, err)
				}
				for _, n := range numbers {
					list = append(list, Datum{
						Metric: Metric{directive.Namespace, metric.Name, dimensions},
						Time:   at, Value: n, Unit: metric.Unit, HighResolution: metric.StorageResolution == 1,
					})
				}
			}
		}
	}
	return list, nil
}

// members returns the dimensions of the names; each must be a string at the
// document's root.
func members(root map[string]json.RawMessage, names []string) (map[string]string, error) {
	if len(names) > maxDimensions {
		return nil, fmt.Errorf("there are more than %d dimensions", maxDimensions)
	}
	dimensions := make(map[string]string, len(names))
	for _, name := range names {
		var text string
		if json.Unmarshal(root[name], &text) != nil || text == "" {
			return nil, fmt.Errorf("dimension %q is not a member with a text", name)
		}
		dimensions[name] = text
	}
	return dimensions, nil
}

// numbers reads a metric's value or its values.
func numbers(raw json.RawMessage) ([]float64, error) {
	var list []float64
	var one float64
	switch {
	case raw == nil:
		return nil, errors.New("the document has no such member")
	case string(raw) != "null" && json.Unmarshal(raw, &one) == nil:
		return []float64{one}, nil
	case json.Unmarshal(raw, &list) == nil && list != nil:
		if len(list) > maxArray {
			return nil, fmt.Errorf("there are more than %d values", maxArray)
		}
		return list, nil
	}
	return nil, errors.New("it is neither a number nor a list of them")
}

// readLogs takes over what a Region's functions have written since the last
// time. A line that is still being written is left for the next time.
func (s *Service) readLogs(region string) error {
	if s.cfg.Logs == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, file := range s.cfg.Logs(region) {
		if err := s.readLog(region, file); err != nil {
			return fmt.Errorf("read metrics from %s: %w", file, err)
		}
	}
	return nil
}

// readLog reads one file; s.mu is held.
func (s *Service) readLog(region, file string) error {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the function has not run yet, or may not write
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	if _, err := f.Seek(s.logs[file], io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(f, maxDocument)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.logs[file] += int64(len(line))
		data, err := parseEmbedded(line, s.cfg.Now())
		if err != nil {
			s.cfg.Logger.Warn("an embedded metric is left out", "region", region, "error", err)
		}
		for _, d := range data {
			s.put(region, d)
		}
	}
}
