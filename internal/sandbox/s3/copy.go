package s3

import (
	"context"
	"encoding/xml"
	"maps"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

// copyResult is the document that answers a copy.
type copyResult struct {
	LastModified string
	ETag         string
	checksumElements
}

type copyObjectResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
	copyResult
}

type copyPartResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyPartResult"`
	copyResult
}

// directive reads a header that says COPY or REPLACE, and returns whether it
// says REPLACE.
func (x *exchange) directive(header, name string) (replace bool, err error) {
	switch x.header.Get(header) {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	}
	return false, errInvalidArgument("Unknown " + name + " directive.")
}

// copyObject answers CopyObject: what a copy has is what
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html says.
func (x *exchange) copyObject() error {
	p, err := x.newCopyPlan()
	if err != nil {
		return err
	}
	condition, err := x.condition()
	if err != nil {
		return err
	}
	if err := x.paceCopy(func(size int64) int64 { return size }); err != nil {
		return err
	}
	found := false
	// It is done, and sends its event, also if the client does not wait for it.
	out, err := x.store.CopyObject(context.WithoutCancel(x.r.Context()), store.Copy{
		SourceBucket: x.source.bucket, SourceKey: x.source.key, SourceVersionID: x.source.versionID,
		Bucket: x.bucket, Key: x.key, Condition: condition,
		Plan: func(source *store.Version) (store.Plan, error) {
			found = true
			return p.of(source)
		},
	})
	if err != nil {
		if !found {
			return x.sourceError(err)
		}
		return err
	}
	x.created(eventCopy, out.Written)
	x.showSource(out.SourceVersionID)
	return x.answerXML(copyObjectResult{copyResult: copyResult{xmlTime(out.LastModified), quote(out.ETag), elementsOf(out.Checksum)}})
}

// showSource names the version that was copied.
func (x *exchange) showSource(versionID string) {
	if b, ok := x.findBucket(x.source.bucket); ok && b.settings().versioning != store.Unversioned {
		x.w.Header().Set("X-Amz-Copy-Source-Version-Id", versionID)
	}
}

// paceCopy waits until as many bytes of the source may have been copied as
// size makes of its size.
func (x *exchange) paceCopy(size func(source int64) int64) error {
	if x.pace.bytesPerSecond == 0 {
		return nil
	}
	source, err := x.store.HeadObject(x.source.bucket, x.source.key, x.source.versionID)
	if err != nil {
		return x.sourceError(err)
	}
	x.pace.wait(size(source.Size))
	return nil
}

// copyPlan is what a CopyObject asks for.
type copyPlan struct {
	exchange             *exchange
	conditions           conditions
	own                  store.Attributes // as the request has them
	newMetadata, newTags bool
	algorithm            store.Algorithm // "" for the source's
}

func (x *exchange) newCopyPlan() (p copyPlan, err error) {
	p.exchange, p.conditions = x, parseConditions(x.header, copySourcePrefix)
	if p.newMetadata, err = x.directive("X-Amz-Metadata-Directive", "metadata"); err != nil {
		return p, err
	}
	if p.newTags, err = x.directive("X-Amz-Tagging-Directive", "tagging"); err != nil {
		return p, err
	}
	if p.own, err = parseAttributes(x.header); err != nil {
		return p, err
	}
	if name := x.header.Get("X-Amz-Checksum-Algorithm"); name != "" {
		p.algorithm, err = findAlgorithm(name)
	}
	return p, err
}

// readable refuses a source that cannot be copied.
func readable(source *store.Version, c conditions) error {
	if err := c.copied(source.ETag, source.LastModified); err != nil {
		return err
	}
	if archived(source.Attributes.StorageClass) {
		return errInvalidObjectState()
	}
	return nil
}

// of decides what the copy of a source has.
func (p copyPlan) of(source *store.Version) (store.Plan, error) {
	var none store.Plan
	if err := readable(source, p.conditions); err != nil {
		return none, err
	}
	if source.Size > maxCopySize {
		return none, errTooLargeToCopy()
	}
	if p.changesNothing(source) {
		return none, errInvalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing " +
			"the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	plan := store.Plan{Attributes: p.own, Algorithm: p.algorithm}
	if plan.Algorithm == "" {
		plan.Algorithm = source.Checksum.Algorithm
	}
	if plan.Algorithm == "" {
		plan.Algorithm = store.CRC64NVME
	}
	if !p.newMetadata {
		plan.Attributes.Metadata = source.Attributes.Metadata
		plan.Attributes.Headers = maps.Clone(source.Attributes.Headers)
		// Never taken from the source.
		delete(plan.Attributes.Headers, redirect)
		if to := p.own.Headers[redirect]; to != "" {
			plan.Attributes.Headers[redirect] = to
		}
	}
	if p.newTags {
		return plan, nil
	}
	plan.Attributes.Tags = source.Attributes.Tags
	return plan, p.mayCopyTags(source)
}

// changesNothing says whether a copy onto itself would change nothing.
func (p copyPlan) changesNothing(source *store.Version) bool {
	x := p.exchange
	class := strings.ToUpper(x.header.Get("X-Amz-Storage-Class"))
	return x.source == (object{bucket: x.bucket, key: x.key}) && !p.newMetadata && p.own.Headers[redirect] == "" &&
		(class == "" || class == shownClass(source.Attributes.StorageClass))
}

// mayCopyTags demands what it takes to carry the source's tags, if it has any.
func (p copyPlan) mayCopyTags(source *store.Version) error {
	if len(source.Attributes.Tags) == 0 {
		return nil
	}
	x := p.exchange
	return x.auth.all([]need{
		x.source.read("s3:GetObjectTagging", "s3:GetObjectVersionTagging").ofSource(),
		{action: "s3:PutObjectTagging", bucket: x.bucket, key: x.key},
	})
}

// copyPart answers UploadPartCopy.
func (x *exchange) copyPart() error {
	number, err := partNumber(x.query.Get("partNumber"))
	if err != nil {
		return err
	}
	if x.r.ContentLength != 0 {
		return errInvalidRequest("The body of an UploadPartCopy has to be empty.")
	}
	upload, err := x.store.FindUpload(x.bucket, x.key, x.query.Get("uploadId"))
	if err != nil {
		return err
	}
	conditions, bytes := parseConditions(x.header, copySourcePrefix), x.header.Get("X-Amz-Copy-Source-Range")
	if err := x.paceCopy(func(source int64) int64 {
		_, length, _ := parseCopyRange(bytes, source) // an error comes up again
		return length
	}); err != nil {
		return err
	}
	found := false
	part, version, err := x.store.CopyPart(context.WithoutCancel(x.r.Context()), store.CopyPart{
		SourceBucket: x.source.bucket, SourceKey: x.source.key, SourceVersionID: x.source.versionID,
		Bucket: x.bucket, Key: x.key, UploadID: upload.UploadID, Number: number,
		Plan: func(source *store.Version) (offset, length int64, err error) {
			found = true
			if err := readable(source, conditions); err != nil {
				return 0, 0, err
			}
			return parseCopyRange(bytes, source.Size)
		},
	})
	if err != nil {
		if !found {
			return x.sourceError(err)
		}
		return err
	}
	x.showSource(version)
	x.target.settings().encryption.show(x.w.Header())
	return x.answerXML(copyPartResult{
		copyResult: copyResult{xmlTime(part.LastModified), quote(part.ETag), elementsOf(shownSum(upload, part))},
	})
}
