package replicaset

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// update is set by -update: write the schema instead of comparing it.
var update = flag.Bool("update", false, "write docs/schema/cdk.json anew")

const schemaPath = "../../docs/schema/cdk.json"

// docs/schema/cdk.json is the schema of the fields that Parse knows. It does not
// know rules that connect fields.
func TestSchemaIsThatOfTheFields(t *testing.T) {
	want, err := json.MarshalIndent(fileSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(schemaPath); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not that of the fields (%v): go test ./internal/replicaset -run TestSchema -update", schemaPath, err)
	}
	known := map[string]bool{}
	for _, f := range (&Config{}).fields() {
		known[f.name] = true
	}
	for name := range limits() {
		if !known[name] {
			t.Errorf("there is a limit for %s, which is no field", name)
		}
	}
}

// What is a configuration here is one by the schema.
func TestConfigurationsAreValidBySchema(t *testing.T) {
	schema := resolved(t, fileSchema(t))
	files, err := filepath.Glob("../../infra/testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range append(files, "../sandbox/snapshot/replicaset.json") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(raw)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if err := schema.Validate(inFile(decoded(t, raw))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	raw, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(decoded(t, raw)); err != nil {
		t.Errorf("cdk.json: %v", err)
	}
}

// What Parse refuses of a value the schema refuses too.
func TestParseErrorsAreErrorsBySchema(t *testing.T) {
	schema, tried := resolved(t, fileSchema(t)), 0
	for _, tc := range parseErrors {
		if !json.Valid([]byte(tc.raw)) || strings.Contains(tc.want, "given twice") || strings.Contains(tc.want, "line ") {
			continue // of JSON itself
		}
		value := decoded(t, []byte(tc.raw))
		if object, ok := value.(map[string]any); ok {
			with := valid()
			maps.Copy(with, object)
			value = with
		}
		tried++
		if err := schema.Validate(inFile(value)); err == nil {
			t.Errorf("%s is refused with %q, but valid by the schema", tc.raw, tc.want)
		}
	}
	if tried < 60 {
		t.Errorf("%d values were tried", tried)
	}
}

// What Validate refuses of one field alone the schema refuses too.
func TestImpossibleValuesAreErrorsBySchema(t *testing.T) {
	schema := resolved(t, fileSchema(t))
	if err := schema.Validate(inFile(valid())); err != nil {
		t.Fatal(err)
	}
	for field, values := range map[string][]string{
		"name":                  {`"Media"`, `""`, `"media-"`},
		"regions":               {`["us-east-1"]`, `[]`, `["us-east-1", "us-east-1"]`, `["us-east-1", "eu-west-9"]`},
		"bucketNamespace":       {`"mine"`},
		"buckets":               {`{}`, `{"eu-west-9": "my-old-bucket"}`},
		"filters":               {`[{}]`, `[{"prefix": "a*"}]`},
		"exclude":               {`[{}]`, `[{"suffix": "*.part"}]`},
		"follow":                {`["tags"]`, `["deletions"]`},
		"reconcile":             {`{"keyRanges": 1}`, `{"keyRanges": 101}`},
		"multipartThresholdMiB": {`4`, `5121`},
		"multipartParallel":     {`257`},
		"replicaStorageClass":   {`"standard"`},
		"functionMemoryMiB":     {`127`, `10241`},
		"functionArchitecture":  {`"amd64"`},
		"logRetentionDays":      {`31`},
		"encryption":            {`"aws:kms"`},
		"removalPolicy":         {`"delete"`},
		"access":                {`"all"`},
		"vpcEndpoints":          {`{"us-east-1": {"vpcId": "vpc-1", "subnetIds": ["subnet-0123456789abcdef0"]}}`, `{}`},
		"accessPoint": {`{"points": [{"regions": ["us-east-1"]}]}`, `{"points": [{"name": "Main"}]}`,
			`{"region": "eu-west-9"}`},
		"alarmEmail":               {`"ops"`},
		"replicationTimeThreshold": {`"15 seconds"`},
	} {
		for _, value := range values {
			object := valid()
			object[field] = decoded(t, []byte(value))
			raw, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(raw)
			if err == nil {
				err = c.Validate()
			}
			if err == nil || !strings.HasPrefix(err.Error(), "s3fanout."+field) {
				t.Errorf("%s: %s is refused with %v", field, value, err)
			}
			if schema.Validate(inFile(object)) == nil {
				t.Errorf("%s: %s is valid by the schema", field, value)
			}
		}
	}
	for _, field := range []string{"name", "regions"} {
		object := valid()
		delete(object, field)
		if schema.Validate(inFile(object)) == nil {
			t.Errorf("without %s it is valid by the schema", field)
		}
	}
}

// valid is the least of configurations.
func valid() map[string]any {
	return map[string]any{"name": "media", "regions": []any{"us-east-1", "eu-west-1"}}
}

func decoded(t *testing.T, raw []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// inFile is a cdk.json with that value of the context key.
func inFile(value any) any {
	return map[string]any{"context": map[string]any{ContextKey: value}}
}

func resolved(t *testing.T, schema *jsonschema.Schema) *jsonschema.Resolved {
	t.Helper()
	r, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fileSchema is the schema of a whole cdk.json, of which the CDK says the rest.
func fileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	set := objectSchema(t, (&Config{}).fields())
	set.Description = "The configuration of a replica set; see docs/configuration.md."
	effects := pageEffects(t)
	for name, member := range set.Properties {
		member.Description = strings.TrimSpace(effects[name] + " " + member.Description)
	}
	for name, limit := range limits() {
		limit(set.Properties[name])
	}
	set.Required = []string{"name", "regions"}
	return &jsonschema.Schema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: "s3fanout cdk.json",
		Description: "The configuration of s3fanout in a cdk.json. Rules that connect fields are checked before synthesis.",
		Type:        "object", Required: []string{"context"},
		Properties: map[string]*jsonschema.Schema{
			"context": {Type: "object", Required: []string{ContextKey}, Properties: map[string]*jsonschema.Schema{ContextKey: set}},
		},
		Defs: map[string]*jsonschema.Schema{"region": regionSchema()},
	}
}

// pageEffects are the beginnings of what docs/configuration.md says that each field
// does, for editors to show.
func pageEffects(t *testing.T) map[string]string {
	t.Helper()
	effects := map[string]string{}
	for _, f := range pageFields(t) {
		text := regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(strings.ReplaceAll(f.effect, "`", ""), "$1")
		text = regexp.MustCompile(`[;.] .*`).ReplaceAllString(text, "")
		if !strings.HasPrefix(f.effect, "`") { // a value is written as it is
			text = strings.ToUpper(text[:1]) + text[1:]
		}
		effects[f.name] = text + "."
	}
	return effects
}

// objectSchema is the schema of an object with these members.
func objectSchema(t *testing.T, fields []configField) *jsonschema.Schema {
	t.Helper()
	s := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, f := range fields {
		member := schemaFor(t, f.into)
		switch f.fallback {
		case "":
		case "required":
			member.Description = "Required."
		default:
			member.Description = "Default: " + strings.ReplaceAll(f.fallback, "`", "") + "."
		}
		s.Properties[f.name], s.PropertyOrder = member, append(s.PropertyOrder, f.name)
	}
	return s
}

// schemaFor is the schema of what json.Unmarshal reads into a field.
func schemaFor(t *testing.T, into any) *jsonschema.Schema {
	t.Helper()
	one := 1
	switch into.(type) {
	case *string:
		return &jsonschema.Schema{Type: "string"}
	case *bool, *negated:
		return &jsonschema.Schema{Type: "boolean"}
	case *[]string:
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string"}, UniqueItems: true}
	case *stringMap:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "string"}}
	case *positive:
		return &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(1.0)}
	case *second:
		return &jsonschema.Schema{
			Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`,
		}
	case *minutes:
		return &jsonschema.Schema{Type: "string", Pattern: minutesPattern.String()}
	case *span:
		return &jsonschema.Schema{Type: "string", Pattern: spanPattern.String()}
	case *Follow, *ownFollow:
		return followSchema()
	case *filterList:
		return &jsonschema.Schema{Type: "array", MinItems: &one, Items: patternSchema(t, new(Filter).fields())}
	case *exclusionList:
		return &jsonschema.Schema{Type: "array", MinItems: &one, Items: patternSchema(t, new(Exclusion).fields())}
	case **Reconcile:
		s := objectSchema(t, new(Reconcile).fields())
		between(minKeyRanges, maxKeyRanges)(s.Properties["keyRanges"])
		return s
	case **AccessPoint:
		s := objectSchema(t, new(AccessPoint).fields())
		s.Properties["region"] = region()
		return s
	case *auditTrailField:
		s := objectSchema(t, new(AuditTrail).fields())
		s.Properties["region"] = region()
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "boolean"}, s}}
	case *pointList:
		two, s := maxPoints, objectSchema(t, new(Point).fields())
		s.Properties["regions"].Items = region()
		s.Required, s.Properties["name"].Pattern, s.Properties["regions"].MinItems = []string{"name"}, `^[a-z][a-z0-9]{0,19}$`, &one
		return &jsonschema.Schema{Type: "array", MinItems: &one, MaxItems: &two, Items: s}
	case *vpcEndpointMap:
		s := objectSchema(t, new(VPCEndpoint).fields())
		s.Required = []string{"vpcId", "subnetIds"}
		for name, kind := range map[string]string{"subnetIds": "subnet", "securityGroupIds": "sg"} {
			s.Properties[name].MinItems, s.Properties[name].Items.Pattern = &one, idPattern(kind)
		}
		s.Properties["vpcId"].Pattern = idPattern("vpc")
		return &jsonschema.Schema{Type: "object", AdditionalProperties: s}
	}
	t.Fatalf("no schema is known for %T", into)
	return nil
}

func idPattern(kind string) string { return "^" + kind + "-([0-9a-f]{8}|[0-9a-f]{17})$" }

func followSchema() *jsonschema.Schema {
	var names []any
	for _, p := range new(Follow).parts() {
		names = append(names, p.name)
	}
	none, overwrites := 0, any("overwrites")
	return &jsonschema.Schema{
		Type: "array", Items: &jsonschema.Schema{Type: "string", Enum: names}, UniqueItems: true,
		// What the others build on.
		AnyOf: []*jsonschema.Schema{{MaxItems: &none}, {Contains: &jsonschema.Schema{Const: &overwrites}}},
	}
}

// patternSchema is the schema of an entry with a prefix, a suffix or both.
func patternSchema(t *testing.T, fields []configField) *jsonschema.Schema {
	t.Helper()
	s := objectSchema(t, fields)
	for _, name := range []string{"prefix", "suffix"} {
		s.Properties[name].Pattern = `^[^*]*$`
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Required: []string{name}})
	}
	return s
}

// limits are what Validate asks of the values of single fields.
func limits() map[string]func(*jsonschema.Schema) {
	one, two := 1, 2
	byRegion := func(s *jsonschema.Schema) { s.PropertyNames = region() }
	return map[string]func(*jsonschema.Schema){
		"name": func(s *jsonschema.Schema) { s.Pattern = `^[a-z]([a-z0-9-]*[a-z0-9])?$` },
		"regions": func(s *jsonschema.Schema) {
			s.MinItems, s.Items = &two, region()
		},
		"bucketNamespace":       oneOf(GlobalNamespace, AccountRegionalNamespace),
		"buckets":               func(s *jsonschema.Schema) { byRegion(s); s.MinProperties = &one },
		"bucketKeyArns":         byRegion,
		"kmsKeyArns":            byRegion,
		"roleIds":               byRegion,
		"vpcEndpoints":          func(s *jsonschema.Schema) { byRegion(s); s.MinProperties = &one },
		"multipartThresholdMiB": between(minThresholdMiB, maxThresholdMiB),
		"multipartParallel":     between(1, maxMultipartParallel),
		"replicaStorageClass":   oneOf(append(storageClasses(), SourceStorageClass)...),
		"functionMemoryMiB":     between(minFunctionMemoryMiB, maxFunctionMemoryMiB),
		"functionArchitecture":  oneOf(ARM64, X86),
		"logRetentionDays":      oneOf(logRetentions()...),
		"alarmEmail":            func(s *jsonschema.Schema) { s.Pattern = `^[^@\s]+@[^@\s]+$` },
		"encryption":            oneOf(EncryptionS3, EncryptionKMS),
		"removalPolicy":         oneOf(Retain, Destroy),
		"access":                oneOf(AnyAccess, AccessPointOnly),
	}
}

func oneOf[T any](values ...T) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		for _, v := range values {
			s.Enum = append(s.Enum, v)
		}
	}
}

func between(least, most float64) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) { s.Minimum, s.Maximum = &least, &most }
}

// region is the name of a Region, of which the schema lists all once.
func region() *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/region"} }

func regionSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Description: "An AWS Region."}
	for _, r := range regionTable() {
		s.Enum = append(s.Enum, r.name)
	}
	return s
}
