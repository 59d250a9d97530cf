package sigv4

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is the refusal of a request before any service has seen it, with the
// status and code that AWS answers.
type Error struct {
	Status  int    // of HTTP
	Code    string // as "SignatureDoesNotMatch"
	Message string
	Service string // service of the credential scope; empty if the request does not say
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (a *authorization) fail(status int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message, Service: a.service}
}

// byService picks the name that a service gives to an error: S3 has its own
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), Lambda
// those of the JSON protocols, and the others the common ones
// (https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html).
func (a *authorization) byService(s3, lambda, common string) string {
	switch a.service {
	case "s3":
		return s3
	case "lambda":
		return lambda
	}
	return common
}

func (a *authorization) unknownKey() *Error {
	message := "The security token included in the request is invalid."
	if a.service == "s3" {
		message = "The AWS Access Key Id you provided does not exist in our records."
	}
	return a.fail(http.StatusForbidden, a.byService("InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId"), message)
}

func (a *authorization) mismatch() *Error {
	return a.fail(
		http.StatusForbidden,
		a.byService("SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch"),
		"The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method.",
	)
}

func (a *authorization) skewed(now time.Time) *Error {
	if a.service == "s3" {
		return a.fail(
			http.StatusForbidden, "RequestTimeTooSkewed",
			"The difference between the request time and the current time is too large.",
		)
	}
	e := a.mismatch()
	word, limit := "expired", now.Add(-maxSkew)
	if a.time.After(now) {
		word, limit = "not yet current", now.Add(maxSkew)
	}
	e.Message = "Signature " + word + ": " + a.time.Format(timeFormat) + " is outside the window that ends at " +
		limit.UTC().Format(timeFormat) + " (" + now.UTC().Format(timeFormat) + ", 15 min.)"
	return e
}

// expired refuses a presigned URL outside its time.
func (a *authorization) expired(message string) *Error {
	if a.service == "s3" {
		return a.fail(http.StatusForbidden, "AccessDenied", message)
	}
	e := a.mismatch()
	e.Message = message
	return e
}

// expiredToken refuses a role session that has ended.
func (a *authorization) expiredToken() *Error {
	if a.service == "s3" {
		return a.fail(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
	}
	return a.fail(http.StatusForbidden, a.byService("", "ExpiredTokenException", "ExpiredToken"),
		"The security token included in the request is expired")
}

// malformed refuses a signature that cannot be read.
func (a *authorization) malformed(message string) *Error {
	s3 := "AuthorizationHeaderMalformed"
	if a.presigned {
		s3 = "AuthorizationQueryParametersError"
	}
	return a.fail(http.StatusBadRequest, a.byService(s3, "IncompleteSignatureException", "IncompleteSignature"), message)
}

// unsigned refuses headers that are there but not signed.
func (a *authorization) unsigned(names ...string) *Error {
	if a.service == "s3" {
		return a.fail(http.StatusForbidden, "AccessDenied",
			"There were headers present in the request which were not signed: "+strings.Join(names, ", "))
	}
	e := a.mismatch()
	e.Message = "These must be signed headers in the AWS Authorization: " + strings.Join(names, ", ") + "."
	return e
}

func (a *authorization) unsupported(name string) *Error {
	message := "Unsupported AWS 'algorithm': " + strconv.Quote(name) + "; use " + algorithm + "."
	if a.service == "s3" || a.service == "" {
		return a.fail(http.StatusBadRequest, "InvalidRequest",
			"The authorization mechanism you have provided is not supported. Please use "+algorithm+".")
	}
	return a.malformed(message)
}
