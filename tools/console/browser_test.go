// Package console tries the console in real Chromium, on the sandbox and on a made-up
// set, and takes the pictures of it. It is a module of its own, so that the product
// does not depend on a driver of browsers.
package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// limit is how long a test waits for what has to come; nothing takes that long.
const limit = 60 * time.Second

// browser is a tab of a Chromium of its own, and what went wrong in its pages.
type browser struct {
	context.Context

	mu       sync.Mutex
	troubles []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	// in a directory of its own, which it removes when Chromium has ended
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &browser{Context: ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.trouble(e.ExceptionDetails.Error())
		case *log.EventEntryAdded: // among them what the content security policy refuses
			if e.Entry.Level == log.LevelError {
				b.trouble(e.Entry.Text + " " + e.Entry.URL)
			}
		}
	})
	// Not with a limit: the browser ends with the context of its first run.
	if err := chromedp.Run(ctx, log.Enable()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) trouble(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = append(b.troubles, text)
}

// fine fails the test if a page had an error, or broke the content security policy.
func (b *browser) fine(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, trouble := range b.troubles {
		t.Error("in the browser:", trouble)
	}
	b.troubles = nil
}

func (b *browser) run(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b, limit)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var text string
		_ = chromedp.Run(b, chromedp.Evaluate(`location.href + "\n" + document.body.innerText.slice(0, 2000)`, &text))
		t.Fatalf("%v\n%s", err, text)
	}
}

// open signs in by the first URL, and waits for the page that this leads to: else the
// next navigation of a test is overtaken by it.
func (b *browser) open(t *testing.T, w *world) {
	t.Helper()
	b.run(t, chromedp.Navigate(w.URL))
	b.until(t, `location.search == "" && document.readyState == "complete" && document.querySelector("nav") != null`)
}

// text is what an element shows.
func (b *browser) text(t *testing.T, selector string) string {
	t.Helper()
	var text string
	b.run(t, chromedp.Text(selector, &text, chromedp.ByQuery))
	return text
}

// until waits for an expression to be true, also on the page that the tab goes to
// meanwhile.
func (b *browser) until(t *testing.T, expression string) {
	t.Helper()
	wait := chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(limit))
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error {
		for {
			err := wait.Do(ctx)
			// That of a page which was left meanwhile.
			if gone := (*cdproto.Error)(nil); err == nil || ctx.Err() != nil || !errors.As(err, &gone) {
				return err
			}
		}
	}))
}

// state is what the sandbox writes of itself, as far as it is used here.
type state struct {
	Endpoint        string `json:"endpoint"`
	Console         string `json:"console"` // with --console
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	Regions         map[string]struct {
		Bucket string `json:"bucket"`
	} `json:"regions"`
}

// world is a sandbox and a console of its set.
type world struct {
	state

	URL string // with the token
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "bin", "s3fanout"), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = limit
	cmd.Args[0] = "s3fanout" // as it is called once installed, and as the console shows commands
	return cmd
}

// newWorld starts the built command, twice.
func newWorld(t *testing.T, args ...string) *world {
	t.Helper()
	w := newSandbox(t)
	console := command(t, append([]string{"console", "--interval", "5s"}, args...)...)
	console.Dir = filepath.Join("..", "..")
	console.Path = filepath.Join("bin", "s3fanout")
	console.Env = append(os.Environ(), w.env()...)
	w.URL = printedURL(t, console)
	return w
}

// newSandbox starts the built command.
func newSandbox(t *testing.T, args ...string) *world {
	t.Helper()
	sandbox := command(t, append([]string{"sandbox", "--listen", "127.0.0.1:0", "--retry-wait", "10ms", "--output", "json"}, args...)...)
	out, err := sandbox.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	sandbox.Stderr = os.Stderr
	run(t, sandbox)
	w := &world{}
	if err := json.NewDecoder(out).Decode(&w.state); err != nil {
		t.Fatal(err)
	}
	w.URL = w.Console
	return w
}

// printedURL starts a command that prints the URL of its console.
func printedURL(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	run(t, cmd)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url := regexp.MustCompile(`http://\S+/\?token=\w+`).FindString(lines.Text()); url != "" {
			go func() {
				for lines.Scan() { // or the command waits for a reader
				}
			}()
			return url
		}
	}
	t.Fatal("no URL of a console was printed")
	return ""
}

func (w *world) env() []string {
	return []string{"AWS_ENDPOINT_URL=" + w.Endpoint, "AWS_ACCESS_KEY_ID=" + w.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + w.SecretAccessKey}
}

// run starts a command that ends with the test.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // interrupted
}

func (w *world) client(region string) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(w.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(w.AccessKeyID, w.SecretAccessKey, ""),
	})
}

func (w *world) upload(t *testing.T, region string, keys ...string) {
	t.Helper()
	for _, key := range keys {
		_, err := w.client(region).PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(w.Regions[region].Bucket), Key: aws.String(key), Body: strings.NewReader("contents of " + key),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// fault switches one of the sandbox's faults, on only when nothing is under way: it never
// strikes what came before.
func (w *world) fault(t *testing.T, region, kind string, rate int, more ...string) {
	t.Helper()
	if rate > 0 {
		w.settled(t)
	}
	cmd := command(t, append([]string{"sandbox", "fault", "--region", region, "--kind", kind, "--rate", fmt.Sprint(rate)}, more...)...)
	cmd.Env = append(os.Environ(), w.env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// lose uploads objects whose events are lost, and which are too old to be on their way.
func (w *world) lose(t *testing.T, region string, keys ...string) {
	t.Helper()
	w.fault(t, region, "s3-unannounced", 1)
	w.fault(t, region, "s3-clock", 1, "--clock", "-10m")
	w.upload(t, region, keys...)
	w.fault(t, region, "s3-clock", 0)
	w.fault(t, region, "s3-unannounced", 0)
}

// changes are the sandbox's counts of what changes something, once nothing is under way.
func (w *world) changes(t *testing.T) string {
	t.Helper()
	w.settled(t)
	resp, err := http.Get(w.Endpoint + "/_sandbox/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var stats struct {
		Regions map[string]struct {
			Lambda, SNS map[string]int
			S3          map[string]map[string]int
			DeadLetters int
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	for _, r := range stats.Regions {
		for _, operations := range r.S3 {
			maps.DeleteFunc(operations, func(name string, _ int) bool {
				return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "Head") || strings.HasPrefix(name, "List")
			})
		}
	}
	if len(stats.Regions) != 3 {
		t.Fatalf("the counts are of %d Regions", len(stats.Regions))
	}
	return fmt.Sprintf("%+v", stats)
}

// settled waits until nothing is under way in the sandbox.
func (w *world) settled(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for {
		resp, err := http.Get(w.Endpoint + "/_sandbox/stats")
		if err != nil {
			t.Fatal(err)
		}
		var stats struct{ Pending int }
		err = json.NewDecoder(resp.Body).Decode(&stats)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if stats.Pending == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("events are still under way")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// page is the address of a page, without the token.
func (w *world) page(path string) string {
	origin, _, _ := strings.Cut(w.URL, "/?")
	return origin + path
}

// awaited makes an evaluation wait for its promise.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
