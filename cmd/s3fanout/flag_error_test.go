package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// parserWords are those of Go's parsers and of pflag, which say nothing to
// somebody who typed a command.
var parserWords = regexp.MustCompile(
	`strconv|parsing|invalid (syntax|argument|duration|character)|time:|unmarshal|bad flag|shorthand|needs an argument`,
)

// TestWrongValuesAreSaidInPlainWords gives every flag of every command what it
// cannot mean: the line names the flag and has no word of a parser.
func TestWrongValuesAreSaidInPlainWords(t *testing.T) {
	commands, _ := visible(t)
	seen := map[string]bool{}
	for _, c := range commands {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			for _, value := range map[string][]string{
				"int": {"x", "1.5", "", "99999999999999999999"}, "int64": {"x", "", "99999999999999999999"}, "float64": {"x", "", "1e999"},
				"bool": {"maybe", ""}, "duration": {"x", "5", "", "9999999h"}, "text|json": {"yaml", ""},
			}[f.Value.Type()] {
				seen[f.Value.Type()] = true
				line := slices.Concat(strings.Fields(c.CommandPath())[1:], []string{"--" + f.Name + "=" + value})
				code, said := runLine(t, line...)
				if code != exitUsage || !strings.HasPrefix(said, "s3fanout: --"+f.Name+" ") || parserWords.MatchString(said) {
					t.Errorf("%q: exit %d: %s", line, code, said)
				}
			}
		})
	}
	for _, kind := range []string{"int", "int64", "float64", "bool", "duration", "text|json"} {
		if !seen[kind] {
			t.Errorf("no flag takes a %s: the test looks in the wrong place", kind)
		}
	}
}

// runLine is a command line that asks nothing of anybody.
func runLine(t *testing.T, args ...string) (code int, said string) {
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, func(string) string { return "" })
	return code, strings.TrimSuffix(stderr.String(), "\n")
}

func TestFlagErrors(t *testing.T) {
	for line, want := range map[string]string{
		"redrive --max x":             "--max x: it has to be a whole number, as in 10",
		"redrive --max":               "--max needs a value; see s3fanout redrive --help",
		"redrive --rate=":             `--rate "": it has to be a number, as in 20 or 0.5`,
		"redrive --older-than x":      "--older-than x: it has to be a time such as 90m, 12h or 2d",
		"redrive --dry-run=maybe":     "--dry-run maybe: it has to be true or false",
		"verify --grace 5":            "--grace 5: it has to be a time, as in 90s, 5m or 12h",
		"redrive --=x":                `"--=x" is not a flag; see s3fanout redrive --help`,
		"redrive -x":                  "unknown flag: -x; see s3fanout redrive --help",
		"redrive --regoin r":          "unknown flag: --regoin; did you mean --region?",
		"redrive --nonsense":          "unknown flag: --nonsense; see s3fanout redrive --help",
		"help redrve":                 `unknown command "redrve"; did you mean redrive?`,
		"help sandbox falt":           `unknown command "sandbox falt"; did you mean fault?`,
		"help nonsense":               `unknown command "nonsense"; run s3fanout --help`,
		"sandbox falt":                `unknown command "falt"; did you mean fault?`,
		"sandbox surplus":             `sandbox takes no arguments, not "surplus"; see s3fanout sandbox --help`,
		"redrve --dry-run":            `unknown command "redrve"; did you mean redrive?`,
		"verfy -x":                    `unknown command "verfy"; did you mean verify?`,
		"--output json verfy --grace": `unknown command "verfy"; did you mean verify?`,
		"sandbox falt --kind s3-cut":  `unknown command "falt"; did you mean fault?`,
		"redriv":                      `unknown command "redriv"; did you mean redrive?`,
		"cost --objects 1 --bytes 1x": `--bytes: "1x" is not a size; give one like 500GB or 1.5TiB`,
	} {
		code, said := runLine(t, strings.Fields(line)...)
		if code != exitUsage || said != "s3fanout: "+want {
			t.Errorf("%s: exit %d: %s\nwant %s", line, code, said, want)
		}
	}
}

// --version is what version says.
func TestVersionFlag(t *testing.T) {
	say := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, func(string) string { return "" })
		if code != exitDone || stderr.Len() > 0 {
			t.Errorf("%q: exit %d: %s", args, code, &stderr)
		}
		return stdout.String()
	}
	if got, want := say("--version"), say("version"); got != want || !strings.HasPrefix(got, "s3fanout ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := say("--version", "--output", "json"), say("version", "--output", "json"); got != want || !strings.HasPrefix(got, "{") {
		t.Errorf("got %q, want %q", got, want)
	}
}
