package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/replicaset"
)

// Enforcement is what a server does with a request under If-None-Match: * for
// a key that exists.
type Enforcement int

// The zero value is the right one.
const (
	Enforced Enforcement = iota // 412, as AWS answers
	Ignored                     // it wrote all the same
	Refused                     // 501: it does not know the condition
)

// Conditions is what Probe learned of a Region.
type Conditions struct {
	Copy     Enforcement // of CopyObject
	Complete Enforcement // of CompleteMultipartUpload
	// Initiator is who began an upload of the function's role by S3's word, where
	// the function does not take that for its role; else empty.
	Initiator string
}

const (
	// probeTime bounds a request of the probe. An interruption waits for the one
	// that is under way: what S3 does after nobody waits cannot be removed.
	probeTime = 10 * time.Second
	// sweepTime bounds the removal of what a probe wrote.
	sweepTime = 30 * time.Second
	// leftOver is the age after which what is below replicaset.ProbePrefix is
	// of a probe that was killed, and not of one that runs.
	leftOver = 10 * time.Minute
	askProbe = "check again: s3fanout doctor --probe --region {region}"
)

// Prober are the requests that Probe makes to a Region.
type Prober struct {
	// Write is S3 in a session of the function's role under the function's
	// name: what it writes causes replica events, which the topic's filters drop.
	Write ProbeS3
	// Remove is S3 as the caller. The function's role may not delete.
	Remove ProbeS3
}

// ProbeS3 is what Probe asks of S3.
type ProbeS3 interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	ListParts(context.Context, *s3.ListPartsInput, ...func(*s3.Options)) (*s3.ListPartsOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	CompleteMultipartUpload(
		context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options),
	) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
	ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Probe tries in each Region of the facts whether S3 enforces the condition
// that keeps a replica from replacing an object, and puts it into the facts.
// name is one that no other probe has.
//
// It writes an object without contents below replicaset.ProbePrefix, copies it
// onto itself and completes an upload of its key, both under If-None-Match: *. It
// asks who began that upload.
// Before it writes it makes sure that it may remove, and that the topic's
// filters are right: then the object wakes no function and is not replicated.
// In the end, also when ctx has ended, it removes all versions and uploads of
// the name in all of these Regions. What a probe that was killed left, the next
// one removes.
//
// findings are those of the facts, and probers has all of their Regions. now is
// this machine's time.
func Probe(ctx context.Context, facts *Facts, findings []Finding, probers map[string]Prober, name string, now time.Time) error {
	facts.Probed = true
	each := func(do func(r *Region, p probe)) {
		var wait sync.WaitGroup
		for i := range facts.Regions {
			r := &facts.Regions[i]
			member := facts.member(r.Name)
			wait.Go(func() {
				do(r, probe{
					Prober: probers[r.Name], region: r.Name, account: member.Account, bucket: member.Bucket,
					key: replicaset.ProbePrefix + "/" + name + "/" + r.Name, role: member.RoleName(), roleARN: member.RoleARN(),
				})
			})
		}
		wait.Wait()
	}
	each(func(r *Region, p probe) {
		if r.Conditions = readyForProbe(*r, findings); r.Conditions.State == Unanswered {
			return
		}
		if r.Conditions = p.mayRemove(ctx, now.Add(-r.Access.Value.Skew-leftOver)); r.Conditions.State == Unanswered {
			return
		}
		r.Scratch = found(true)
		r.Conditions = p.try(ctx)
	})
	// Where the filters did not know who wrote, replicas may be elsewhere.
	each(func(r *Region, p probe) {
		if r.Scratch.State != Found {
			return // nothing was written
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTime)
		defer cancel()
		if err := p.sweep(ctx, replicaset.ProbePrefix+"/"+name+"/", time.Time{}); err != nil {
			failure := awsapi.Explain(r.Name, "s3://"+p.bucket+"/"+p.key, err)
			r.Scratch = Look[bool]{Why: why(r.Name, failure)}
		}
	})
	return ctx.Err()
}

// readyForProbe says whether what is written in a Region stays there.
func readyForProbe(r Region, findings []Finding) Look[Conditions] {
	if r.Access.State != Found || r.Bucket.State != Found || r.Role.State != Found {
		return Look[Conditions]{
			Why:  "nothing was written: the bucket or the role is missing or not known",
			Next: "see the other findings of {region}; then " + askProbe,
		}
	}
	for _, f := range findings {
		if f.Region == r.Name && f.Severity.NeedsAction() && (f.Part == PartTopic || f.Part == PartSubscriptions) {
			return Look[Conditions]{
				Why:  "nothing was written: it could be replicated: " + f.Check + " is " + string(f.Severity),
				Next: "see " + f.Check + "; then " + askProbe,
			}
		}
	}
	return found(Conditions{})
}

// probe is that of one Region.
type probe struct {
	Prober
	region, account, bucket, key, role, roleARN string
}

// mayRemove makes sure that what will be written may be removed, and removes
// what an earlier probe left.
func (p probe) mayRemove(ctx context.Context, before time.Time) Look[Conditions] {
	// No version has this ID, so nothing is deleted or marked as deleted.
	err := p.delete(ctx, p.key, "null")
	if err == nil {
		err = p.sweep(ctx, replicaset.ProbePrefix+"/", before)
	}
	if err != nil {
		return p.unanswered("nothing was written: it could not be removed: ", err)
	}
	return found(Conditions{})
}

func (p probe) unanswered(what string, err error) Look[Conditions] {
	failure := awsapi.Explain(p.region, "s3://"+p.bucket+"/"+replicaset.ProbePrefix+"/*", err)
	action, next := failure.Action(), strings.ReplaceAll(nextAfter(failure), askAgain, askProbe)
	denied := errors.Is(failure, awsapi.ErrDenied)
	if action == "sts:AssumeRole" {
		failure = awsapi.Explain(p.region, "role "+p.role, err)
	}
	// The function's role writes, and the caller does the rest.
	switch {
	case denied && action == "sts:AssumeRole":
		next = "allow " + action + " to {caller} by its own policies, and in cdk.json's operatorArns if that is set; then " + askProbe
	case denied && slices.Contains([]string{"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, action):
		next = "check whether role-permissions has a finding; then " + askProbe
	}
	return Look[Conditions]{Why: what + why(p.region, failure), Next: next}
}

// try writes the scratch object and then over it, as the function would.
func (p probe) try(ctx context.Context) Look[Conditions] {
	var c Conditions
	var uploadID *string
	var part types.CompletedPart
	star, owner := aws.String("*"), &p.account
	for _, step := range []struct {
		what string
		do   func(context.Context) error
		into *Enforcement // nil for a step that has to succeed
	}{
		{"write a test object: ", func(ctx context.Context) error {
			_, err := p.Write.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &p.bucket, Key: &p.key, IfNoneMatch: star, ExpectedBucketOwner: owner,
			})
			if errorcode.Of(err) == preconditionFailed {
				return nil // the answer to an earlier attempt was lost
			}
			return err
		}, nil},
		{"copy it: ", func(ctx context.Context) error {
			_, err := p.Write.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: &p.bucket, Key: &p.key, CopySource: aws.String(p.bucket + "/" + p.key), IfNoneMatch: star,
				MetadataDirective: types.MetadataDirectiveReplace, TaggingDirective: types.TaggingDirectiveReplace,
				ExpectedBucketOwner: owner, ExpectedSourceBucketOwner: owner,
			})
			return err
		}, &c.Copy},
		{"start an upload: ", func(ctx context.Context) error {
			out, err := p.Write.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
				Bucket: &p.bucket, Key: &p.key, ExpectedBucketOwner: owner,
			})
			if err == nil {
				uploadID = out.UploadId
			}
			return err
		}, nil},
		{"ask for its initiator: ", func(ctx context.Context) error {
			out, err := p.Write.ListParts(ctx, &s3.ListPartsInput{
				Bucket: &p.bucket, Key: &p.key, UploadId: uploadID, ExpectedBucketOwner: owner,
			})
			if err == nil && initiator.Judge(initiator.Of(out.Initiator), p.roleARN) != initiator.ByReplicator {
				c.Initiator = cmp.Or(initiator.Of(out.Initiator), "nobody")
			}
			return err
		}, nil},
		{"upload a part: ", func(ctx context.Context) error {
			out, err := p.Write.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: &p.bucket, Key: &p.key, UploadId: uploadID, PartNumber: aws.Int32(1), Body: strings.NewReader("-"),
				ExpectedBucketOwner: owner,
			})
			if err == nil {
				part = types.CompletedPart{PartNumber: aws.Int32(1), ETag: out.ETag}
			}
			return err
		}, nil},
		{"complete the upload: ", func(ctx context.Context) error {
			_, err := p.Write.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
				Bucket: &p.bucket, Key: &p.key, UploadId: uploadID, IfNoneMatch: star, ExpectedBucketOwner: owner,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{part}},
			})
			return err
		}, &c.Complete},
	} {
		if ctx.Err() != nil {
			return Look[Conditions]{Why: "interrupted", Next: askProbe}
		}
		err := within(ctx, step.do)
		if step.into == nil {
			if err != nil {
				return p.unanswered("cannot "+step.what, err)
			}
			continue
		}
		var known bool
		if *step.into, known = enforcement(err); !known {
			return p.unanswered("cannot "+step.what, err)
		}
	}
	return found(c)
}

// within makes a request that does not end with ctx.
func within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTime)
	defer cancel()
	return do(ctx)
}

const preconditionFailed = "PreconditionFailed"

// enforcement reads the answer to a write over a key that exists.
func enforcement(err error) (e Enforcement, known bool) {
	switch {
	case err == nil:
		return Ignored, true
	case errorcode.Of(err) == preconditionFailed:
		return Enforced, true
	case errorcode.Of(err) == "NotImplemented":
		return Refused, true
	}
	return Enforced, false
}

// sweep removes all versions and uploads of keys with a prefix that are older
// than a time of S3's clock; the zero time means all.
func (p probe) sweep(ctx context.Context, prefix string, before time.Time) error {
	old := func(at *time.Time) bool { return before.IsZero() || aws.ToTime(at).Before(before) }
	versions := s3.NewListObjectVersionsPaginator(
		p.Remove,
		&s3.ListObjectVersionsInput{Bucket: &p.bucket, Prefix: &prefix, ExpectedBucketOwner: &p.account},
	)
	for versions.HasMorePages() {
		page, err := versions.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, v := range page.Versions {
			if old(v.LastModified) {
				if err := p.delete(ctx, aws.ToString(v.Key), aws.ToString(v.VersionId)); err != nil {
					return err
				}
			}
		}
		for _, m := range page.DeleteMarkers {
			if old(m.LastModified) {
				if err := p.delete(ctx, aws.ToString(m.Key), aws.ToString(m.VersionId)); err != nil {
					return err
				}
			}
		}
	}
	uploads := s3.NewListMultipartUploadsPaginator(
		p.Remove,
		&s3.ListMultipartUploadsInput{Bucket: &p.bucket, Prefix: &prefix, ExpectedBucketOwner: &p.account},
	)
	for uploads.HasMorePages() {
		page, err := uploads.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, u := range page.Uploads {
			if !old(u.Initiated) {
				continue
			}
			_, err := p.Write.AbortMultipartUpload(
				ctx,
				&s3.AbortMultipartUploadInput{Bucket: &p.bucket, Key: u.Key, UploadId: u.UploadId, ExpectedBucketOwner: &p.account},
			)
			if err != nil && errorcode.Of(err) != "NoSuchUpload" {
				return fmt.Errorf("abort an upload: %w", err)
			}
		}
	}
	return nil
}

func (p probe) delete(ctx context.Context, key, version string) error {
	_, err := p.Remove.DeleteObject(
		ctx,
		&s3.DeleteObjectInput{Bucket: &p.bucket, Key: &key, VersionId: &version, ExpectedBucketOwner: &p.account},
	)
	return err
}
