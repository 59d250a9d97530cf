package s3

import (
	"net/http"
	"strings"
	"time"
)

// conditions are the If- headers of a request to read an object, or of a copy
// that reads its source
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html).
type conditions struct {
	ifMatch, ifNoneMatch               string
	ifModifiedSince, ifUnmodifiedSince time.Time // zero if there is none
}

// copySourcePrefix begins the conditions on a copy's source.
const copySourcePrefix = "x-amz-copy-source-"

// parseConditions reads the headers with the prefix. A date that is none
// counts as missing, as HTTP has it.
func parseConditions(h http.Header, prefix string) conditions {
	date := func(name string) time.Time {
		t, _ := http.ParseTime(h.Get(prefix + name)) // zero if it is none
		return t
	}
	return conditions{
		ifMatch: h.Get(prefix + "If-Match"), ifNoneMatch: h.Get(prefix + "If-None-Match"),
		ifModifiedSince: date("If-Modified-Since"), ifUnmodifiedSince: date("If-Unmodified-Since"),
	}
}

// failed returns the condition that an object does not meet, "" if it meets
// all: what is said about the tag goes before what is said about the time.
func (c conditions) failed(etag string, modified time.Time) string {
	modified = modified.Truncate(time.Second)
	switch {
	case c.ifMatch != "" && !matches(c.ifMatch, etag):
		return "If-Match"
	case c.ifMatch == "" && !c.ifUnmodifiedSince.IsZero() && modified.After(c.ifUnmodifiedSince):
		return "If-Unmodified-Since"
	case c.ifNoneMatch != "" && matches(c.ifNoneMatch, etag):
		return "If-None-Match"
	case c.ifNoneMatch == "" && !c.ifModifiedSince.IsZero() && !modified.After(c.ifModifiedSince):
		return "If-Modified-Since"
	}
	return ""
}

// matches says whether a list of tags, or *, has the tag.
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || unquote(strings.TrimPrefix(one, "W/")) == unquote(etag) {
			return true
		}
	}
	return false
}

func unquote(etag string) string { return strings.Trim(etag, `"`) }

func quote(etag string) string { return `"` + unquote(etag) + `"` }

func errPreconditionFailed(condition string) *apiError {
	return &apiError{
		status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Condition: condition,
		Message: "At least one of the pre-conditions you specified did not hold",
	}
}

// readCondition refuses a read whose conditions the object does not meet.
// A 304 has no body, but the headers that name the version.
func (c conditions) read(etag string, modified time.Time, versionID string) error {
	switch failed := c.failed(etag, modified); failed {
	case "":
		return nil
	case "If-None-Match", "If-Modified-Since":
		h := http.Header{"Etag": {quote(etag)}, "Last-Modified": {httpTime(modified)}}
		if versionID != "" {
			h.Set("X-Amz-Version-Id", versionID)
		}
		return &apiError{status: http.StatusNotModified, Code: "NotModified", Message: "Not Modified", header: h}
	default:
		return errPreconditionFailed(failed)
	}
}

// copied refuses a copy whose source does not meet the conditions.
func (c conditions) copied(etag string, modified time.Time) error {
	if failed := c.failed(etag, modified); failed != "" {
		return errPreconditionFailed(copySourcePrefix + failed)
	}
	return nil
}

func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// xmlTime is how S3 writes times in documents: of whole seconds, with
// milliseconds.
func xmlTime(t time.Time) string { return t.UTC().Truncate(time.Second).Format(eventTime) }
