package scheduler

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"s3fanout/internal/sandbox/iam"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
	target  = "arn:aws:lambda:eu-west-1:123456789012:function:media-reconcile"
)

// world is a service, the roles that it can assume, and what it started.
type world struct {
	*Service
	store *iam.Store

	mu      sync.Mutex
	started []string // caller and input
	refuse  error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: iam.NewStore("aws", account)}
	w.Service = New(Config{
		Partition: "aws", AccountID: account, Store: w.store,
		Start: func(_ context.Context, caller iam.Caller, targetARN string, input []byte) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if targetARN != target {
				t.Errorf("started %s", targetARN)
			}
			w.started = append(w.started, caller.ARN+" "+string(input))
			return w.refuse
		},
	})
	t.Cleanup(w.Close)
	return w
}

func (w *world) starts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.started)
}

// role makes a role that schedules of the group may assume.
func (w *world) role(t *testing.T, group string) string {
	t.Helper()
	trust, err := iam.ParseAs(iam.TrustPolicy,
		[]byte(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole",
		"Condition":{"StringEquals":{"aws:SourceAccount":"`+account+`",
			"aws:SourceArn":"arn:aws:scheduler:eu-west-1:`+account+`:schedule-group/`+group+`"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	role, err := w.store.CreateRole(iam.RoleConfig{Name: "schedules-of-" + group, Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	return role.ARN
}

func (w *world) schedule(t *testing.T) Schedule {
	t.Helper()
	return Schedule{
		Name: "media-reconcile", Expression: "rate(15 minutes)", TargetARN: target, RoleARN: w.role(t, "default"), Input: `{"tick":true}`,
	}
}

// TestSchedulesRunByTheClock counts what is started within an hour, by a schedule
// that is switched off for a while.
func TestSchedulesRunByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.schedule(t)
		if _, err := w.Create(region, c); err != nil {
			t.Fatal(err)
		}
		<-time.NewTimer(61 * time.Minute).C
		if n := w.starts(); n != 4 {
			t.Errorf("started %d times within an hour, want 4", n)
		}
		c.State = Disabled
		if err := w.Update(region, c); err != nil {
			t.Fatal(err)
		}
		<-time.NewTimer(time.Hour).C
		if n := w.starts(); n != 4 {
			t.Errorf("started %d times, want none while it is disabled", n)
		}
		c.State, c.Expression = Enabled, "rate(1 hour)"
		if err := w.Update(region, c); err != nil {
			t.Fatal(err)
		}
		<-time.NewTimer(150 * time.Minute).C
		if n := w.starts(); n != 6 {
			t.Errorf("started %d times, want two more", n)
		}
		w.Delete(region, c.Name)
		<-time.NewTimer(24 * time.Hour).C
		if n := w.starts(); n != 6 {
			t.Errorf("started %d times, want none after it is deleted", n)
		}
		want := "arn:aws:sts::" + account + ":assumed-role/schedules-of-default/scheduler {\"tick\":true}"
		if w.started[0] != want {
			t.Errorf("started as %s, want %s", w.started[0], want)
		}
	})
}

func TestFire(t *testing.T) {
	w := newWorld(t)
	c := w.schedule(t)
	if _, err := w.Create(region, c); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create(region, c); err == nil {
		t.Error("the same schedule is made twice")
	}
	if err := errors.Join(w.Fire(t.Context(), region), w.Fire(t.Context(), "us-east-1")); err != nil || w.starts() != 1 {
		t.Errorf("started %d times, %v; want once, in its Region", w.starts(), err)
	}
	w.refuse = errors.New("not allowed")
	if err := w.Fire(t.Context(), region); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("a start that is refused: %v", err)
	}
	w.store.DeleteRole("schedules-of-default")
	if err := w.Fire(t.Context(), region); err == nil || w.starts() != 2 {
		t.Errorf("started without a role: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	good := w.schedule(t)
	other := w.role(t, "another")
	for want, change := range map[string]func(*Schedule){
		"must allow AWS EventBridge Scheduler": func(c *Schedule) { c.RoleARN = other },
		"rate(VALUE UNIT) alone":               func(c *Schedule) { c.Expression = "cron(0 10 * * ? *)" },
		"at(2026":                              func(c *Schedule) { c.Expression = "at(2026-11-29T10:00:00)" },
		"rate(0 minutes)":                      func(c *Schedule) { c.Expression = "rate(0 minutes)" },
		"neither ENABLED nor DISABLED":         func(c *Schedule) { c.State = "PAUSED" },
		"is missing":                           func(c *Schedule) { c.TargetARN = "" },
		"not JSON":                             func(c *Schedule) { c.Input = "tick" },
		"letters, digits":                      func(c *Schedule) { c.Name = "a b" },
	} {
		c := good
		change(&c)
		if _, err := w.Create(region, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := w.Update(region, good); err == nil {
		t.Error("a schedule that does not exist is changed")
	}
}

// TestAPI has the real SDK look at a schedule and switch it off.
func TestAPI(t *testing.T) {
	w := newWorld(t)
	c := w.schedule(t)
	if _, err := w.Create(region, c); err != nil {
		t.Fatal(err)
	}
	caller := iam.Caller{ARN: "arn:aws:iam::" + account + ":user/administrator", AccountID: account}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeAPI(rw, r, region, caller) }))
	defer server.Close()
	client := scheduler.New(scheduler.Options{
		Region: region, BaseEndpoint: aws.String(server.URL), HTTPClient: server.Client(), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s"}, nil
		}),
	})
	got, err := client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String(c.Name)})
	if err != nil || got.State != types.ScheduleStateEnabled || aws.ToString(got.ScheduleExpression) != c.Expression ||
		aws.ToString(got.Target.Arn) != target {
		t.Fatalf("got %+v, %v", got, err)
	}
	update := &scheduler.UpdateScheduleInput{
		Name: got.Name, ScheduleExpression: got.ScheduleExpression, FlexibleTimeWindow: got.FlexibleTimeWindow,
		State:  types.ScheduleStateDisabled,
		Target: &types.Target{Arn: got.Target.Arn, RoleArn: got.Target.RoleArn, Input: got.Target.Input},
	}
	if _, err := client.UpdateSchedule(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	if have, _ := w.Get(region, c.Name); have.State != Disabled {
		t.Errorf("the schedule is %s", have.State)
	}
	update.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(5)}
	if _, err := client.UpdateSchedule(t.Context(), update); err == nil || !strings.Contains(err.Error(), "MaximumWindowInMinutes") {
		t.Errorf("a time window: %v", err)
	}
	var gone *types.ResourceNotFoundException
	if _, err := client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String("other")}); !errors.As(err, &gone) {
		t.Errorf("a schedule that does not exist: %v", err)
	}
	if _, err := client.ListSchedules(t.Context(), &scheduler.ListSchedulesInput{}); err == nil ||
		!strings.Contains(err.Error(), "it has GetSchedule and UpdateSchedule") {
		t.Errorf("another operation: %v", err)
	}
	caller = iam.Caller{Service: "s3.amazonaws.com"}
	if _, err := client.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String(c.Name)}); err == nil ||
		!strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("somebody who may not: %v", err)
	}
}
