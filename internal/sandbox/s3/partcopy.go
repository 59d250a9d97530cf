package s3

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/versity/versitygw/s3err"
)

// maxParts is how many parts an upload can have
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxParts = 10_000

// minRangeSource is the size that a source has to exceed for a copy of a range
// of it (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html).
const minRangeSource = 5 << 20

// sourceConditions are the x-amz-copy-source-if-* headers.
type sourceConditions struct {
	ifMatch, ifNoneMatch               *string
	ifModifiedSince, ifUnmodifiedSince *time.Time
}

func parseSourceConditions(h http.Header) (sourceConditions, error) {
	const prefix = "X-Amz-Copy-Source-If-"
	date := func(name string) (*time.Time, error) {
		v := h.Get(prefix + name)
		if v == "" {
			return nil, nil
		}
		t, err := http.ParseTime(v)
		if err != nil {
			return nil, errInvalidArgument("The value of " + strings.ToLower(prefix+name) + " is not a date.")
		}
		return &t, nil
	}
	c := sourceConditions{ifMatch: optional(h.Get(prefix + "Match")), ifNoneMatch: optional(h.Get(prefix + "None-Match"))}
	c.ifMatch, c.ifNoneMatch = unquoted(c.ifMatch), unquoted(c.ifNoneMatch)
	var errs [2]error
	c.ifModifiedSince, errs[0] = date("Modified-Since")
	c.ifUnmodifiedSince, errs[1] = date("Unmodified-Since")
	return c, errors.Join(errs[:]...)
}

// parseCopyRange reads an x-amz-copy-source-range header for a source of the
// size. Without one, all of the source is meant.
func parseCopyRange(header string, sourceSize int64) (first, size int64, err error) {
	if header == "" {
		if sourceSize > maxCopySize {
			return 0, 0, errTooLargeToCopy()
		}
		return 0, sourceSize, nil
	}
	from, to, ok := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	first, errFirst := strconv.ParseInt(from, 10, 64)
	last, errLast := strconv.ParseInt(to, 10, 64)
	switch {
	case !ok || !strings.HasPrefix(header, "bytes=") || errFirst != nil || errLast != nil || first < 0 || last < first:
		return 0, 0, errInvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	case last >= sourceSize:
		return 0, 0, errInvalidArgument("Range specified is not valid for source object of size: " + strconv.FormatInt(sourceSize, 10))
	case sourceSize <= minRangeSource:
		return 0, 0, errInvalidRequest("The specified copy source is not supported as a byte-range copy source")
	case last-first+1 > maxCopySize:
		return 0, 0, errTooLargeToCopy()
	}
	return first, last - first + 1, nil
}

func errTooLargeToCopy() error {
	return errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: " + strconv.Itoa(maxCopySize))
}

// uploadPartCopy answers an UploadPartCopy whose source has been found. It
// does not go to the server: see copyPart.
func (s *Service) uploadPartCopy(w http.ResponseWriter, r *http.Request, req request, p pace, ids ids) error {
	number, err := strconv.Atoi(req.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return errInvalidArgument("Part number must be an integer between 1 and 10000, inclusive")
	}
	if r.ContentLength != 0 {
		return errInvalidRequest("The body of an UploadPartCopy has to be empty.")
	}
	conditions, err := parseSourceConditions(req.header)
	if err != nil {
		return err
	}
	out, err := s.store.copyPart(r.Context(), partCopy{
		bucket: req.bucket, key: req.key, uploadID: req.query.Get("uploadId"), number: number,
		source: req.source, conditions: conditions, rangeHeader: req.header.Get("X-Amz-Copy-Source-Range"), pace: p.wait,
	})
	if err != nil {
		return fromServer(err)
	}
	if out.CopySourceVersionId != "" {
		w.Header().Set("X-Amz-Copy-Source-Version-Id", out.CopySourceVersionId)
	}
	likeS3(w.Header(), req, http.StatusOK, s.encryption(req.bucket))
	writeXML(w, r, http.StatusOK, out, ids)
	return nil
}

// fromServer turns an error of the server into the answer that it would give.
func fromServer(err error) error {
	var e s3err.S3Error
	if !errors.As(err, &e) {
		return err
	}
	base := e.BaseError()
	answer := &apiError{status: base.HTTPStatusCode, Code: base.Code, Message: base.Description}
	var failed s3err.PreconditionFailedError
	if errors.As(err, &failed) {
		answer.Condition = string(failed.Condition)
	}
	return answer
}
