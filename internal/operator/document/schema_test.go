package document_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
)

var update = flag.Bool("update", false, "write docs/schema anew")

// schemas are the documents by the names of their schemas, and when each is written.
var schemas = map[string]struct {
	of   any
	when string
}{
	"adopt":          {document.Adopt{}, "adopt --output json"},
	"backfill":       {document.Backfill{}, "backfill --output json"},
	"backfill-batch": {document.Batch{}, "backfill --batch-operations --output json"},
	"backfill-job":   {document.BatchStatus{}, "backfill --job --output json"},
	"cost":           {document.Cost{}, "cost --output json"},
	"doctor":         {document.Doctor{}, "doctor --output json"},
	"explain":        {document.Explain{}, "explain --output json"},
	"failover-drill": {document.FailoverDrill{}, "the report of failover drill, and failover drill --output json"},
	"failover-shift": {document.FailoverShift{},
		"failover shift --output json, and failover drill --output json if nothing was shifted"},
	"failover-status":   {document.FailoverStatus{}, "failover status --output json"},
	"history":           {document.History{}, "history --output json"},
	"pause":             {document.Pause{}, "pause --output json"},
	"redrive":           {document.Redrive{}, "redrive --output json"},
	"redrive-letter":    {document.RedriveLetter{}, "each line but the last of redrive --watch --output json"},
	"report":            {document.Report{}, "report --output json"},
	"resume":            {document.Resume{}, "resume --output json"},
	"status":            {document.Status{}, "status --output json"},
	"status-line":       {document.StatusLine{}, "each line of status --watch --output json"},
	"undelete":          {document.Undelete{}, "undelete --output json"},
	"verify-difference": {document.VerifyDifference{}, "each line but the last of verify --output json"},
	"verify-end":        {document.VerifyEnd{}, "the last line of verify --output json"},
	"version":           {document.Version{}, "version --output json"},
}

// docs/schema has the schemas of the documents, that of cdk.json, and no others.
func TestSchemasAreThoseOfTheTypes(t *testing.T) {
	const dir = "../../../docs/schema"
	for name, d := range schemas {
		want := text(t, name, d.of, d.when)
		path := filepath.Join(dir, name+".json")
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not that of its type (%v): go test ./internal/operator/document -update", path, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != len(schemas)+1 {
		t.Errorf("%s has %d schemas, want %d and that of cdk.json: %v", dir, len(files), len(schemas), err)
	}
}

// TestSchemasExplainTheirFields holds the schemas to be where a reader finds what a name
// does not say by itself.
func TestSchemasExplainTheirFields(t *testing.T) {
	explained := map[string]bool{}
	var visit func(*jsonschema.Schema)
	visit = func(s *jsonschema.Schema) {
		for name, field := range s.Properties {
			if field.Description != "" {
				explained[name] = true
			}
			visit(field)
		}
		if s.Items != nil {
			visit(s.Items)
		}
	}
	for name := range schemas {
		content, err := os.ReadFile(filepath.Join("../../../docs/schema", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		s := &jsonschema.Schema{}
		if err := json.Unmarshal(content, s); err != nil {
			t.Fatal(err)
		}
		visit(s)
	}
	for _, name := range []string{
		"verdict", "state", "outcome", "kind", "class", "did", "held", "noSource", "sizeOnly", "submitted", "proofs", "waitingBytes",
		"parts",
	} {
		if !explained[name] {
			t.Errorf("no schema explains %s", name)
		}
	}
	if len(explained) < 60 {
		t.Errorf("%d fields are explained, too few", len(explained))
	}
}

// text is the schema of a document.
func text(t *testing.T, name string, of any, when string) []byte {
	t.Helper()
	s, err := jsonschema.ForType(reflect.TypeOf(of), &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[time.Time](): {Type: "string", Format: "date-time"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	open(s)
	const outcomes = "replayed, failed, interrupted, skipped, waiting (dry run), not-understood, not-ours, not-invoked or not-deleted"
	switch name { // what is too long for a field's tag
	case "adopt":
		s.Properties["regions"].Items.Properties["state"].Description = "present (the entries were there already), written, " +
			"wanting (a dry run would add them), failed or checked"
	case "doctor":
		s.Properties["findings"].Items.Properties["check"] = checks()
	case "explain":
		s.Properties["verdict"].Description = "everywhere, nowhere, different, missing, deleted, archived, tags-differ, " +
			"not-compared, unknown, on-its-way, copying, dead-letter or left-out (by cdk.json)"
	case "redrive":
		s.Properties["letters"].Items.Properties["outcome"].Description = outcomes
	case "redrive-letter":
		s.Properties["outcome"].Description = outcomes
	}
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "s3fanout "+name
	s.Description = "What s3fanout writes: " + when + ". Members may be added."
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// checks is the schema of a check's ID: it lists each check with its severity and what
// it looks for. What a finding means, and how to fix it, is in the finding.
func checks() *jsonschema.Schema {
	named := regexp.MustCompile(`((?:adopted )?(?:bucket|topic|function|role|queue)) \{\w+\}`)
	s := &jsonschema.Schema{Description: "Later versions may have other checks."}
	for _, c := range health.Checks() {
		var id any = c.ID
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{
			Const: &id, Description: string(c.Severity) + ": " + named.ReplaceAllString(c.Asks, "the $1"),
		})
	}
	s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Type: "string"})
	return s
}

// open allows members that a later version adds, and takes null out of lists: an
// empty one is [].
func open(s *jsonschema.Schema) {
	if s.Items != nil && slices.Contains(s.Types, "array") {
		s.Type, s.Types = "array", nil
	}
	if s.Properties != nil {
		s.AdditionalProperties = nil
	}
	for _, below := range s.Properties {
		open(below)
	}
	for _, below := range []*jsonschema.Schema{s.Items, s.AdditionalProperties} {
		if below != nil {
			open(below)
		}
	}
}
