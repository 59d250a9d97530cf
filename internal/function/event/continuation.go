package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"s3fanout/internal/printable"
)

const (
	// continuationMember is the one member of a continuation's JSON object. No
	// event of AWS's has it.
	continuationMember = "s3fanout"
	// continuationVersion is raised when an older function could misread a
	// newer continuation. It would refuse it then, and a dead letter results.
	continuationVersion = 1
	// maxParts and maxPartSize are S3's limits
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
	maxParts          = 10_000
	maxPartSize int64 = 5 << 30
)

// Continuation asks a function to go on with a multipart copy that another
// invocation of it has begun. It is the payload with which the function
// invokes itself, and so what lies in a dead letter if that fails. Its size is
// bounded: which parts are done is for S3 to say.
type Continuation struct {
	// Source is what is copied. Of its fields Region, Bucket, Key, VersionID,
	// ETag, Size and EventTime are carried, the rest is empty.
	Source Record
	// UploadID names the unfinished upload at the function's own bucket.
	UploadID string
	// PartSize is in bytes, the same for every part but the last.
	PartSize int64
	// Handovers is how often the copy has been handed over since its event or
	// its redrive.
	Handovers int
	// IfMatch and IfNoneMatch are the condition of a copy in follow mode; of another
	// both are empty.
	IfMatch, IfNoneMatch string
}

// continuationJSON is the payload's form. The key is plain text, not encoded
// as an event's is.
type continuationJSON struct {
	Version  int `json:"version"`
	Continue struct {
		Source struct {
			Region    string `json:"region"`
			Bucket    string `json:"bucket"`
			Key       string `json:"key"`
			VersionID string `json:"versionId,omitempty"`
			Size      int64  `json:"size"`
			ETag      string `json:"eTag,omitempty"`
			EventTime string `json:"eventTime,omitempty"`
		} `json:"source"`
		UploadID  string `json:"uploadId"`
		PartSize  int64  `json:"partSize"`
		Handovers int    `json:"handovers"`
		// A function that does not know these refuses the continuation.
		IfMatch     string `json:"ifMatch,omitempty"`
		IfNoneMatch string `json:"ifNoneMatch,omitempty"`
	} `json:"continue"`
}

// EncodeContinuation returns the payload that ParseInvocation reads as c. The
// error, which wraps ErrMalformed, says why c cannot be one.
func EncodeContinuation(c Continuation) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("encode continuation: %w", err)
	}
	out := continuationJSON{Version: continuationVersion}
	source := &out.Continue.Source
	source.Region, source.Bucket, source.Key = c.Source.Region, c.Source.Bucket, c.Source.Key
	source.VersionID, source.Size, source.ETag = c.Source.VersionID, c.Source.Size, c.Source.ETag
	if !c.Source.EventTime.IsZero() {
		source.EventTime = c.Source.EventTime.UTC().Format(time.RFC3339Nano)
	}
	out.Continue.UploadID, out.Continue.PartSize, out.Continue.Handovers = c.UploadID, c.PartSize, c.Handovers
	out.Continue.IfMatch, out.Continue.IfNoneMatch = c.IfMatch, c.IfNoneMatch
	payload, err := json.Marshal(map[string]continuationJSON{continuationMember: out})
	if err != nil {
		return nil, fmt.Errorf("encode continuation: %w", err)
	}
	return payload, nil
}

// Restart returns the payload with its count of hand-overs at zero if it is a
// continuation, and any other payload as it is. Who invokes the function with
// it anew begins another chain of invocations, which Lambda counts from one.
func Restart(payload []byte) []byte {
	in, err := ParseInvocation(payload)
	if err != nil || in.Continuation == nil {
		return payload
	}
	in.Continuation.Handovers = 0
	restarted, err := EncodeContinuation(*in.Continuation)
	if err != nil {
		return payload
	}
	return restarted
}

// parseContinuation reads a payload that has the member; it reports whether it
// has. It is strict, since nobody but the function writes continuations.
func parseContinuation(members map[string]json.RawMessage) (c Continuation, is bool, err error) {
	raw, is := members[continuationMember]
	if !is {
		return c, false, nil
	}
	c, err = decodeContinuation(raw)
	switch {
	case err != nil:
		err = fmt.Errorf("parse continuation: %w", err)
	case len(members) > 1:
		err = fmt.Errorf("parse continuation: %w: it has other members than %q", ErrMalformed, continuationMember)
	}
	return c, true, err
}

func decodeContinuation(raw json.RawMessage) (Continuation, error) {
	// Invalid UTF-8 would become another key.
	if !utf8.Valid(raw) {
		return Continuation{}, fmt.Errorf("%w: it is not UTF-8", ErrMalformed)
	}
	// A version that is not known may well have fields that are not either, so
	// it is looked at first.
	var head struct{ Version int }
	if err := unmarshal(raw, &head); err != nil {
		return Continuation{}, err
	}
	if head.Version != continuationVersion {
		return Continuation{}, fmt.Errorf("%w: version %d, this function knows %d; deploy the same version in all Regions",
			ErrUnsupported, head.Version, continuationVersion)
	}
	var in continuationJSON
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return Continuation{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	source := in.Continue.Source
	c := Continuation{
		Source: Record{
			Region: source.Region, Bucket: source.Bucket, Key: source.Key,
			VersionID: source.VersionID, Size: source.Size, ETag: source.ETag,
		},
		UploadID: in.Continue.UploadID, PartSize: in.Continue.PartSize, Handovers: in.Continue.Handovers,
		IfMatch: in.Continue.IfMatch, IfNoneMatch: in.Continue.IfNoneMatch,
	}
	// As with events, the time only measures. In another zone it may be of a
	// year that cannot be written.
	if at, err := time.Parse(time.RFC3339, source.EventTime); err == nil && at.UTC().Year() >= 0 && at.UTC().Year() <= 9999 {
		c.Source.EventTime = at.UTC()
	}
	return c, c.check()
}

// check finds what no function writes.
func (c Continuation) check() error {
	s := c.Source
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	switch {
	case s.Region == "" || s.Bucket == "":
		return bad("source.region or source.bucket is missing (key %s)", printable.Excerpt(s.Key))
	case s.Key == "":
		return bad("source.key is missing (bucket %s)", printable.Excerpt(s.Bucket))
	case !utf8.ValidString(s.Key), len(s.Key) > maxKeyBytes:
		return bad("source.key %s is not UTF-8 of at most %d bytes", printable.Excerpt(s.Key), maxKeyBytes)
	case slices.ContainsFunc([]string{s.Region, s.Bucket, s.VersionID, s.ETag, c.UploadID, c.IfMatch}, func(text string) bool {
		return !utf8.ValidString(text)
	}):
		return bad("one of its strings is not UTF-8 (key %s)", printable.Excerpt(s.Key)) // it would be read as another
	case s.Size <= 0:
		return bad("source.size is %d (key %s)", s.Size, printable.Excerpt(s.Key))
	case c.IfNoneMatch != "" && c.IfNoneMatch != "*", c.IfNoneMatch != "" && c.IfMatch != "":
		return bad("ifMatch is %s and ifNoneMatch %s (key %s)",
			printable.Excerpt(c.IfMatch), printable.Excerpt(c.IfNoneMatch), printable.Excerpt(s.Key))
	case c.UploadID == "":
		return bad("uploadId is missing (key %s)", printable.Excerpt(s.Key))
	case c.PartSize <= 0 || c.PartSize > maxPartSize:
		return bad("partSize is %d (key %s)", c.PartSize, printable.Excerpt(s.Key))
	case (s.Size-1)/c.PartSize >= maxParts:
		return bad("%d bytes in parts of %d are more than %d parts (key %s)", s.Size, c.PartSize, maxParts, printable.Excerpt(s.Key))
	case c.Handovers < 0 || c.Handovers > math.MaxInt32:
		return bad("handovers is %d (key %s)", c.Handovers, printable.Excerpt(s.Key))
	}
	return nil
}
