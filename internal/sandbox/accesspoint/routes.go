package accesspoint

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Route is a change of a route: a bucket, by its name, its Region or both, becomes
// active or passive.
type Route struct {
	Bucket, Region string
	Active         bool
}

// ErrNoPoint says that an access point does not exist.
var ErrNoPoint = errors.New("the specified Multi-Region Access Point does not exist")

// ErrPending says that another change of routes is under way
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mrap-failover-errors.html).
var ErrPending = errors.New("another change of the access point's routes is in progress; try again")

// RouteError is a change of routes that S3 refuses.
type RouteError struct{ error }

// pending is a change of routes that holds from a time on.
type pending struct {
	at      time.Time
	buckets []Bucket
}

// DelayRoutes has changes of routes hold after a time, and be refused until then. Without
// it they hold at once; S3 takes up to two minutes.
func (s *Service) DelayRoutes(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = by
}

// settle has those changes hold whose time has come.
func (s *Service) settle() {
	for name, change := range s.pending {
		if time.Now().Before(change.at) {
			continue
		}
		delete(s.pending, name)
		if p := s.points[name]; p != nil {
			p.Buckets = change.buckets
		}
	}
}

// SetRoutes makes buckets of the access point with the ARN active or passive, all of
// them or none. Those that no route names stay as they are, and one at least stays
// active. It holds after the time of DelayRoutes, and until then the error is ErrPending
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_SubmitMultiRegionAccessPointRoutes.html).
func (s *Service) SetRoutes(arn string, routes []Route) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	p := s.byARN(arn)
	if p == nil {
		return ErrNoPoint
	}
	if _, ok := s.pending[p.Name]; ok {
		return ErrPending
	}
	buckets := slices.Clone(p.Buckets) // values of the point that were handed out keep theirs
	for _, r := range routes {
		i := slices.IndexFunc(buckets, func(b Bucket) bool {
			return (r.Bucket == "" || b.Name == r.Bucket) && (r.Region == "" || b.Region == r.Region)
		})
		if r.Bucket == "" && r.Region == "" {
			return RouteError{errors.New("a route names neither a bucket nor a Region")}
		}
		if i < 0 {
			return RouteError{fmt.Errorf("the access point has no bucket %q in Region %q", r.Bucket, r.Region)}
		}
		buckets[i].Passive = !r.Active
	}
	if !slices.ContainsFunc(buckets, func(b Bucket) bool { return !b.Passive }) {
		return RouteError{errors.New("at least one Region has to be active")}
	}
	s.pending[p.Name] = pending{time.Now().Add(s.delay), buckets}
	s.settle()
	return nil
}

func (s *Service) byARN(arn string) *Point {
	for _, p := range s.points {
		if p.ARN == arn {
			return p
		}
	}
	return nil
}

// Find returns the access point with the alias or ARN.
func (s *Service) Find(aliasOrARN string) (Point, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	for _, p := range s.points {
		if p.Alias == aliasOrARN || p.ARN == aliasOrARN {
			return *p, true
		}
	}
	return Point{}, false
}
