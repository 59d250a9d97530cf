package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/snapshot"
)

// documentedCodes are the exit codes that a page of the reference names.
func documentedCodes(page string) map[int]bool {
	codes := map[int]bool{}
	_, text, _ := strings.Cut(page, "### Exit codes\n")
	text = ", " + strings.Join(strings.Fields(text), " ")
	for _, m := range regexp.MustCompile(`[,;.] (\d+) `).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		codes[n] = true
	}
	return codes
}

// exits is a command line, without s3fanout, and how it ends.
type exits struct {
	line string
	code int
}

// exitTable runs command lines and knows which codes each command ended with.
type exitTable struct {
	*running
	help  map[string]string // by command
	tried map[string]map[int]bool
}

// commandOf is the command that a line runs.
func (e *exitTable) commandOf(line string) string {
	name := "s3fanout"
	for word := range strings.FieldsSeq(line) {
		if _, is := e.help[name+" "+word]; is {
			name += " " + word
		}
	}
	return name
}

func (e *exitTable) note(line string, code, want int, output string) {
	e.t.Helper()
	if code != want {
		e.t.Errorf("s3fanout %s: exit %d, want %d\n%s", line, code, want, output)
	}
	command := e.commandOf(line)
	if e.tried[command] == nil {
		e.tried[command] = map[int]bool{}
	}
	e.tried[command][code] = true
}

func (e *exitTable) run(cases ...exits) {
	e.t.Helper()
	for _, c := range cases {
		code, output := e.s3fanout(strings.Fields(c.line)...)
		e.note(c.line, code, c.code, output)
	}
}

// full runs commands whose result has no room.
func (e *exitTable) full(lines ...string) {
	e.t.Helper()
	for _, line := range lines {
		disk, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			e.t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd := e.command(strings.Fields(line)...)
		cmd.Stdout, cmd.Stderr = disk, &stderr
		_ = cmd.Run() // the code says it
		_ = disk.Close()
		e.note(line, cmd.ProcessState.ExitCode(), exitFailed, stderr.String())
	}
}

// unread runs commands whose output nobody reads, as before "| head": they end
// without a word, in text and in JSON.
func (e *exitTable) unread(lines ...string) {
	e.t.Helper()
	for _, line := range lines {
		for _, more := range []string{"", " --output json"} {
			if more != "" && (strings.HasPrefix(line, "demo") || strings.HasPrefix(line, "completion")) {
				continue
			}
			read, write, err := os.Pipe()
			if err != nil {
				e.t.Fatal(err)
			}
			_ = read.Close()
			var stderr bytes.Buffer
			cmd := e.command(strings.Fields(line + more)...)
			cmd.Stdout, cmd.Stderr = write, &stderr
			_ = cmd.Run() // the code says it
			_ = write.Close()
			if code := cmd.ProcessState.ExitCode(); code != exitUnread || strings.Contains(stderr.String(), "s3fanout:") {
				e.t.Errorf("s3fanout %s: unread, exit %d, want %d and no word\n%s", line+more, code, exitUnread, stderr.String())
			}
		}
	}
}

// interrupt runs a command that says on stdout when it is under way, and
// interrupts it then.
func (e *exitTable) interrupt(line string, want int) {
	e.t.Helper()
	cmd := e.command(strings.Fields(line)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		e.t.Fatal(err)
	}
	for lines.Scan() { // until it ends
	}
	_ = cmd.Wait() // the code says it
	e.note(line, cmd.ProcessState.ExitCode(), want, stderr.String())
}

// interruptWaiting interrupts a command whose first request is not answered.
func (e *exitTable) interruptWaiting(line string) {
	e.t.Helper()
	asked := make(chan struct{}, 100) // more than it asks at a time
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client is gone
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	cmd := e.command(strings.Fields(line)...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+server.URL)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the code says it
	}()
	select {
	case <-asked:
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			e.t.Error(err)
		}
	case <-ended: // without asking
	}
	<-ended
	e.note(line, cmd.ProcessState.ExitCode(), exitInterrupted, stderr.String())
}

// TestExitCodes runs every command once for every exit code that its help
// documents, and for no other: first all is well, then an object could not be
// copied, then nobody answers.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	commands, _ := visible(t)
	e := &exitTable{running: runSandbox(t), help: map[string]string{}, tried: map[string]map[int]bool{}}
	for _, c := range commands {
		e.help[c.CommandPath()] = reference(c)
	}
	templates := filepath.Join(e.dir, "cdk.out")
	if err := os.CopyFS(templates, snapshot.FS()); err != nil {
		t.Fatal(err)
	}

	// The set's own bucket as one that exists already, and one that does not.
	adopting := func(bucket string) (flag string) {
		path := filepath.Join(e.dir, bucket+".json")
		config := `{"context":{"s3fanout":{"name":"s3fanout","regions":["us-east-1","eu-west-1","ap-northeast-1"],` +
			`"buckets":{"us-east-1":"` + bucket + `"}}}}`
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return " --config " + path
	}
	adopted, missing := adopting(e.state.Regions["us-east-1"].Bucket), adopting("nobody-has-this")

	undeployed := " --config " + filepath.Join(e.dir, "undeployed.json")
	if err := os.WriteFile(
		filepath.Join(e.dir, "undeployed.json"),
		[]byte(`{"context":{"s3fanout":{"name":"later","regions":["us-east-1","eu-west-1"]}}}`), 0o600,
	); err != nil {
		t.Fatal(err)
	}

	pointed := e.failover()
	// A release has the CDK app beside the command; init looks only whether it is there.
	if err := os.WriteFile(filepath.Join(filepath.Dir(e.built.command), "s3fanout-cdk"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	initial := func(bucket, file string) string {
		return "init --name s3fanout --regions us-east-1,eu-west-1 --bucket us-east-1=" + bucket + " --config " + filepath.Join(e.dir, file)
	}

	e.upload("us-east-1", "films/one", "body")
	e.settle()
	e.run(
		exits{"", 0}, exits{"--version", 0}, exits{"--nonsense", 2}, exits{"help doctor", 0}, exits{"help redrve", 2},
		exits{"adopt" + adopted, 0}, exits{"adopt --check" + adopted, 0}, exits{"adopt", 2}, exits{"adopt --check" + missing, 3},
		exits{"backfill --dry-run", 0}, exits{"backfill --nonsense", 2},
		exits{"completion bash", 0}, exits{"completion tcsh", 2},
		exits{"cost --objects 1 --bytes 1", 0}, exits{"cost --objects x --bytes 1", 2},
		exits{"demo --nonsense", 2},
		exits{"doctor", 0}, exits{"doctor --region nowhere", 2},
		exits{"explain films/one", 0}, exits{"explain", 2},
		exits{"failover", 0}, exits{"failover nonsense", 2}, exits{"failover status", 2}, exits{"failover shift", 2},
		exits{"failover drill", 2},
		exits{initial("any-bucket", "initial.json"), 0}, exits{initial("nobody-has-this", "checked.json") + " --check", 3},
		exits{"init", 2},
		exits{"history films/one", 0}, exits{"history", 2}, exits{"history films/none", 3},
		exits{"pause eu-west-1", 0}, exits{"pause", 2}, exits{"pause eu-west-1" + undeployed, 3}, exits{"resume eu-west-1", 0},
		exits{"resume nowhere", 2},
		exits{"redrive", 0}, exits{"redrive --max x", 2},
		exits{"report", 0}, exits{"report --month x", 2},
		exits{"sandbox --listen nonsense", 2},
		exits{"sandbox --function " + e.built.function + " --listen " + strings.TrimPrefix(e.state.Endpoint, "http://"), 1},
		exits{"sandbox deploy --templates cdk.out", 0}, exits{"sandbox deploy --nonsense", 2},
		exits{"sandbox fault", 0}, exits{"sandbox fault --kind nonsense", 2},
		exits{"status", 0}, exits{"status surplus", 2},
		exits{"undelete --since 1h", 0}, exits{"undelete --since x", 2},
		exits{"verify --grace 0s", 0}, exits{"verify --grace x", 2},
		exits{"version", 0}, exits{"version surplus", 2},
	)
	e.tried["s3fanout demo"][exitDone] = true // in TestScripts/demo, which has time for it
	e.full("completion bash", "cost --objects 1 --bytes 1", initial("any-bucket", "full.json"), "version")
	e.interrupt("demo --function "+e.built.function, exitInterrupted)
	e.interrupt("console", exitDone)
	e.interrupt("sandbox --listen 127.0.0.1:0 --function "+e.built.function, exitDone)

	e.run(exits{"sandbox fault --region eu-west-1 --kind lambda-crash --rate 1", 0})
	e.uploadAs("us-east-1", "films/two", "body", types.StorageClassGlacier)
	e.settle()
	e.run(
		exits{"doctor", 3}, exits{"explain films/two", 3}, exits{"redrive --dry-run", 3}, exits{"status", 3}, exits{"verify --grace 0s", 3},
		exits{"sandbox fault --region eu-west-1 --kind lambda-crash --rate 0", 0},
		exits{"resume eu-west-1", 3}, exits{"backfill", 3},
	)
	e.remove("us-east-1", "films/two")
	e.run(exits{"undelete --since 1h", 3}) // archived

	e.unread("adopt"+adopted, "backfill --dry-run", "completion bash", "cost --objects 1 --bytes 1", "demo --function "+e.built.function,
		"doctor", "explain films/two", "history films/two",
		"pause eu-west-1 --dry-run", "resume eu-west-1 --no-redrive", "redrive --dry-run", "report", "sandbox deploy --templates cdk.out",
		"sandbox fault", "status", "undelete --since 1h --dry-run", "verify --grace 0s", "version")

	e.state.Endpoint = "http://127.0.0.1:1"
	e.env = append(e.env, "TMPDIR="+filepath.Join(e.dir, "none"), "AWS_MAX_ATTEMPTS=1")
	e.run(
		exits{"adopt" + adopted, 1}, exits{"backfill", 1}, exits{"console", 1}, exits{"demo --function " + e.built.function, 1},
		exits{"doctor", 1}, exits{"explain k", 1}, exits{"failover status" + pointed, 1},
		exits{"failover shift --to us-east-1" + pointed, 1}, exits{"failover drill --to us-east-1" + pointed, 1}, exits{"history k", 1},
		exits{"pause eu-west-1", 1}, exits{"resume eu-west-1", 1}, exits{"redrive", 1}, exits{"report", 1}, exits{"status", 1},
		exits{"undelete --since 1h", 1}, exits{"verify", 1},
		exits{"sandbox fault", 1}, exits{"sandbox deploy --templates cdk.out", 1},
	)
	for _, line := range []string{
		"adopt" + adopted, "adopt --check" + adopted, "backfill", "doctor", "explain k", "failover status" + pointed,
		"failover shift --to us-east-1" + pointed, "failover drill --to us-east-1" + pointed, "history k",
		initial("any-bucket", "unanswered.json") + " --check", "pause eu-west-1", "resume eu-west-1", "redrive", "report",
		"sandbox deploy --templates " + templates, "sandbox fault", "status", "undelete --since 1h", "verify",
	} {
		e.interruptWaiting(line)
	}

	common := documentedCodes(e.help["s3fanout"]) // what they mean everywhere; a command's page has what is special
	for command, text := range e.help {
		codes := documentedCodes(text)
		if command == "s3fanout" {
			continue
		}
		for code := range codes {
			if !e.tried[command][code] {
				t.Errorf("%s: its reference documents exit code %d, and nothing here ends so", command, code)
			}
		}
		for code := range e.tried[command] {
			if !codes[code] && !common[code] {
				t.Errorf("%s ends with exit code %d, which the reference does not document", command, code)
			}
		}
	}
	if len(common) != 6 {
		t.Errorf("the reference documents the exit codes %v of all commands, want six", common)
	}
}
