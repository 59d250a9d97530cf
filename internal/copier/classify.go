package copier

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/errorcode"
)

// This file alone knows what S3's error codes mean to a copy, where
// internal/aws/errorcode does not know it of any request
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). The
// SDK puts the status text where an answer has no body: "NotFound" for 404.
const (
	codeConditionFailed  = "PreconditionFailed"
	codeNoSuchBucket     = "NoSuchBucket"
	codeNoSuchKey        = "NoSuchKey"
	codeNoSuchVersion    = "NoSuchVersion"
	codeNotFound         = "NotFound"
	codeNotImplemented   = "NotImplemented"
	codeInvalidRequest   = "InvalidRequest"
	codeArchived         = "InvalidObjectState"
	codeNotInActiveTier  = "ObjectNotInActiveTierError"
	codeAccessDenied     = "AccessDenied"
	codeForbidden        = "Forbidden"
	codeNoSuchUpload     = "NoSuchUpload"
	codeEntityTooLarge   = "EntityTooLarge"
	codeEntityTooSmall   = "EntityTooSmall"
	codeBadDigest        = "BadDigest"
	codeChecksumMismatch = "XAmzContentChecksumMismatch"
	codeInvalidPart      = "InvalidPart"
	codeInvalidPartOrder = "InvalidPartOrder"
	codeMetadataTooLarge = "MetadataTooLarge"
)

// interpret says what an error, or none, means as the answer to a move.
//
// A 412 to a copy or a completion is about the target, since no condition is
// put on the source there, and without a condition it is a failure; a 412 to a
// part is about the source alone. A 404 is about the source, or the upload,
// only if its code says so: a missing bucket is a failure.
func interpret(did move, source Object, err error) answer {
	code := errorcode.Of(err)
	conditional := did == copyOnCondition || did == completeOnCondition
	switch {
	case err == nil:
		return done
	case did == headTarget || did == headSource:
		// A missing bucket is the same 404 here; the request that follows tells.
		if code == codeNotFound || code == codeNoSuchKey || code == codeNoSuchVersion {
			return absent
		}
		if did == headSource && isDeleteMarker(source, err) {
			return gone
		}
		return failed
	case code == codeNoSuchUpload:
		return lost
	case namesSource(did) && (code == codeNoSuchKey || code == codeNoSuchVersion || isDeleteMarker(source, err)):
		return gone
	case code == codeConditionFailed && did == copyPart:
		return changed
	case did == copyPart:
		return failed
	case errorcode.Conflict(code):
		return conflict
	case code == codeConditionFailed && conditional:
		return exists
	case code == codeNotImplemented && conditional:
		return unsupported
	case did == copyOnCondition || did == copyAnyway:
		if isTooLarge(err) {
			return tooLarge
		}
	case did == completeOnCondition || did == completeAnyway:
		switch code {
		case codeInvalidPart:
			return conflict // somebody has copied it over
		case codeBadDigest, codeChecksumMismatch, codeInvalidPartOrder, codeInvalidRequest, codeEntityTooSmall, codeEntityTooLarge:
			return spoiled
		}
	}
	return failed
}

// namesSource reports whether a request names the source, so that a key that is
// not there can be the source's.
func namesSource(did move) bool {
	switch did {
	case copyOnCondition, copyAnyway, copyPart, readTags:
		return true
	}
	return false
}

// isTooLarge reports whether S3 refuses to copy so much by one request, for
// which it has no code of its own.
func isTooLarge(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode() == codeEntityTooLarge ||
		api.ErrorCode() == codeInvalidRequest && strings.Contains(strings.ToLower(api.ErrorMessage()), "larger than the maximum")
}

// isDeleteMarker reports whether the version named turned out to be a delete
// marker, as the null version of a bucket with suspended versioning can. S3
// answers a copy of one with InvalidRequest, a code that it has for much else,
// and reads of one with 405 and a header; other servers answer copies so too.
func isDeleteMarker(source Object, err error) bool {
	if source.VersionID == "" {
		return false
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == codeInvalidRequest {
		return strings.Contains(strings.ToLower(api.ErrorMessage()), "delete marker")
	}
	r := errorcode.Response(err)
	return r != nil && r.StatusCode == http.StatusMethodNotAllowed && r.Header.Get("x-amz-delete-marker") == "true"
}

// classify says what can be done about an error. Codes go before statuses,
// because an error inside a 200 reaches us as a 500.
func classify(err error) Class {
	var (
		ours permanent
		weak retryable
	)
	code, status := errorcode.Of(err), errorcode.Status(err)
	switch {
	case errors.As(err, &ours):
		return Permanent
	case errors.As(err, &weak):
		return Retryable
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Retryable
	}
	switch code {
	case codeNoSuchUpload, codeBadDigest, codeChecksumMismatch, codeInvalidPart: // the next try begins anew
		return Retryable
	case codeArchived, codeNotInActiveTier, codeNoSuchBucket, codeInvalidRequest, codeNotImplemented,
		"InvalidArgument", "KeyTooLongError", "KeyTooLong", codeEntityTooLarge, codeEntityTooSmall, "MethodNotAllowed",
		"MetadataTooLarge", "PermanentRedirect", "IllegalLocationConstraintException":
		return Permanent
	}
	switch {
	case errorcode.LacksPermission(code), errorcode.LacksCredentials(code), errorcode.AccountStopped(code):
		return Denied
	case errorcode.Transient(err):
		return Retryable
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotImplemented, status >= 300 && status < 500:
		return Permanent
	}
	return Retryable
}

// hint says what somebody can do about an error, or nothing.
func hint(err error) string {
	code := errorcode.Of(err)
	switch {
	case errorcode.Conflict(code):
		return "other writes of the key did not end in time"
	case errorcode.LacksPermission(code):
		return "check s3:GetObject* and s3:ListBucket at the source, s3:PutObject*, s3:AbortMultipartUpload and " +
			"s3:ListMultipartUploadParts at the target, and any KMS key; without s3:ListBucket a missing object is denied too"
	}
	switch code {
	case codeArchived, codeNotInActiveTier:
		return "the source is archived, restore it first"
	case codeNoSuchBucket:
		return "the source or the target bucket does not exist"
	case codeNoSuchUpload:
		return "somebody aborts this key's uploads; look for another copy of it, or for a lifecycle rule that is too quick"
	case codeBadDigest, codeChecksumMismatch:
		return "the parts do not have the source's checksum: nothing was written, and the next try copies them anew"
	}
	return ""
}
