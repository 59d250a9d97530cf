package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"s3fanout/internal/sandbox/accesspoint"
	"s3fanout/internal/sandbox/edge"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/sigv4"
)

// pointDomain is the domain of access points' hosts, after the alias
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointRequests.html).
const pointDomain = "accesspoint.s3-global.amazonaws.com"

// authorityFile holds the certificate that clients of access points trust, in the
// sandbox's directory.
const authorityFile = "access-points.pem"

// PointsState is what clients of access points need to know.
type PointsState struct {
	ARNs     []string `json:"arns"`     // of the access points, in order
	CABundle string   `json:"caBundle"` // a file, for AWS_CA_BUNDLE
	// Proxies are, by Region, for HTTPS_PROXY of clients who are in that Region.
	Proxies map[string]string `json:"proxies"`
}

// openPoints has the access points be reached, from each Region that is served. It
// does nothing for what is open already.
func (s *Sandbox) openPoints(ctx context.Context) error {
	points := s.points.Points()
	if len(points) == 0 && len(s.edges) == 0 {
		return nil
	}
	if s.authority == nil {
		authority, err := edge.NewAuthority(pointDomain)
		if err != nil {
			return fmt.Errorf("make an authority for access points: %w", err)
		}
		if err := os.WriteFile(filepath.Join(s.dir.path, authorityFile), authority.PEM(), 0o600); err != nil {
			return err
		}
		s.authority = authority
	}
	state := &PointsState{CABundle: filepath.Join(s.dir.path, authorityFile), Proxies: map[string]string{}, ARNs: []string{}}
	for _, p := range points {
		state.ARNs = append(state.ARNs, p.ARN)
	}
	for _, region := range s.regionsServed() {
		if s.edges[region] == nil {
			e, err := edge.Start(context.WithoutCancel(ctx), s.authority, pointHost.MatchString, s.pointHandler(region))
			if err != nil {
				return err
			}
			s.edges[region] = e
		}
		state.Proxies[region] = s.edges[region].URL()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.AccessPoints = state
	return nil
}

func (s *Sandbox) closePoints() (err error) {
	for _, e := range s.edges {
		err = errors.Join(err, e.Close())
	}
	s.edges = nil
	return err
}

// pointHost is an access point's host, whichever there are.
var pointHost = regexp.MustCompile(`^[a-z0-9]+\.mrap\.` + regexp.QuoteMeta(pointDomain) + `$`)

// pointHandler answers requests to access points of clients who are in a Region: the
// host says which access point, and the nearest active bucket answers.
func (s *Sandbox) pointHandler(client string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := sigv4.Authenticate(r, s.store, time.Now())
		if err != nil {
			writeAuthError(w, r, err)
			return
		}
		if !s.awaitReady(r) {
			return
		}
		by, refused := s.route(r, id, client)
		if refused != nil {
			writeAuthError(w, r, refused)
			return
		}
		if id.Caller.Region == "" {
			id.Caller.Region = client
		}
		s.s3.ServeByPoint(w, r, by, id.Caller)
	})
}

// route says by which access point a request comes and to which bucket it goes.
func (s *Sandbox) route(r *http.Request, id sigv4.Identity, client string) (by s3.Point, refused *sigv4.Error) {
	refuse := func(status int, code, message string) (s3.Point, *sigv4.Error) {
		return s3.Point{}, &sigv4.Error{Status: status, Code: code, Service: "s3", Message: message}
	}
	if id.RegionSet == "" {
		return refuse(http.StatusBadRequest, "InvalidRequest",
			"The authorization mechanism you have provided is not supported. Please use AWS4-ECDSA-P256-SHA256.")
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	point, ok := s.points.Find(strings.TrimSuffix(host, "."+pointDomain))
	if !ok {
		return refuse(http.StatusNotFound, "NoSuchMultiRegionAccessPoint", "The specified Multi-Region Access Point does not exist")
	}
	to := point.Nearest(client)
	names := make([]string, len(point.Buckets))
	for i, b := range point.Buckets {
		names[i] = b.Name
	}
	if bucket, begun := s.s3.UploadBucket(r, names); begun {
		to.Name = bucket
		to.Region, _ = s.s3.RegionOf(bucket)
	}
	if !coversRegion(id.RegionSet, to.Region) {
		return refuse(http.StatusForbidden, "AccessDenied",
			"The signature's X-Amz-Region-Set "+id.RegionSet+" does not have "+to.Region+", where the request is routed to.")
	}
	return s3.Point{ARN: point.ARN, AccountID: AccountID, Policy: point.Policy, Bucket: to.Name}, nil
}

// coversRegion says whether a signature for the set of Regions, which may have
// wildcards, holds in a Region.
func coversRegion(set, region string) bool {
	for pattern := range strings.SplitSeq(set, ",") {
		if ok, err := path.Match(strings.TrimSpace(pattern), region); ok && err == nil {
			return true
		}
	}
	return false
}

// serveControlOfPoints answers S3 Control about access points, in any of the Regions
// that do, whether the sandbox has others there or not. A Region that is cut off
// does not answer.
func (s *Sandbox) serveControlOfPoints(w http.ResponseWriter, r *http.Request, id sigv4.Identity) {
	if s.hasRegion(id.Region) && s.faults.Strikes(id.Region, fault.S3Unavailable) {
		accesspoint.WriteError(w, http.StatusServiceUnavailable, "ServiceUnavailable", "Please reduce your request rate.")
		return
	}
	s.points.ServeControl(w, r, id.Region, id.Caller)
}
