package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/kms"
	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/s3/store"
	"s3fanout/internal/sandbox/stats"
)

// Config says what to run. All fields but the last ones are required.
type Config struct {
	Partition string
	AccountID string
	Dir       string // empty, or an earlier Service's; objects, versions and metadata go there
	Regions   []string
	Store     *iam.Store
	Counters  *stats.Counters
	Faults    *fault.Switches

	// Keys is needed for buckets with a key.
	Keys kms.Keys

	// Notify delivers a bucket's notification after a write that has become
	// visible. The writer's answer does not wait for it. An error is logged.
	Notify func(ctx context.Context, n Notification) error
	// NotifyTest delivers the test event of a bucket that is being made. An
	// error makes CreateBucket fail.
	NotifyTest func(ctx context.Context, n Notification) error

	// Owner, if set, tells the account that a bucket belongs to; the sandbox's own
	// if that is empty.
	Owner func(bucket string) string

	// OnCall, if set, is shown every request, see Call. An error breaks the
	// client's connection off: before, nothing has been done; after, all has.
	OnCall func(Call) error

	// OnRecord, if set, is shown each request for objects before it is answered, also
	// those that failed.
	OnRecord func(Record)

	// OnChange, if set, is shown each change of an object before it is announced, also one
	// that is not.
	OnChange func(Change)

	// Network, if set, delays and limits requests as AWS's does; see exchange.travel.
	Network *network.Network

	Logger *slog.Logger // nothing is logged if nil

	Now func() time.Time // of objects, called concurrently; time.Now if nil
}

// Service is a running S3. Methods may be called concurrently.
type Service struct {
	config Config
	store  *store.Store
	logger *slog.Logger

	mu      sync.RWMutex
	regions []string // in order
	buckets map[string]*bucket

	// Requests and notifications run until they end; those that begin while
	// the service is closed are refused or cancelled.
	running  sync.WaitGroup
	closed   bool
	stopping context.Context
	stop     context.CancelFunc
}

// Start opens the directory. Only one Service at a time can use it.
func Start(ctx context.Context, c Config) (*Service, error) {
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	engine, err := store.Open(c.Dir, store.Options{Now: c.Now, Offset: c.Faults.Clock})
	if err != nil {
		return nil, fmt.Errorf("open object directory %s: %w", c.Dir, err)
	}
	stopping, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Service{
		config:   c,
		regions:  slices.Sorted(slices.Values(c.Regions)),
		store:    engine,
		logger:   logger,
		buckets:  map[string]*bucket{},
		stopping: stopping,
		stop:     stop,
	}
	if err := s.findBuckets(); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("open object directory %s: %w", c.Dir, err), engine.Close())
	}
	return s, nil
}

// AddRegion serves one more Region, unless it does already.
func (s *Service) AddRegion(region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.regions, region) {
		s.regions = append(s.regions, region)
		slices.Sort(s.regions)
	}
}

func (s *Service) hasRegion(region string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Contains(s.regions, region)
}

// Close cancels the notifications that are under way and waits for requests to
// end. Objects stay on disk. A request ends when its client's connection is
// closed, if not before.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
	return s.store.Close()
}

// begin announces a request, unless the service is closed.
func (s *Service) begin() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// ServeAPI answers one S3 request to a Region. The request's signature has
// been checked, and caller is who signed it; its body is still unread.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	s.answer(w, r, region, caller, nil)
}

// answer is ServeAPI, also for a request that came through an access point.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller, by *Point) {
	ids := newIDs()
	if !s.begin() {
		errUnavailable().write(w, r, ids)
		return
	}
	defer s.running.Done()
	req, err := parseRequest(r, by.bucket())
	s.config.Counters.CountS3(region, caller.ARN, req.operation.name)
	cut, connection := s.cut(region), w
	w = cut.after(w)
	if offset := s.config.Faults.Clock(region); offset != 0 {
		w.Header().Set("Date", httpTime(time.Now().Add(offset)))
	}
	w = s.observe(w, Call{Region: region, CallerARN: caller.ARN, Operation: req.operation.name, Bucket: req.bucket, Key: req.key})
	cut.before()
	if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		// net/http does not, without a body, and botocore takes the answer
		// for that to its next request on the connection.
		connection.WriteHeader(http.StatusContinue)
	}
	if headerBytes(r) > maxHeaders {
		err = errHeadersTooLarge()
	}
	x := &exchange{
		Service: s, request: req, w: w, r: r, region: region, ids: ids,
		auth: authorizer{service: s, request: req, caller: caller, point: by},
	}
	failed := x.account(by)
	if err == nil {
		err = x.serve()
	}
	if err == nil {
		return
	}
	// A client that is still sending may never see an answer that comes with
	// the end of the connection.
	drain(r.Body)
	e := x.wordError(err)
	failed(e)
	e.write(x.w, r, ids)
}

// exchange is a request that is being answered.
type exchange struct {
	*Service
	request
	w      http.ResponseWriter
	r      *http.Request
	region string
	target *bucket // nil if the request names none, or makes it
	auth   authorizer
	pace   pace
	ids    ids
}

// serve does what an understood request asks for. An error means that nothing
// has been answered yet.
func (x *exchange) serve() (err error) {
	if err := x.travel(); err != nil {
		return err
	}
	if err := x.strike(); err != nil {
		return err
	}
	if err := x.locate(); err != nil {
		return err
	}
	if err := validKey(x.key); err != nil {
		return err
	}
	if x.query.Has("versionId") && x.query.Get("versionId") == "" {
		return errInvalidArgument("Version id cannot be the empty string")
	}
	if x.refusal != nil {
		return x.auth.refuse(*x.refusal)
	}
	if err := x.auth.all(x.needs()); err != nil {
		return err
	}
	if err := x.auth.keys(); err != nil {
		return err
	}
	x.pace = x.newPace()
	return x.operation.serve(x)
}

// strike answers with a fault that is switched on. A copy reads its source in
// the source's Region, so that it fails when that one is cut off.
func (x *exchange) strike() error {
	faults := x.config.Faults
	if faults.Strikes(x.region, fault.S3Unavailable) {
		return errUnavailable()
	}
	if faults.Strikes(x.region, fault.S3SlowDown) {
		return errSlowDown()
	}
	if !x.copies() {
		return nil
	}
	source, ok := x.findBucket(x.source.bucket)
	if ok && source.region != x.region && faults.Strikes(source.region, fault.S3Unavailable) {
		return errUnavailable()
	}
	return nil
}

// locate finds the request's bucket, in the request's Region, and checks that
// it and a copy's source belong to whom the request expects.
func (x *exchange) locate() error {
	if x.bucket == "" || x.operation.name == "CreateBucket" {
		return nil
	}
	b, ok := x.findBucket(x.bucket)
	switch {
	case !ok:
		return errNoSuchBucket(x.bucket)
	case b.region != x.region:
		return errPermanentRedirect(x.bucket, b.region, x.config.Partition)
	}
	if err := expectOwner(x.header, "X-Amz-Expected-Bucket-Owner", x.owner(x.bucket)); err != nil {
		return err
	}
	x.target = b
	return expectOwner(x.header, "X-Amz-Source-Expected-Bucket-Owner", x.owner(x.source.bucket))
}
