// Package custom is CloudFormation's side of custom resources: it sends a
// request to the function that a resource's ServiceToken names, and waits for
// the answer that the function puts to the request's pre-signed URL.
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html)
//
// It does not know what becomes of an answer: replacing, deleting and rolling
// back are for who deploys. Topics as ServiceToken are not supported.
package custom

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// MaxTimeout is how long an answer is waited for at most, and by default
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html).
const MaxTimeout = time.Hour

// A URL for an answer is signed for so long.
const urlLifetime = 2 * time.Hour

// Config says how requests and answers travel. Invoke and BaseURL are required.
type Config struct {
	// Invoke hands an event over to a function, as the invocation type Event does.
	Invoke func(ctx context.Context, functionARN string, payload []byte) error
	// BaseURL begins the URLs of answers. Requests to what is below it are for ServeHTTP.
	BaseURL string
	// Timeout is how long an answer is waited for where the template does not say
	// so, or says longer; MaxTimeout if zero.
	Timeout time.Duration
}

// Service sends requests and takes answers. Methods may be called concurrently.
type Service struct {
	config Config
	key    []byte // signs URLs

	mu      sync.Mutex
	waiting map[string]chan []byte // by request id
}

// New returns a service that waits for nothing yet.
func New(c Config) *Service {
	if c.Timeout == 0 {
		c.Timeout = MaxTimeout
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand aborts the program instead
	return &Service{config: c, key: key, waiting: map[string]chan []byte{}}
}

// FailedError says that a resource was not created, updated or deleted.
type FailedError struct {
	Reason string
	// PhysicalID is what the resource goes by nevertheless, as far as the answer
	// said so. It is empty if there was no valid answer.
	PhysicalID string
	// Asked tells whether the function was asked at all. It may have done
	// anything then, until it failed.
	Asked bool
}

func (e *FailedError) Error() string { return e.Reason }

// Send asks the function for what the request says, and waits for its answer.
// Without one in time, with one that is not valid, or that tells of a failure,
// the error is a *FailedError. Another error is that ctx has ended.
func (s *Service) Send(ctx context.Context, r Request) (Answer, error) {
	options, err := readOptions(r.Properties)
	if err == nil {
		err = options.checkToken(r.Region)
	}
	if err != nil {
		return Answer{}, &FailedError{Reason: err.Error()}
	}
	id := uuid.NewString()
	payload, err := r.event(id, options.token, s.signedURL(r, id))
	if err != nil {
		return Answer{}, &FailedError{Reason: err.Error()}
	}
	answers := make(chan []byte, 1)
	s.mu.Lock()
	s.waiting[id] = answers
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, id)
	}()
	if err := s.config.Invoke(ctx, options.token, payload); err != nil {
		return Answer{}, &FailedError{Reason: err.Error()}
	}
	patience := time.NewTimer(min(options.timeout, s.config.Timeout))
	defer patience.Stop()
	select {
	case raw := <-answers:
		return readAnswer(raw, r, id)
	case <-patience.C:
		return Answer{}, &FailedError{
			Asked: true,
			Reason: fmt.Sprintf("CloudFormation did not receive a response from your Custom Resource. "+
				"Please check your logs for requestId [%s]: nothing was put to the ResponseURL in time", id),
		}
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}

// signedURL makes the URL that the answer is put to. Its path is as on AWS:
// stack, logical id and request.
func (s *Service) signedURL(r Request, id string) string {
	object := r.StackID + "|" + r.LogicalID + "|" + id
	expires := strconv.FormatInt(time.Now().Add(urlLifetime).Unix(), 10)
	return s.config.BaseURL + url.PathEscape(object) + "?" + url.Values{
		"Expires":   {expires},
		"Signature": {s.sign(object, expires)},
	}.Encode()
}

func (s *Service) sign(object, expires string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(object + "\n" + expires))
	return hex.EncodeToString(mac.Sum(nil))
}

// ServeHTTP takes an answer. As with S3's pre-signed URLs, only the method and
// the empty Content-Type that the URL is signed for are accepted. What the
// answer says is looked at by who waits for it: an answer that nobody waits for
// any more, or a second one, is accepted and has no effect.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object, err := s.authenticate(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	// One byte over the limit tells that it is too long; the rest is read so
	// that the client sees the answer.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	}
	if err != nil {
		http.Error(w, "the body did not arrive whole", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	answers := s.waiting[object[strings.LastIndex(object, "|")+1:]]
	s.mu.Unlock()
	select {
	case answers <- body: // nil if nobody waits: never ready
	default:
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Service) authenticate(r *http.Request) (object string, err error) {
	base, err := url.Parse(s.config.BaseURL)
	if err != nil {
		return "", err
	}
	object, below := strings.CutPrefix(r.URL.Path, base.Path)
	query := r.URL.Query()
	expires, _ := strconv.ParseInt(query.Get("Expires"), 10, 64)
	switch {
	case r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" || !below ||
		!hmac.Equal([]byte(query.Get("Signature")), []byte(s.sign(object, query.Get("Expires")))):
		return "", errors.New("SignatureDoesNotMatch: the URL is signed for PUT, without a Content-Type")
	case time.Now().Unix() > expires:
		return "", errors.New("AccessDenied: Request has expired")
	}
	return object, nil
}

// Validate finds what is wrong with a custom resource's properties, before
// anybody is asked.
func Validate(properties json.RawMessage) error {
	_, err := readOptions(properties)
	return err
}
