package copier

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/policy"
)

// validate finds what S3 need not be asked about.
func validate(req Request, target Target) error {
	source, resume := req.Source, req.Resume
	switch {
	case source.Bucket == "" || source.Key == "":
		return permanent{errors.New("the source has no bucket or no key")}
	case target.Bucket == "":
		return permanent{errors.New("the target has no bucket")}
	case source.Size > MaxObject:
		return permanent{fmt.Errorf("the object has %d bytes, more than the %d that a multipart copy can carry", source.Size, MaxObject)}
	case req.Replace != nil && (source.VersionID == "" || source.ETag == "" || req.Replace.Head == nil):
		return permanent{errors.New("a replica that carries its origin needs the source's version, ETag and properties")}
	case resume != nil && (resume.UploadID == "" || resume.PartSize < 1 || source.Size < 1 || source.ETag == ""):
		return permanent{errors.New("the upload to resume has no ID, no part size, or a source without size or ETag")}
	case resume != nil && partCount(source.Size, resume.PartSize) > maxParts:
		return permanent{fmt.Errorf("the upload to resume has parts of %d bytes, more than %d of them", resume.PartSize, maxParts)}
	}
	return nil
}

// copyInput says everything that a copy carries and leaves behind: system and
// user metadata and tags are copied, annotations are not, since each would be
// billed as a PUT and need permissions of its own.
func copyInput(condition policy.Condition, source Object, target Target, class types.StorageClass) *s3.CopyObjectInput {
	return &s3.CopyObjectInput{
		Bucket:              aws.String(target.Bucket),
		Key:                 aws.String(source.Key),
		CopySource:          aws.String(copySource(source)),
		MetadataDirective:   types.MetadataDirectiveCopy,
		TaggingDirective:    types.TaggingDirectiveCopy,
		AnnotationDirective: types.AnnotationDirectiveExclude,
		StorageClass:        class,
		IfNoneMatch:         optional(condition.IfNoneMatch),
		IfMatch:             quoted(condition.IfMatch),
	}
}

// headInput asks for the target's object, with checksums where they may matter.
func headInput(key string, target Target, checksums bool) *s3.HeadObjectInput {
	in := &s3.HeadObjectInput{Bucket: aws.String(target.Bucket), Key: aws.String(key)}
	if checksums {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	return in
}

// sourceHeadInput asks for everything that a multipart copy carries by hand.
func sourceHeadInput(source Object) *s3.HeadObjectInput {
	return &s3.HeadObjectInput{
		Bucket: aws.String(source.Bucket), Key: aws.String(source.Key), VersionId: optional(source.VersionID),
		ChecksumMode: types.ChecksumModeEnabled,
	}
}

// optional is nil for the empty string.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// copySource encodes x-amz-copy-source, which the SDK sends as it is given:
// bucket, slash and key, percent-encoded but for the key's slashes, and the
// version as a query.
func copySource(o Object) string {
	var b strings.Builder
	b.Grow(len(o.Bucket) + len(o.Key) + len(o.VersionID) + 32)
	percentEncode(&b, o.Bucket, false)
	b.WriteByte('/')
	percentEncode(&b, o.Key, true)
	if o.VersionID != "" {
		b.WriteString("?versionId=")
		percentEncode(&b, o.VersionID, false)
	}
	return b.String()
}

// percentEncode writes s with everything encoded but RFC 3986's unreserved
// characters and, if asked, the slash. A space becomes %20 and a plus sign
// %2B, so that readers of both kinds of encoding agree.
func percentEncode(b *strings.Builder, s string, keepSlash bool) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// unquote returns an ETag as events have it, without quotation marks.
func unquote(etag *string) string { return contents.TrimETag(deref(etag)) }
