// Package owner has every request of an S3 client say whose bucket it means.
//
// A bucket's ARN and name carry no account that S3 would check, and the names of
// a replica set can be guessed: whoever deletes a member's bucket leaves the
// name to anybody. S3 refuses a request that expects another owner than the
// bucket has, so that nothing is read from a foreign bucket of a member's name
// and nothing is written to it
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html).
package owner

import (
	"context"
	"fmt"
	"slices"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The headers by which a request says whom it expects.
const (
	bucketHeader = "X-Amz-Expected-Bucket-Owner"
	sourceHeader = "X-Amz-Source-Expected-Bucket-Owner"
)

// Expect is an option of a client whose buckets belong to the account, twelve
// digits. Every request to a bucket expects that owner, and a copy expects it of
// its source as well, unless the request's input names another. With an empty
// account each input has to name it, and a request without it is an error
// before it is sent.
func Expect(account string) func(*s3.Options) {
	return s3.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Build.Add(expectation(account), middleware.After)
	})
}

// expectation is the account, as a step between a request's making and its
// signature.
type expectation string

// ID implements middleware.BuildMiddleware.
func (expectation) ID() string { return "ExpectBucketOwner" }

// HandleBuild implements middleware.BuildMiddleware.
func (e expectation) HandleBuild(
	ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler,
) (middleware.BuildOutput, middleware.Metadata, error) {
	operation := awsmiddleware.GetOperationName(ctx)
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("%s: a request of type %T cannot say whose bucket it means",
			operation, in.Request)
	}
	for _, header := range headersOf(operation) {
		if request.Header.Get(header) != "" {
			continue
		}
		if e == "" {
			return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf(
				"%s: the request does not say whose bucket it means",
				operation,
			)
		}
		request.Header.Set(header, string(e))
	}
	return next.HandleBuild(ctx, in)
}

// headersOf are the headers that an operation takes.
func headersOf(operation string) []string {
	withoutBucket := []string{
		"CreateBucket",
		"CreateSession",
		"ListBuckets",
		"ListDirectoryBuckets",
		"RenameObject",
		"WriteGetObjectResponse",
	}
	switch {
	case slices.Contains(withoutBucket, operation):
		return nil
	case operation == "CopyObject" || operation == "UploadPartCopy":
		return []string{bucketHeader, sourceHeader}
	}
	return []string{bucketHeader}
}
