package sandbox

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"s3fanout/internal/sandbox/accesspoint"
	"s3fanout/internal/sandbox/cloudwatch"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/sigv4"
)

// controlPrefix starts the paths of the sandbox's own interface. It is not a
// valid bucket name, so that no S3 request can mean it.
const controlPrefix = "/_sandbox/"

// answersPrefix starts the paths that custom resources answer to.
const answersPrefix = controlPrefix + "answers/"

// ServeHTTP sends a request to the service and Region that its signature
// names. Only the sandbox's own interface takes unsigned requests.
//
// Until the first deployment is done, only its functions are served. Others,
// such as clients of an earlier sandbox, wait for its end: an answer would be that there
// are no buckets.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, answersPrefix) {
		s.custom.ServeHTTP(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		if s.awaitReady(r) {
			s.serveControl(w, r)
		}
		return
	}
	id, err := sigv4.Authenticate(r, s.store, time.Now())
	if err != nil && accesspoint.IsControl(r) {
		accesspoint.WriteError(w, err.Status, err.Code, err.Message)
		return
	}
	if err != nil {
		writeAuthError(w, r, err)
		return
	}
	if id.Caller.Role == nil && !s.awaitReady(r) {
		return
	}
	if id.RegionSet != "" {
		writeAuthError(w, r, &sigv4.Error{
			Status: http.StatusBadRequest, Code: "InvalidRequest", Service: id.Service,
			Message: "Signature Version 4A names no Region, which this endpoint goes by. Please use AWS4-HMAC-SHA256.",
		})
		return
	}
	if id.Service == "s3" && accesspoint.IsControl(r) {
		s.serveControlOfPoints(w, r, id)
		return
	}
	// IAM and STS belong to the account and not to a Region.
	global := id.Service == "iam" || id.Service == "sts"
	if !global && !s.hasRegion(id.Region) {
		writeAuthError(w, r, &sigv4.Error{
			Status: http.StatusBadRequest, Code: "InvalidRegion", Service: id.Service,
			Message: fmt.Sprintf("Region %q is not in this sandbox.", id.Region),
		})
		return
	}
	if id.Service != "s3" && !s.travel(r, id) { // S3 has delays of its own, and knows a copy's source
		return
	}
	switch id.Service {
	case "s3":
		s.s3.ServeAPI(w, r, id.Region, id.Caller)
	case "sns":
		s.sns.ServeAPI(w, r, id.Region, id.Caller)
	case "sqs":
		s.sqs.ServeAPI(w, r, id.Region, id.Caller)
	case "lambda":
		s.lambda.ServeAPI(w, r, id.Region, id.Caller)
	case "kms":
		s.kms.ServeAPI(w, r, id.Region, id.Caller)
	case "dynamodb":
		s.dynamodb.ServeAPI(w, r, id.Region, id.Caller)
	case "scheduler":
		s.scheduler.ServeAPI(w, r, id.Region, id.Caller)
	case "states":
		s.states.ServeAPI(w, r, id.Caller)
	case "monitoring":
		s.cloudwatch.ServeAPI(w, r, id.Region, id.Caller)
	case "events":
		s.events.ServeAPI(w, r, id.Region, id.Caller)
	case "logs", "cloudtrail":
		s.trail.ServeAPI(w, r, id.Region, id.Caller)
	case "sts":
		s.account.ServeSTS(w, r, id.Caller)
	case "iam":
		s.account.ServeIAM(w, r, id.Caller)
	default:
		writeAuthError(w, r, &sigv4.Error{
			Status: http.StatusNotImplemented, Code: "NotImplemented", Service: id.Service,
			Message: fmt.Sprintf("The sandbox has no service %q; it has s3, sns, sqs, lambda, kms, dynamodb, scheduler, states, "+
				"monitoring (CloudWatch), events, logs, cloudtrail, sts and iam.", id.Service),
		})
	}
}

// travel has a request take as long as over the network; false if it or the sandbox
// ends before.
func (s *Sandbox) travel(r *http.Request, id sigv4.Identity) bool {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ending, cancel)()
	return network.Pass(ctx, s.network.Request(id.Service, id.Caller.Region, id.Region)) == nil
}

// awaitReady waits for the end of the first deployment; false if the request
// or the sandbox ends before.
func (s *Sandbox) awaitReady(r *http.Request) bool {
	select {
	case <-s.ready:
		return true
	case <-r.Context().Done():
	case <-s.ending.Done():
	}
	return false
}

func (s *Sandbox) serveControl(w http.ResponseWriter, r *http.Request) {
	switch {
	case !fromThisMachine(r):
		writeJSON(w, http.StatusForbidden, map[string]string{
			"error": "the sandbox's own interface is not for web pages, and for loopback addresses only",
		})
	case r.URL.Path == controlPrefix+"stats" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, s.Stats())
	case r.URL.Path == controlPrefix+"faults" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, s.faults.Active())
	case r.URL.Path == controlPrefix+"faults" && r.Method == http.MethodPost:
		s.serveSetFault(w, r)
	case r.URL.Path == controlPrefix+"deploy" && r.Method == http.MethodPost:
		s.serveDeploy(w, r)
	case r.URL.Path == controlPrefix+"tick" && r.Method == http.MethodPost:
		s.serveTick(w, r)
	default:
		writeJSON(w, http.StatusNotFound, map[string]string{
			"error": "use GET " + controlPrefix + "stats, GET or POST " + controlPrefix + "faults, " +
				"POST " + controlPrefix + "deploy, POST " + controlPrefix + "tick",
		})
	}
}

func (s *Sandbox) serveSetFault(w http.ResponseWriter, r *http.Request) {
	var f struct {
		fault.Fault
		Rate *float64 `json:"rate"` // required: a forgotten one must not read as 0, which heals
	}
	if err := decodeControl(w, r, &f); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not a fault: " + err.Error()})
		return
	}
	if f.Rate == nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "rate is missing; 1 strikes always, 0 switches the fault off"})
		return
	}
	f.Fault.Rate = *f.Rate
	if err := s.SetFault(f.Fault); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, s.faults.Active())
}

// serveDeploy updates to the assembly in a directory of this machine. As
// CloudFormation does, it goes on when the client has gone.
func (s *Sandbox) serveDeploy(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Templates string `json:"templates"`
	}
	if err := decodeControl(w, r, &in); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not a deployment: " + err.Error()})
		return
	}
	if !filepath.IsAbs(in.Templates) {
		writeJSON(w, http.StatusBadRequest, map[string]string{
			"error": fmt.Sprintf("templates %q is not the absolute path of a directory that cdk synth wrote", in.Templates),
		})
		return
	}
	changes, err := s.Update(context.WithoutCancel(r.Context()), os.DirFS(in.Templates))
	var refused RefusedError
	switch {
	case errors.As(err, &refused):
		writeJSON(w, http.StatusConflict, map[string]string{"error": err.Error()})
	case err != nil:
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": err.Error(), "changes": changes})
	default:
		writeJSON(w, http.StatusOK, changes)
	}
}

// serveTick starts what a Region's schedules start, without waiting for their time.
func (s *Sandbox) serveTick(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Region string `json:"region"`
	}
	if err := decodeControl(w, r, &in); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not a tick: " + err.Error()})
		return
	}
	if !s.hasRegion(in.Region) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("region %q is not in this sandbox", in.Region)})
		return
	}
	if err := s.Tick(context.WithoutCancel(r.Context()), in.Region); err != nil {
		writeJSON(w, http.StatusConflict, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

func decodeControl(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// fromThisMachine keeps web pages out, which a browser on this machine could
// let through: they have an origin, or a name that was made to point here.
func fromThisMachine(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return r.Header.Get("Origin") == "" && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// writeAuthError answers what no service has seen, in the format of the
// service that was meant.
func writeAuthError(w http.ResponseWriter, r *http.Request, e *sigv4.Error) {
	id := requestID()
	w.Header().Set("x-amzn-RequestId", id)
	switch e.Service {
	case "sqs", "lambda", "kms", "dynamodb", "scheduler", "states", "events", "logs", "cloudtrail":
		w.Header().Set("x-amzn-ErrorType", e.Code)
		writeJSON(w, e.Status, map[string]string{"__type": e.Code, "message": e.Message})
	case "monitoring":
		cloudwatch.WriteError(w, &cloudwatch.Error{Status: e.Status, Code: e.Code, Message: e.Message})
	case "sns", "sts", "iam":
		writeXML(w, e.Status, struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Type    string   `xml:"Error>Type"`
			Code    string   `xml:"Error>Code"`
			Message string   `xml:"Error>Message"`
			ID      string   `xml:"RequestId"`
		}{Type: "Sender", Code: e.Code, Message: e.Message, ID: id})
	default:
		w.Header().Set("x-amz-request-id", id)
		if r.Method == http.MethodHead { // S3 sends no body with these
			w.WriteHeader(e.Status)
			return
		}
		writeXML(w, e.Status, struct {
			XMLName xml.Name `xml:"Error"`
			Code    string
			Message string
			ID      string `xml:"RequestId"`
		}{Code: e.Code, Message: e.Message, ID: id})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone away if this fails
}

func writeXML(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(xml.Header)) // the client has gone away if this fails
	_ = xml.NewEncoder(w).Encode(v)
}
