package copier

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/policy"
)

// createInput says by hand everything that a multipart copy carries: what
// Fidelity lists as copied. User metadata goes back as S3 gave it: values that
// are not ASCII come encoded by RFC 2047, and S3 decodes them when they are
// set (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
//
// Expires is not here but in expiresAsIs.
func createInput(source Object, target Target, head *s3.HeadObjectOutput, tags []types.Tag, class string) *s3.CreateMultipartUploadInput {
	return &s3.CreateMultipartUploadInput{
		Bucket:                  aws.String(target.Bucket),
		Key:                     aws.String(source.Key),
		CacheControl:            head.CacheControl,
		ContentDisposition:      head.ContentDisposition,
		ContentEncoding:         head.ContentEncoding,
		ContentLanguage:         head.ContentLanguage,
		ContentType:             head.ContentType,
		Metadata:                head.Metadata,
		WebsiteRedirectLocation: head.WebsiteRedirectLocation,
		Tagging:                 tagging(tags),
		StorageClass:            replicaClass(class, head),
		ChecksumAlgorithm:       chooseChecksum(head).crc.algorithm,
		ChecksumType:            types.ChecksumTypeFullObject,
	}
}

// nameProperties has a copy by one request name what CopyObject carries by itself
// otherwise, with other user metadata. A website redirect is not among that. The
// option has to go with the request.
func nameProperties(in *s3.CopyObjectInput, head *s3.HeadObjectOutput, metadata map[string]string) func(*s3.Options) {
	in.MetadataDirective = types.MetadataDirectiveReplace
	in.CacheControl = head.CacheControl
	in.ContentDisposition = head.ContentDisposition
	in.ContentEncoding = head.ContentEncoding
	in.ContentLanguage = head.ContentLanguage
	in.ContentType = head.ContentType
	in.Metadata = metadata
	return expiresAsIs(head)
}

// maxHeaderBytes is what tags and user metadata may take of a request's
// headers. S3 takes 8 KB in all
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html);
// the rest is for the signature, the session token and the other properties.
// One CopyObject carries more, since it names none of them.
const maxHeaderBytes = 5 << 10

// headerBytes is what they take.
func headerBytes(in *s3.CreateMultipartUploadInput) int {
	n := len(deref(in.Tagging))
	for name, value := range in.Metadata {
		n += len("x-amz-meta-: \r\n") + len(name) + len(value)
	}
	return n
}

// expiresAsIs sends the Expires header as S3 gave it: S3 stores any text, and
// the SDK's field for it takes only what is a date.
func expiresAsIs(head *s3.HeadObjectOutput) func(*s3.Options) {
	return func(o *s3.Options) {
		if v := deref(head.ExpiresString); v != "" {
			o.APIOptions = append(slices.Clip(o.APIOptions), smithyhttp.SetHeaderValue("Expires", v))
		}
	}
}

// tagging encodes tags as the query that S3 wants; nil if there are none.
func tagging(tags []types.Tag) *string {
	var b strings.Builder
	for i, tag := range tags {
		if i > 0 {
			b.WriteByte('&')
		}
		percentEncode(&b, deref(tag.Key), false)
		b.WriteByte('=')
		percentEncode(&b, deref(tag.Value), false)
	}
	return optional(b.String())
}

// replicaClass is the storage class to ask for, empty for S3's default. The
// HEAD of a source in STANDARD does not say so.
func replicaClass(configured string, head *s3.HeadObjectOutput) types.StorageClass {
	if configured != StorageClassOfSource {
		return types.StorageClass(configured)
	}
	if head == nil {
		return ""
	}
	return head.StorageClass
}

// archived reports whether an object has to be restored before it can be
// copied.
func archived(head *s3.HeadObjectOutput) bool {
	return archiveOf(head) != "" && !strings.Contains(deref(head.Restore), `ongoing-request="false"`)
}

// archiveOf names the archive that an object is in, or nothing.
func archiveOf(head *s3.HeadObjectOutput) string {
	switch head.StorageClass {
	case types.StorageClassGlacier, types.StorageClassDeepArchive:
		return string(head.StorageClass)
	}
	return string(head.ArchiveStatus)
}

// size is the object's, in bytes.
func size(head *s3.HeadObjectOutput) int64 { return aws.ToInt64(head.ContentLength) }

// hidesMetadata reports whether user metadata exists that REST cannot show,
// and that therefore only CopyObject can carry.
func hidesMetadata(head *s3.HeadObjectOutput) bool { return aws.ToInt32(head.MissingMeta) > 0 }

// partInput copies one part: of the one version, and only if its content is
// still the one that the upload was made for.
func partInput(u Upload, target Target, i int) *s3.UploadPartCopyInput {
	return &s3.UploadPartCopyInput{
		Bucket: aws.String(target.Bucket), Key: aws.String(u.Source.Key), UploadId: aws.String(u.UploadID),
		PartNumber:        aws.Int32(int32(i + 1)), //nolint:gosec // at most 10,000
		CopySource:        aws.String(copySource(u.Source)),
		CopySourceIfMatch: aws.String(`"` + u.Source.ETag + `"`),
		CopySourceRange:   rangeHeader(u.Source.Size, u.PartSize, i),
	}
}

// completeInput makes the object of its parts: only on the condition; only if the sizes add up; and only if the checksum is as
// expected.
func completeInput(condition policy.Condition, u Upload, target Target, etags []string, want expectation) *s3.CompleteMultipartUploadInput {
	parts := make([]types.CompletedPart, len(etags))
	for i := range etags {
		parts[i] = types.CompletedPart{ETag: &etags[i], PartNumber: aws.Int32(int32(i + 1))}
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(target.Bucket), Key: aws.String(u.Source.Key), UploadId: aws.String(u.UploadID),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		MpuObjectSize:   aws.Int64(u.Source.Size),
		IfNoneMatch:     optional(condition.IfNoneMatch),
		IfMatch:         quoted(condition.IfMatch),
	}
	want.demand(in)
	return in
}
