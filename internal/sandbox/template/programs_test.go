package template

import (
	"strings"
	"testing"
	"testing/fstest"
)

// withAssets is an assembly of one empty stack, with this manifest of assets.
func withAssets(manifest string) fstest.MapFS {
	return fstest.MapFS{
		"manifest.json": {Data: []byte(`{"artifacts": {
			"one": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/us-east-1",
				"properties": {"templateFile": "one.json"}},
			"one.assets": {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}}}}`)},
		"one.json":    {Data: []byte(oneTopic)},
		"assets.json": {Data: []byte(manifest)},
	}
}

func TestProgram(t *testing.T) {
	asset := func(name, key string) string {
		return `"` + key + `": {"displayName": "` + name + `", "source": {"path": "asset.` + key +
			`"}, "destinations": {"here": {"objectKey": "` + key + `.zip"}}}`
	}
	a, err := Load(withAssets(`{"files": {` + asset("build/function/arm64", "aa") + `, ` + asset("/tmp/x/reconcile/x86_64", "bb") + `, ` +
		asset("Function/Code", "cc") + `, ` + asset("arm64", "dd") + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"aa.zip": "function",
		"bb.zip": "reconcile",
		"cc.zip": "error: " + `is displayed as "Function/Code"`,
		"dd.zip": "error: " + `is displayed as "arm64"`,
		"ee.zip": "error: " + `no asset of the assembly has the code's key "ee.zip"`,
	} {
		got, err := a.Program(key)
		if part, fails := strings.CutPrefix(want, "error: "); fails {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: got %q, %v, want an error with %q", key, got, err, part)
			}
		} else if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", key, got, err, want)
		}
	}
}

// TestProgramWithoutAssets is about the snapshot, whose code has names for keys.
func TestProgramWithoutAssets(t *testing.T) {
	a := &Assembly{}
	if got, err := a.Program("function.zip"); err != nil || got != "function" {
		t.Errorf("got %q, %v, want function", got, err)
	}
	if _, err := a.Program("function"); err == nil {
		t.Error("a key without .zip is taken")
	}
}

func TestAssetManifestErrors(t *testing.T) {
	if _, err := Load(withAssets(`[]`)); err == nil || !strings.Contains(err.Error(), "assets.json: not a manifest of assets") {
		t.Errorf("got %v, want that assets.json is none", err)
	}
	missing := withAssets(`{}`)
	delete(missing, "assets.json")
	if _, err := Load(missing); err == nil || !strings.Contains(err.Error(), "artifact one.assets") {
		t.Errorf("got %v, want that one.assets cannot be read", err)
	}
}
