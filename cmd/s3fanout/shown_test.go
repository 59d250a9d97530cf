package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/proof/page"
	"s3fanout/internal/sandbox/snapshot"
)

// A shown command is one that a page tells its reader to type, or talks of.
type shown struct {
	page string
	line string // without a comment, and with single spaces
}

// root is the repository's.
const root = "../.."

// commandLike is how a command in running text begins.
var commandLike = regexp.MustCompile(`^((bin/)?s3fanout|make|npx|npm|go|aws|git|curl|docker|pip|python3?|cfn-lint) [^ ]|^\.ci/run`)

// shownCommands are those of README and the other pages: the lines of each
// block of sh, and what is set in type like a command in the text. Other
// blocks are not to have any.
func shownCommands(t *testing.T) []shown {
	t.Helper()
	var all []shown
	for _, page := range pages(t) {
		content, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		commands, problems := commandsIn(string(content))
		for _, p := range problems {
			t.Errorf("%s: %s", page, p)
		}
		for _, line := range commands {
			all = append(all, shown{page, line})
		}
	}
	return all
}

// pages are all that a reader is given, from the root.
func pages(t *testing.T) []string {
	t.Helper()
	list, err := page.All(root)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Who installed a release has s3fanout on the PATH, as the quick start puts it there
// for a checkout.
func TestPagesCallTheInstalledCommand(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(page, "docs") && strings.Contains(string(text), "bin/s3fanout ") {
			t.Errorf("%s calls bin/s3fanout; write s3fanout", page)
		}
	}
}

// commandsIn reads a page, and says which of its blocks are not as they have to
// be for that.
func commandsIn(page string) (commands, problems []string) {
	var text strings.Builder
	language, inside, continued := "", false, ""
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if fence, ok := strings.CutPrefix(line, "```"); ok {
			if inside = !inside; inside {
				language = fence
				if !slices.Contains([]string{"", "sh", "json", "text", "go"}, language) {
					problems = append(problems, "a block of "+language+"; commands are in blocks of sh")
				}
			}
			continue
		}
		switch {
		case !inside:
			text.WriteString(line + "\n")
		case language == "sh":
			if before, more := strings.CutSuffix(line, `\`); more {
				continued += before
				continue
			}
			if command := normal(continued + line); command != "" {
				commands = append(commands, command)
			}
			continued = ""
		case regexp.MustCompile(`^(\$|bin/s3fanout|make|npm|npx|aws) `).MatchString(line):
			problems = append(problems, "the command "+line+" is not in a block of sh")
		}
	}
	for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text.String(), -1) {
		if command := normal(span[1]); commandLike.MatchString(command) {
			commands = append(commands, command)
		}
	}
	return commands, problems
}

// normal takes a comment and needless spaces off a line.
func normal(line string) string {
	words := strings.Fields(line)
	for i, w := range words {
		if strings.HasPrefix(w, "#") {
			words = words[:i]
			break
		}
	}
	return strings.Join(words, " ")
}

// examples are those in the help of all commands.
func examples(t *testing.T) []shown {
	t.Helper()
	var all []shown
	commands, _ := visible(t)
	for _, c := range commands {
		for line := range strings.Lines(strings.ReplaceAll(c.Example, "\\\n", " ")) {
			// What is between s3fanout and the end, or what takes its output.
			line = regexp.MustCompile(`s3fanout [^|>)]*`).FindString(normal(line))
			if line == "" {
				t.Errorf("the help of %s has an example without s3fanout", c.CommandPath())
				continue
			}
			all = append(all, shown{"the help of " + c.CommandPath(), strings.TrimSpace(line)})
		}
	}
	return all
}

// standIns are for what a page lets its reader fill in, and for the Region that
// joins in its stories and is no member here.
func standIns() *strings.Replacer {
	return strings.NewReplacer("<region>", "eu-west-1", "eu-north-1", "ap-northeast-1", " KEY", " films/one.mp4", " JOB", " job-1",
		" COMMAND", " redrive")
}

// ours returns the arguments of a command line of s3fanout.
func ours(line string) (args []string, ok bool) {
	line, ok = strings.CutPrefix(standIns().Replace(strings.TrimPrefix(line, "bin/")), "s3fanout ")
	for _, quoted := range regexp.MustCompile(`'[^']*'|[^ ]+`).FindAllString(line, -1) {
		args = append(args, strings.Trim(quoted, "'"))
	}
	return args, ok
}

// TestShownCommandsParse has the real command read each of its command lines
// that a page or a help shows.
func TestShownCommandsParse(t *testing.T) {
	parsed := 0
	for _, s := range append(shownCommands(t), examples(t)...) {
		args, ok := ours(s.line)
		if !ok {
			continue
		}
		parsed++
		if err := parses(args); err != nil {
			t.Errorf("%s shows %q: %v", s.page, s.line, err)
		}
	}
	if parsed < 60 {
		t.Errorf("%d command lines, too few to be all", parsed)
	}
	for _, wrong := range []string{
		"redrve", "redrive --dry", "backfill --concurrency many", "verify surplus", "redrive --output yaml", "completion tcsh",
	} {
		if err := parses(strings.Fields(wrong)); err == nil {
			t.Errorf("%q is understood", wrong)
		}
	}
}

// parses reads a command line as executing it would, up to the work.
func parses(args []string) error {
	root := newCommand(&app{getenv: func(string) string { return "" }})
	root.InitDefaultHelpCmd() // as executing it does
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if help, _ := cmd.Flags().GetBool("help"); help {
		return nil
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// notRun are the shown command lines of s3fanout that the test below does not
// run, with the script that runs one like it, or the reason why nothing does.
func notRun() map[string]struct{ script, reason string } {
	type not = struct{ script, reason string }
	return map[string]not{
		"s3fanout sandbox":                               {script: "sandbox.txtar"},
		"s3fanout sandbox --state state.json":            {script: "sandbox.txtar"},
		"s3fanout sandbox --templates cdk.out":           {script: "sandbox_deploy.txtar"},
		"s3fanout sandbox --regions us-east-1,eu-west-1": {script: "sandbox_deploy.txtar"},
		"s3fanout console":                               {script: "console.txtar"},
		"s3fanout console --write":                       {script: "console.txtar"},
		"s3fanout console --port 8080":                   {script: "console.txtar"},
		"s3fanout demo":                                  {script: "demo.txtar"},
		"s3fanout redrive --watch --rate 5":              {script: "redrive_watch.txtar"},
		"s3fanout status --watch":                        {script: "status.txtar"},

		"s3fanout init":                                       {reason: "asks; TestInitAsks answers"},
		"s3fanout explain --audit films/one.mp4":              {reason: noTrail},
		"s3fanout history --audit films/one.mp4":              {reason: noTrail},
		"s3fanout backfill --batch-operations --to eu-west-1": {reason: noBatch},
		"s3fanout backfill --batch-operations --from us-east-1 --to eu-west-1 --prefix 2024/": {reason: noBatch},
		"s3fanout backfill --hide-deleted": {
			reason: "the default set follows nothing; internal/proof/e2e TestExamplesOfWhatWins runs it",
		},
		"s3fanout backfill --job JOB --region us-east-1":                  {reason: noBatch},
		"s3fanout failover status":                                        {reason: noPoint},
		"s3fanout failover shift --away-from eu-west-1":                   {reason: noPoint},
		"s3fanout failover shift --to us-east-1,eu-west-1,ap-northeast-1": {reason: noPoint},
		"s3fanout failover drill --away-from eu-west-1 --for 1h":          {reason: noPoint},
	}
}

// shownTime is far more than any of the lines takes that ends by itself.
const shownTime = 2 * time.Minute

const noPoint = "the default set has no access point; internal/proof/e2e TestRunbookOfARegionThatIsDown runs it"

const noTrail = "the default set has no audit trail; internal/proof/e2e TestAuditTrail runs it"

const noBatch = "S3 Batch Operations are not in the sandbox; batch_test.go asks a stand-in for them"

// TestShownCommandsRun runs each of s3fanout's command lines that a page shows
// against the sandbox, where everything is as it should be: all are done.
func TestShownCommandsRun(t *testing.T) {
	t.Parallel()
	r := runSandbox(t)
	for region := range r.state.Regions {
		r.upload(region, "films/"+region, "a film")
	}
	for _, s := range shownCommands(t) { // what is asked about has to be there
		if args, ok := ours(s.line); ok && len(args) == 2 && args[0] == "explain" {
			r.upload("us-east-1", args[1], "a film")
		}
	}
	r.settle()
	batch := `{"context": {"s3fanout": {"name": "s3fanout", "regions": ["us-east-1", "eu-west-1", "ap-northeast-1"], ` +
		`"batchOperations": true}}}`
	if err := os.WriteFile(filepath.Join(r.dir, "batch.json"), []byte(batch), 0o600); err != nil {
		t.Fatal(err)
	}
	adopting := `{"context": {"s3fanout": {"name": "s3fanout", "regions": ["us-east-1", "eu-west-1", "ap-northeast-1"], "buckets": ` +
		`{"us-east-1": "` +
		r.state.Regions["us-east-1"].Bucket + `"}}}}`
	if err := os.WriteFile(filepath.Join(r.dir, "adopting.json"), []byte(adopting), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"cdk.out", "internal/sandbox/snapshot/templates"} {
		if err := os.CopyFS(filepath.Join(r.dir, dir), snapshot.FS()); err != nil {
			t.Fatal(err)
		}
	}
	except := notRun()
	unused := maps.Clone(except)
	done := map[string]bool{}
	for _, s := range shownCommands(t) {
		line := strings.TrimPrefix(s.line, "bin/")
		args, ok := ours(line)
		if !ok || done[line] {
			continue
		}
		done[line] = true
		if _, not := except[line]; not {
			delete(unused, line)
			continue
		}
		if strings.Contains(line, "--batch-operations") {
			args = append(args, "--config", "batch.json")
		}
		if args[0] == "adopt" {
			args = append(args, "--config", "adopting.json")
		}
		code, output, ended := r.s3fanoutFor(shownTime, args...)
		if !ended {
			t.Fatalf("%s shows %q, which has not ended after %v: name a script that runs it in notRun", s.page, s.line, shownTime)
		}
		if code != exitDone {
			t.Errorf("%s shows %q: exit code %d\n%s", s.page, s.line, code, output)
		}
		if strings.HasPrefix(line, "s3fanout sandbox fault --region") {
			r.s3fanout(append(args, "--rate", "0")...)
		}
	}
	for line, how := range except {
		if _, stale := unused[line]; stale {
			t.Errorf("%q is not on any page any more", line)
		}
		if how.script == "" {
			if how.reason == "" {
				t.Errorf("%q is not run, and nothing says why", line)
			}
			continue
		}
		script, err := os.ReadFile(filepath.Join("testdata/script", how.script))
		if err != nil {
			t.Fatal(err)
		}
		args, _ := ours(line)
		like := "exec s3fanout " + args[0]
		if len(args) > 1 && strings.HasPrefix(args[1], "--") {
			like = args[1]
		}
		if !strings.Contains(string(script), like) {
			t.Errorf("%s does not run %q", how.script, line)
		}
	}
}

// TestCommandsInIsNotBlind tells what the reading of pages finds.
func TestCommandsInIsNotBlind(t *testing.T) {
	page := "Run `bin/s3fanout redrive\n--dry-run` or `make  test`, not `s3fanout` or `make`.\n" +
		"   ```sh\n   npm ci   # once\n\n   s3fanout backfill \\\n     --dry-run\n   # only a comment\n   ```\n```text\nmake build\n```\n" +
		"```console\n$ ls\n```\n"
	commands, problems := commandsIn(page)
	want := []string{"npm ci", "s3fanout backfill --dry-run", "bin/s3fanout redrive --dry-run", "make test"}
	if !slices.Equal(commands, want) {
		t.Errorf("got  %q\nwant %q", commands, want)
	}
	if len(problems) != 3 {
		t.Errorf("got the problems %q, want the block of console and two commands in other blocks", problems)
	}
}
