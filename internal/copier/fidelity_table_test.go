package copier

// Fate is what becomes of a property of an object in its replica.
type Fate string

// The fates.
const (
	// FateCopied means that the replica has the source's.
	FateCopied Fate = "copied"
	// FateConfigured means that the replica's comes from an option of the
	// Copier or from the target bucket's settings.
	FateConfigured Fate = "set by configuration"
	// FateDropped means that the source's is not carried over.
	FateDropped Fate = "dropped"
)

// Property is one field of S3's HeadObject answer and its fate in either kind
// of copy.
type Property struct {
	// Field is the name in the SDK's HeadObjectOutput.
	Field string
	// Single is the fate in a copy by one request, Multipart in one by parts.
	Single, Multipart Fate
	// Why says why it is dropped or changed, or what configures it.
	Why string
	// carriedBy is the field of CreateMultipartUploadInput that carries it as
	// it is, if one does.
	carriedBy string
}

// Fidelity lists every property that S3 reports of an object, and its fate. It
// is complete: a test fails when the SDK knows a property that is not listed.
func Fidelity() []Property {
	const (
		answers    = "tells about the answer, not about the object"
		state      = "a state of the source, which its replica does not share"
		encryption = "the target bucket's default encryption decides"
		customer   = "a source under a customer's key cannot be read without that key; its copy fails"
		hash       = "S3 cannot make this one of parts without reading the object again; a multipart replica has CRC64NVME instead"
		wholeCRC   = "in a multipart copy if it is of the whole object, CRC64NVME instead if it is of parts; the strongest one if there are several"
		lock       = "retention is the target bucket's own decision; its default retention applies"
	)
	both := func(field string, fate Fate, why string) Property {
		return Property{Field: field, Single: fate, Multipart: fate, Why: why}
	}
	carried := func(field string) Property {
		return Property{Field: field, Single: FateCopied, Multipart: FateCopied, carriedBy: field}
	}
	singleOnly := func(field, why string) Property {
		return Property{Field: field, Single: FateCopied, Multipart: FateDropped, Why: why}
	}
	return []Property{
		both("ContentLength", FateCopied, "the content, byte for byte, is on S3's side all the time"),
		carried("ContentType"),
		carried("ContentEncoding"),
		carried("ContentDisposition"),
		carried("ContentLanguage"),
		carried("CacheControl"),
		both("Expires", FateCopied, "as text, whether it is a date or not"),
		both("ExpiresString", FateCopied, "the text of Expires"),
		carried("Metadata"),
		singleOnly("MissingMeta", "counts user metadata that HTTP headers cannot show: such objects are copied by one request up to 5 GiB, and are an error above"),
		both("TagCount", FateCopied, "with the tags themselves; where tags and user metadata together are too long for a request's headers, by one request up to 5 GiB, and an error above"),
		{Field: "WebsiteRedirectLocation", Single: FateDropped, Multipart: FateCopied, carriedBy: "WebsiteRedirectLocation",
			Why: "CopyObject never copies it, and to look for it would cost a HEAD for every object; with the storage class `source` there is that HEAD, and it is still left out, so that it does not depend on another setting"},
		both("ChecksumCRC64NVME", FateCopied, "compared by S3 before a multipart replica becomes visible"),
		both("ChecksumCRC32C", FateCopied, wholeCRC),
		both("ChecksumCRC32", FateCopied, wholeCRC),
		singleOnly("ChecksumMD5", hash),
		singleOnly("ChecksumSHA1", hash),
		singleOnly("ChecksumSHA256", hash),
		singleOnly("ChecksumSHA512", hash),
		singleOnly("ChecksumXXHASH64", hash),
		singleOnly("ChecksumXXHASH3", hash),
		singleOnly("ChecksumXXHASH128", hash),
		both("ChecksumType", FateConfigured, "of the whole object (FULL_OBJECT) at every multipart replica; S3 decides for a copy by one request"),
		both("StorageClass", FateConfigured, "STANDARD unless configured; can be the source's"),
		both("ServerSideEncryption", FateConfigured, encryption),
		both("SSEKMSKeyId", FateConfigured, encryption),
		both("BucketKeyEnabled", FateConfigured, encryption),
		both("SSECustomerAlgorithm", FateDropped, customer),
		both("SSECustomerKeyMD5", FateDropped, customer),
		both("Expiration", FateConfigured, "the target bucket's lifecycle rules decide"),
		both("ObjectLockMode", FateDropped, lock),
		both("ObjectLockRetainUntilDate", FateDropped, lock),
		both("ObjectLockLegalHoldStatus", FateDropped, lock),
		both("ObjectLockEventHold", FateDropped, lock),
		both("ObjectLockEventHoldDurationDays", FateDropped, lock),
		both("ObjectLockEventHoldDurationYears", FateDropped, lock),
		both("ETag", FateDropped, "S3 makes the replica's own, which differs if parts or encryption do"),
		both("PartsCount", FateDropped, "how an object was uploaded is no part of it"),
		both("VersionId", FateDropped, "every bucket numbers its own versions"),
		both("LastModified", FateDropped, "S3 sets the time of the copy"),
		both("ArchiveStatus", FateDropped, state),
		both("Restore", FateDropped, state),
		both("ReplicationStatus", FateDropped, "tells about S3's own replication of the source"),
		both("DeleteMarker", FateDropped, "delete markers are not copied"),
		both("AcceptRanges", FateDropped, answers),
		both("ContentRange", FateDropped, answers),
		both("RequestCharged", FateDropped, answers),
		both("ResultMetadata", FateDropped, answers),
	}
}
