package main

import (
	"io"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// On a terminal init asks, and again after a bad answer.
func TestInitAsks(t *testing.T) {
	t.Chdir(t.TempDir())
	user, terminal := openTerminal(t)
	var out strings.Builder
	a := &app{stdin: terminal, stdout: &out, stderr: terminal, getenv: func(string) string { return "" }, output: outputText, configPath: "cdk.json"}
	t.Setenv("HOME", t.TempDir()) // without credentials
	typed := "us-east-1\n us-east-1, eu-west-1 \nMedia\n\nmine\nus-east-1=my-old-bucket\nsync\nfollow\ny\n"
	if _, err := user.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	err := a.init(t.Context(), initFlags{answers: initAnswers{mode: firstWriteWins}}, cdkApp{app: "s3fanout-cdk"}, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	shown, _ := io.ReadAll(user) // ends with EIO once nobody has the terminal
	text := strings.Join(strings.Fields(string(shown)), " ")
	for _, want := range []string{
		"regions: 1 given, a replica set needs at least two; add one Regions, two or more",
		`name: "Media" is not usable`, `"mine" is not REGION=NAME`, "it has to be first-write-wins or follow", "Write cdk.json? [y/N]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q was not shown in %q", want, text)
		}
	}
	got, err := replicaset.Load("cdk.json")
	if err != nil || got.Name != "s3fanout" || len(got.Regions) != 2 || got.Buckets["us-east-1"] != "my-old-bucket" || !got.Follow.Tags {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Who does not agree, or answers no more, has nothing written.
func TestInitWritesNothingUnasked(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, typed := range []string{"\n\n\n\nn\n", "\x04", "us-east-1,eu-west-1\n\x04"} {
		user, terminal := openTerminal(t)
		a := &app{stdin: terminal, stdout: io.Discard, stderr: terminal, getenv: func(string) string { return "" }, output: outputText, configPath: "cdk.json"}
		if _, err := user.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		err := a.init(t.Context(), initFlags{answers: initAnswers{mode: firstWriteWins}}, cdkApp{}, func(string) bool { return false })
		if err == nil {
			t.Errorf("%q: no error", typed)
		}
		if _, err := replicaset.Load("cdk.json"); err == nil {
			t.Fatalf("%q: a file was written", typed)
		}
	}
}
