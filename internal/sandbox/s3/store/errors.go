package store

import (
	"errors"
	"time"
)

// What an operation can end with. Test with errors.Is; the text of an error is
// for logs, and names bucket, key and version.
var (
	ErrNoSuchBucket     = errors.New("no such bucket")
	ErrBucketExists     = errors.New("the bucket exists already")
	ErrBucketNotEmpty   = errors.New("the bucket is not empty") // a version or a delete marker is left in it
	ErrNoSuchKey        = errors.New("no such key")             // there is no current version, or it is a delete marker
	ErrNoSuchVersion    = errors.New("no such version")
	ErrInvalidVersionID = errors.New("not a version ID") // not one that this store could have made
	ErrDeleteMarker     = errors.New("the version is a delete marker")
	ErrKeyTooLong       = errors.New("the key has more than 1,024 bytes")
	ErrInvalidKey       = errors.New("the key is empty or not UTF-8")

	ErrInvalidUploadID  = errors.New("not an ID of an upload of the key") // not one that this store could have made
	ErrNoSuchUpload     = errors.New("no such upload")                    // or it has been completed or aborted
	ErrInvalidPart      = errors.New("a part does not exist or is not the one that is named")
	ErrInvalidPartOrder = errors.New("the parts are not in ascending order")
	ErrPartTooSmall     = errors.New("a part other than the last one is smaller than 5 MiB")
	ErrPartNumbers      = errors.New("the parts of an upload with a checksum are not numbered from 1 without a gap")
	ErrWrongSize        = errors.New("the object does not have the size that the request says")
	ErrWrongChecksum    = errors.New("the object does not have the checksum that the request says")
	ErrTooLarge         = errors.New("too large") // more than 5 GiB in one write, copy or part

	// ErrConflict is a conditional write that met another write or a deletion.
	// It can be tried again; an upload in parts has to be made anew.
	ErrConflict = errors.New("a conflicting operation on the key")

	// ErrPrecondition is what every *PreconditionError is.
	ErrPrecondition = errors.New("a precondition does not hold")

	ErrUnknownChecksum = errors.New("unknown checksum algorithm")
	ErrClosed          = errors.New("the store is closed")
)

// What Open, and writes to a full disk, can end with. The text is one line
// that says what to do. Nothing has been overwritten.
var (
	ErrLocked         = errors.New("the store is in use")
	ErrDamaged        = errors.New("the store is damaged")
	ErrEarlierEdition = errors.New("the store has another edition's format")
	ErrNoSpace        = errors.New("no space is left")
)

// PreconditionError names the condition that does not hold.
type PreconditionError struct {
	Condition string // If-Match or If-None-Match
}

// Error says which condition it is.
func (e *PreconditionError) Error() string {
	return "the precondition " + e.Condition + " does not hold"
}

// Is makes it an ErrPrecondition.
func (e *PreconditionError) Is(target error) bool { return target == ErrPrecondition }

// MarkerError says that a delete marker is where an object was asked for. It
// is ErrNoSuchKey if the key was asked for, and ErrDeleteMarker if the marker's
// version was
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html).
type MarkerError struct {
	VersionID    string
	LastModified time.Time
	Named        bool // the request named this version
}

// Error says what there is.
func (e *MarkerError) Error() string { return "a delete marker, version " + e.VersionID }

// Is makes it ErrDeleteMarker or ErrNoSuchKey.
func (e *MarkerError) Is(target error) bool {
	if e.Named {
		return target == ErrDeleteMarker
	}
	return target == ErrNoSuchKey
}
