package replicator

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/event/eventtest"
	"s3fanout/internal/function/logline"
)

// instantS3 copies everything at once, and nothing else.
type instantS3 struct{ copier.S3 }

func (instantS3) CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	return &s3.CopyObjectOutput{
		CopyObjectResult: &types.CopyObjectResult{ETag: aws.String(`"d41d8cd98f00b204e9800998ecf8427e"`)}, VersionId: aws.String("replica"),
	}, nil
}

// newInstantHandler is a Handler as on AWS but for S3, and its log, which goes
// nowhere but is written.
func newInstantHandler() *Handler {
	log := logline.New(io.Discard)
	target := copier.Target{Region: eventtest.Config().Target.Region, Bucket: eventtest.Config().Target.Bucket}
	return &Handler{Config: eventtest.Config(), Copier: copier.New(instantS3{}, target, copier.WithLogger(log)), Log: log, Now: time.Now}
}

// realEvent is one upload, with all that S3, SNS and Lambda send along.
func realEvent(t testing.TB) []byte {
	t.Helper()
	payload, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// asOnLambda is the context of an invocation.
func asOnLambda(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	t.Cleanup(cancel)
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "79b4f56e-95b1-4643-9700-2807f4e68189"})
}
