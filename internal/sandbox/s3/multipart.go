package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

// maxParts is how many parts an upload can have
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const maxParts = 10_000

func partNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxParts {
		e := errInvalidArgument("Part number must be an integer between 1 and 10000, inclusive")
		e.ArgumentName, e.ArgumentValue = "partNumber", text
		return 0, e
	}
	return n, nil
}

type initiateResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

func (x *exchange) createUpload() error {
	attributes, err := parseAttributes(x.header)
	if err != nil {
		return err
	}
	algorithm, kind, err := uploadChecksum(x.header)
	if err != nil {
		return err
	}
	u, err := x.store.CreateUpload(store.CreateUpload{
		Bucket: x.bucket, Key: x.key, Attributes: attributes, Algorithm: algorithm, ChecksumType: kind, Initiator: x.auth.caller.String(),
	})
	if err != nil {
		return err
	}
	header := x.w.Header()
	if algorithm != "" {
		header.Set("X-Amz-Checksum-Algorithm", string(algorithm))
		header.Set("X-Amz-Checksum-Type", string(kind))
	}
	x.target.settings().encryption.show(header)
	return x.answerXML(initiateResult{Bucket: x.bucket, Key: x.key, UploadID: u.UploadID})
}

// uploadChecksum reads which checksum the object of an upload gets.
func uploadChecksum(h http.Header) (a store.Algorithm, kind store.ChecksumType, err error) {
	name, wanted := h.Get("X-Amz-Checksum-Algorithm"), store.ChecksumType(strings.ToUpper(h.Get("X-Amz-Checksum-Type")))
	switch {
	case wanted != "" && wanted != store.FullObject && wanted != store.Composite:
		return "", "", errInvalidRequest("Value for x-amz-checksum-type header is invalid.")
	case name == "" && wanted != "":
		return "", "", errInvalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case name == "":
		return "", "", nil
	}
	if a, err = findAlgorithm(name); err != nil {
		return "", "", err
	}
	possible := checksumTypes(a)
	switch {
	case wanted == "":
		return a, possible[0], nil
	case !slices.Contains(possible, wanted):
		return "", "", errInvalidRequest(fmt.Sprintf("The %s checksum type cannot be used with the %s checksum algorithm.",
			wanted, strings.ToLower(string(a))))
	}
	return a, wanted, nil
}

func errChecksumMismatch(expected, actual store.Algorithm) *apiError {
	word := func(a store.Algorithm) string {
		if a == "" {
			return "null"
		}
		return strings.ToLower(string(a))
	}
	return errInvalidRequest("Checksum Type mismatch occurred, expected checksum Type: " + word(expected) +
		", actual checksum Type: " + word(actual))
}

func (x *exchange) uploadPart() error {
	number, err := partNumber(x.query.Get("partNumber"))
	if err != nil {
		return err
	}
	id := x.query.Get("uploadId")
	upload, err := x.store.FindUpload(x.bucket, x.key, id)
	if err != nil {
		return err
	}
	b, err := x.receive(x.r)
	if err != nil {
		return err
	}
	if err := b.expectChecksum(x.header); err != nil {
		return err
	}
	requested, algorithm := b.checksum.Algorithm, upload.Algorithm
	switch {
	case algorithm == "":
		algorithm = store.CRC64NVME // S3's own, which it keeps to itself
	case requested != algorithm && (requested != "" || upload.ChecksumType == store.Composite):
		return errChecksumMismatch(algorithm, requested)
	}
	x.pace.wait(b.size)
	blob, err := x.stage(b, algorithm)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }() // it has been put, or is of no use
	part, err := x.store.PutPart(x.bucket, x.key, id, number, blob)
	if err != nil {
		return err
	}
	header := x.w.Header()
	header.Set("ETag", quote(part.ETag))
	if requested == "" {
		requested = upload.Algorithm
	}
	if requested != "" {
		header.Set(checksumHeader(requested), blob.Sum(requested))
	}
	x.target.settings().encryption.show(header)
	return x.answer(http.StatusOK)
}

// shownSum is the checksum of a part, if its upload asks for one.
func shownSum(upload store.Upload, p store.Part) store.Checksum {
	if upload.Algorithm == "" {
		return store.Checksum{}
	}
	return p.Checksum
}

type completeRequest struct {
	XMLName xml.Name        `xml:"CompleteMultipartUpload"`
	Parts   []completedPart `xml:"Part"`
}

type completedPart struct {
	PartNumber *int
	ETag       string
	checksumElements
}

type completeResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
	checksumElements
}

func (x *exchange) completeUpload() error {
	c := store.Complete{Bucket: x.bucket, Key: x.key, UploadID: x.query.Get("uploadId")}
	var err error
	if c.Condition, err = x.condition(); err != nil {
		return err
	}
	upload, err := x.store.FindUpload(x.bucket, x.key, c.UploadID)
	if err != nil {
		return err
	}
	if err := x.expectObject(&c, upload); err != nil {
		return err
	}
	if c.Parts, err = x.wantedParts(upload); err != nil {
		return err
	}
	w, err := x.store.CompleteUpload(c)
	if errors.Is(err, store.ErrWrongChecksum) {
		return badRequest("BadDigest", "The "+string(c.Checksum.Algorithm)+" you specified did not match the calculated checksum.")
	}
	if err != nil {
		return err
	}
	x.created(eventCompleted, w)
	return x.answerXML(completeResult{
		Location: "http://" + x.r.Host + rawPath(x.r), Bucket: x.bucket, Key: x.key,
		ETag: quote(w.ETag), checksumElements: elementsOf(w.Checksum),
	})
}

// expectObject reads what the object has to be. The checksum of an upload that
// was created without one is not looked at.
func (x *exchange) expectObject(c *store.Complete, upload store.Upload) error {
	requested, err := requestChecksum(x.header)
	if err != nil {
		return err
	}
	kind := store.ChecksumType(strings.ToUpper(x.header.Get("X-Amz-Checksum-Type")))
	switch {
	case kind != "" && kind != store.FullObject && kind != store.Composite:
		return errInvalidRequest("Value for x-amz-checksum-type header is invalid.")
	case upload.Algorithm == "":
	case requested.Value != "" && requested.Algorithm != upload.Algorithm:
		return errChecksumMismatch(upload.Algorithm, requested.Algorithm)
	case kind != "" && kind != upload.ChecksumType:
		return errInvalidRequest(fmt.Sprintf("The upload was created using the %s checksum mode. "+
			"The complete request must use the same checksum mode.", upload.ChecksumType))
	case requested.Value != "":
		c.Checksum = store.Checksum{Algorithm: requested.Algorithm, Type: upload.ChecksumType, Value: requested.Value}
	}
	if text := x.header.Get("X-Amz-Mp-Object-Size"); text != "" {
		size, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return errInvalidRequest("Value for x-amz-mp-object-size header is invalid.")
		case size < 0:
			return errInvalidRequest("Value for x-amz-mp-object-size header is less than zero: '" + text + "'")
		}
		c.Size = &size
	}
	return nil
}

// wantedParts reads the document that names the parts.
func (x *exchange) wantedParts(upload store.Upload) ([]store.CompletePart, error) {
	raw, err := x.document()
	if err != nil {
		return nil, err
	}
	var wanted completeRequest
	if err := xml.Unmarshal(raw, &wanted); err != nil || len(wanted.Parts) == 0 || len(wanted.Parts) > maxParts {
		return nil, errMalformedXML()
	}
	parts := make([]store.CompletePart, 0, len(wanted.Parts))
	for _, p := range wanted.Parts {
		part, err := p.named(upload)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// named holds what a request says of a part against its upload.
func (p completedPart) named(upload store.Upload) (part store.CompletePart, err error) {
	if p.PartNumber == nil || p.ETag == "" {
		return part, errMalformedXML()
	}
	if *p.PartNumber < 1 {
		return part, errInvalidParameter("PartNumber", strconv.Itoa(*p.PartNumber), "PartNumber must be >= 1")
	}
	part = store.CompletePart{Number: *p.PartNumber, ETag: unquote(p.ETag)}
	checksum, count := p.present()
	switch {
	case count > 1 || count == 1 && !validChecksum(checksum.Algorithm, checksum.Value):
		return part, errInvalidParameter("Checksum", checksum.Value, "Invalid Base64 or multiple checksums present in request")
	case upload.Algorithm == "": // S3 does not name its own
	case count == 0 && upload.ChecksumType == store.Composite:
		return part, errInvalidRequest(fmt.Sprintf(
			"The upload was created using a %s checksum. The complete request must include the checksum for each part. "+
				"It was missing for part %d in the request.",
			strings.ToLower(string(upload.Algorithm)), part.Number))
	case count == 1 && checksum.Algorithm != upload.Algorithm:
		return part, badRequest("BadDigest", fmt.Sprintf("The %s you specified for part %d did not match what we received.",
			strings.ToLower(string(checksum.Algorithm)), part.Number))
	default:
		part.Checksum = checksum.Value
	}
	return part, nil
}

func (x *exchange) abortUpload() error {
	if err := x.store.AbortUpload(x.bucket, x.key, x.query.Get("uploadId")); err != nil {
		return err
	}
	return x.answer(http.StatusNoContent)
}

// uploadError words an error about an upload.
func uploadError(err error, uploadID string) error {
	for _, e := range []struct {
		is      error
		code    string
		message string
	}{
		{store.ErrInvalidPart, "InvalidPart", "One or more of the specified parts could not be found.  " +
			"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
		{store.ErrInvalidPartOrder, "InvalidPartOrder",
			"The list of parts was not in ascending order. Parts must be ordered by part number."},
		{store.ErrPartTooSmall, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"},
		{store.ErrWrongSize, "InvalidRequest", "The provided 'x-amz-mp-object-size' header value does not match what was computed."},
	} {
		if errors.Is(err, e.is) {
			return badRequest(e.code, e.message)
		}
	}
	switch {
	case errors.Is(err, store.ErrNoSuchUpload):
		return errNoSuchUpload(uploadID)
	case errors.Is(err, store.ErrPartNumbers):
		return errInternal(" (The parts of an upload with a checksum have to be numbered from 1, without a gap.)")
	}
	return err
}
