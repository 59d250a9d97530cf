package s3

import (
	"net/http"
	"strconv"
	"strings"
)

// span is a part of an object's bytes.
type span struct{ first, size int64 }

// end is the offset of the last byte.
func (s span) last() int64 { return s.first + s.size - 1 }

// contentRange is the header that tells where in an object of the size the
// bytes are.
func (s span) contentRange(size int64) string {
	return "bytes " + strconv.FormatInt(s.first, 10) + "-" + strconv.FormatInt(s.last(), 10) + "/" + strconv.FormatInt(size, 10)
}

// parseRange reads a Range header. Without one range of bytes, whole is true:
// S3 reads all then
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, Range).
func parseRange(header string, size int64) (s span, whole bool, err error) {
	all := span{0, size}
	spec, ok := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(to, ",") {
		return all, true, nil
	}
	unsatisfiable := &apiError{
		status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange", Message: "The requested range is not satisfiable",
		RangeRequested: header, ActualObjectSize: strconv.FormatInt(size, 10),
		header: http.Header{"Content-Range": {"bytes */" + strconv.FormatInt(size, 10)}},
	}
	number := func(text string) (int64, bool) {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil && n >= 0 && text[0] != '+'
	}
	if from == "" {
		n, ok := number(to)
		switch {
		case !ok:
			return all, true, nil
		case n == 0 || size == 0:
			return all, false, unsatisfiable
		}
		n = min(n, size)
		return span{size - n, n}, false, nil
	}
	first, ok := number(from)
	if !ok {
		return all, true, nil
	}
	last := size - 1
	if to != "" {
		n, ok := number(to)
		if !ok || n < first {
			return all, true, nil
		}
		last = min(n, last)
	}
	if first >= size {
		return all, false, unsatisfiable
	}
	return span{first, last - first + 1}, false, nil
}

// minRangeSource is the size that a source has to exceed for a copy of a range
// of it (https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html).
const minRangeSource = 5 << 20

// maxCopySize is the largest object that CopyObject takes, and the largest
// part (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxCopySize = 5 << 30

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
		return 0, 0, errInvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last " +
			"where first and last are the zero-based offsets of the first and last bytes to copy")
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
	return errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: " +
		strconv.Itoa(maxCopySize))
}
