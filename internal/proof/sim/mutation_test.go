package sim

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutantSeeds is how many schedules a bug may survive, and followMutantSeeds how
// many in follow mode.
const (
	mutantSeeds       = 5000
	followMutantSeeds = 20_000
)

// module is the module's directory, seen from here.
const module = "../../.."

// additions are what some mutants need besides, by what they use of it.
var additions = map[string]string{
	"openUploads": "\n// openUploads is a mutant's.\nvar openUploads sync.Map\n",
	"firstSecond": `
var firstSeconds sync.Map

// firstSecond is a mutant's.
func firstSecond(of string, now int64) int64 {
	first, _ := firstSeconds.LoadOrStore(of, now)
	return first.(int64)
}
`,
}

// parts are the changes of a mutant, of one file each.
func (m mutant) parts() []mutant {
	if second, twofold := secondGuards[m.name]; twofold {
		return []mutant{m, second}
	}
	return []mutant{m}
}

// source is the file that the mutant changes, and its text then. Code is compared token by
// token, so that neither its layout, nor comments, nor which file it is in matter.
func (m mutant) source(t *testing.T) (path, text string) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(module, m.dir))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	from, n := lexemes(m.from), 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		original, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range occurrences(lexemes(string(original)), from) {
			n++
			path, text = file, string(original[:at.begin])+m.to+string(original[at.end:])
		}
	}
	if n != 1 {
		t.Fatalf("%s has %d times, not once:\n%s", m.dir, n, m.from)
	}
	for name, addition := range additions {
		if strings.Contains(m.to, name) {
			text = strings.Replace(text, "import (\n", "import (\n\t\"sync\"\n", 1) + addition
		}
	}
	return path, text
}

// lexeme is a token, and where it is in its text.
type lexeme struct {
	text       string
	begin, end int
}

// lexemes are the tokens of a text, without comments and the semicolons that line ends
// stand for.
func lexemes(text string) (list []lexeme) {
	var s scanner.Scanner
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	s.Init(file, []byte(text), func(token.Position, string) {}, 0)
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			return list
		}
		if kind == token.SEMICOLON && literal != ";" {
			continue
		}
		if !kind.IsLiteral() {
			literal = kind.String()
		}
		begin := file.Offset(pos)
		list = append(list, lexeme{literal, begin, begin + len(literal)})
	}
}

// occurrences are the places of a piece of code, from its first to its last token.
func occurrences(in, of []lexeme) (places []lexeme) {
	for i := range len(in) - len(of) + 1 {
		if slices.EqualFunc(in[i:i+len(of)], of, func(a, b lexeme) bool { return a.text == b.text }) {
			places = append(places, lexeme{begin: in[i].begin, end: in[i+len(of)-1].end})
		}
	}
	return places
}

// TestOccurrences shows what layout, comments and files have to do with where a mutant is.
func TestOccurrences(t *testing.T) {
	const text = "if a { // why\n\treturn f(b,\n\t\t`c`)\n}\nreturn f(b, `d`)\n"
	for of, want := range map[string]string{
		"return f(b, `c`)\n}": "return f(b,\n\t\t`c`)\n}", "if a { return": "if a { // why\n\treturn", "f(b, `c`); return": "",
		"return g": "",
	} {
		got := ""
		for _, at := range occurrences(lexemes(text), lexemes(of)) {
			got += text[at.begin:at.end]
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", of, got, want)
		}
	}
	if n := len(occurrences(lexemes(text), lexemes("return f(b,"))); n != 2 {
		t.Errorf("got %d, want both", n)
	}
}

// TestMutantsApply keeps the list of bugs up with the code, and the page with
// their number.
func TestMutantsApply(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(module, "docs", "internals", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range slices.Concat(mutants, followMutants) {
		t.Run(m.name, func(t *testing.T) {
			for _, m := range m.parts() {
				path, text := m.source(t)
				if _, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, n := range []string{
		fmt.Sprintf("All %d are found.", len(mutants)), fmt.Sprintf("All %d of follow mode are found.", len(followMutants)),
	} {
		if !strings.Contains(string(page), n) {
			t.Errorf("docs/internals/reliability.md does not say %q", n)
		}
	}
}

// TestMutants builds the simulation with each deliberate bug and shows that it
// finds the bug. It takes minutes, so it is run on request: make sim.
func TestMutants(t *testing.T) { findMutants(t, mutants, "TestSchedules", mutantSeeds) }

// TestFollowMutants does the same in follow mode.
func TestFollowMutants(t *testing.T) {
	findMutants(t, followMutants, "TestFollowSchedules", followMutantSeeds)
}

func findMutants(t *testing.T, list []mutant, test string, seeds int) {
	if os.Getenv("S3FANOUT_MUTANTS") == "" {
		t.Skip("set S3FANOUT_MUTANTS=1 to build and run each mutant")
	}
	broken := regexp.MustCompile(`seed (\d+) breaks a promise: \((\w)\) (.*)`)
	for _, m := range list {
		t.Run(m.name, func(t *testing.T) {
			dir := t.TempDir()
			overlay, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sim.test")
			replaced, files := map[string]string{}, map[string]string{}
			for i, m := range m.parts() {
				path, text := m.source(t)
				replaced[path] = filepath.Join(dir, fmt.Sprintf("mutated%d.go", i))
				files[replaced[path]] = text
			}
			replace, err := json.Marshal(map[string]map[string]string{"Replace": replaced})
			if err != nil {
				t.Fatal(err)
			}
			files[overlay] = string(replace)
			for name, content := range files {
				if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-o", binary, "-overlay", overlay, ".")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			run := exec.CommandContext(t.Context(), binary, "-test.run", test+"$", "-test.v", "-test.timeout", "10m",
				"-sim.brief", "-sim.seeds", strconv.Itoa(seeds))
			out, err := run.CombinedOutput()
			found := broken.FindStringSubmatch(string(out))
			if err == nil || found == nil {
				t.Fatalf("%d schedules did not find it: %v\n%s", seeds, err, out)
			}
			t.Logf("| %s | %s | (%s) |", m.name, found[1], found[2])
		})
	}
}
