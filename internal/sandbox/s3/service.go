package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/kms"
	"s3fanout/internal/sandbox/stats"
)

// Config says what to run. All fields but the last ones are required.
type Config struct {
	Partition string
	AccountID string
	Dir       string // absolute, and empty or an earlier Service's; objects, versions and metadata go there
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

	Logger *slog.Logger // nothing is logged if nil

	noAttributes bool // act as on a file system without extended attributes
}

// Service is a running S3. Methods may be called concurrently.
type Service struct {
	config Config
	engine *engine
	store  *store
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

// Start runs the servers and returns when they answer. It changes the
// process's working directory until Close.
func Start(ctx context.Context, c Config) (*Service, error) {
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	e, err := startEngine(ctx, c)
	if err != nil {
		return nil, err
	}
	if e.repaired != (repairs{}) {
		logger.Info("mended what was under way when S3 was killed", "files", e.repaired.Files, "versions", e.repaired.Twins,
			"deleteMarkers", e.repaired.Markers, "uploadsReset", e.repaired.Reset, "uploadsCleared", e.repaired.Cleared)
	}
	stopping, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Service{
		config:   c,
		regions:  slices.Sorted(slices.Values(c.Regions)),
		engine:   e,
		store:    e.store,
		logger:   logger,
		buckets:  map[string]*bucket{},
		stopping: stopping,
		stop:     stop,
	}
	s.store.ignores = func(name string) bool {
		b, ok := s.bucket(name)
		return ok && c.Faults.Strikes(b.region, fault.S3NoConditions)
	}
	return s, nil
}

// AddRegion starts a server for one more Region, unless there is one. It must
// not be called twice at the same time, nor after Close.
func (s *Service) AddRegion(region string) error {
	if s.hasRegion(region) {
		return nil
	}
	if err := s.engine.startServer(region, accounts{s.config.Store}); err != nil {
		return fmt.Errorf("start S3 of %s: %w", region, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.regions = append(s.regions, region)
	slices.Sort(s.regions)
	return nil
}

func (s *Service) hasRegion(region string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Contains(s.regions, region)
}

// Close cancels the notifications that are under way, waits for requests to
// end, stops the servers and restores the working directory. Objects stay on
// disk. A request ends when its client's connection is closed, if not before.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
	return s.engine.close()
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
	ids := newIDs()
	if !s.begin() {
		errUnavailable().write(w, r, ids)
		return
	}
	defer s.running.Done()
	req, err := parseRequest(r)
	s.config.Counters.CountS3(region, caller.ARN, req.operation.name)
	cut := s.cut(region)
	w = cut.after(w)
	w = s.observe(w, Call{Region: region, CallerARN: caller.ARN, Operation: req.operation.name, Bucket: req.bucket, Key: req.key})
	cut.before()
	if headerBytes(r) > maxHeaders {
		err = errHeadersTooLarge()
	}
	if err == nil {
		err = s.serve(w, r, req, region, caller, ids)
	}
	if err == nil {
		return
	}
	// A client that is still sending may never see an answer that comes with
	// the end of the connection.
	drain(r.Body)
	var e *apiError
	if !errors.As(err, &e) {
		s.logger.Error("s3 request", "region", region, "operation", req.operation.name, "bucket", req.bucket, "key", req.key, "error", err)
		e = &apiError{status: http.StatusInternalServerError, Code: "InternalError", Message: "We encountered an internal error. Please try again."}
	}
	e.write(w, r, ids)
}

// serve does what an understood request asks for. An error means that nothing
// has been answered yet.
func (s *Service) serve(w http.ResponseWriter, r *http.Request, req request, region string, caller iam.Caller, ids ids) error {
	if err := s.strike(req, region); err != nil {
		return err
	}
	if err := s.locate(req, region); err != nil {
		return err
	}
	if err := validKey(req.key); err != nil {
		return err
	}
	auth := authorizer{service: s, request: req, caller: caller}
	if req.refusal != nil {
		return auth.refuse(*req.refusal)
	}
	if err := auth.all(req.needs()); err != nil {
		return err
	}
	if err := auth.keys(); err != nil {
		return err
	}
	pace := s.pace(req, region)
	size := uploadSize(r)
	if req.copies() {
		var err error
		if size, err = s.checkCopySource(r, req, auth); err != nil {
			return err
		}
	}
	switch req.operation.name {
	case "UploadPartCopy":
		return s.uploadPartCopy(w, r, req, pace, ids)
	case "DeleteObjects":
		return s.deleteObjects(w, r, req, auth, ids)
	case "GetBucketPolicy":
		return s.getBucketPolicy(w, req, ids)
	}
	if b, ok := s.bucket(req.bucket); ok {
		if answer, err := b.configuration(req.operation.name); err != nil {
			return err
		} else if answer != nil {
			writeXML(w, r, http.StatusOK, answer, ids)
			return nil
		}
	}
	return s.forward(w, r, req, region, auth, pace, size)
}

// strike answers with a fault that is switched on. A copy reads its source in
// the source's Region, so that it fails when that one is cut off.
func (s *Service) strike(req request, region string) error {
	if s.config.Faults.Strikes(region, fault.S3Unavailable) {
		return errUnavailable()
	}
	if s.config.Faults.Strikes(region, fault.S3SlowDown) {
		return errSlowDown()
	}
	if !req.copies() {
		return nil
	}
	source, ok := s.bucket(req.source.bucket)
	if ok && source.region != region && s.config.Faults.Strikes(source.region, fault.S3Unavailable) {
		return errUnavailable()
	}
	return nil
}

// locate checks that the request's bucket exists, in the request's Region, and
// belongs to whom the request expects.
func (s *Service) locate(req request, region string) error {
	if req.bucket == "" {
		return nil
	}
	b, ok := s.bucket(req.bucket)
	switch {
	case !ok:
		return errNoSuchBucket(req.bucket)
	case b.region != region:
		return errPermanentRedirect(req.bucket, b.region, s.config.Partition)
	}
	return expectOwner(req.header, "X-Amz-Expected-Bucket-Owner", s.owner(req.bucket))
}
