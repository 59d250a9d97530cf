package copier

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/policy"
)

// look asks what the target has under the key, has the policy decide, and asks
// for what that wants to know besides. The answers are absent, hidden, same,
// differs and failed.
//
// Once the key is known to be there, a question that can never be answered, as
// about an object under a customer's key, is no failure: nothing is to be copied,
// and neither trying again nor a permission would tell more.
func (t *task) look(ctx context.Context) (answer, error) {
	refused := t.refused
	t.refused = false
	k := t.req.known()
	out, err := t.headTarget(ctx)
	switch got := interpret(headTarget, t.req.Source, err); {
	case got != failed:
		k.Target = contents.StateOf(out, err)
		k.Target.Presence = max(k.Target.Presence, policy.Absent) // also where the status is not 404
	case refused && classify(err) == Permanent:
		t.warnNotCompared(err)
		k.Target.Presence, k.Final = policy.Present, true
	default:
		return failed, err
	}
	d := policy.Decide(k)
	if d.Action == policy.LookAtSource {
		source, sourceErr := t.sourceState(ctx)
		switch {
		case sourceErr == nil:
			k.Source, k.Reported = source, false
		case classify(sourceErr) == Permanent:
			t.warnNotCompared(sourceErr)
			k.Final = true
		default:
			return failed, sourceErr
		}
		d = policy.Decide(k)
	}
	t.condition = d.Condition
	switch {
	case d.Action != policy.Copy:
		return answerTo(d), nil
	case refused:
		return absent, retryable{fmt.Errorf("the key, which refused the copy, was deleted in the meantime: %w", err)}
	}
	return absent, err
}

// sourceState asks what the source is. One that is gone cannot be compared any
// more.
func (t *task) sourceState(ctx context.Context) (policy.State, error) {
	if t.head != nil {
		return contents.StateOf(t.head, nil), nil
	}
	head, err := t.headWithChecksums(ctx, sourceHeadInput(t.req.Source), t.req.Source.Region)
	switch interpret(headSource, t.req.Source, err) {
	case absent, gone:
		return policy.State{Presence: policy.Absent}, nil
	case failed:
		return policy.State{}, err
	}
	return contents.StateOf(head, nil), nil
}

// warnNotCompared says that S3 never answers what would tell the contents apart.
func (t *task) warnNotCompared(err error) {
	t.log.Warn("the target has the key, and it is not known whether with the same contents",
		"region", t.target.Region, "bucket", t.target.Bucket, "key", t.req.Source.Key, "error", err.Error())
}

// headTarget asks for what the target has under the key.
func (t *task) headTarget(ctx context.Context) (*s3.HeadObjectOutput, error) {
	out, err := t.headWithChecksums(ctx, headInput(t.req.Source.Key, t.target, !t.req.ProbableEcho), t.target.Region)
	if err == nil {
		t.result.VersionID, t.result.ETag = deref(out.VersionId), unquote(out.ETag)
	}
	return out, err
}

// headWithChecksums asks again without checksums if it may not know them: those
// of an object under a KMS key take kms:Decrypt, the rest does not
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
func (t *task) headWithChecksums(ctx context.Context, in *s3.HeadObjectInput, region string) (*s3.HeadObjectOutput, error) {
	t.result.Requests.Head++
	out, err := t.client.HeadObject(ctx, in, inRegion(region))
	if r := errorcode.Response(err); in.ChecksumMode == "" || r == nil || r.StatusCode != http.StatusForbidden {
		return out, err
	}
	in.ChecksumMode = ""
	t.result.Requests.Head++
	return t.client.HeadObject(ctx, in, inRegion(region))
}
