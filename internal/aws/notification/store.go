package notification

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxBytes is more than any configuration of 100 entries has.
const maxBytes = 4 << 20

// Store reads and writes one bucket's configuration.
type Store interface {
	Get(context.Context) (Document, error)
	// Put has S3 check every destination, others' too, and send each a test
	// message, unless unchecked says not to.
	Put(ctx context.Context, d Document, unchecked bool) error
}

// Bucket is a Store: a bucket in the client's Region. The client says whose the
// bucket has to be (package owner).
type Bucket struct {
	Client *s3.Client
	Name   string
}

// Get implements Store.
func (b Bucket) Get(ctx context.Context) (Document, error) {
	d, err := Read(ctx, b.Client, &s3.GetBucketNotificationConfigurationInput{Bucket: &b.Name})
	if err != nil {
		return Document{}, fmt.Errorf("read the notifications of bucket %s: %w", b.Name, err)
	}
	return d, nil
}

// Reader is the request that Read makes.
type Reader interface {
	GetBucketNotificationConfiguration(
		context.Context, *s3.GetBucketNotificationConfigurationInput, ...func(*s3.Options),
	) (*s3.GetBucketNotificationConfigurationOutput, error)
}

// Read reads a bucket's configuration. An error of S3 is returned as it is.
func Read(ctx context.Context, client Reader, input *s3.GetBucketNotificationConfigurationInput) (Document, error) {
	var raw []byte
	_, err := client.GetBucketNotificationConfiguration(ctx, input,
		s3.WithAPIOptions(func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(keepAnswer(&raw), middleware.After)
		}))
	if err != nil {
		return Document{}, err
	}
	return Parse(raw)
}

// keepAnswer keeps the body of the last answer, as it came.
func keepAnswer(raw *[]byte) middleware.DeserializeMiddleware {
	return middleware.DeserializeMiddlewareFunc(
		"KeepAnswer",
		func(
			ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
		) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			answer, ok := out.RawResponse.(*smithyhttp.Response)
			if err != nil || !ok {
				return out, metadata, err
			}
			body, err := io.ReadAll(io.LimitReader(answer.Body, maxBytes+1))
			if err == nil && len(body) > maxBytes {
				err = fmt.Errorf("the answer has more than %d bytes", maxBytes)
			}
			if err != nil {
				return out, metadata, err
			}
			*raw = body
			rest := answer.Body
			answer.Body = struct {
				io.Reader
				io.Closer
			}{bytes.NewReader(body), rest}
			return out, metadata, nil
		},
	)
}

// Put implements Store.
func (b Bucket) Put(ctx context.Context, d Document, unchecked bool) error {
	input := &s3.PutBucketNotificationConfigurationInput{Bucket: &b.Name, NotificationConfiguration: &types.NotificationConfiguration{}}
	if unchecked {
		input.SkipDestinationValidation = aws.Bool(true)
	}
	_, err := b.Client.PutBucketNotificationConfiguration(ctx, input, s3.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Serialize.Add(sendInstead(d.raw), middleware.After)
	}))
	if err != nil {
		return fmt.Errorf("write the notifications of bucket %s: %w", b.Name, err)
	}
	return nil
}

// sendInstead sends a body in place of the one that the SDK made of the input.
func sendInstead(body []byte) middleware.SerializeMiddleware {
	return middleware.SerializeMiddlewareFunc(
		"SendInstead",
		func(
			ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler,
		) (middleware.SerializeOutput, middleware.Metadata, error) {
			request, ok := in.Request.(*smithyhttp.Request)
			if !ok {
				return middleware.SerializeOutput{}, middleware.Metadata{}, fmt.Errorf("a request of type %T has no body", in.Request)
			}
			request, err := request.SetStream(bytes.NewReader(body))
			if err != nil {
				return middleware.SerializeOutput{}, middleware.Metadata{}, err
			}
			in.Request = request
			return next.HandleSerialize(ctx, in)
		},
	)
}
