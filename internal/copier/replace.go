package copier

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/policy"
)

// Replacement is how a replica is made in follow mode: it carries the write that it
// is of, and the condition says over what it is put. The caller has looked at target
// and source and decided; the copier looks at the target no more, sends a copy by
// one request once only, and ends as Changed where S3 says that things are different
// now. Source has to name a version and its ETag.
type Replacement struct {
	Write     policy.Write
	Condition policy.Condition
	// Made is the second, since 1970, that the target's clock shows. A replica is
	// known by it for half a minute; see policy.Entry.
	Made int64
	// Head is the answer to a HEAD of the source's version: CopyObject carries
	// nothing along once it is to set one more entry of metadata.
	Head *s3.HeadObjectOutput
}

// replace makes the replica by one request. What is tried again begins with other
// looks, and with another second.
func (t *task) replace(ctx context.Context) error {
	r := t.req.Replace
	fail := func(err error) error { return t.failure(opCopy, t.req, err) }
	switch {
	case archived(r.Head):
		return fail(permanent{fmt.Errorf("the source is archived (%s), restore it first", archiveOf(r.Head))})
	case hidesMetadata(r.Head):
		return fail(errHiddenMetadata)
	}
	did := copyOnCondition
	for {
		condition := r.Condition
		if did == copyAnyway {
			condition = policy.Condition{}
		}
		t.result.Requests.Copy++
		in, expires := replaceInput(*r, condition, t.req.Source, t.target, replicaClass(t.storageClass, r.Head))
		out, err := t.client.CopyObject(ctx, in, inRegion(t.target.Region), unretried, expires)
		if err == nil && (out.CopyObjectResult == nil || deref(out.CopyObjectResult.ETag) == "") {
			err = retryable{errors.New("the answer to the copy has no ETag")}
		}
		switch got := interpret(did, t.req.Source, err); {
		case got == done:
			t.result.Outcome, t.result.Bytes = Copied, size(r.Head)
			t.result.VersionID, t.result.ETag = deref(out.VersionId), unquote(out.CopyObjectResult.ETag)
			return nil
		case got == unsupported:
			t.warnFallback(err)
			did = copyAnyway
		case changedSince(got):
			t.result.Outcome = Changed
			return nil
		default:
			return t.failReplacement(opCopy, err)
		}
	}
}

// failReplacement is the error of a request that carries an entry.
func (t *task) failReplacement(op string, err error) *Error {
	e := t.failure(op, t.req, err)
	if t.req.Replace != nil && errorcode.Of(err) == codeMetadataTooLarge {
		e.Hint = fmt.Sprintf(
			"the object's user metadata leave no room for the entry %s, which every replica in follow mode carries: "+
				"S3 takes 2 KB in all; store it again with %d bytes less",
			policy.EntryName,
			len(policy.EntryName)+len(policy.EntryFor(t.req.Replace.Write, t.req.Source.Key, t.req.Replace.Made, 0).String()),
		)
	}
	return e
}

// errHiddenMetadata is about metadata that requests cannot carry.
var errHiddenMetadata = permanent{errors.New("the object has user metadata that HTTP headers cannot hold, " +
	"and a replica in follow mode cannot carry: store it again with metadata that they can")}

// changedSince says of an answer to a copy or completion that it is about what was
// looked at. Under If-Match a 404 need not be about the source: the target's object
// may have been deleted.
func changedSince(got answer) bool {
	return got == exists || got == conflict || got == gone || got == lost
}

// replaceInput carries by hand what copyInput has S3 carry, and the entry. Tags are
// S3's to copy here too; a website redirect is left out in both.
func replaceInput(
	r Replacement, condition policy.Condition, source Object, target Target, class types.StorageClass,
) (*s3.CopyObjectInput, func(*s3.Options)) {
	in := copyInput(condition, source, target, class)
	in.CopySourceIfMatch = quoted(source.ETag)
	return in, nameProperties(in, r.Head, withEntry(r.Head.Metadata, policy.EntryFor(r.Write, source.Key, r.Made, 0)))
}

// withEntry is user metadata with the entry in place of any that the source has.
func withEntry(metadata map[string]string, e policy.Entry) map[string]string {
	with := make(map[string]string, len(metadata)+1)
	maps.Copy(with, metadata)
	with[policy.EntryName] = e.String()
	return with
}

// quoted is an ETag as headers have it.
func quoted(etag string) *string {
	if etag == "" {
		return nil
	}
	return aws.String(`"` + etag + `"`)
}

// Abandon gives an unfinished upload up, unless it is somebody else's; see
// WithRole. One that does not exist is no error. Of u it needs Source.Key and UploadID.
func (c *Copier) Abandon(ctx context.Context, u Upload) error {
	u.PartSize = max(1, u.PartSize)
	t := &task{Copier: c, req: Request{Source: u.Source, Resume: &u}}
	m := &multipart{task: t}
	if _, _, err := m.listParts(ctx, u); err != nil {
		if errorcode.Of(err) == codeNoSuchUpload {
			return nil
		}
		if foreign := (*foreignUpload)(nil); errors.As(err, &foreign) {
			err = permanent{err}
		}
		return c.failure(opList, t.req, err)
	}
	_, err := c.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: aws.String(c.target.Bucket), Key: aws.String(u.Source.Key), UploadId: aws.String(u.UploadID),
	}, inRegion(c.target.Region))
	if err != nil && errorcode.Of(err) != codeNoSuchUpload {
		return c.failure(opAbort, t.req, err)
	}
	return nil
}
