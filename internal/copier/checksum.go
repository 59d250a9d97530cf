package copier

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// fullObjectCRC is a checksum that S3 makes of a whole object although it got
// the object in parts. Only the CRCs can be combined so
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
type fullObjectCRC struct {
	algorithm types.ChecksumAlgorithm
	of        func(*s3.HeadObjectOutput) *string
	expect    func(*s3.CompleteMultipartUploadInput, *string)
	made      func(*s3.CompleteMultipartUploadOutput) *string
}

// fullObjectCRCs returns them, the strongest first.
func fullObjectCRCs() []fullObjectCRC {
	return []fullObjectCRC{
		{
			types.ChecksumAlgorithmCrc64nvme,
			func(h *s3.HeadObjectOutput) *string { return h.ChecksumCRC64NVME },
			func(in *s3.CompleteMultipartUploadInput, v *string) { in.ChecksumCRC64NVME = v },
			func(out *s3.CompleteMultipartUploadOutput) *string { return out.ChecksumCRC64NVME },
		},
		{
			types.ChecksumAlgorithmCrc32c,
			func(h *s3.HeadObjectOutput) *string { return h.ChecksumCRC32C },
			func(in *s3.CompleteMultipartUploadInput, v *string) { in.ChecksumCRC32C = v },
			func(out *s3.CompleteMultipartUploadOutput) *string { return out.ChecksumCRC32C },
		},
		{
			types.ChecksumAlgorithmCrc32,
			func(h *s3.HeadObjectOutput) *string { return h.ChecksumCRC32 },
			func(in *s3.CompleteMultipartUploadInput, v *string) { in.ChecksumCRC32 = v },
			func(out *s3.CompleteMultipartUploadOutput) *string { return out.ChecksumCRC32 },
		},
	}
}

// expectation is what a request says about the replica's checksum, so that S3
// itself refuses to make an object that is not the source's equal.
//
// If the source has a CRC of the whole object, that is compared. Otherwise
// (its checksums are SHA or other hashes, or composites of parts, or it has
// none) no whole-object checksums are comparable without reading the object.
// Then what is checked is the strongest there is without: every part was
// copied, by S3, from the one version with the one ETag, the parts' sizes add
// up to the source's, and the replica gets a CRC64NVME of its own.
type expectation struct {
	crc   fullObjectCRC
	value *string // nil if there is nothing to compare
}

// chooseChecksum is what to ask for when an upload is made: the source's own
// CRC of the whole object, else CRC64NVME.
func chooseChecksum(head *s3.HeadObjectOutput) expectation {
	all := fullObjectCRCs()
	for _, crc := range all {
		if e := crc.expectation(head); e.value != nil {
			return e
		}
	}
	return expectation{crc: all[0]}
}

// expectChecksum is what to compare when an upload was made with an algorithm.
func expectChecksum(head *s3.HeadObjectOutput, algorithm types.ChecksumAlgorithm) expectation {
	for _, crc := range fullObjectCRCs() {
		if crc.algorithm == algorithm {
			return crc.expectation(head)
		}
	}
	return chooseChecksum(head)
}

func (crc fullObjectCRC) expectation(head *s3.HeadObjectOutput) expectation {
	e := expectation{crc: crc}
	// CRC64NVME is never a composite, and older objects do not say the type.
	whole := head.ChecksumType == types.ChecksumTypeFullObject ||
		crc.algorithm == types.ChecksumAlgorithmCrc64nvme && head.ChecksumType == ""
	if v := crc.of(head); whole && deref(v) != "" {
		e.value = v
	}
	return e
}

// demand puts the expectation into the request that makes the object.
func (e expectation) demand(in *s3.CompleteMultipartUploadInput) {
	in.ChecksumType = types.ChecksumTypeFullObject
	if e.value != nil {
		e.crc.expect(in, aws.String(*e.value))
	}
}

// met reports whether the object that S3 says it has made is as expected. A
// server that says nothing is believed.
func (e expectation) met(out *s3.CompleteMultipartUploadOutput) bool {
	made := deref(e.crc.made(out))
	return e.value == nil || made == "" || made == *e.value
}
