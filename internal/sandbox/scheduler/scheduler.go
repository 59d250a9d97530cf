// Package scheduler is the sandbox's Amazon EventBridge Scheduler: schedules at a
// rate that start something as their own role.
//
// A schedule runs by the clock, as on AWS; Fire lets tests and demonstrations not
// wait for it. What a role may not assume or start fails as it would there: only
// the log says so. Only rate(…) is known, without a time window; groups, dates,
// time zones and dead-letter queues are refused by name.
package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/sandbox/iam"
)

const (
	servicePrincipal = "scheduler.amazonaws.com"
	defaultGroup     = "default"
	sessionName      = "scheduler"
)

// Schedule is what is started, by whom and how often. Name, Expression, TargetARN
// and RoleARN are required.
type Schedule struct {
	Name        string
	Description string
	Expression  string // rate(VALUE UNIT)
	State       string // ENABLED, if empty, or DISABLED
	TargetARN   string
	RoleARN     string
	Input       string // JSON; {} if empty
	// Retries and MaximumAge are shown, and nothing else: a start that fails here is
	// not repeated.
	Retries    int
	MaximumAge time.Duration
}

// The values of Schedule.State.
const (
	Enabled  = "ENABLED"
	Disabled = "DISABLED"
)

// Config says what schedules need. All fields but Logger are required.
type Config struct {
	Partition, AccountID string
	Store                *iam.Store
	// Start starts a target as the caller, asynchronously.
	Start  func(ctx context.Context, caller iam.Caller, targetARN string, input []byte) error
	Logger *slog.Logger // discarded if nil
}

// Service holds the schedules of all Regions of one account. Methods may be called
// concurrently.
type Service struct {
	cfg    Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu        sync.Mutex
	schedules map[string]*running // by ARN
}

// running is a schedule and what ends its clock.
type running struct {
	Schedule
	region string
	made   time.Time
	stop   context.CancelFunc
}

// New returns a service without schedules.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: c, schedules: map[string]*running{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close stops all clocks. It may be called more than once.
func (s *Service) Close() {
	s.cancel()
	s.work.Wait()
}

// Create makes a schedule and returns its ARN.
func (s *Service) Create(region string, c Schedule) (arn string, err error) {
	arn = s.arn(region, c.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.schedules[arn] != nil {
		return "", fmt.Errorf("schedule %s already exists in %s", c.Name, region)
	}
	return arn, s.put(region, arn, c)
}

// Update gives a schedule other properties; its clock begins anew.
func (s *Service) Update(region string, c Schedule) error {
	arn := s.arn(region, c.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.schedules[arn]
	if old == nil {
		return fmt.Errorf("schedule %s does not exist in %s", c.Name, region)
	}
	if err := s.put(region, arn, c); err != nil {
		return err
	}
	s.schedules[arn].made = old.made
	old.stop()
	return nil
}

// Delete ends a schedule; one that is gone is no error.
func (s *Service) Delete(region, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.schedules[s.arn(region, name)]; r != nil {
		r.stop()
		delete(s.schedules, s.arn(region, name))
	}
}

// Get returns a schedule.
func (s *Service) Get(region, name string) (Schedule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.schedules[s.arn(region, name)]
	if r == nil {
		return Schedule{}, false
	}
	return r.Schedule, true
}

// Fire starts at once what a Region's enabled schedules start, beside their clocks,
// and returns the first error of each that could not be started.
func (s *Service) Fire(ctx context.Context, region string) error {
	s.mu.Lock()
	var due []*running
	for _, r := range s.schedules {
		if r.region == region && r.State == Enabled {
			due = append(due, r)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(due, func(a, b *running) int { return strings.Compare(a.Name, b.Name) })
	var errs []error
	for _, r := range due {
		errs = append(errs, s.start(ctx, r))
	}
	return errors.Join(errs...)
}

func (s *Service) arn(region, name string) string {
	return s.prefix(region) + "schedule/" + defaultGroup + "/" + name
}

func (s *Service) prefix(region string) string {
	return "arn:" + s.cfg.Partition + ":scheduler:" + region + ":" + s.cfg.AccountID + ":"
}

var (
	validName = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)
	rates     = regexp.MustCompile(`^rate\(([1-9][0-9]*) (minute|hour|day)s?\)$`)
)

// every reads a rate
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based).
func every(expression string) (time.Duration, error) {
	m := rates.FindStringSubmatch(expression)
	if m == nil {
		return 0, fmt.Errorf(
			"invalid schedule expression %q; the sandbox has rate(VALUE UNIT) alone, in minutes, hours or days",
			expression,
		)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n > 366*24*60 {
		return 0, fmt.Errorf("invalid schedule expression %q", expression)
	}
	return time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]], nil
}

// put starts a schedule's clock; the lock is the caller's.
func (s *Service) put(region, arn string, c Schedule) error {
	if c.State == "" {
		c.State = Enabled
	}
	if c.Input == "" {
		c.Input = "{}"
	}
	rate, err := every(c.Expression)
	switch {
	case !validName.MatchString(c.Name):
		return fmt.Errorf("schedule name %q has other than 1 to 64 letters, digits, _, . and -", c.Name)
	case err != nil:
		return fmt.Errorf("schedule %s: %w", c.Name, err)
	case c.State != Enabled && c.State != Disabled:
		return fmt.Errorf("schedule %s: state %q is neither ENABLED nor DISABLED", c.Name, c.State)
	case c.TargetARN == "" || c.RoleARN == "":
		return fmt.Errorf("schedule %s: the target's Arn or RoleArn is missing", c.Name)
	case !json.Valid([]byte(c.Input)):
		return fmt.Errorf("schedule %s: the input is not JSON", c.Name)
	}
	// As Scheduler does, which refuses a role that it cannot assume.
	if _, err := s.assume(region, c.RoleARN); err != nil {
		return fmt.Errorf("schedule %s: the execution role you provide must allow AWS EventBridge Scheduler to assume the role: %w",
			c.Name, err)
	}
	ctx, stop := context.WithCancel(s.ctx)
	r := &running{Schedule: c, region: region, made: time.Now(), stop: stop}
	s.schedules[arn] = r
	if c.State == Enabled {
		s.work.Go(func() { s.run(ctx, r, rate) })
	}
	return nil
}

func (s *Service) run(ctx context.Context, r *running, rate time.Duration) {
	clock := time.NewTicker(rate)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			if err := s.start(ctx, r); err != nil {
				s.cfg.Logger.Warn("schedule", "region", r.region, "name", r.Name, "error", err.Error())
			}
		}
	}
}

func (s *Service) start(ctx context.Context, r *running) error {
	caller, err := s.assume(r.region, r.RoleARN)
	if err != nil {
		return fmt.Errorf("schedule %s in %s: %w", r.Name, r.region, err)
	}
	if err := s.cfg.Start(ctx, caller, r.TargetARN, []byte(r.Input)); err != nil {
		return fmt.Errorf("schedule %s in %s: %w", r.Name, r.region, err)
	}
	return nil
}

// assume starts a session of a schedule's role. The source is the schedule's group
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
func (s *Service) assume(region, roleARN string) (iam.Caller, error) {
	_, caller, err := s.cfg.Store.AssumeRole(iam.Session{
		Caller: iam.Caller{
			Service: servicePrincipal, SourceAccount: s.cfg.AccountID, SourceARN: s.prefix(region) + "schedule-group/" + defaultGroup,
		},
		RoleARN: roleARN, Name: sessionName,
	}, time.Now())
	return caller, err
}
