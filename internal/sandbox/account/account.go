// Package account is the sandbox's AWS STS and IAM, as far as they are asked
// rather than changed: who a caller is, sessions of roles, and what roles and
// their policies say. Both speak the query protocol.
//
// AssumeRole obeys the role's trust policy and, where that trusts the account,
// the caller's own policies. Reading roles needs the caller's permission, as on
// AWS. Source identities and session tags have to be let by the trust policy, and
// go along chains of roles; of tags nothing more comes. Session policies, MFA and
// federated identities are refused by name. Both services take a signature of any Region: on AWS, IAM's is that
// of its partition and STS has all, and a client with an endpoint of its own may
// sign for either.
package account

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

// Service answers for one account. Methods may be called concurrently.
type Service struct {
	store *iam.Store
	now   func() time.Time
}

// New returns the services of a store's account. now tells the time from which
// sessions last.
func New(store *iam.Store, now func() time.Time) *Service {
	return &Service{store: store, now: now}
}

// Error is an error as STS and IAM answer it.
type Error struct {
	Status  int // HTTP status
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

// denied turns a refusal of the policies into the services' answer.
func denied(err error) *Error {
	return &Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: iam.Answer(err)}
}

// api is one of the two services.
type api struct {
	name       string
	namespace  string
	version    string
	operations map[string]operation
}

// operation is one of an API's: the parameters that it knows, and what it
// does. A parameter that ends in ".member" is a list. The result is encoded as XML.
type operation struct {
	parameters []string
	run        func(*Service, iam.Caller, url.Values) (any, error)
}

func (o operation) takes(parameter string) bool {
	list, _, isMember := strings.Cut(parameter, ".member.")
	return slices.Contains(o.parameters, parameter) || isMember && slices.Contains(o.parameters, list+".member")
}

// ServeSTS answers a request of STS that is already authenticated as caller.
// It authorizes it.
func (s *Service) ServeSTS(w http.ResponseWriter, r *http.Request, caller iam.Caller) {
	s.serve(w, r, caller, stsAPI())
}

// ServeIAM answers a request of IAM that is already authenticated as caller.
// It authorizes it.
func (s *Service) ServeIAM(w http.ResponseWriter, r *http.Request, caller iam.Caller) {
	s.serve(w, r, caller, iamAPI())
}

const maxBody = 1 << 20

func (s *Service) serve(w http.ResponseWriter, r *http.Request, caller iam.Caller, a api) {
	id := uuid.NewString()
	w.Header().Set("x-amzn-RequestId", id)
	w.Header().Set("Content-Type", "text/xml")
	action, result, err := s.run(w, r, caller, a)
	if err != nil {
		writeError(w, err, a.namespace, id)
		return
	}
	write(w, response{
		XMLName:   xml.Name{Space: a.namespace, Local: action + "Response"},
		Result:    wrapped{name: action + "Result", content: result},
		RequestID: id,
	})
}

func (s *Service) run(w http.ResponseWriter, r *http.Request, caller iam.Caller, a api) (action string, result any, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return "", nil, invalid("The request cannot be read: %v", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", nil, invalid("The body is no form: %v", err)
	}
	action = form.Get("Action")
	op, ok := a.operations[action]
	if !ok {
		if err := s.refuse(caller, a, action, form); err != nil {
			return "", nil, err
		}
		return "", nil, &Error{
			Status: http.StatusBadRequest, Code: "InvalidAction",
			Message: fmt.Sprintf("The sandbox's %s has no operation %q; it has %s.",
				a.name, action, strings.Join(slices.Sorted(maps.Keys(a.operations)), ", ")),
		}
	}
	if v := form.Get("Version"); v != a.version {
		return "", nil, invalid("Version %q is not %s.", v, a.version)
	}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name != "Action" && name != "Version" && !op.takes(name) {
			return "", nil, invalid("The sandbox's %s does not support the parameter %s of %s.", a.name, name, action)
		}
	}
	result, err = op.run(s, caller, form)
	return action, result, err
}

type response struct {
	XMLName   xml.Name
	Result    wrapped
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

// wrapped is the element that has a result's elements.
type wrapped struct {
	name    string
	content any
}

// MarshalXML writes the content's elements directly into the result element.
func (w wrapped) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(w.content, xml.StartElement{Name: xml.Name{Local: w.name}})
}

func writeError(w http.ResponseWriter, err error, namespace, requestID string) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
	}
	fault := "Sender"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w.WriteHeader(e.Status)
	write(w, struct {
		XMLName   xml.Name
		Type      string `xml:"Error>Type"`
		Code      string `xml:"Error>Code"`
		Message   string `xml:"Error>Message"`
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: namespace, Local: "ErrorResponse"}, fault, e.Code, e.Message, requestID})
}

func write(w io.Writer, v any) {
	_, _ = io.WriteString(w, xml.Header) // the client has gone if this fails
	_ = xml.NewEncoder(w).Encode(v)
}
