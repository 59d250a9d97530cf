package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
)

// TestJSONIsPrintable has a key that would act on a terminal in what a command
// writes as JSON: a control sequence of one character (U+009B), and one that
// reverses the text after it (U+202E); bad input: cm-30.
func TestJSONIsPrintable(t *testing.T) {
	const key = "films/\x1b[2J\u007f\u009b2J\u202egpj.exe\u2028\u00ad\ufeff\U000e0041 <日本&é🐘>"
	report := redrive.Report{Regions: []redrive.Summary{{Region: "eu-west-1", Results: []redrive.Result{{
		Letter: deadletter.Letter{Objects: []deadletter.Object{{Bucket: "b", Key: key}}}, Outcome: redrive.Failed,
	}}}}}
	for name, write := range map[string]func(*bytes.Buffer, any) error{
		"document": func(b *bytes.Buffer, v any) error { return writeJSONDocument(b, v) },
		"line":     func(b *bytes.Buffer, v any) error { return writeJSONLine(b, v) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b, newRedriveView("media", false, report)); err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexFunc(b.String(), func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }); i >= 0 {
				t.Errorf("not printable: %q", b.String()[i:min(i+8, b.Len())])
			}
			for _, plain := range []string{"<日本&é🐘>", `\u009b`, `\u202e`, `\udb40\udc41`} {
				if !strings.Contains(b.String(), plain) {
					t.Errorf("no %s in %s", plain, b.String())
				}
			}
			var d document.Redrive
			if err := json.Unmarshal(b.Bytes(), &d); err != nil || d.Letters[0].Objects[0].Key != key {
				t.Errorf("read back: %v, %v", d.Letters, err)
			}
		})
	}
}

// TestOneWriterOfJSON finds a command that writes JSON by itself, past what
// writeJSON escapes.
func TestOneWriterOfJSON(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "json.go" {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`json\.(NewEncoder|MarshalIndent)`).Find(source); found != nil {
			t.Errorf("%s has %s; write results with writeJSONDocument or writeJSONLine", name, found)
		}
	}
}
