package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"s3fanout/internal/operator/behind"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/table"
)

// seen is a look that finds this.
func seen(findings ...health.Finding) statusLook {
	facts, _ := troubled()
	return statusLook{view: newStatusView(facts, findings, nil, nil), findings: findings}
}

var broken = health.Finding{
	Check: "queue", Region: "us-east-1", Part: health.PartQueue, Severity: health.Failed, What: "w", Means: "m", Fix: "f",
}

// A watch looks once in each interval, however long a look takes, and is quiet in
// between, also where the terminal changes its size all the time. It ends with what
// it saw last.
func TestWatchIsQuietBetweenLooks(t *testing.T) {
	for _, took := range []time.Duration{0, 7 * time.Second, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			resized := make(chan os.Signal, 1)
			var began []time.Time
			drawn := 0
			w := statusWatch{
				interval: 10 * time.Second, now: time.Now, resized: resized,
				look: func(context.Context) (statusLook, error) {
					began = append(began, time.Now())
					<-time.After(took)
					return seen(broken), nil
				},
				show: func(watched) error { drawn++; return nil },
			}
			done := make(chan error)
			go func() { done <- w.run(ctx) }()
			go func() {
				for ctx.Err() == nil {
					<-time.After(3 * time.Second)
					select {
					case resized <- os.Interrupt:
					default:
					}
				}
			}()
			<-time.After(time.Minute)
			synctest.Wait()
			cancel()
			if err := <-done; !errors.Is(err, errLeftOver) {
				t.Errorf("it ends with %v, want what was seen last", err)
			}
			for i := range began[1:] {
				if between := began[i+1].Sub(began[i]); between != max(10*time.Second, took) {
					t.Errorf("a look takes %v: the next one begins after %v", took, between)
				}
			}
			if len(began) < 2 || drawn < len(began)-1 {
				t.Errorf("a look takes %v: %d looks, drawn %d times", took, len(began), drawn)
			}
			if took == 0 && drawn < 20 {
				t.Errorf("drawn %d times in a minute, with a new size every 3 seconds", drawn)
			}
			<-time.After(5 * time.Second) // for who resizes
		})
	}
}

// What AWS does not answer for a while is said, beside what was seen before, and
// does not end the watch. What it never answers does.
func TestWatchGoesOnAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		looks := 0
		var all []watched
		away := errors.New("region eu-west-1 does not answer")
		w := statusWatch{
			interval: 10 * time.Second, now: time.Now,
			look: func(context.Context) (statusLook, error) {
				looks++
				if looks == 2 {
					return statusLook{}, away
				}
				return seen(), nil
			},
			show: func(s watched) error {
				if all = append(all, s); len(all) == 3 {
					cancel()
				}
				return nil
			},
		}
		if err := w.run(ctx); err != nil {
			t.Errorf("it ends with %v, want nil", err)
		}
		if s := all[1]; !errors.Is(s.err, away) || s.last == nil || s.at.Sub(s.good) != 10*time.Second {
			t.Errorf("while nobody answers it shows %+v", s)
		}
		if s := all[2]; s.err != nil || s.at != s.good {
			t.Errorf("afterwards it shows %+v", s)
		}
		w.look = func(context.Context) (statusLook, error) { return statusLook{}, away }
		if err := w.run(t.Context()); !errors.Is(err, away) {
			t.Errorf("where nobody ever answers it ends with %v", err)
		}
	})
}

// A frame overwrites what is there line by line, and never clears the screen first:
// it would flicker. It does not scroll, and counts what has no room.
func TestFrame(t *testing.T) {
	if got, want := frame("one\ntwo\n", 3), home+"one"+restOfLine+"\r\n"+"two"+restOfLine+restBelow; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := frame("1\n2\n3\n4\n5\n", 3),
		home+"1"+restOfLine+"\r\n2"+restOfLine+"\r\n… 3 lines more"+restOfLine+restBelow; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for height := range 12 {
		got := frame(strings.Repeat("line\n", 9), height)
		if lines := strings.Count(got, "\r\n") + 1; height > 1 && lines > height || strings.Contains(got, "\x1b[2J") {
			t.Errorf("height %d: %d lines: %q", height, lines, got)
		}
	}
}

// What is shown fits every width, with a look that failed too.
func TestStatusScreenFits(t *testing.T) {
	facts, findings := troubled()
	look := statusLook{view: newStatusView(facts, findings, nil, nil), findings: findings}
	a := &app{getenv: func(string) string { return "1" }} // no colours
	for _, width := range []int{80, 100, 200} {
		for _, err := range []error{nil, errors.New(strings.Repeat("no answer ", 30) + "\x1b[2J")} {
			text, failed := a.statusScreen(watched{last: &look, good: time.Unix(1_800_000_000, 0), err: err}, defaultInterval, width)
			if failed != nil {
				t.Fatal(failed)
			}
			for line := range strings.Lines(text) {
				if line = strings.TrimSuffix(line, "\n"); table.Width(line) > width || strings.Contains(line, "\x1b") {
					t.Errorf("width %d: %d columns: %q", width, table.Width(line), line)
				}
			}
			if err != nil &&
				!strings.Contains(strings.Join(strings.Fields(text), " "), "not refreshed since 2027-01-15T08:00:00Z: no answer no") {
				t.Errorf("the error is not there:\n%s", text)
			}
		}
	}
}

// Without a terminal it appends: blocks with their time, or a document a line.
func TestWatchElsewhere(t *testing.T) {
	for _, output := range []outputFormat{outputText, outputJSON} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var stdout bytes.Buffer
			a := &app{stdout: &stdout, output: output, getenv: func(string) string { return "" }}
			looks := 0
			err := a.watchStatus(ctx, func(context.Context) (statusLook, error) {
				switch looks++; looks {
				case 2:
					return statusLook{}, errors.New("no answer")
				case 4:
					cancel()
				}
				return seen(), nil
			}, time.Minute)
			if err != nil {
				t.Errorf("%s: it ends with %v", output, err)
			}
			first := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest's clock begins
			if output == outputText {
				text := stdout.String()
				for i, want := range []string{
					"Replica set media", "not refreshed since 2000-01-01T00:00:00Z: no answer", "Replica set media",
				} {
					stamp := first.Add(time.Duration(i)*time.Minute).Format(time.RFC3339) + "\n" + want
					if !strings.Contains(text, stamp) {
						t.Errorf("want %q in\n%s", stamp, text)
					}
				}
				if strings.Contains(text, "\x1b") {
					t.Errorf("it has control sequences:\n%q", text)
				}
				return
			}
			var lines []document.StatusLine
			for d := json.NewDecoder(&stdout); d.More(); {
				var line document.StatusLine
				if err := d.Decode(&line); err != nil {
					t.Fatal(err)
				}
				lines = append(lines, line)
			}
			if len(lines) != 3 || lines[1].Error != "no answer" || lines[1].Status != nil || lines[2].Status == nil ||
				lines[2].Time != first.Add(2*time.Minute) {
				t.Errorf("lines %+v", lines)
			}
		})
	}
}

// asked counts how often a CloudWatch is asked.
type asked struct {
	health.CloudWatch
	metrics *atomic.Int64 // Regions are asked at once
}

func (a asked) GetMetricData(
	context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	a.metrics.Add(1)
	return &cloudwatch.GetMetricDataOutput{}, nil
}

// CloudWatch's figures change once a minute and cost: they are not asked for more
// often, unless a Region answers that did not before.
func TestFiguresAreAskedForOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var metrics atomic.Int64
		set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
		region := asked{metrics: &metrics}
		behindAsked := 0
		l := statusLooker{working: silent, now: time.Now, behind: func(context.Context, []string, time.Time) ([]behind.Target, error) {
			behindAsked++
			return nil, nil
		}, options: health.Options{Set: set, Clients: map[string]health.Clients{
			"us-east-1": {CloudWatch: region}, "eu-west-1": {CloudWatch: region},
		}}}
		for range 12 {
			if err := l.measure(t.Context(), []string{"us-east-1"}); err != nil {
				t.Fatal(err)
			}
			<-time.After(10 * time.Second)
		}
		if metrics.Load() != 2 {
			t.Errorf("CloudWatch was asked %d times in two minutes, want 2", metrics.Load())
		}
		for range 3 {
			if err := l.measure(t.Context(), []string{"us-east-1", "eu-west-1"}); err != nil {
				t.Fatal(err)
			}
		}
		if metrics.Load() != 4 || behindAsked != 3 {
			t.Errorf("asked %d times, and %d times for what waits; want 2 more and 3 when another Region answers",
				metrics.Load(), behindAsked)
		}
	})
}
