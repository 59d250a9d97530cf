package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// fake is a target that nothing is deployed to.
type fake struct{ list []difference }

func (fake) describe() string                                         { return "fake" }
func (fake) start(context.Context) error                              { return nil }
func (fake) deploy(context.Context) error                             { return nil }
func (fake) repair(context.Context, string) error                     { return nil }
func (fake) destroy(context.Context) error                            { return nil }
func (fake) close() error                                             { return nil }
func (fake) config(context.Context, string) (c aws.Config, err error) { return c, nil }
func (fake) env() []string                                            { return nil }
func (f fake) differences() []difference                              { return f.list }
func step1(status string) result                                      { return result{id: "one", status: status, note: "seen"} }
func fails(d difference) []string                                     { return d.fails }

// What a target is known to do otherwise is no failure; what it does not do
// otherwise any more is one.
func TestJudge(t *testing.T) {
	r := &report{target: fake{list: []difference{{id: "d", fails: []string{"one"}}}}}
	for status, want := range map[string]string{failed: known, passed: failed, skipped: skipped} {
		got := r.judge(step1(status), fails)
		if got.status != want {
			t.Errorf("%s becomes %s, want %s", status, got.status, want)
		}
		if status == passed && !strings.Contains(got.note, "take it off the list") {
			t.Errorf("the note is %q", got.note)
		}
	}
	r.target = fake{}
	for _, status := range []string{failed, passed, skipped} {
		if got := r.judge(step1(status), fails); got.status != status {
			t.Errorf("%s becomes %s with nothing known", status, got.status)
		}
	}
}

// A run with a failure anywhere ends with an error, and writes its report.
func TestFinish(t *testing.T) {
	for _, where := range []string{"", "step", "check", "teardown"} {
		path := filepath.Join(t.TempDir(), "report.md")
		r := &report{o: options{name: "smoke-x", report: path}, target: fake{list: []difference{{id: "d|e", what: "w", fault: "f"}}},
			out: io.Discard}
		r.add(&r.steps, step1(known))
		r.add(&r.checks, step1(passed))
		r.add(&r.teardown, step1(passed))
		switch where {
		case "step":
			r.steps[0].status = failed
		case "check":
			r.checks[0].status = failed
		case "teardown":
			r.teardown[0].status = failed
		}
		err := r.finish(&world{lag: []time.Duration{time.Second}})
		if (err != nil) != (where != "") {
			t.Errorf("a failure in %q: %v", where, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"# smoke-x: fake", "## Lag", "| 1 | 1s | 1s | 1s |", "| `one` |", "## Clean-up"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("the report lacks %q:\n%s", part, text)
			}
		}
	}
}

func TestPercentile(t *testing.T) {
	var list []time.Duration
	for i := range 200 {
		list = append(list, time.Duration(i+1))
	}
	for p, want := range map[int]time.Duration{50: 100, 99: 198, 100: 200} {
		if got := percentile(list, p); got != want {
			t.Errorf("p%d of 1 to 200 is %d, want %d", p, got, want)
		}
	}
	if percentile(nil, 50) != 0 || percentile(list[:1], 1) != 1 {
		t.Error("of none or one it is wrong")
	}
}

// Nothing is started where there is any other network than the loopback
// interface.
func TestEmulatorRunsOnLoopbackAlone(t *testing.T) {
	lo := net.Interface{Name: "lo", Flags: net.FlagLoopback | net.FlagUp}
	for _, tt := range []struct {
		what string
		list []net.Interface
		want string
	}{
		{"loopback alone", []net.Interface{lo}, ""},
		{"one that is off", []net.Interface{lo, {Name: "eth0"}}, ""},
		{"one that is on", []net.Interface{lo, {Name: "eth0", Flags: net.FlagUp}}, "the network interface eth0 could be used"},
		{"a tunnel", []net.Interface{lo, {Name: "tun0", Flags: net.FlagUp | net.FlagPointToPoint}}, "tun0"},
		{"loopback that is off", []net.Interface{{Name: "lo", Flags: net.FlagLoopback}}, "not up"},
		{"none", nil, "not up"},
	} {
		err := onlyLoopback(tt.list)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.want)
		}
	}
	e := &emulatorRun{interfaces: func() ([]net.Interface, error) {
		return []net.Interface{lo, {Name: "eth0", Flags: net.FlagUp}}, nil
	}}
	e.o.emulator = filepath.Join(t.TempDir(), "ministack")
	if err := os.WriteFile(e.o.emulator, []byte("#!/bin/sh\ntouch "+e.o.emulator+".ran\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := e.start(t.Context()); err == nil || !strings.Contains(err.Error(), "eth0") {
		t.Errorf("it starts beside eth0: %v", err)
	}
	if _, err := os.Stat(e.o.emulator + ".ran"); err == nil || e.cmd != nil {
		t.Error("the emulator ran")
	}
}

// A run that goes beyond its bounds is ended, with the reason.
func TestBounds(t *testing.T) {
	b := &bounds{}
	b.add(bound{what: "things", limit: 3, count: func(context.Context) (int, error) { return 3, nil }})
	b.add(bound{what: "secrets", limit: 0, count: func(context.Context) (int, error) { return 7, errors.New("cannot be counted") }})
	if err := b.look(t.Context()); err != nil {
		t.Errorf("within the bounds: %v", err)
	}
	b.add(bound{what: "versions", limit: 5, count: func(context.Context) (int, error) { return 6, nil }})
	ctx, cancel := context.WithCancelCause(t.Context())
	b.run(ctx, cancel)
	if err := context.Cause(ctx); err == nil || err.Error() != "6 versions, 5 are the limit" {
		t.Errorf("beyond: %v", err)
	}
	if got := b.String(); got != "3 things of 3, 0 secrets of 0, 6 versions of 5" {
		t.Errorf("it tells %q", got)
	}
}

// poll ends with the last reason, and with the cause of an end from outside.
func TestPoll(t *testing.T) {
	n := 0
	err := poll(t.Context(), time.Millisecond, time.Minute, func(context.Context) (bool, string, error) { n++; return n == 3, "", nil })
	if err != nil || n != 3 {
		t.Errorf("%v after %d calls, want done after 3", err, n)
	}
	err = poll(t.Context(), time.Millisecond, 10*time.Millisecond, func(context.Context) (bool, string, error) {
		return false,
			"it is missing", nil
	})
	if err == nil || err.Error() != "not within 10ms: it is missing" {
		t.Errorf("too late: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("beyond"))
	if err := poll(ctx, time.Millisecond, time.Minute, func(context.Context) (bool, string, error) {
		return false, "",
			nil
	}); err == nil || err.Error() != "beyond" {
		t.Errorf("ended from outside: %v", err)
	}
	broken := errors.New("broken")
	if err := poll(t.Context(), time.Millisecond, time.Minute, func(context.Context) (bool, string, error) {
		return false, "",
			broken
	}); !errors.Is(err, broken) {
		t.Errorf("an error: %v", err)
	}
}

// An alarm on an expression goes, with the key of the template that had it;
// anything that refers to it is an error.
func TestWithoutMetricMath(t *testing.T) {
	const template = `{"Resources":{"A":{"Type":"AWS::CloudWatch::Alarm","Properties":{"Metrics":[{"Id":"a"}]}},` +
		`"B":{"Type":"AWS::CloudWatch::Alarm","Properties":{"MetricName":"m"}}}}`
	dir := t.TempDir()
	for name, text := range map[string]string{
		"s.template.json": template, "plain.template.json": `{"Resources":{}}`,
		"s.assets.json": `{"files":{"0ld":{"source":{"path":"s.template.json"},"destinations":{"x":{"objectKey":"0ld.json"}}}}}`,
		"manifest.json": `{"artifacts":{"s":{"properties":{"stackTemplateAssetObjectUrl":"s3://b/0ld.json"}}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := withoutMetricMath(dir); err != nil || n != 1 {
		t.Fatalf("%d taken, %v, want one", n, err)
	}
	for name, want := range map[string][2]string{"s.template.json": {`"B"`, `"A"`}, "s.assets.json": {"objectKey", "0ld"},
		"manifest.json": {"s3://b/", "0ld"}} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want[0]) || strings.Contains(string(text), want[1]) {
			t.Errorf("%s is %s", name, text)
		}
	}
	if n, err := withoutMetricMath(dir); err != nil || n != 0 {
		t.Errorf("again: %d, %v, want none", n, err)
	}
	referred := strings.Replace(template, `"MetricName":"m"`, `"AlarmRule":{"Ref":"A"}`, 1)
	if _, _, err := dropMetricMath([]byte(referred)); err == nil || !strings.Contains(err.Error(), "something refers to the alarm A") {
		t.Errorf("with a reference: %v", err)
	}
}

// AWS's ways to say that something is not there are told from errors that say
// nothing about it.
func TestGone(t *testing.T) {
	for want, list := range map[bool][]error{
		true: {
			errNone, &smithy.GenericAPIError{Code: "NoSuchEntity"},
			&smithy.GenericAPIError{Code: "AWS.SimpleQueueService.NonExistentQueue"},
			&smithy.GenericAPIError{Code: "NotFound"}, fmt.Errorf("look: %w", &smithy.GenericAPIError{Code: "ResourceNotFoundException"}),
		},
		false: {nil, errors.New("cut off"), &smithy.GenericAPIError{Code: "AccessDenied"},
			&smithy.GenericAPIError{Code: "Throttling"}, context.DeadlineExceeded},
	} {
		for _, err := range list {
			if gone(err) != want {
				t.Errorf("%v: gone is %v, want %v", err, !want, want)
			}
		}
	}
}
