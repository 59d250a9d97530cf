package s3

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// apiError is an error as S3 words it
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
type apiError struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Condition string `xml:",omitempty"`
	Key       string `xml:",omitempty"`
	VersionID string `xml:"VersionId,omitempty"`
	UploadID  string `xml:"UploadId,omitempty"`
	Bucket    string `xml:",omitempty"`
	Named     string `xml:"BucketName,omitempty"`
	Endpoint  string `xml:",omitempty"`
	MaxSize   int    `xml:"MaxSizeAllowed,omitempty"`
	Resource  string `xml:",omitempty"`

	ArgumentName     string `xml:",omitempty"`
	ArgumentValue    string `xml:",omitempty"`
	RangeRequested   string `xml:",omitempty"`
	ActualObjectSize string `xml:",omitempty"`
	RequestID        string `xml:"RequestId"`
	HostID           string `xml:"HostId"`

	status int
	header http.Header
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// ids are the two identifiers that S3 gives every answer.
type ids struct{ request, host string }

func newIDs() ids {
	var host [57]byte
	_, _ = rand.Read(host[:]) // never fails
	return ids{rand.Text()[:16], base64.StdEncoding.EncodeToString(host[:])}
}

func (i ids) set(h http.Header) {
	h.Set("x-amz-request-id", i.request)
	h.Set("x-amz-id-2", i.host)
	h.Set("Server", "AmazonS3")
}

// write answers with the error; without a body to HEAD, as S3 does.
func (e *apiError) write(w http.ResponseWriter, r *http.Request, i ids) {
	for name, values := range e.header {
		w.Header()[name] = values
	}
	body := *e
	body.Resource, body.RequestID, body.HostID = r.URL.Path, i.request, i.host
	writeXML(w, r, e.status, body, i)
}

func writeXML(w http.ResponseWriter, r *http.Request, status int, v any, i ids) {
	i.set(w.Header())
	if status == http.StatusNotModified || status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = io.WriteString(w, xml.Header) // the client has gone away if this fails
	_ = xml.NewEncoder(w).Encode(v)
}

// drain reads the rest of a body, up to a limit past which the connection is
// better closed.
func drain(body io.Reader) {
	const limit = 256 << 20
	_, _ = io.CopyN(io.Discard, body, limit) // ends early, as it should, or with the connection
}

func errUnavailable() *apiError {
	return &apiError{status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "Service is unable to handle request."}
}

func errSlowDown() *apiError {
	return &apiError{status: http.StatusServiceUnavailable, Code: "SlowDown", Message: "Please reduce your request rate."}
}

func errNoSuchBucket(bucket string) *apiError {
	return &apiError{status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist", Named: bucket}
}

func errNoSuchKey(key string) *apiError {
	return &apiError{status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist.", Key: key}
}

func errNoSuchVersion(key, versionID string) *apiError {
	return &apiError{
		status: http.StatusNotFound, Code: "NoSuchVersion", Message: "The specified version does not exist.",
		Key: key, VersionID: versionID,
	}
}

func errAccessDenied(message string) *apiError {
	return &apiError{status: http.StatusForbidden, Code: "AccessDenied", Message: message}
}

func errMethodNotAllowed(message string) *apiError {
	return &apiError{
		status:  http.StatusMethodNotAllowed,
		Code:    "MethodNotAllowed",
		Message: "The specified method is not allowed against this resource. " + message,
	}
}

func badRequest(code, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, Code: code, Message: message}
}

func errInvalidRequest(message string) *apiError { return badRequest("InvalidRequest", message) }

func errInvalidArgument(message string) *apiError { return badRequest("InvalidArgument", message) }

func errMalformedXML() *apiError {
	return badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func errHeadersTooLarge() *apiError {
	e := badRequest("RequestHeaderSectionTooLarge", "Your request header section exceeds the maximum allowed size.")
	e.MaxSize = maxHeaders
	return e
}

func errInternal(more string) *apiError {
	return &apiError{
		status: http.StatusInternalServerError, Code: "InternalError",
		Message: "We encountered an internal error. Please try again." + more,
	}
}

func errNoSuchUpload(uploadID string) *apiError {
	return &apiError{
		status: http.StatusNotFound, Code: "NoSuchUpload", UploadID: uploadID,
		Message: "The specified multipart upload does not exist. " +
			"The upload ID may be invalid, or the upload may have been aborted or completed.",
	}
}

func errInvalidObjectState() *apiError {
	return &apiError{
		status: http.StatusForbidden, Code: "InvalidObjectState", Message: "The operation is not valid for the object's storage class",
	}
}

// errNotImplemented names what the sandbox does not have.
func errNotImplemented(format string, args ...any) *apiError {
	return &apiError{
		status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "The sandbox's S3 does not have " + fmt.Sprintf(format, args...) + ".",
	}
}

// errPermanentRedirect sends a request to the Region of the bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html).
func errPermanentRedirect(bucket, region, partition string) *apiError {
	suffix := "amazonaws.com"
	if partition == "aws-cn" {
		suffix += ".cn"
	}
	endpoint := strings.Join([]string{bucket, "s3", region, suffix}, ".")
	return &apiError{
		status: http.StatusMovedPermanently, Code: "PermanentRedirect",
		Message: "The bucket you are attempting to access must be addressed using the specified endpoint. " +
			"Please send all future requests to this endpoint.",
		Bucket: bucket, Endpoint: endpoint,
		header: http.Header{"X-Amz-Bucket-Region": {region}},
	}
}
