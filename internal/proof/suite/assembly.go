package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// withoutMetricMath takes the alarms on expressions out of an assembly's
// templates, and returns how many there were. Nothing else may refer to them.
func withoutMetricMath(dir string) (n int, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.template.json"))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return n, err
		}
		less, taken, err := dropMetricMath(raw)
		if err != nil {
			return n, fmt.Errorf("%s: %w", file, err)
		}
		if taken == 0 {
			continue
		}
		n += taken
		if err := os.WriteFile(file, less, 0o600); err != nil { //nolint:gosec // a file of the run's own directory
			return n, err
		}
		if err := rename(dir, filepath.Base(file), less); err != nil {
			return n, fmt.Errorf("%s: %w", file, err)
		}
	}
	return n, nil
}

// rename gives a template that was changed another key in the bucket of assets:
// what is there under the old one would be taken instead.
func rename(dir, file string, content []byte) error {
	manifest := filepath.Join(dir, strings.TrimSuffix(file, ".template.json")+".assets.json")
	raw, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	var assets struct {
		Files map[string]struct{ Source struct{ Path string } }
	}
	if err := json.Unmarshal(raw, &assets); err != nil {
		return err
	}
	for old, asset := range assets.Files {
		if asset.Source.Path != file {
			continue
		}
		for _, path := range []string{manifest, filepath.Join(dir, "manifest.json")} {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = bytes.ReplaceAll(text, []byte(old), fmt.Appendf(nil, "%x", sha256.Sum256(content)))
			if err := os.WriteFile(path, text, 0o600); err != nil { //nolint:gosec // as above
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s does not name it", manifest)
}

// dropMetricMath is a template without the alarms on expressions.
func dropMetricMath(template []byte) (less []byte, n int, err error) {
	var t map[string]json.RawMessage
	if err := json.Unmarshal(template, &t); err != nil {
		return nil, 0, err
	}
	var resources map[string]json.RawMessage
	if err := json.Unmarshal(t["Resources"], &resources); err != nil {
		return nil, 0, err
	}
	var names []string
	for name, raw := range resources {
		var r struct {
			Type       string
			Properties struct{ Metrics json.RawMessage }
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, 0, fmt.Errorf("resource %s: %w", name, err)
		}
		if r.Type == "AWS::CloudWatch::Alarm" && len(r.Properties.Metrics) > 0 {
			names = append(names, name)
			delete(resources, name)
		}
	}
	if t["Resources"], err = json.Marshal(resources); err != nil {
		return nil, 0, err
	}
	if less, err = json.Marshal(t); err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		if bytes.Contains(less, []byte(`"`+name+`"`)) {
			return nil, 0, fmt.Errorf("something refers to the alarm %s", name)
		}
	}
	return less, len(names), nil
}
