package s3

import (
	"io"
	"net/http"
	"strconv"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/s3/store"
)

// condition reads the conditions of a write or a deletion
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
func (x *exchange) condition() (c store.Condition, err error) {
	if x.ignoresConditions() {
		return c, nil
	}
	conditional := len(x.header.Values("If-Match"))+len(x.header.Values("If-None-Match")) > 0
	if conditional && x.config.Faults.Strikes(x.region, fault.S3Conflict) {
		return c, store.ErrConflict
	}
	if c.IfMatch = unquote(x.header.Get("If-Match")); c.IfMatch == "" && len(x.header.Values("If-Match")) > 0 {
		return c, errInvalidArgument("The If-Match header is empty.")
	}
	switch v := x.header.Values("If-None-Match"); {
	case len(v) == 0:
	case len(v) == 1 && v[0] == "*":
		c.IfNoneMatch = true
	default:
		return c, errNotImplemented("the value %q for the header If-None-Match of %s", v[0], x.operation.name)
	}
	return c, nil
}

// ignoresConditions says whether a fault makes S3 accept conditions of writes
// and ignore them.
func (x *exchange) ignoresConditions() bool {
	return x.config.Faults.Strikes(x.region, fault.S3NoConditions)
}

// setVersion names the version in the answer, unless the bucket never had any.
func (x *exchange) setVersion(versioning store.Versioning, id string) {
	if versioning != store.Unversioned {
		x.w.Header().Set("X-Amz-Version-Id", id)
	}
}

// versionOf is the version as an event names it.
func versionOf(versioning store.Versioning, id string) string {
	if versioning == store.Unversioned {
		return ""
	}
	return id
}

// created tells of a new version: to the bucket's topics, and in the headers
// of the answer.
func (x *exchange) created(event string, w store.Written) {
	x.changed(x.key, change{
		event: event, size: &w.Size, etag: w.ETag, versionID: versionOf(w.Versioning, w.VersionID), sequencer: w.Sequencer,
	})
	x.setVersion(w.Versioning, w.VersionID)
	x.target.settings().encryption.show(x.w.Header())
}

// changed notifies of a change of a key. It is called before the answer is
// sent, so that whoever has the answer finds the notification under way.
func (x *exchange) changed(key string, c change) {
	x.notify(x.target, key, c, origin{caller: x.auth.caller, address: clientAddress(x.r), ids: x.ids})
}

// answer sends headers without a body.
func (x *exchange) answer(status int) error {
	x.ids.set(x.w.Header())
	x.w.WriteHeader(status)
	return nil
}

// answerXML sends a document.
func (x *exchange) answerXML(v any) error {
	writeXML(x.w, x.r, http.StatusOK, v, x.ids)
	return nil
}

func (x *exchange) putObject() error {
	attributes, err := parseAttributes(x.header)
	if err != nil {
		return err
	}
	condition, err := x.condition()
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
	// Here as well as in the write, so that a hopeless upload ends early.
	if err := x.store.Check(x.bucket, x.key, condition); err != nil {
		return err
	}
	algorithm := b.checksum.Algorithm
	if algorithm == "" {
		algorithm = store.CRC64NVME // as S3 does
	}
	blob, err := x.stage(b, algorithm)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }() // it has been put, or is of no use
	x.pace.wait(b.size)
	w, err := x.store.PutObject(store.Put{
		Bucket: x.bucket, Key: x.key, Attributes: attributes, Algorithm: algorithm, Condition: condition,
	}, blob)
	if err != nil {
		return err
	}
	x.created(eventPut, w)
	header := x.w.Header()
	header.Set("ETag", quote(w.ETag))
	showChecksum(header, w.Checksum)
	return x.answer(http.StatusOK)
}

// overrides are the parameters of GetObject that replace headers of the answer
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
func overrides() map[string]string {
	return map[string]string{
		"response-cache-control": "Cache-Control", "response-content-disposition": "Content-Disposition",
		"response-content-encoding": "Content-Encoding",
		"response-content-language": "Content-Language", "response-content-type": "Content-Type", "response-expires": "Expires",
	}
}

// getObject answers GetObject and HeadObject.
func (x *exchange) getObject() error {
	if x.query.Has("partNumber") {
		if _, err := partNumber(x.query.Get("partNumber")); err != nil {
			return err
		}
	}
	o, err := x.store.OpenObject(x.bucket, x.key, x.query.Get("versionId"))
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }() // only read
	v := o.Version()
	get := x.r.Method == http.MethodGet
	if get && archived(v.Attributes.StorageClass) {
		return errInvalidObjectState()
	}
	versioning := x.target.settings().versioning
	if err := parseConditions(x.header, "").read(v.ETag, v.LastModified, versionOf(versioning, v.VersionID)); err != nil {
		return err
	}
	part, status, err := x.part(o)
	if err != nil {
		return err
	}
	header := x.w.Header()
	showAttributes(header, v.Attributes)
	header.Set("ETag", quote(v.ETag))
	header.Set("Last-Modified", httpTime(v.LastModified))
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Length", strconv.FormatInt(part.size, 10))
	if status == http.StatusPartialContent {
		header.Set("Content-Range", part.contentRange(v.Size))
	}
	if n := len(v.Attributes.Tags); n > 0 {
		header.Set("X-Amz-Tagging-Count", strconv.Itoa(n))
	}
	if x.header.Get("X-Amz-Checksum-Mode") == "ENABLED" && part.size == v.Size {
		showChecksum(header, v.Checksum)
	}
	x.setVersion(versioning, v.VersionID)
	x.target.settings().encryption.show(header)
	for parameter, name := range overrides() {
		if x.query.Has(parameter) {
			header.Set(name, x.query.Get(parameter))
		}
	}
	x.ids.set(header)
	if get {
		x.pace.wait(part.size)
	}
	x.w.WriteHeader(status)
	if get {
		_, _ = io.Copy(x.w, o.Range(part.first, part.size)) // a client that has gone away, or a connection that breaks off as it should
	}
	return nil
}

// part decides which bytes are asked for: those of a range, of a part, or all.
func (x *exchange) part(o *store.Object) (span, int, error) {
	v := o.Version()
	if !x.query.Has("partNumber") {
		s, whole, err := parseRange(x.header.Get("Range"), v.Size)
		if whole || err != nil {
			return s, http.StatusOK, err
		}
		return s, http.StatusPartialContent, nil
	}
	if x.header.Get("Range") != "" {
		return span{}, 0, errInvalidRequest("Cannot specify both Range header and partNumber query parameter")
	}
	number, err := partNumber(x.query.Get("partNumber"))
	if err != nil {
		return span{}, 0, err
	}
	parts := o.PartList()
	for _, p := range parts {
		if p.Number == number {
			x.w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(parts)))
			return span{p.Offset, p.Size}, http.StatusPartialContent, nil
		}
	}
	if len(parts) > 0 || number != 1 {
		return span{}, 0, &apiError{
			status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidPartNumber",
			Message: "The requested partnumber is not satisfiable",
		}
	}
	if v.Size == 0 {
		return span{}, http.StatusOK, nil
	}
	return span{0, v.Size}, http.StatusPartialContent, nil
}

func (x *exchange) deleteObject() error {
	condition, err := x.condition()
	if err != nil {
		return err
	}
	out, err := x.remove(x.key, x.query.Get("versionId"), condition)
	if err != nil {
		return err
	}
	if out.VersionID != "" {
		x.setVersion(x.target.settings().versioning, out.VersionID)
	}
	if out.DeleteMarker {
		x.w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	return x.answer(http.StatusNoContent)
}

// remove deletes an object or a version of it, and tells the bucket's topics.
func (x *exchange) remove(key, versionID string, c store.Condition) (store.Deleted, error) {
	out, err := x.store.DeleteObject(store.Delete{Bucket: x.bucket, Key: key, VersionID: versionID, Condition: c})
	if err != nil {
		return out, err
	}
	versioning := x.target.settings().versioning
	switch {
	case out.Made:
		x.changed(
			key,
			change{event: eventMarker, etag: etagOfNothing, versionID: versionOf(versioning, out.VersionID), sequencer: out.Sequencer},
		)
	case out.Removed:
		x.changed(key, change{event: eventDelete, versionID: versionOf(versioning, out.VersionID), sequencer: out.Sequencer})
	}
	return out, nil
}

// etagOfNothing is the tag that the event of a delete marker has.
const etagOfNothing = "d41d8cd98f00b204e9800998ecf8427e"
