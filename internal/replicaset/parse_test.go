package replicaset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	want := Config{
		Name: "media", Regions: []string{"us-east-1", "eu-south-1"}, OptInRegions: true,
		MultipartThresholdMiB: 64, MultipartParallel: 32, ReplicaStorageClass: "STANDARD_IA", BatchOperations: true,
	}
	got, err := Parse([]byte(` {"allowOptInRegions": true, "name": "media", "regions": ["us-east-1", "eu-south-1"],
		"multipartThresholdMiB": 64, "multipartParallel": 32, "replicaStorageClass": "STANDARD_IA", "batchOperations": true} `))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse = %+v, %v, want %+v", got, err, want)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct{ raw, want string }{
		{``, `s3fanout: an empty value is not JSON; use {"name": …, "regions": […]}`},
		{`{`, `s3fanout: { is not JSON; use {"name": …, "regions": […]}`},
		{`{} {}`, `s3fanout: {} {} is not JSON; use {"name": …, "regions": […]}`},
		{`null`, `s3fanout: null is not an object; use {"name": …, "regions": […]}`},
		{`["us-east-1"]`, `s3fanout: ["us-east-1"] is not an object; use {"name": …, "regions": […]}`},
		{`{"region": []}`, `s3fanout.region: no such field; known are ` + knownFields},
		{`{"Name": "media"}`, `s3fanout.Name: no such field; known are ` + knownFields},
		{`{"name": 7}`, `s3fanout.name: 7 is not a string`},
		{`{"name": null}`, `s3fanout.name: null is not a string`},
		{`{"regions": "us-east-1"}`, `s3fanout.regions: "us-east-1" is not a list of Region names`},
		{"{\"regions\": [\n1,\n2]}", `s3fanout.regions: [ 1, 2] is not a list of Region names`},
		{`{"allowOptInRegions": "yes"}`, `s3fanout.allowOptInRegions: "yes" is not true or false`},
		{`{"batchOperations": null}`, `s3fanout.batchOperations: null is not true or false`},
		{`{"multipartThresholdMiB": 0}`, `s3fanout.multipartThresholdMiB: 0 is not a whole number from 1 on`},
		{`{"multipartThresholdMiB": 5.5}`, `s3fanout.multipartThresholdMiB: 5.5 is not a whole number from 1 on`},
		{`{"multipartThresholdMiB": "64"}`, `s3fanout.multipartThresholdMiB: "64" is not a whole number from 1 on`},
		{`{"multipartParallel": -1}`, `s3fanout.multipartParallel: -1 is not a whole number from 1 on`},
		{`{"multipartParallel": null}`, `s3fanout.multipartParallel: null is not a whole number from 1 on`},
		{`{"multipartParallel": 1e99}`, `s3fanout.multipartParallel: 1e99 is not a whole number from 1 on`},
		{`{"replicaStorageClass": 7}`, `s3fanout.replicaStorageClass: 7 is not a string`},
		{`{"name": "a", "name": "b"}`, `s3fanout: field name is given twice; remove one`},
	} {
		if _, err := Parse([]byte(tc.raw)); err == nil || err.Error() != tc.want {
			t.Errorf("Parse(%s):\ngot  %v\nwant %s", tc.raw, err, tc.want)
		}
	}
}

func TestLoad(t *testing.T) {
	for _, tc := range []struct {
		what, file string
		want       string // the message without the path, "" for none
	}{
		{"valid", `{"app": "x", "context": {"s3fanout": {"name": "media", "regions": ["us-east-1", "eu-west-1"]}}}`, ""},
		{"malformed", "{\n  \"context\": {\n    \"s3fanout\": {]\n  }\n}", "line 3, column 18: invalid character ']' looking for beginning of object key string"},
		{"cut off", "{\n  \"context\":", "line 2, column 12: unexpected end of JSON input"},
		{"context is not an object", `{"context": 5}`, "line 1, column 13: context has to be an object"},
		{"not an object", `[]`, "line 1, column 1: the file has to be an object"},
		{"no context", `{}`, `key "s3fanout" is missing in "context"; add ` + example},
		{"no key", `{"context": {"other": 1}}`, `key "s3fanout" is missing in "context"; add ` + example},
		{"bad field", `{"context": {"s3fanout": {"title": "media"}}}`, "s3fanout.title: no such field; known are " + knownFields},
		{"bad value", `{"context": {"s3fanout": {"name": "media", "regions": []}}}`, "s3fanout.regions: 0 given, a replica set needs at least two; add one"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cdk.json")
			if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Load(path)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got error %v", err)
			case tc.want == "" && (got.Name != "media" || len(got.Regions) != 2):
				t.Errorf("got %+v", got)
			case tc.want != "" && (err == nil || err.Error() != path+": "+tc.want):
				t.Errorf("\ngot  %v\nwant %s", err, path+": "+tc.want)
			}
		})
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "cdk.json"))
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that is fs.ErrNotExist", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"name": "media", "regions": ["us-east-1", "eu-west-1", "ap-northeast-1"]}`,
		`{"name": "media", "regions": ["us-east-1", "eu-south-1"], "allowOptInRegions": true}`,
		`{"name": "m", "regions": ["us-east-1", "eu-west-1"], "multipartThresholdMiB": 64, "multipartParallel": 32, "replicaStorageClass": "source"}`,
		`{"name": "sthree", "regions": ["us-gov-west-1", "us-gov-east-1"]}`,
		`{"name": "a", "name": "b"}`,
		`{"regions": [null]}`,
		"{\"\xff\": 1}",
		`[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Parse(raw)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			if m := err.Error(); strings.ContainsAny(m, "\n\r") || !strings.HasPrefix(m, ContextKey) {
				t.Errorf("Parse(%q): message %q is not one line that begins with the key", raw, m)
			}
			return
		}
		checkNames(t, c)
	})
}
