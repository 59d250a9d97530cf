package copier

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/contents"
	"s3fanout/internal/policy"
)

// look asks what the target has under the key. The answers are absent, hidden,
// same, differs and failed. What the target has is compared with what the request
// says of the source; where that does not tell, and the source is no probable
// echo, the source itself is asked.
//
// Once the key is known to be there, a question that can never be answered, as
// about an object under a customer's key, is no failure: nothing is to be copied,
// and neither trying again nor a permission would tell more.
func (t *task) look(ctx context.Context) (answer, error) {
	there := t.refused
	t.refused = false
	target, err := t.headTarget(ctx)
	got := interpret(headTarget, t.req.Source, err)
	if got == done {
		there = true
		figures := contents.Of(target)
		got = compare(t.req.Source, figures)
		if got == unclear && !t.req.ProbableEcho {
			got, err = t.compareSource(ctx, figures)
		}
	}
	if r := response(err); got == absent && t.req.KeepDeleted && r != nil && r.Header.Get("X-Amz-Delete-Marker") == "true" {
		return hidden, nil
	}
	switch {
	case got == unclear:
		return same, nil
	case got == absent && there:
		return absent, retryable{fmt.Errorf("the key, which refused the copy, was deleted meanwhile: %w", err)}
	case got == failed && there && classify(err) == Permanent:
		t.log.Warn("the target has the key, and whether with the same contents cannot be told",
			"region", t.target.Region, "bucket", t.target.Bucket, "key", t.req.Source.Key, "error", err.Error())
		return same, nil
	}
	return got, err
}

// compare decides what the request tells of the source. It names one version's
// size and ETag, but not its encryption, so that other ETags prove nothing; and
// without a version they may be out of date.
func compare(source Object, target policy.Figures) answer {
	if source.ETag == "" || target.ETag == "" {
		return unclear
	}
	switch r, _ := policy.Compare(policy.Figures{Size: source.Size, ETag: source.ETag, Opaque: true}, target); {
	case r == policy.Same:
		return same
	case r == policy.Differ && source.VersionID != "":
		return differs
	}
	return unclear
}

// compareSource asks for the source's own figures. A source that is gone
// cannot be compared any more.
func (t *task) compareSource(ctx context.Context, target policy.Figures) (answer, error) {
	head := t.head
	if head == nil {
		var err error
		head, err = t.headWithChecksums(ctx, sourceHeadInput(t.req.Source), t.req.Source.Region)
		switch interpret(headSource, t.req.Source, err) {
		case absent, gone:
			return unclear, nil
		case failed:
			return failed, err
		}
	}
	figures := contents.Of(head)
	if r, _ := policy.Compare(figures, target); r == policy.Differ && figures.ETag != "" && target.ETag != "" {
		return differs, nil
	}
	return unclear, nil
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
	if r := response(err); in.ChecksumMode == "" || r == nil || r.StatusCode != http.StatusForbidden {
		return out, err
	}
	in.ChecksumMode = ""
	t.result.Requests.Head++
	return t.client.HeadObject(ctx, in, inRegion(region))
}
