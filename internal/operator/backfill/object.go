package backfill

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/contents"
	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
)

// errGone says that the source has gone since it was listed.
var errGone = errors.New("the source does not exist any more")

// object is one key on its way to one or more targets.
type object struct {
	from Member
	key  string
	size int64 // as listed
	// listed is what the listing says of the contents.
	listed policy.Figures
	// turn is taken by whoever pins the source. It is nil if that was done
	// before the object is queued.
	turn   chan struct{}
	pinned *copier.Object
	gone   bool
}

func newObject(from Member, key string, listed policy.Figures) *object {
	return &object{from: from, key: key, size: listed.Size, listed: listed}
}

// state is what the listing says of the source.
func (o *object) state() policy.State {
	return policy.State{Presence: policy.Present, Figures: o.listed}
}

// queued makes the object ready to be handed to targets.
func (o *object) queued() {
	if o.pinned == nil {
		o.turn = make(chan struct{}, 1)
	}
}

// pin names the version that is copied to all targets. It is asked for once.
func (o *object) pin(ctx context.Context, heads func()) (copier.Object, error) {
	if o.turn == nil {
		return *o.pinned, nil
	}
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return copier.Object{}, ctx.Err()
	}
	switch {
	case o.gone:
		return copier.Object{}, errGone
	case o.pinned != nil:
		return *o.pinned, nil
	}
	heads()
	out, err := o.from.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(o.from.Bucket), Key: aws.String(o.key)})
	var response *smithyhttp.ResponseError
	switch {
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound:
		o.gone = true
		return copier.Object{}, errGone
	case err != nil:
		return copier.Object{}, awsapi.Explain(o.from.Region, "the source", err)
	}
	o.pinned = &copier.Object{
		Region: o.from.Region, Bucket: o.from.Bucket, Key: o.key,
		VersionID: aws.ToString(out.VersionId), Size: aws.ToInt64(out.ContentLength), ETag: contents.TrimETag(aws.ToString(out.ETag)),
	}
	return *o.pinned, nil
}
