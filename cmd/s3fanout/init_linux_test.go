package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// On a terminal init asks, and again after a bad answer.
func TestInitAsks(t *testing.T) {
	t.Chdir(t.TempDir())
	user, terminal := openTerminal(t)
	var out strings.Builder
	a := &app{
		stdin: terminal, stdout: &out, stderr: terminal, getenv: func(string) string { return "" }, output: outputText,
		configPath: "cdk.json",
	}
	t.Setenv("HOME", t.TempDir()) // without credentials
	typed := "us-east-1\n us-east-1, eu-west-1 \nMedia\n\nmine\nus-east-1=my-old-bucket\nsync\nfollow\ny\n"
	if _, err := user.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	err := a.init(t.Context(), initFlags{answers: initAnswers{mode: firstWriteWins}}, cdkApp{app: "s3fanout-cdk"},
		func(string) bool { return false })
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

// An opt-in Region, from a flag or an answer, is a question and no dead end.
func TestInitAsksWhetherOptInRegionsMayBeMembers(t *testing.T) {
	for _, tc := range []struct {
		name, typed string
		flags       initAnswers
		answered    []string
		want        []string // Regions that are written, none if it is refused
	}{
		{"answered and allowed", "us-east-1,eu-south-1\ny\n\n\n\ny\n", initAnswers{}, nil, []string{"us-east-1", "eu-south-1"}},
		{"answered and not allowed", "us-east-1,eu-south-1\nn\n\n\n\n\ny\n", initAnswers{}, nil, []string{"us-east-1", "eu-west-1"}},
		{"a flag, allowed", "y\n\n\n\ny\n", initAnswers{regions: []string{"us-east-1", "eu-south-1"}}, []string{"regions"},
			[]string{"us-east-1", "eu-south-1"}},
		{"a flag, not allowed", "n\n", initAnswers{regions: []string{"us-east-1", "eu-south-1"}}, []string{"regions"}, nil},
		{"a flag that no answer corrects", "", initAnswers{regions: []string{"us-east-1"}}, []string{"regions"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("HOME", t.TempDir()) // without credentials
			user, terminal := openTerminal(t)
			a := &app{
				stdin: terminal, stdout: io.Discard, stderr: terminal, getenv: func(string) string { return "" }, output: outputText,
				configPath: "cdk.json",
			}
			if _, err := user.WriteString(tc.typed); err != nil {
				t.Fatal(err)
			}
			tc.flags.mode = firstWriteWins
			err := a.init(t.Context(), initFlags{answers: tc.flags}, cdkApp{}, func(flag string) bool {
				return slices.Contains(tc.answered, flag)
			})
			got, _ := replicaset.Load("cdk.json")
			if (err == nil) != (tc.want != nil) || !slices.Equal(got.Regions, tc.want) {
				t.Errorf("got %v, %v, want %v", got.Regions, err, tc.want)
			}
		})
	}
}

// Who does not agree, or answers no more, has nothing written.
func TestInitWritesNothingUnasked(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, typed := range []string{"\n\n\n\nn\n", "\x04", "us-east-1,eu-west-1\n\x04"} {
		user, terminal := openTerminal(t)
		a := &app{
			stdin: terminal, stdout: io.Discard, stderr: terminal, getenv: func(string) string { return "" }, output: outputText,
			configPath: "cdk.json",
		}
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
