package s3

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// trackHeader carries the front's name for a request to the store, which
// files under it what the request has written. It is not an x-amz- header, so
// that it need not be signed.
const trackHeader = "X-Sandbox-Track"

// written is a version of an object that a request has made.
type written struct {
	etag      string
	versionID string // "" in a bucket without versions
	size      int64
	sequencer string
}

// store is the servers' storage. It decides the conditions of writes itself,
// and holds a key's lock from the decision until the write is visible with
// all its metadata, so that any two writes of one key are ordered and each is
// seen whole. Of a body that is being uploaded only the last step holds it.
type store struct {
	*posix.Posix
	locks    *keyLocks
	meta     meta.MetadataStorer
	files    meta.MetadataStorer // meta where it keeps files beside the objects; nil for extended attributes
	owner    string              // canonical user id of the account
	versions string              // directory of the versions that are not current
	zeros    zeroSums
	sequence atomic.Uint64
	written  sync.Map // request -> written
	callers  sync.Map // request -> the caller's ARN, of those that begin an upload
	paces    sync.Map // request -> func(): waits until its data may have arrived
	// ignores says whether a bucket's conditions are ignored; set before use.
	ignores func(bucket string) bool
}

func newStore(p *posix.Posix, m, files meta.MetadataStorer, versions, owner string) *store {
	s := &store{Posix: p, locks: newKeyLocks(), meta: m, files: files, versions: versions, owner: owner}
	s.sequence.Store(uint64(time.Now().UnixNano()))
	return s
}

// take returns what the tracked request has written, once.
func (s *store) take(track string) (written, bool) {
	v, ok := s.written.LoadAndDelete(track)
	if !ok {
		return written{}, false
	}
	return v.(written), true
}

// record files what the request has written. It is called under the key's
// lock, so that sequencers order the writes of a key.
func (s *store) record(ctx context.Context, w written) {
	w.sequencer = fmt.Sprintf("%018X", s.sequence.Add(1))
	if track := requestHeader(ctx, trackHeader); track != nil {
		s.written.Store(*track, w)
	}
}

// pace waits until the request's data may have arrived.
func (s *store) pace(ctx context.Context) {
	if track := requestHeader(ctx, trackHeader); track != nil {
		if wait, ok := s.paces.Load(*track); ok {
			wait.(func())()
		}
	}
}

// requestHeader returns a header of the HTTP request that the server is
// answering, or nil.
func requestHeader(ctx context.Context, name string) *string {
	rc, ok := ctx.(*fasthttp.RequestCtx)
	if !ok {
		return nil
	}
	v := rc.Request.Header.Peek(name)
	if v == nil {
		return nil
	}
	s := string(v)
	return &s
}

// decide evaluates a write's conditions. The current object, if any, must not
// change until the write is done.
func (s *store) decide(ctx context.Context, bucket, key string, ifMatch, ifNoneMatch *string) error {
	if ifMatch == nil && ifNoneMatch == nil || s.ignores(bucket) {
		return nil
	}
	head, err := s.Posix.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &bucket, Key: &key})
	switch {
	case err == nil:
		return backend.EvaluateObjectPutPreconditions(*head.ETag, unquoted(ifMatch), ifNoneMatch, true)
	case errorCode(err) == "NoSuchKey":
		return backend.EvaluateObjectPutPreconditions("", unquoted(ifMatch), ifNoneMatch, false)
	}
	return err
}

func unquoted(etag *string) *string {
	if etag == nil {
		return nil
	}
	s := strings.Trim(*etag, `"`)
	return &s
}

// errorCode returns the S3 error code of a server's error.
func errorCode(err error) string {
	var e s3err.S3Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.BaseError().Code
}

// PutObject writes an object, atomically with its conditions.
func (s *store) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	bucket, key := *in.Bucket, *in.Key
	ifMatch, ifNoneMatch := in.IfMatch, in.IfNoneMatch
	in.IfMatch, in.IfNoneMatch = nil, nil
	// Before the body is read as well, so that a hopeless upload ends early.
	if err := s.decide(ctx, bucket, key, ifMatch, ifNoneMatch); err != nil {
		return s3response.PutObjectOutput{}, err
	}
	in.Metadata = decodeMetadata(in.Metadata)
	class, set := requestedClass(ctx), attributesOfPut(in)
	directory := strings.HasSuffix(key, "/") // has no body, and no step of its own to commit
	var tags []byte
	if !directory {
		var err error
		if tags, err = takeTags(&in); err != nil {
			return s3response.PutObjectOutput{}, err
		}
	}
	unlock := func() {}
	defer func() { unlock() }()
	commit := func() error {
		s.pace(ctx)
		unlock = s.locks.lock(bucket, key)
		return s.decide(ctx, bucket, key, ifMatch, ifNoneMatch)
	}
	if directory {
		if err := commit(); err != nil {
			return s3response.PutObjectOutput{}, err
		}
	}
	out, err := s.PutObjectWithPostFunc(ctx, in, func(f *os.File) error {
		if err := commit(); err != nil {
			return err
		}
		if err := s.setTags(f, bucket, key, tags); err != nil {
			return err
		}
		return s.setClass(f, bucket, key, class)
	})
	if err == nil && directory {
		err = s.setClass(nil, bucket, key, class)
	}
	if err != nil {
		var e s3err.S3Error // the server tells S3's errors by type, so it must not be wrapped
		if errors.As(err, &e) {
			return out, e
		}
		return out, err
	}
	if class != "" {
		set = append(set, classAttribute)
	}
	s.forget(bucket, key, set, false)
	w := written{etag: out.ETag, versionID: out.VersionID}
	if out.Size != nil {
		w.size = *out.Size
	}
	s.record(ctx, w)
	return out, nil
}

// DeleteObject deletes an object or a version of it.
func (s *store) DeleteObject(ctx context.Context, in *sdk.DeleteObjectInput) (*sdk.DeleteObjectOutput, error) {
	defer s.locks.lock(*in.Bucket, *in.Key)()
	if out, err := s.uncover(in); out != nil || err != nil {
		return out, err
	}
	return s.Posix.DeleteObject(ctx, in)
}

// HeadObject describes an object or a version of it.
func (s *store) HeadObject(ctx context.Context, in *sdk.HeadObjectInput) (*sdk.HeadObjectOutput, error) {
	defer s.locks.rlock(*in.Bucket, *in.Key)()
	out, err := s.Posix.HeadObject(ctx, in)
	if err != nil {
		return out, missingVersion(err, *in.Key, in.VersionId)
	}
	out.LastModified = modified(value(out.VersionId), out.LastModified)
	out.StorageClass, err = s.class(*in.Bucket, *in.Key, value(in.VersionId))
	return out, err
}

// GetObject opens an object or a version of it, unless it is archived. What it
// opened stays readable when the object changes.
func (s *store) GetObject(ctx context.Context, in *sdk.GetObjectInput) (*sdk.GetObjectOutput, error) {
	defer s.locks.rlock(*in.Bucket, *in.Key)()
	out, err := s.Posix.GetObject(ctx, in)
	if err != nil {
		return out, missingVersion(err, *in.Key, in.VersionId)
	}
	out.LastModified = modified(value(out.VersionId), out.LastModified)
	out.StorageClass, err = s.class(*in.Bucket, *in.Key, value(in.VersionId))
	if err == nil && archived(out.StorageClass) {
		err = errInvalidObjectState()
	}
	if err != nil && out.Body != nil {
		_ = out.Body.Close() // only read
	}
	return out, err
}

// missingVersion words the error for a version of a key that has none left,
// which the server takes for a missing key.
func missingVersion(err error, key string, versionID *string) error {
	if errorCode(err) == "NoSuchKey" && versionID != nil && *versionID != "" {
		return s3err.GetNoSuchVersionErr(key, *versionID)
	}
	return err
}
