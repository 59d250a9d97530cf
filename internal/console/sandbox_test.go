package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// toy is a sandbox that remembers what was done to it.
type toy struct {
	done    chan string
	steps   []Step
	changed chan struct{}
}

func (s *toy) Upload(_ context.Context, region, key string, body io.Reader, size int64) error {
	text, err := io.ReadAll(body)
	s.done <- fmt.Sprintf("upload %s %s %s %d", region, key, text, size)
	return err
}

func (s *toy) Faults() []Fault { return []Fault{{"s3-unavailable", []string{"eu-west-1"}}} }

func (s *toy) SwitchFault(region, kind string, on bool) error {
	if kind != "s3-unavailable" {
		return errors.New("there is no fault " + kind)
	}
	s.done <- fmt.Sprintf("fault %s %s %v", region, kind, on)
	return nil
}

func (s *toy) Steps() []Step            { return s.steps }
func (s *toy) Changed() <-chan struct{} { return s.changed }

func TestSandboxPage(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	box := &toy{done: make(chan string, 1), steps: []Step{{At: at, Stage: "announced", Source: "us-east-1", Key: "films/1.mp4"}, {At: at, Stage: "done", Source: "us-east-1", Target: "eu-west-1", Key: "films/1.mp4"}}}
	u := serve(t, Options{Sandbox: box, Write: true, Regions: []string{"us-east-1", "eu-west-1"}})
	page := u.get("/sandbox")
	for _, want := range []string{"films/1.mp4", `data-drop="us-east-1"`, `data-region="eu-west-1" checked`} {
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
		{"/sandbox/fault", url.Values{"region": {"us-east-1"}, "kind": {"s3-unavailable"}, "on": {"true"}}, 204, "fault us-east-1 s3-unavailable true"},
		{"/sandbox/fault", url.Values{"kind": {"flood"}}, 400, "There is no fault flood"},
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

func TestFlows(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	step := func(ms int, stage, target, version string) Step {
		return Step{At: at.Add(time.Duration(ms) * time.Millisecond), Stage: stage, Source: "us-east-1", Target: target, Key: "k", VersionID: version}
	}
	flows := newFlows([]Step{
		step(0, "announced", "", "1"), step(9, "done", "eu-west-1", "1"), step(3, "delivered", "eu-west-1", "1"),
		step(1, "announced", "", "echo"), step(2, "filtered", "eu-west-1", "echo"),
		step(20, "announced", "", "2"), step(30, "failed", "eu-west-1", "2"),
	}, []string{"us-east-1", "eu-west-1"})
	var got []string
	for _, f := range flows {
		for _, l := range f.Lanes {
			for _, s := range l.Steps {
				got = append(got, fmt.Sprintf("%s %s %s %v %v", f.VersionID, l.Region, s.Stage, s.After, s.X))
			}
		}
	}
	want := []string{
		"2 us-east-1 announced 0 180", "2 eu-west-1 failed 10 980",
		"1 us-east-1 announced 0 180", "1 eu-west-1 delivered 3 446.6666666666667", "1 eu-west-1 done 9 980",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
