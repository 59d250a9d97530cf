package s3

import (
	"errors"
	"net"
	"net/http"

	"s3fanout/internal/sandbox/s3/store"
)

// readError words an error about an object or a version that was asked for.
func readError(err error, o object) error {
	var marker *store.MarkerError
	switch {
	case errors.As(err, &marker):
		e := errNoSuchKey(o.key)
		e.header = http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {marker.VersionID}}
		if marker.Named {
			e.status, e.Code = http.StatusMethodNotAllowed, "MethodNotAllowed"
			e.Message = "The specified method is not allowed against this resource."
			e.header.Set("Allow", http.MethodDelete)
			e.header.Set("Last-Modified", httpTime(marker.LastModified))
		}
		return e
	case errors.Is(err, store.ErrNoSuchKey):
		return errNoSuchKey(o.key)
	case errors.Is(err, store.ErrNoSuchVersion):
		return errNoSuchVersion(o.key, o.versionID)
	case errors.Is(err, store.ErrInvalidVersionID):
		return errInvalidArgument("Invalid version id specified")
	}
	return err
}

// sourceError words an error about the source of a copy. That it is missing
// learns only who may list its bucket.
func (x *exchange) sourceError(err error) error {
	missing := errors.Is(err, store.ErrNoSuchKey) || errors.Is(err, store.ErrNoSuchVersion)
	switch {
	case missing && !x.auth.mayList(x.source.bucket):
		return errAccessDenied("Access Denied")
	case errors.Is(err, store.ErrNoSuchKey):
		return errNoSuchKey(x.source.key) // without what a delete marker tells
	case errors.Is(err, store.ErrDeleteMarker):
		return errInvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	case errors.Is(err, store.ErrNoSuchBucket):
		return errNoSuchBucket(x.source.bucket)
	}
	return readError(err, x.source)
}

// wordError words what a request ended with as S3 does.
func (x *exchange) wordError(err error) *apiError {
	err = uploadError(readError(err, object{x.bucket, x.key, x.query.Get("versionId")}), x.query.Get("uploadId"))
	var (
		e      *apiError
		failed *store.PreconditionError
	)
	switch {
	case errors.As(err, &e):
	case errors.As(err, &failed):
		e = errPreconditionFailed(failed.Condition)
	case errors.Is(err, store.ErrConflict):
		e = &apiError{
			status: http.StatusConflict, Code: "ConditionalRequestConflict",
			Message: "The conditional request cannot succeed due to a conflicting operation against this resource.",
		}
	case errors.Is(err, store.ErrNoSuchBucket):
		e = errNoSuchBucket(x.bucket)
	case errors.Is(err, store.ErrInvalidKey):
		e = errInvalidURI()
	case errors.Is(err, store.ErrTooLarge):
		e = errTooLarge()
	default:
		x.logger.Error("s3 request", "region", x.region, "operation", x.operation.name, "bucket", x.bucket, "key", x.key, "error", err)
		e = errInternal("")
		if errors.Is(err, store.ErrNoSpace) { // S3 has no word for it, and whoever runs the sandbox can do something about it
			e.Message = err.Error()
		}
	}
	if e.status == http.StatusNotFound && e.Key != "" && hidesMissing(x.request) && !x.auth.mayList(x.bucket) {
		return errAccessDenied("Access Denied")
	}
	return e
}

// hidesMissing says whether a 404 tells about a key, which only those may
// learn who may list the bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, permissions).
func hidesMissing(r request) bool {
	switch r.operation.name {
	case "GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging":
		return true
	}
	return false
}

func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
