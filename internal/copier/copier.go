// Package copier makes one object exist at one target. It is the only place
// that writes replicas, whoever asks: the function, a backfill or a repair.
//
// It guarantees that a copy is server side and of exactly the version named,
// that an existing key at the target is never replaced, as package policy has
// it, unless a Replacement says over what, that copying again is harmless, and
// that every call ends as one Outcome or as an *Error that says what was copied
// where and whether trying again can help.
//
// Small objects are copied by one request. Those over a threshold are copied
// in parts, many at a time (a multipart copy). If the context's deadline comes
// first, the parts that are done stay, and another call goes on from there. A
// replica becomes visible as a whole or not at all, and only if S3 finds that
// its checksum is the source's, where the source has one to compare; see
// expectation.
//
// The exceptions are servers that do not enforce the condition of a copy. If one
// says that it does not implement it, the target is looked at first, and a write
// between look and copy is replaced; that is said once in the log. If one
// accepts and ignores it, as some emulators do, keys are replaced, but no chain
// of copies goes on for ever; see Request.Event.
//
// It does not choose which objects to copy, does not delete objects, and does
// not copy annotations or access control lists; docs/fidelity.md lists every
// property and its fate. A replica's encryption is the target bucket's default, and its
// storage class STANDARD unless WithStorageClass says otherwise.
package copier

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/policy"
)

// MaxSize is the largest object, in bytes, that one CopyObject copies
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
const MaxSize int64 = 5 << 30

// Object names what is copied.
type Object struct {
	Region, Bucket, Key string
	// VersionID names the version; empty means the current one.
	VersionID string
	// Size is in bytes, as the event or listing reported it.
	Size int64
	// ETag is opaque and informative.
	ETag string
}

// Target is where replicas are written.
type Target struct {
	Region, Bucket string
}

// Outcome is how a copy ended that did not fail.
type Outcome string

// The outcomes.
const (
	// Copied means that this call made the replica.
	Copied Outcome = "Copied"
	// Exists means that the target has the key already, with the source's
	// contents as far as S3's figures tell without reading. It was left as it is.
	// A copy that succeeds but whose answer is lost, so that the SDK repeats
	// it, ends as Exists too.
	Exists Outcome = "Exists"
	// Diverged means that the target has the key already with other contents,
	// by size, checksum or ETag. It was left as it is: the first write wins, and
	// the version that was to be copied is not at the target.
	Diverged Outcome = "Diverged"
	// SourceGone means that the source, or the version named, does not exist
	// any more. There is nothing to copy.
	SourceGone Outcome = "SourceGone"
	// LeftDeleted means that the key was deleted at the target, where a delete
	// marker hides it, and was left so, as Request.KeepDeleted asks.
	LeftDeleted Outcome = "LeftDeleted"
	// Unfinished means that the context's deadline came before a multipart
	// copy was done. Result.Upload says how to go on. Nothing is visible at
	// the target yet, and the upload stays open, and is billed as storage,
	// until it is resumed or aborted.
	Unfinished Outcome = "Unfinished"
	// Changed means that a Replacement's condition did not hold, because target or
	// source changed since they were looked at. Nothing was written. Whoever asked
	// looks and decides again.
	Changed Outcome = "Changed"
)

// The outcomes of a change that was followed, beside those of a copy; package
// follow decides which.
const (
	// Replaced means that the replica was put over what the target had.
	Replaced Outcome = "Replaced"
	// Superseded means that the target keeps what it has: a greater write than the
	// one that was to be copied or deleted, or another Region announces that.
	Superseded Outcome = "Superseded"
	// Deleted means that a delete marker was put over what the target had.
	Deleted Outcome = "Deleted"
	// Retagged means that the replica has got the write's tags.
	Retagged Outcome = "Retagged"
)

// Request asks for one object at the Copier's target, under the same key.
type Request struct {
	Source Object
	// Event is what reported Source, the zero value if no event did. It has to be
	// given if a copy made Source: a HEAD then finds out that the target lacks the
	// key before anything is written, so that a chain of copies, each the cause of
	// the next, ends even on a server that accepts a copy's condition and ignores
	// it.
	Event policy.Event
	// ProbableEcho says that the target probably has the object already. A HEAD
	// is sent first: it costs less than a refused copy. If that finds the key,
	// nothing else is asked: it is Diverged only if Source's size says so.
	ProbableEcho bool
	// KeepDeleted has a key stay deleted that a delete marker hides at the target.
	// Only a HEAD tells, so that it works with ProbableEcho, the Event of a copy
	// and copies in parts alone, and costs nothing there.
	KeepDeleted bool
	// Replace has the replica carry its origin, and be put over what the target has
	// on the condition given; nil to have the first write win.
	Replace *Replacement
	// Resume names an unfinished multipart copy to go on with; Source is
	// Resume.Source then, whatever it is here. Parts that are done are not
	// copied again. If the upload does not exist any more, because somebody
	// completed or aborted it, the copy begins anew, which ends as Exists if
	// the target has the key. An upload of others is left as it is, and is a
	// Permanent error; see WithRole.
	Resume *Upload
}

// Upload is an unfinished multipart copy: plain values that say how another
// call, in another process, can go on with it. Which parts are done is not
// among them; S3 knows.
type Upload struct {
	// Source is what is copied, with the size and the ETag that its HEAD
	// reported when the upload was made.
	Source Object
	// UploadID is S3's name of the upload at the target.
	UploadID string
	// PartSize is in bytes. All parts but the last have it.
	PartSize int64
	// Handovers is the caller's count. The copier carries it and never
	// changes it.
	Handovers int
	// Condition is the Replacement's on which the upload was begun, zero for one
	// without. The copier carries it and never changes it.
	Condition policy.Condition
}

// Requests counts S3 operations. The SDK's own retries of an operation are
// not counted; the Copier's own, of parts among them, are.
type Requests struct {
	Copy, Head, Tags                    int
	Create, Part, List, Complete, Abort int
	// Those of package follow: lists of versions, deletions, tags put, and looks at
	// a bucket's versioning.
	Versions, Delete, PutTags, Versioning int
}

// Add adds the requests of another call.
func (r *Requests) Add(o Requests) {
	r.Copy, r.Head, r.Tags = r.Copy+o.Copy, r.Head+o.Head, r.Tags+o.Tags
	r.Create, r.Part, r.List = r.Create+o.Create, r.Part+o.Part, r.List+o.List
	r.Complete, r.Abort = r.Complete+o.Complete, r.Abort+o.Abort
	r.Versions, r.Delete, r.PutTags, r.Versioning = r.Versions+o.Versions, r.Delete+o.Delete, r.PutTags+o.PutTags, r.Versioning+o.Versioning
}

// Plus adds counts.
func (r Requests) Plus(o Requests) Requests {
	r.Copy += o.Copy
	r.Head += o.Head
	r.Tags += o.Tags
	r.Create += o.Create
	r.Part += o.Part
	r.List += o.List
	r.Complete += o.Complete
	r.Abort += o.Abort
	return r
}

// Result says how a copy ended and what it took.
type Result struct {
	Outcome Outcome // empty beside an error
	// Requests is set beside an error as well.
	Requests Requests
	// Bytes is the size of what was copied, zero unless Copied.
	Bytes int64
	// VersionID and ETag are the replica's, or of what the target has instead;
	// empty where S3 did not say.
	VersionID, ETag string
	// PartsDone of PartsTotal parts of a multipart copy are at the target, by
	// this call or by earlier ones. Both are zero for a copy by one request.
	PartsDone, PartsTotal int
	// Upload is set if the outcome is Unfinished.
	Upload *Upload
	// Waited is how long was waited for the target's clock, in follow mode.
	Waited time.Duration
}

// S3 is what the Copier needs of *s3.Client.
type S3 interface {
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObjectTagging(context.Context, *s3.GetObjectTaggingInput, ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPartCopy(context.Context, *s3.UploadPartCopyInput, ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error)
	ListParts(context.Context, *s3.ListPartsInput, ...func(*s3.Options)) (*s3.ListPartsOutput, error)
	CompleteMultipartUpload(
		context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options),
	) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
}

// Copy makes the object exist at the target. It is idempotent. The error is
// an *Error; if the context ended, errors.Is finds the context's error in it.
//
// A multipart copy stops starting parts some time before the context's
// deadline, waits for those under way, and ends as Unfinished. If it fails, or
// the context is cancelled, the upload is aborted, unless it is the one that
// was resumed and going on with it may help: that one stays, and Error.Upload
// names it. The abort is within the context's deadline too; after a cancellation
// without one it takes ten seconds at most.
func (c *Copier) Copy(ctx context.Context, req Request) (Result, error) {
	if req.Resume != nil {
		req.Source = req.Resume.Source
	}
	t := &task{Copier: c, req: req}
	var err error
	switch invalid := validate(req, c.target); {
	case invalid != nil:
		err = c.failure(opCopy, req, invalid)
	case req.Resume != nil || req.Source.Size > c.threshold:
		err = t.multipart(ctx)
	case req.Replace != nil:
		err = t.replace(ctx)
	default:
		err = t.single(ctx)
	}
	return t.result, err
}
