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
		answers    = "about the answer, not the object"
		state      = "a state of the source alone"
		encryption = "the target bucket's default encryption decides"
		customer   = "the copy fails, as S3 cannot read the source"
		hash       = "CRC64NVME instead"
		wholeCRC   = "in parts the strongest one if it is of the whole object, else CRC64NVME"
		lock       = "the target bucket's retention applies"
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
		both("ContentLength", FateCopied, "byte for byte"),
		carried("ContentType"),
		carried("ContentEncoding"),
		carried("ContentDisposition"),
		carried("ContentLanguage"),
		carried("CacheControl"),
		both("Expires", FateCopied, "as text"),
		both("ExpiresString", FateCopied, "as text"),
		carried("Metadata"),
		singleOnly("MissingMeta", "user metadata that HTTP headers cannot show: one request up to 5 GiB, an error above"),
		both("TagCount", FateCopied,
			"with the tags; together with user metadata too long for headers: one request up to 5 GiB, an error above"),
		{Field: "WebsiteRedirectLocation", Single: FateDropped, Multipart: FateCopied, carriedBy: "WebsiteRedirectLocation",
			Why: "CopyObject never copies it"},
		both("ChecksumCRC64NVME", FateCopied, "compared by S3"),
		both("ChecksumCRC32C", FateCopied, wholeCRC),
		both("ChecksumCRC32", FateCopied, wholeCRC),
		singleOnly("ChecksumMD5", hash),
		singleOnly("ChecksumSHA1", hash),
		singleOnly("ChecksumSHA256", hash),
		singleOnly("ChecksumSHA512", hash),
		singleOnly("ChecksumXXHASH64", hash),
		singleOnly("ChecksumXXHASH3", hash),
		singleOnly("ChecksumXXHASH128", hash),
		both("ChecksumType", FateConfigured, "FULL_OBJECT at every replica made of parts; else S3 decides"),
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
		both("ETag", FateDropped, "differs with parts or encryption"),
		both("PartsCount", FateDropped, "another at the replica"),
		both("VersionId", FateDropped, "another at the replica"),
		both("LastModified", FateDropped, "the time of the copy"),
		both("ArchiveStatus", FateDropped, state),
		both("Restore", FateDropped, state),
		both("ReplicationStatus", FateDropped, "a state of the source alone"),
		both("DeleteMarker", FateDropped, "delete markers are not copied"),
		both("AcceptRanges", FateDropped, answers),
		both("ContentRange", FateDropped, answers),
		both("RequestCharged", FateDropped, answers),
		both("ResultMetadata", FateDropped, answers),
	}
}
