package copier

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/errorcode"
)

// complete makes the object of the parts.
func (m *multipart) complete(ctx context.Context) (answer, error) {
	got, err := m.completeOnce(ctx, completeOnCondition)
	switch {
	case m.req.Replace != nil && got == unsupported:
		m.warnFallback(err)
		return m.completeOnce(ctx, completeAnyway)
	case m.req.Replace != nil:
		return got, err
	}
	switch got {
	case exists:
		m.did, m.refused = headTarget, true
		if got, err = m.look(ctx); got != absent {
			return got, err
		}
		return conflict, err // S3 wants a new upload after a deletion
	case unsupported:
		m.warnFallback(err)
		m.did = headTarget
		if got, err := m.look(ctx); got != absent {
			return got, err
		}
		return m.completeOnce(ctx, completeAnyway)
	}
	return got, err
}

func (m *multipart) completeOnce(ctx context.Context, did move) (answer, error) {
	m.did = did
	m.result.Requests.Complete++
	out, err := m.client.CompleteMultipartUpload(ctx,
		completeInput(m.conditionOf(did), *m.upload, m.target, m.etags, m.want), inRegion(m.target.Region))
	got := interpret(did, m.upload.Source, err)
	switch {
	case m.req.Replace != nil && errorcode.Of(err) == codeNoSuchKey:
		return gone, err // under If-Match: the target's object was deleted
	case got == spoiled && errorcode.Of(err) == codeInvalidRequest:
		// The sizes do not add up; another upload's may.
		return got, retryable{err}
	case err != nil:
		return got, err
	case !m.want.met(out):
		m.upload = nil // it became an object, which is not ours to delete
		return failed, permanent{fmt.Errorf("the replica's %s is not the source's %s, and the server did not refuse it: "+
			"delete the replica and copy again", m.want.crc.algorithm, deref(m.want.value))}
	case deref(out.ETag) == "":
		// As with a copy by one request.
		return failed, retryable{errors.New("the answer to the completion has no ETag")}
	}
	m.result.VersionID, m.result.ETag = deref(out.VersionId), unquote(out.ETag)
	return done, nil
}

// abort gives the upload and its parts up, even after a cancellation. If that
// fails, the bucket's lifecycle rule does it later.
func (m *multipart) abort(ctx context.Context) {
	ctx, cancel := cleaning(ctx)
	defer cancel()
	u := m.upload
	m.upload = nil
	m.result.Requests.Abort++
	_, err := m.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: aws.String(m.target.Bucket), Key: aws.String(u.Source.Key), UploadId: aws.String(u.UploadID),
	}, inRegion(m.target.Region))
	if err != nil && errorcode.Of(err) != codeNoSuchUpload {
		m.log.Warn("an unfinished upload stays until the bucket's lifecycle rule removes it: aborting it did not work",
			"region", m.target.Region, "bucket", m.target.Bucket, "key", u.Source.Key, "uploadId", u.UploadID, "error", err.Error())
	}
}
