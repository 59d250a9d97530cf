package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{"-target", "emulator", "-regions", "us-east-1,eu-west-1", "-config",
		`{"functionMemoryMiB": 512}`, "-dir", t.TempDir()}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !smokeName.MatchString(o.name) || o.set.Name != o.name || len(o.set.Regions) != 2 || o.set.FunctionMemoryMiB != 512 ||
		o.set.MultipartThresholdMiB != 5 {
		t.Errorf("name %q, set %+v", o.name, o.set)
	}
	if o.set.Architecture() != hostArchitecture() {
		t.Errorf("the emulator runs %s, and this machine is %s", o.set.Architecture(), hostArchitecture())
	}
	if o.timeout != 10*time.Minute || filepath.Base(filepath.Dir(o.report)) != o.name {
		t.Errorf("timeout %v, report %s", o.timeout, o.report)
	}
	again, err := parseOptions(nil, io.Discard)
	if err != nil || again.name == o.name || again.set.Architecture() != "arm64" {
		t.Errorf("another run is %+v, %v", again, err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-target", "cloud"}, `-target "cloud" is not sandbox, emulator or account`},
		{[]string{"more"}, `"more" is no flag`},
		{[]string{"-objects", "0"}, "-objects 0 is not between 1 and 10000"},
		{[]string{"-regions", "us-east-1"}, "a replica set needs at least two"},
		{[]string{"-config", "[]"}, "it is not an object of JSON"},
		{[]string{"-config", `{"name": "prod"}`}, "the name is made up, so that teardown cannot meet anything else"},
		{[]string{"-config", `{"regionss": 1}`}, "did you mean regions?"},
	} {
		if _, err := parseOptions(tt.args, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.args, err, tt.want)
		}
	}
}

// Only a bucket of the random name, in its own Region and account, is emptied.
func TestMayDelete(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	const account, region = "111122223333", "eu-west-1"
	if !mayDelete(o, account, region, o.name+"-111122223333-eu-west-1") {
		t.Error("the run's own bucket stays")
	}
	for _, bucket := range []string{
		"", "prod-111122223333-eu-west-1", o.name, o.name + "-111122223333-us-east-1",
		o.name + "-999999999999-eu-west-1", o.name + "-111122223333-eu-west-1-logs",
	} {
		if mayDelete(o, account, region, bucket) {
			t.Errorf("%q would be deleted", bucket)
		}
	}
	for _, name := range []string{"prod", "smoke-", "smoke-ABCDEFGHIJ", "smoke-abcdefghij-prod"} {
		other := o
		other.name, other.set.Name = name, name
		if mayDelete(other, account, region, name+"-111122223333-eu-west-1") {
			t.Errorf("a run called %q deletes", name)
		}
	}
}

// Nobody is charged without having said yes.
func TestConfirm(t *testing.T) {
	o, err := parseOptions([]string{"-target", "account"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = read.Close(), write.Close() }()
	var said strings.Builder
	err = confirm(o, "111122223333", "arn:me", read, &said)
	if !errors.As(err, &usageError{}) || !strings.Contains(err.Error(), "there is no terminal to ask on; nothing was done") {
		t.Errorf("without a terminal: %v", err)
	}
	for _, part := range []string{o.name, "111122223333", "us-east-1, eu-west-1, ap-northeast-1", "costs about $0.", "a month"} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("the question lacks %q:\n%s", part, said.String())
		}
	}
	o.yes = true
	if err := confirm(o, "111122223333", "arn:me", read, io.Discard); err != nil {
		t.Errorf("with -yes: %v", err)
	}
	for answer, want := range map[string]bool{o.name + "\n": true, o.name: true, "": false, "yes\n": false, "smoke-\n": false} {
		if err := readConfirmation(o.name, strings.NewReader(answer), io.Discard); (err == nil) != want {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// The price that is told is more than nothing, and far from a month's.
func TestEstimate(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	run, month := estimate(o)
	if run < 0.01 || run > 1 || month < 5 || month > 30 {
		t.Errorf("a run $%.2f, a month $%.2f", run, month)
	}
}
