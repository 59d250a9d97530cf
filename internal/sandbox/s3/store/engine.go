package store

import (
	"context"
	"io"
)

// Engine is what a store offers: Open(directory, Options) returns one. All methods may be called concurrently.
// Every method that names a bucket ends with ErrNoSuchBucket if there is none.
type Engine interface {
	// CreateBucket makes a bucket; ErrBucketExists, and the one there is, if
	// its name is taken, in any Region.
	CreateBucket(b Bucket) (Bucket, error)
	// DeleteBucket deletes a bucket and its unfinished uploads;
	// ErrBucketNotEmpty if it has a version or a delete marker.
	DeleteBucket(name string) error
	Bucket(name string) (Bucket, error)
	// Buckets returns all by name.
	Buckets() ([]Bucket, error)
	// SetVersioning ends with an error if the state is Unversioned.
	SetVersioning(bucket string, v Versioning) error
	// SetConfig replaces values of the bucket's configuration, all in one
	// write; nil removes one.
	SetConfig(bucket string, values map[string][]byte) error

	// Begin returns this moment, for Copy, Delete and Stage.
	Begin() Started
	// Stage reads a body to its end and keeps it, for one PutObject or part,
	// with the checksums of these algorithms. A Blob must be Closed, after it
	// was put as well. An error of the reader is returned as it is, and
	// nothing is kept; ErrTooLarge after 5 GiB.
	Stage(r io.Reader, algorithms ...Algorithm) (*Blob, error)

	// Check decides a condition without writing, so that a hopeless upload
	// can end before its body is read. PutObject decides it again.
	Check(bucket, key string, c Condition) error
	PutObject(p Put, body *Blob) (Written, error)
	// CopyObject makes a version that references the source's bytes. Like on
	// AWS its ETag is that of an object written at once. ctx ends the reading
	// of bytes for a checksum that the source does not have.
	CopyObject(ctx context.Context, c Copy) (Copied, error)
	DeleteObject(d Delete) (Deleted, error)

	// HeadObject describes a version, the current one if versionID is "".
	// Where it is a delete marker the error is a *MarkerError.
	HeadObject(bucket, key, versionID string) (*Version, error)
	// OpenObject is HeadObject with the bytes.
	OpenObject(bucket, key, versionID string) (Object, error)
	// PutTags replaces the tags of a version, DeleteObjectTagging's nil too,
	// and returns the version. The sequencer is the tagging's.
	PutTags(bucket, key, versionID string, tags []Tag) (*Version, error)

	CreateUpload(c CreateUpload) (Upload, error)
	FindUpload(bucket, key, uploadID string) (Upload, error)
	// PutPart puts a part in its place, where it replaces an earlier one. The
	// blob needs the upload's checksum, CRC64NVME if the upload names none.
	PutPart(bucket, key, uploadID string, number int, body *Blob) (Part, error)
	CopyPart(ctx context.Context, c CopyPart) (p Part, sourceVersionID string, err error)
	ListParts(bucket, key, uploadID string, after, maxParts int) (PartPage, error)
	// CompleteUpload makes the object and ends the upload, in one write. If it
	// fails, the upload is as it was.
	CompleteUpload(c Complete) (Written, error)
	AbortUpload(bucket, key, uploadID string) error

	ListObjects(bucket string, l List) (Page, error)
	ListVersions(bucket string, l ListVersions) (VersionPage, error)
	ListUploads(bucket string, l ListUploads) (UploadPage, error)

	// Close waits for transactions that are under way. Open Objects and Blobs
	// must have been closed.
	Close() error
}

var _ Engine = (*Store)(nil)
