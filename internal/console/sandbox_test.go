package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// toy is a sandbox that remembers what was done to it.
type toy struct {
	done              chan string
	steps             []Step
	changed, switched chan struct{}
	broken            error
}

func (s *toy) Upload(_ context.Context, region, key string, body io.Reader, size int64) error {
	text, err := io.ReadAll(body)
	s.done <- fmt.Sprintf("upload %s %s %s %d", region, key, text, size)
	return err
}

func (s *toy) Faults() []Fault {
	return []Fault{{Kind: "s3-unavailable", On: map[string]float64{"eu-west-1": 0.5}}, {Kind: "s3-clock", Number: true}}
}

func (s *toy) SwitchFault(region, kind string, on bool) error {
	if kind != "s3-unavailable" {
		return errors.New("there is no fault " + kind)
	}
	s.done <- fmt.Sprintf("fault %s %s %v", region, kind, on)
	return nil
}

func (s *toy) Steps() []Step             { return s.steps }
func (s *toy) Changed() <-chan struct{}  { return s.changed }
func (s *toy) Switched() <-chan struct{} { return s.switched }
func (s *toy) Stop()                     { s.done <- "stop" }
func (s *toy) Reset(context.Context) error {
	s.done <- "reset"
	return s.broken
}

func TestSandboxPage(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	box := &toy{
		done: make(chan string, 1),
		steps: []Step{
			{At: at, Stage: "announced", Source: "us-east-1", Key: "films/1.mp4"},
			{At: at, Stage: "done", Source: "us-east-1", Target: "eu-west-1", Key: "films/1.mp4"},
		},
	}
	u := serve(t, Options{Sandbox: box, Write: true, Regions: []string{"us-east-1", "eu-west-1"}})
	page := u.get("/sandbox")
	for _, want := range []string{
		"films/1.mp4", `data-drop="us-east-1"`, `data-region="eu-west-1"`, "data-switches=\"{&#34;eu-west-1 s3-unavailable&#34;:0.5}\"",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	for _, c := range []struct {
		path string
		form url.Values
		code int
		want string // what is done, or said
	}{
		{"/sandbox/upload?region=us-east-1&key=k", url.Values{"a": {"b"}}, 204, "upload us-east-1 k a=b 3"},
		{"/sandbox/upload?region=eu-west-9&key=k", nil, 400, "no such Region"},
		{"/sandbox/upload?region=us-east-1&key=", nil, 400, "The key is empty"},
		{"/sandbox/fault", url.Values{"region": {"us-east-1"}, "kind": {"s3-unavailable"}, "on": {"true"}}, 204,
			"fault us-east-1 s3-unavailable true"},
		{"/sandbox/fault", url.Values{"kind": {"flood"}}, 400, "There is no fault flood"},
		{"/sandbox/reset", nil, 204, "reset"},
		{"/sandbox/stop", nil, 204, "stop"},
	} {
		code, got := u.send(http.MethodPost, c.path, c.form)
		if code == http.StatusNoContent {
			got = <-box.done
		}
		if code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %q, want %d %q", c.path, code, got, c.code, c.want)
		}
	}
	if code, _ := serve(t, Options{}).send(http.MethodGet, "/sandbox", nil); code != http.StatusNotFound {
		t.Errorf("without a sandbox the page is answered with %d", code)
	}
}

// flowsOf are the flows of steps, a line for each of their steps. A step is written as
// its milliseconds, stage, source, target and version.
func flowsOf(steps ...string) string {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var list []Step
	for _, text := range steps {
		f := strings.Split(text, "|")
		ms, err := strconv.Atoi(f[0])
		if err != nil {
			panic(err)
		}
		list = append(list, Step{
			At: at.Add(time.Duration(ms) * time.Millisecond), Stage: f[1], Source: f[2], Target: f[3], Key: "k", VersionID: f[4],
		})
	}
	var got []string
	for _, f := range newFlows(list, []string{"us-east-1", "eu-west-1", "ap-south-1"}) {
		got = append(got, strings.TrimSpace(f.VersionID+" from "+f.Source+" "+f.Trouble))
		for _, l := range f.Lanes {
			for _, s := range l.Steps {
				got = append(got, fmt.Sprintf("  %s %s %v", l.Region, s.Stage, s.After))
			}
		}
	}
	return strings.Join(got, "\n")
}

func TestFlows(t *testing.T) {
	for name, c := range map[string]struct {
		steps []string
		want  string
	}{
		"two versions, the newest first, and steps in time": {[]string{
			"0|announced|us-east-1||1", "9|done|us-east-1|eu-west-1|1", "3|delivered|us-east-1|eu-west-1|1",
			"20|announced|us-east-1||2", "30|failed|us-east-1|eu-west-1|2",
		}, `
2 from us-east-1
  us-east-1 announced 0
  eu-west-1 failed 10
1 from us-east-1
  us-east-1 announced 0
  eu-west-1 delivered 3
  eu-west-1 done 9`},
		"a replica, and the event of it that two filters drop": {[]string{
			"0|announced|us-east-1||1", "1|delivered|us-east-1|eu-west-1|1", "2|copied||eu-west-1|r", "3|announced|eu-west-1||r",
			"4|filtered|eu-west-1|us-east-1|r", "5|filtered|eu-west-1|ap-south-1|r", "6|done|us-east-1|eu-west-1|1",
		}, `
1 from us-east-1
  us-east-1 announced 0
  eu-west-1 delivered 1
  eu-west-1 copied 2
  eu-west-1 filtered 4
  eu-west-1 done 6`},
		"a replica's event " +
			"without versions": {[]string{"3|announced|eu-west-1||", "4|filtered|eu-west-1|us-east-1|", "5|filtered|eu-west-1|ap-south-1|"},
			``},
		"a replica of " +
			"something forgotten": {[]string{"2|copied||eu-west-1|r", "3|announced|eu-west-1||r", "4|filtered|eu-west-1|us-east-1|r"}, ``},
		"lost, and copied to one Region": {[]string{"0|lost|us-east-1||1", "5|copied||eu-west-1|r"}, `
1 from us-east-1 lost
  us-east-1 lost 0
  eu-west-1 copied 5`},
		"lost, and copied to all": {[]string{"0|lost|us-east-1||1", "5|copied||eu-west-1|r", "6|copied||ap-south-1|q"}, `
1 from us-east-1
  us-east-1 lost 0
  eu-west-1 copied 5
  ap-south-1 copied 6`},
		"not announced": {[]string{"0|not announced|us-east-1||1"}, `
1 from us-east-1 not announced
  us-east-1 not announced 0`},
		"a dead letter, and another that was replayed": {[]string{
			"0|announced|us-east-1||1", "1|failed|us-east-1|eu-west-1|1", "2|dead letter|us-east-1|eu-west-1|1",
			"3|dead letter|us-east-1|ap-south-1|1", "4|done|us-east-1|ap-south-1|1",
		}, `
1 from us-east-1 dead letter
  us-east-1 announced 0
  eu-west-1 failed 1
  eu-west-1 dead letter 2
  ap-south-1 dead letter 3
  ap-south-1 done 4`},
	} {
		if got := flowsOf(c.steps...); got != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s: got\n%s\nwant%s", name, got, c.want)
		}
	}
}

// Faults that were switched elsewhere, and events, arrive without being asked for.
func TestSwitchesAreLive(t *testing.T) {
	box := &toy{changed: make(chan struct{}, 1), switched: make(chan struct{}, 1)}
	u := serve(t, Options{Sandbox: box, Regions: []string{"us-east-1", "eu-west-1"}})
	live := u.watch()
	box.switched <- struct{}{}
	live.until("switches", `{"eu-west-1 s3-unavailable":0.5}`)
	box.changed <- struct{}{}
	live.until("flow", "Nothing was uploaded yet")
}

// What repairs an event is said with it, as a command that can be run.
func TestTroubleNamesItsRepair(t *testing.T) {
	for stage, want := range map[string]string{
		"lost": "s3fanout backfill --key &#39;a b&#39;", "dead letter": "s3fanout redrive --key &#39;a b&#39;",
		"not announced": "leaves such keys out",
	} {
		box := &toy{
			steps: []Step{
				{Stage: stage, Source: "us-east-1", Target: map[bool]string{true: "eu-west-1"}[stage == "dead letter"], Key: "a b"},
			},
		}
		page := serve(t, Options{Sandbox: box, Regions: []string{"us-east-1", "eu-west-1"}}).get("/sandbox")
		if !strings.Contains(page, want) {
			t.Errorf("%s: the page does not say %q:\n%s", stage, want, page)
		}
	}
}
