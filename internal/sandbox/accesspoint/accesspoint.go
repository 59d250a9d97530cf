// Package accesspoint is the sandbox's Multi-Region Access Points: which buckets
// each one reaches, and what its policy says. Requests through an access point are for
// the package s3; this one says to which bucket they go.
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPoints.html)
package accesspoint

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// maxRegions is how many buckets one access point has at most.
const maxRegions = 17

// Bucket is a bucket of an access point, and the Region that it is in.
type Bucket struct {
	Region, Name string
	Passive      bool // no request is routed to it
}

// Point is an access point. A value of it does not change.
type Point struct {
	Name    string // that S3 knows it by
	Alias   string // as "mfzwi23gnjvgw.mrap"
	ARN     string
	Created time.Time
	Buckets []Bucket // in the order of their Regions
	Policy  *iam.Document
}

// Service holds the access points of one account. Methods may be called
// concurrently.
type Service struct {
	partition, accountID string

	mu      sync.Mutex
	points  map[string]*Point // by name
	pending map[string]pending
	delay   time.Duration // until a change of routes holds
}

// New makes a service without access points.
func New(partition, accountID string) *Service {
	return &Service{partition: partition, accountID: accountID, points: map[string]*Point{}, pending: map[string]pending{}}
}

// Create makes an access point over buckets of the account, at most one in each
// Region, and chooses its alias.
func (s *Service) Create(name string, buckets []Bucket) (Point, error) {
	if n := len(buckets); n == 0 || n > maxRegions {
		return Point{}, fmt.Errorf("an access point has 1 to %d buckets, not %d", maxRegions, n)
	}
	sorted := slices.Clone(buckets)
	slices.SortFunc(sorted, func(a, b Bucket) int { return strings.Compare(a.Region, b.Region) })
	for i, b := range sorted[1:] {
		if b.Region == sorted[i].Region {
			return Point{}, fmt.Errorf("%s and %s are both in %s; an access point has one bucket in a Region",
				sorted[i].Name, b.Name, b.Region)
		}
	}
	alias := newAlias()
	p := &Point{
		Name: name, Alias: alias, Created: time.Now().UTC().Truncate(time.Second), Buckets: sorted,
		ARN: fmt.Sprintf("arn:%s:s3::%s:accesspoint/%s", s.partition, s.accountID, alias),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.points[name] != nil {
		return Point{}, fmt.Errorf("there is an access point %s already", name)
	}
	s.points[name] = p
	return *p, nil
}

// newAlias is an alias of S3's form, which is never used twice.
func newAlias() string {
	b := make([]byte, 13)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:13] + ".mrap"
}

// Delete removes an access point, if there is one of that name. The buckets stay.
func (s *Service) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.points, name)
	delete(s.pending, name)
}

// SetPolicy replaces an access point's policy; nil is none.
func (s *Service) SetPolicy(name string, policy *iam.Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.points[name]
	if p == nil {
		return fmt.Errorf("there is no access point %s", name)
	}
	p.Policy = policy
	return nil
}

// Points returns the access points in the order of their names.
func (s *Service) Points() []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	all := make([]Point, 0, len(s.points))
	for _, p := range s.points {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Point) int { return strings.Compare(a.Name, b.Name) })
	return all
}
