package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every target that the page says was missed is explained there, by its contest and its
// metric, and nothing that was met.
func TestPageExplainsWhatWasMissed(t *testing.T) {
	text, err := os.ReadFile("../../../" + benchmarksPage)
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "\n## Missed\n")
	list, _, closed := strings.Cut(list, "\n<!-- ")
	if !ok || !closed {
		t.Fatal("the page has no list of what was missed before its first contest")
	}
	var heads []string // what each item explains
	for line := range strings.Lines(list) {
		if head, _, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(head, "- ") {
			heads = append(heads, head)
		}
	}
	used := map[string]bool{}
	block := regexp.MustCompile(`(?s)<!-- (\w+) -->\n(.*?)<!-- end of`)
	missed := regexp.MustCompile(`(?m)^- ([^:,]*).*: missed`)
	for _, b := range block.FindAllStringSubmatch(string(text), -1) {
		for _, m := range missed.FindAllStringSubmatch(b[2], -1) {
			explained := false
			for _, head := range heads {
				if strings.Contains(head, "`"+b[1]+"`") && strings.Contains(head+",", ", "+m[1]+",") {
					explained, used[head+b[1]] = true, true
				}
			}
			if !explained {
				t.Errorf("%s: nothing says why %q was missed", b[1], m[1])
			}
		}
	}
	for _, head := range heads {
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(head, -1) {
			if !used[head+name[1]] {
				t.Errorf("%q explains what %s did not miss", head, name[1])
			}
		}
	}
}

// A run writes the page, which does not make what was measured another program.
func TestRevisionIsNotDirtyForThePage(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git",
			append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	write(benchmarksPage, "before")
	write("main.go", "package main")
	git("add", ".")
	git("commit", "-q", "-m", "a")
	clean := revision(t.Context(), dir)
	write(benchmarksPage, "after")
	if got := revision(t.Context(), dir); clean == "" || strings.Contains(clean, "dirty") || got != clean {
		t.Errorf("%q, after the page was written %q", clean, got)
	}
	write("main.go", "package other")
	if got := revision(t.Context(), dir); got != clean+"-dirty" {
		t.Errorf("%q after the program was changed, want %s-dirty", got, clean)
	}
}
