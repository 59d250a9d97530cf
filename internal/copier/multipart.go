package copier

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/policy"
)

// multipart is one task's copy in parts.
type multipart struct {
	*task
	// upload is the open one, nil if there is none.
	upload *Upload
	// etags are the parts' that are there, by index.
	etags []string
	// began is how many of them were there when the call began.
	began int
	// want is what the replica's checksum has to be.
	want expectation
	// small says that the source is to be copied by one request after all.
	small bool
	// did is the move that was answered last.
	did move
}

// multipart copies in parts, or resumes that.
func (t *task) multipart(whole context.Context) error {
	ctx, cancel := working(whole)
	defer cancel()
	t.pace = paceOf(ctx)
	m := &multipart{task: t}
	if r := t.req.Resume; r != nil {
		upload := *r
		m.upload = &upload
	}
	for uploads := 1; ; uploads++ {
		got, err := m.attempt(ctx)
		switch {
		case m.small && t.req.Replace != nil:
			return t.replace(whole)
		case m.small:
			return t.single(whole)
		}
		s := situation{
			open: m.upload != nil, uploads: uploads, resumed: m.resumed(),
			deadline: errors.Is(ctx.Err(), context.DeadlineExceeded) || got == failed && err == nil,
			progress: m.result.PartsDone > m.began, replaces: t.req.Replace != nil,
		}
		end := endingOf(got, s)
		if end.abort {
			m.abort(whole)
		}
		if end.outcome != "" {
			m.settle(end.outcome)
			return nil
		}
		if err == nil {
			err = retryable{errors.New("the time ran out before a part was copied")}
		}
		if !end.again {
			return m.fail(err)
		}
		if !end.keep {
			m.upload, m.etags = nil, nil
		}
		if ended := t.sleep(ctx, backoff(uploads, t.random())); ended != nil {
			return m.fail(fmt.Errorf("%w while waiting to try again after: %w", ended, err))
		}
	}
}

// resumed reports whether the open upload is the one that the call was given.
func (m *multipart) resumed() bool {
	return m.upload != nil && m.req.Resume != nil && m.upload.UploadID == m.req.Resume.UploadID
}

// settle writes down how the copy ended.
func (m *multipart) settle(outcome Outcome) {
	m.result.Outcome = outcome
	switch outcome {
	case Copied:
		m.result.Bytes = m.upload.Source.Size
	case Unfinished:
		m.result.Upload = m.upload
	}
}

// fail is the error of a copy that failed at the last move.
func (m *multipart) fail(err error) error {
	e := m.failReplacement(operation(m.did), err)
	if m.did == copyPart && errorcode.Of(err) == codeConditionFailed {
		e.Hint = "the source changed while it was copied"
	}
	if m.resumed() {
		e.Upload = m.upload
	}
	return e
}

// attempt copies by one upload, the given or a new one. An answer of failed
// without an error means that the deadline is near and parts are missing.
func (m *multipart) attempt(ctx context.Context) (answer, error) {
	begin := m.create
	if m.upload != nil {
		begin = m.resume
	}
	if got, err := begin(ctx); got != done {
		return got, err
	}
	if got, err := m.copyParts(ctx); got != done {
		return got, err
	}
	return m.complete(ctx)
}

// create looks at the target, since a multipart copy of a key that is there
// would waste a request for each part, reads everything that there is to carry
// and makes the upload.
func (m *multipart) create(ctx context.Context) (answer, error) {
	m.did = headTarget
	if got, err := m.lookUnlessDecided(ctx); got != absent {
		return got, err
	}
	m.did = headSource
	if got, err := m.headSource(ctx); got != done {
		return got, err
	}
	source := m.req.Source
	switch hidden := hidesMetadata(m.head); {
	case hidden && m.req.Replace != nil:
		return failed, errHiddenMetadata
	case source.Size <= m.threshold, hidden && source.Size <= MaxSize:
		m.small = true
		return failed, nil
	case hidden:
		return failed, permanent{
			errors.New("the object has user metadata that only a copy by one request can carry, and is too large for that: " +
				"store it again with metadata that HTTP headers can hold"),
		}
	case source.Size > MaxObject:
		return failed, permanent{
			fmt.Errorf("the object has %d bytes, more than the %d that a multipart copy can carry", source.Size, MaxObject),
		}
	}
	m.did = readTags
	tags, err := m.readTags(ctx)
	if err != nil {
		return interpret(readTags, source, err), err
	}
	partSize := planPartSize(source.Size, m.partSize)
	if m.req.Replace != nil {
		partSize = planOwnPartSize(source.Size, m.partSize)
	}
	in := createInput(source, m.target, m.head, tags, m.storageClass)
	switch r := m.req.Replace; {
	case m.restores:
		in.Metadata = without(in.Metadata, m.leftOut)
	case r != nil:
		in.Metadata = withEntry(in.Metadata, policy.EntryFor(r.Write, source.Key, 0, partCount(source.Size, partSize)))
	}
	if n := headerBytes(in); n > maxHeaderBytes {
		if source.Size <= MaxSize {
			m.small = true
			return failed, nil
		}
		return failed, permanent{
			fmt.Errorf("the object's tags and metadata take %d bytes of request headers, more than the %d that S3 leaves room for: "+
				"store it again with less of them", n, maxHeaderBytes),
		}
	}
	m.did = createUpload
	m.result.Requests.Create++
	out, err := m.client.CreateMultipartUpload(ctx, in, inRegion(m.target.Region), expiresAsIs(m.head))
	if err != nil {
		return interpret(createUpload, source, err), err
	}
	source.ETag = unquote(m.head.ETag)
	m.upload = &Upload{Source: source, UploadID: deref(out.UploadId), PartSize: partSize}
	if m.req.Replace != nil {
		m.upload.Condition = m.req.Replace.Condition
	}
	if m.req.Resume != nil {
		m.upload.Handovers = m.req.Resume.Handovers
	}
	m.etags = make([]string, partCount(source.Size, m.upload.PartSize))
	m.want = chooseChecksum(m.head)
	return done, nil
}

// lookUnlessDecided is absent without a look where the caller has looked.
func (m *multipart) lookUnlessDecided(ctx context.Context) (answer, error) {
	if r := m.req.Replace; r != nil {
		m.condition = r.Condition
		return absent, nil
	}
	return m.look(ctx)
}

// readTags asks for the tags of any source. A HEAD counts them, but counts
// none to those who may not read them, and they would be lost unnoticed.
func (t *task) readTags(ctx context.Context) ([]types.Tag, error) {
	t.result.Requests.Tags++
	s := t.req.Source
	out, err := t.client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{
		Bucket: aws.String(s.Bucket), Key: aws.String(s.Key), VersionId: optional(s.VersionID),
	}, inRegion(s.Region))
	if err != nil {
		return nil, err
	}
	return out.TagSet, nil
}

// resume finds out whose the upload is and what is done already, whether it is
// still needed, and whether the source is the same.
func (m *multipart) resume(ctx context.Context) (answer, error) {
	m.did = listParts
	etags, algorithm, err := m.listParts(ctx, *m.upload)
	if foreign := (*foreignUpload)(nil); errors.As(err, &foreign) {
		m.upload = nil // neither to be aborted nor to be resumed
		return failed, permanent{err}
	}
	if err != nil {
		if got := interpret(listParts, m.upload.Source, err); got == lost {
			return lost, err
		}
		return failed, err // a conflict would have it aborted, and whose it is is not known yet
	}
	m.etags = etags
	m.did = headTarget
	if got, err := m.lookUnlessDecided(ctx); got != absent {
		return got, err
	}
	m.did = headSource
	if got, err := m.headSource(ctx); got != done {
		return got, err
	}
	if u := m.upload.Source; u.ETag != unquote(m.head.ETag) || u.Size != size(m.head) {
		return changed, retryable{errors.New("the source has changed since the copy began")}
	}
	m.want = expectChecksum(m.head, algorithm)
	return done, nil
}

// listParts returns the ETags of the parts that are there, and the algorithm of
// the upload's checksums. Until it has found that the upload is the role's own,
// nothing may be done to that: if it is not, the error is a *foreignUpload.
func (m *multipart) listParts(ctx context.Context, u Upload) ([]string, types.ChecksumAlgorithm, error) {
	etags := make([]string, partCount(u.Source.Size, u.PartSize))
	var marker *string
	for {
		m.result.Requests.List++
		out, err := m.client.ListParts(ctx, &s3.ListPartsInput{
			Bucket: aws.String(m.target.Bucket), Key: aws.String(u.Source.Key),
			UploadId: aws.String(u.UploadID), PartNumberMarker: marker,
		}, inRegion(m.target.Region))
		if err != nil {
			return nil, "", err
		}
		if by := initiator.Of(out.Initiator); initiator.Judge(by, m.role) != initiator.ByReplicator {
			return nil, "", &foreignUpload{u.UploadID, by}
		}
		keepFinished(etags, u, out.Parts)
		if marker = out.NextPartNumberMarker; !aws.ToBool(out.IsTruncated) || deref(marker) == "" {
			return etags, out.ChecksumAlgorithm, nil
		}
	}
}

// keepFinished enters the listed parts that are right into etags. A part of
// another size than planned is not; it will be copied over.
func keepFinished(etags []string, u Upload, listed []types.Part) {
	for _, part := range listed {
		i := int(aws.ToInt32(part.PartNumber)) - 1
		if i < 0 || i >= len(etags) {
			continue
		}
		if first, last := partRange(u.Source.Size, u.PartSize, i); aws.ToInt64(part.Size) == last-first+1 {
			etags[i] = deref(part.ETag)
		}
	}
}

// copyParts copies what is missing.
func (m *multipart) copyParts(ctx context.Context) (answer, error) {
	m.did = copyPart
	m.began = finished(m.etags)
	t := &transfer{Copier: m.Copier, upload: *m.upload, etags: m.etags, window: NewWindow(m.parallel, m.parallel), pace: m.pace}
	if m.resumed() {
		// A twin may be at the same work.
		t.first = int(m.random() * float64(len(m.etags)))
		t.list = func(ctx context.Context) ([]string, error) {
			etags, _, err := m.listParts(ctx, t.upload)
			return etags, err
		}
	}
	err := t.run(ctx)
	m.result.Requests.Part += t.sent
	m.result.PartsTotal, m.result.PartsDone = len(m.etags), finished(m.etags)
	switch {
	case err != nil:
		got := interpret(copyPart, m.upload.Source, err)
		if got == changed {
			err = retryable{err}
		}
		return got, err
	case t.missing():
		return failed, ctx.Err()
	}
	return done, nil
}

func finished(etags []string) int {
	n := 0
	for _, etag := range etags {
		if etag != "" {
			n++
		}
	}
	return n
}
