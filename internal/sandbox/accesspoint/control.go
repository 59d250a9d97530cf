package accesspoint

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// The paths of S3 Control, and of what it has about access points
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html).
const (
	controlPrefix = "/v20180820/"
	controlPath   = controlPrefix + "mrap/instances"
)

// IsControl says whether an S3 request is for S3 Control, which has paths of its
// own and a header for the account.
func IsControl(r *http.Request) bool {
	return r.Header.Get("X-Amz-Account-Id") != "" && strings.HasPrefix(r.URL.Path, controlPrefix)
}

// controlRegions are those that answer about routes; all else about access points is
// us-west-2's
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MrapOperations.html).
func controlRegions(routes bool) []string {
	if routes {
		return []string{"ap-northeast-1", "ap-southeast-2", "eu-west-1", "us-east-1", "us-west-2"}
	}
	return []string{"us-west-2"}
}

// controlError is the refusal of a request to S3 Control.
type controlError struct {
	status        int
	code, message string
}

func (e *controlError) Error() string { return e.code + ": " + e.message }

type (
	routeXML struct {
		Bucket                string `xml:",omitempty"`
		Region                string `xml:",omitempty"`
		TrafficDialPercentage *int
	}
	routesXML struct {
		XMLName xml.Name `xml:"GetMultiRegionAccessPointRoutesResult"`
		Mrap    string
		Routes  []routeXML `xml:"Routes>Route"`
	}
	reportXML struct {
		Name, Alias, CreatedAt string
		Status                 string
		Regions                []regionXML `xml:"Regions>Region"`
	}
	regionXML struct {
		Bucket, Region  string
		BucketAccountID string `xml:"BucketAccountId"`
	}
)

// ServeControl answers a request to S3 Control in a Region, that IsControl. The
// request's signature has been checked, and caller is who signed it.
func (s *Service) ServeControl(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	answer, err := s.control(r, region, caller)
	if err != nil {
		WriteError(w, err.status, err.code, err.message)
		return
	}
	write(w, http.StatusOK, answer)
}

// WriteError refuses a request in the format of S3 Control, which is not S3's.
func WriteError(w http.ResponseWriter, status int, code, message string) {
	write(w, status, struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
	}{Code: code, Message: message})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if answer != nil {
		_, _ = io.WriteString(w, xml.Header) // the client has gone away if this fails
		_ = xml.NewEncoder(w).Encode(answer)
	}
}

func (s *Service) control(r *http.Request, region string, caller iam.Caller) (any, *controlError) {
	if account := r.Header.Get("X-Amz-Account-Id"); account != s.accountID {
		return nil, &controlError{http.StatusForbidden, "AccessDenied",
			"Access Denied: the sandbox is account " + s.accountID + "'s, not " + account + "'s"}
	}
	name, ofPoints := strings.CutPrefix(r.URL.Path, controlPath)
	if !ofPoints || name != "" && name[0] != '/' {
		return nil, notImplemented("The sandbox's S3 Control has access points alone, and no jobs of S3 Batch Operations.")
	}
	name = strings.TrimPrefix(name, "/")
	arn, ofRoutes := strings.CutSuffix(name, "/routes")
	if regions := controlRegions(ofRoutes); !slices.Contains(regions, region) {
		return nil, &controlError{http.StatusMovedPermanently, "PermanentRedirect",
			"This API operation is only available in the following Regions: " + strings.Join(regions, ",") +
				". Make sure to send all future requests to a supported Region."}
	}
	switch {
	case ofRoutes && r.Method == http.MethodGet:
		return s.getRoutes(arn, caller)
	case ofRoutes && r.Method == http.MethodPatch:
		return nil, s.submitRoutes(arn, r.Body, caller)
	case strings.HasSuffix(name, "/policy"), strings.HasSuffix(name, "/policystatus"):
		return nil, notImplemented("The sandbox does not show the policies of access points.")
	case r.Method == http.MethodGet && name == "":
		return s.list(caller)
	case r.Method == http.MethodGet:
		return s.get(name, caller)
	}
	return nil, notImplemented("The sandbox makes and deletes access points by CloudFormation's templates alone.")
}

// may demands a permission on an access point, or on all.
func (s *Service) may(caller iam.Caller, action, resource string) *controlError {
	err := iam.Authorize(iam.Request{
		Caller: caller, Action: action, Resource: resource, ResourceAccount: s.accountID,
		Context: map[string]string{"aws:SecureTransport": "true"},
	})
	if err == nil {
		return nil
	}
	return &controlError{http.StatusForbidden, "AccessDenied", err.Error()}
}

func noPoint() *controlError {
	return &controlError{http.StatusNotFound, "NoSuchMultiRegionAccessPoint", ErrNoPoint.Error()}
}

func notImplemented(message string) *controlError {
	return &controlError{http.StatusNotImplemented, "NotImplemented", message}
}

func (s *Service) getRoutes(arn string, caller iam.Caller) (any, *controlError) {
	if err := s.may(caller, "s3:GetMultiRegionAccessPointRoutes", arn); err != nil {
		return nil, err
	}
	p, ok := s.Find(arn)
	if !ok {
		return nil, noPoint()
	}
	answer := routesXML{Mrap: p.ARN}
	for _, b := range p.Buckets {
		dial := 100
		if b.Passive {
			dial = 0
		}
		answer.Routes = append(answer.Routes, routeXML{Bucket: b.Name, Region: b.Region, TrafficDialPercentage: &dial})
	}
	return answer, nil
}

// maxRoutesBody is more than any change of routes has, in bytes.
const maxRoutesBody = 1 << 16

func (s *Service) submitRoutes(arn string, body io.Reader, caller iam.Caller) *controlError {
	if err := s.may(caller, "s3:SubmitMultiRegionAccessPointRoutes", arn); err != nil {
		return err
	}
	var in struct {
		Updates []routeXML `xml:"RouteUpdates>Route"`
	}
	if err := xml.NewDecoder(io.LimitReader(body, maxRoutesBody)).Decode(&in); err != nil {
		return &controlError{http.StatusBadRequest, "MalformedXML",
			"The XML you provided was not well-formed or did not validate against our published schema"}
	}
	var routes []Route
	for _, u := range in.Updates {
		if u.TrafficDialPercentage == nil || *u.TrafficDialPercentage != 0 && *u.TrafficDialPercentage != 100 {
			return &controlError{http.StatusBadRequest, "InvalidRequest", "TrafficDialPercentage has to be 0 or 100"}
		}
		routes = append(routes, Route{Bucket: u.Bucket, Region: u.Region, Active: *u.TrafficDialPercentage == 100})
	}
	return routesRefusal(s.SetRoutes(arn, routes))
}

// routesRefusal is the answer to what SetRoutes says; nil if the routes are set.
func routesRefusal(err error) *controlError {
	var refused RouteError
	switch {
	case errors.Is(err, ErrNoPoint):
		return noPoint()
	case errors.Is(err, ErrPending):
		return &controlError{http.StatusConflict, "Conflict", err.Error()}
	case errors.As(err, &refused):
		return &controlError{http.StatusBadRequest, "InvalidRequest", err.Error()}
	case err != nil:
		return &controlError{http.StatusInternalServerError, "InternalError", err.Error()}
	}
	return nil
}

func (s *Service) report(p Point) reportXML {
	r := reportXML{Name: p.Name, Alias: p.Alias, CreatedAt: p.Created.Format(time.RFC3339), Status: "READY"}
	for _, b := range p.Buckets {
		r.Regions = append(r.Regions, regionXML{Bucket: b.Name, Region: b.Region, BucketAccountID: s.accountID})
	}
	return r
}

func (s *Service) get(name string, caller iam.Caller) (any, *controlError) {
	for _, p := range s.Points() {
		if p.Name == name {
			return struct {
				XMLName     xml.Name `xml:"GetMultiRegionAccessPointResult"`
				AccessPoint reportXML
			}{AccessPoint: s.report(p)}, s.may(caller, "s3:GetMultiRegionAccessPoint", p.ARN)
		}
	}
	return nil, noPoint()
}

func (s *Service) list(caller iam.Caller) (any, *controlError) {
	if err := s.may(caller, "s3:ListMultiRegionAccessPoints", "*"); err != nil {
		return nil, err
	}
	var reports []reportXML
	for _, p := range s.Points() {
		reports = append(reports, s.report(p))
	}
	return struct {
		XMLName      xml.Name    `xml:"ListMultiRegionAccessPointsResult"`
		AccessPoints []reportXML `xml:"AccessPoints>AccessPoint"`
	}{AccessPoints: reports}, nil
}
