package s3

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// withHeaders fills a request up to so many bytes of headers. What the
// connection adds after that is little.
func withHeaders(total int) func(*sdk.Options) {
	return sdk.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("fill", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			r := in.Request.(*smithyhttp.Request)
			r.Header.Set("X-Filler", strings.Repeat("x", total-headerBytes(r.Request)-len("X-Filler: \r\n")))
			return next.HandleFinalize(ctx, in)
		}), middleware.After) // the signature is there
	})
}

func TestHeaderSection(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	w.put(t, here, hereBucket, "k", "x")
	get := func(total int) error {
		_, err := c.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: aws.String(hereBucket), Key: aws.String("k")}, withHeaders(total))
		return err
	}
	if err := get(maxHeaders - 100); err != nil {
		t.Errorf("just below the limit: %v", err)
	}
	wantCode(t, get(maxHeaders+100), 400, "RequestHeaderSectionTooLarge")
}

func TestUserMetadata(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	for _, n := range []struct {
		bytes int
		fits  bool
	}{{2048, true}, {2049, false}} {
		metadata := map[string]string{"name": strings.Repeat("x", n.bytes-len("name"))}
		_, put := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader("x"), Metadata: metadata})
		_, create := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: aws.String(hereBucket), Key: aws.String("k"), Metadata: metadata})
		for name, err := range map[string]error{"PutObject": put, "CreateMultipartUpload": create} {
			switch {
			case !n.fits:
				wantCode(t, err, 400, "MetadataTooLarge")
			case err != nil:
				t.Errorf("%s of %d bytes: %v", name, n.bytes, err)
			}
		}
	}
}
