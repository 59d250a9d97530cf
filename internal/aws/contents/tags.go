package contents

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TagsS3 is the part of *s3.Client that Tags uses.
type TagsS3 interface {
	GetObjectTagging(context.Context, *s3.GetObjectTaggingInput, ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error)
}

// Tags asks for the tags of a key's current version, which neither a listing nor a
// HEAD tells. It takes one request. The result is never nil where the error is;
// the error is S3's.
func Tags(ctx context.Context, client TagsS3, bucket, key string) (map[string]string, error) {
	out, err := client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, t := range out.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}
