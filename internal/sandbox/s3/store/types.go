package store

import "time"

// NullVersion is the ID of a version that was written without versioning.
const NullVersion = "null"

// Versioning is a bucket's state.
type Versioning int

// The states. A bucket never goes back to Unversioned.
const (
	Unversioned Versioning = iota
	Enabled
	Suspended
)

// Bucket is what a bucket has. A method that returns one returns a copy.
type Bucket struct {
	Name       string
	Region     string
	Created    time.Time // whole seconds
	Versioning Versioning
	Generation uint64            // changes with every change of the bucket's own row or configuration, and is never used again
	Config     map[string][]byte // opaque to the store: notification, policy, encryption, lifecycle, tags …
}

// Attributes are what a writer says of an object. The store keeps them as they
// are and knows no limits for them.
type Attributes struct {
	// Headers are system metadata by their lower-case names (content-type,
	// cache-control, x-amz-website-redirect-location …).
	Headers      map[string]string
	Metadata     map[string]string // user metadata, by the name after x-amz-meta-
	Tags         []Tag             // in the writer's order
	StorageClass string            // "" is STANDARD
}

// Tag is one of an object's tags.
type Tag struct{ Key, Value string }

// Algorithm is a checksum algorithm by its name in x-amz-checksum-algorithm.
type Algorithm string

// The algorithms that the store can compute.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
	SHA512    Algorithm = "SHA512"
	MD5       Algorithm = "MD5"
)

// ChecksumType says what a checksum is one of.
type ChecksumType string

// The types. Only CRCs of parts can make a FullObject one
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
const (
	FullObject ChecksumType = "FULL_OBJECT"
	Composite  ChecksumType = "COMPOSITE"
)

// Checksum is an object's or a part's checksum. The zero Checksum is none.
type Checksum struct {
	Algorithm Algorithm
	Type      ChecksumType // "" of a part
	Value     string       // base64, and "-N" behind a composite one's
}

// Version is a version of an object, or a delete marker.
type Version struct {
	Key          string
	VersionID    string // NullVersion without versioning
	Latest       bool
	DeleteMarker bool      // then there is only Key, VersionID, Latest, LastModified and Sequencer
	LastModified time.Time // whole seconds, UTC: when the write was started
	ETag         string    // without quotes
	Size         int64
	Checksum     Checksum
	Parts        int // how many parts it was made of; 0 unless by an upload in parts
	Sequencer    string
	Attributes   Attributes // lists leave all but StorageClass out
}

// ObjectPart is a part of an object that was uploaded in parts.
type ObjectPart struct {
	Number   int
	Offset   int64
	Size     int64
	Checksum string // base64, of the object's algorithm; "" if the upload named none
}

// Condition is what a write demands of the key's current version, decided
// together with the write. The zero Condition demands nothing. A delete marker
// counts as no object. An IfMatch of a key without an object is ErrNoSuchKey
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
type Condition struct {
	IfMatch     string // an ETag without quotes, or "*" for any; "" demands nothing
	IfNoneMatch bool   // If-None-Match: *
}

// Started is a moment that orders a write among those of its key. The zero
// Started is the moment of the write itself.
type Started struct {
	order uint64
	at    time.Time
}

// Written is what a write has made.
type Written struct {
	VersionID    string // NullVersion in a bucket that is not Enabled
	Versioning   Versioning
	ETag         string
	Size         int64
	LastModified time.Time
	Checksum     Checksum
	Parts        int
	Sequencer    string // upper-case hexadecimal, all of one length; larger than any before of the key
}

// Put is a PutObject whose body has been staged.
type Put struct {
	Bucket, Key string
	Attributes  Attributes
	Algorithm   Algorithm // the checksum to keep, one that the blob was staged with; "" for none
	Condition   Condition
}

// Copy is a CopyObject.
type Copy struct {
	SourceBucket, SourceKey, SourceVersionID string // version "" is the current one
	Bucket, Key                              string
	Condition                                Condition // on the target
	Started                                  Started
	// Plan decides what the copy has, from the source as it is at the moment
	// of the write, or refuses the copy with an error that Copy returns as it
	// is. It is called within the transaction, perhaps several times, so it must be
	// quick and must not call the store.
	Plan func(source *Version) (Plan, error)
}

// Plan is what a copy has.
type Plan struct {
	Attributes Attributes
	Algorithm  Algorithm // its checksum's; "" for none
}

// Copied is what a copy has made.
type Copied struct {
	Written
	SourceVersionID string
}

// Delete is a DeleteObject.
type Delete struct {
	Bucket, Key string
	VersionID   string // "" deletes the object, which makes a marker in a bucket with versions
	Condition   Condition
	Started     Started
}

// Deleted is what a deletion has done.
type Deleted struct {
	// VersionID is the version that was deleted for good if the request named
	// one, or that of the marker that was made, or "" in a bucket without
	// versions.
	VersionID    string
	DeleteMarker bool // a marker was made, or the version deleted was one
	Removed      bool // something was deleted for good
	Made         bool // a marker was made
	Sequencer    string
}

// CreateUpload is a CreateMultipartUpload.
type CreateUpload struct {
	Bucket, Key  string
	Attributes   Attributes
	Algorithm    Algorithm    // "" if the request names none
	ChecksumType ChecksumType // "" if there is no algorithm
	Initiator    string       // opaque to the store
}

// Upload is an upload that is neither completed nor aborted.
type Upload struct {
	Key          string
	UploadID     string
	Initiated    time.Time // whole seconds
	Initiator    string
	Algorithm    Algorithm
	ChecksumType ChecksumType
	Attributes   Attributes
}

// Part is a part of an upload.
type Part struct {
	Number       int
	ETag         string
	Size         int64
	Checksum     Checksum // the upload's algorithm; CRC64NVME, which is not to be shown, if that named none
	LastModified time.Time
}

// CopyPart is an UploadPartCopy.
type CopyPart struct {
	SourceBucket, SourceKey, SourceVersionID string
	Bucket, Key, UploadID                    string
	Number                                   int
	// Plan decides which bytes are copied, or refuses, as Copy's Plan does.
	Plan func(source *Version) (offset, length int64, err error)
}

// Complete is a CompleteMultipartUpload.
type Complete struct {
	Bucket, Key, UploadID string
	Parts                 []CompletePart
	Size                  *int64   // x-amz-mp-object-size, if the request has it
	Checksum              Checksum // what the object must have, if the request says
	Condition             Condition
}

// CompletePart names a part.
type CompletePart struct {
	Number   int
	ETag     string // without quotes
	Checksum string // base64, of the upload's algorithm; "" if the request names none
}

// List asks for a page of current objects.
type List struct {
	Prefix    string
	Delimiter string
	After     string // a key, or a common prefix of this Delimiter whose keys are all left out
	MaxKeys   int    // objects and common prefixes together; 0 lists nothing, and is not truncated
}

// Page is a page of current objects, in the order of keys.
type Page struct {
	Objects   []Version
	Prefixes  []string // common prefixes, each with its delimiter
	Truncated bool
	Next      string // List.After of the next page: the last key or common prefix of this one, if Truncated
}

// ListVersions asks for a page of versions.
type ListVersions struct {
	Prefix    string
	Delimiter string
	KeyMarker string // as List.After, if there is no VersionIDMarker
	// VersionIDMarker goes on after this version of the KeyMarker, which need
	// not exist any more. ErrInvalidVersionID if no store makes such.
	VersionIDMarker string
	MaxKeys         int
}

// VersionPage is a page of versions: keys in order, the newest version first.
type VersionPage struct {
	Versions      []Version // with delete markers among them
	Prefixes      []string
	Truncated     bool
	NextKey       string
	NextVersionID string // "" after a common prefix
}

// ListUploads asks for a page of uploads.
type ListUploads struct {
	Prefix    string
	Delimiter string
	KeyMarker string
	// UploadIDMarker goes on after this upload of the KeyMarker, which need not
	// exist any more; ErrInvalidUploadID if it cannot be one. Without it, uploads
	// of the KeyMarker are left out.
	UploadIDMarker string
	MaxUploads     int
}

// UploadPage is a page of uploads by key, and of one key by initiation, which
// is the order of upload IDs too.
type UploadPage struct {
	Uploads      []Upload
	Prefixes     []string
	Truncated    bool
	NextKey      string
	NextUploadID string // "" after a common prefix
}

// PartPage is a page of an upload's parts by number.
type PartPage struct {
	Upload    Upload
	Parts     []Part
	Truncated bool
	Next      int // the last number of this page
}
