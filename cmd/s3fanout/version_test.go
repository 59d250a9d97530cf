package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"s3fanout/internal/operator/document"
)

func TestDescribeBuild(t *testing.T) {
	info := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}, {Key: "vcs.time", Value: "2026-11-20T12:00:00Z"},
		},
	}
	v := document.NewVersion(info)
	if got, want := versionText(v), "s3fanout v1.2.3 abc with changes go"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
	if v.Time != "2026-11-20T12:00:00Z" || !v.Modified {
		t.Errorf("got %+v", v)
	}
	if got := document.NewVersion(&debug.BuildInfo{}).Version; got != "(devel)" {
		t.Errorf("without a version: got %q", got)
	}
}
