package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/copier"
)

// aborter returns what gives up an upload to the bucket.
func aborter(client *s3.Client, bucket string) func(context.Context, copier.Upload) error {
	return func(ctx context.Context, u copier.Upload) error {
		_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: aws.String(bucket), Key: aws.String(u.Source.Key), UploadId: aws.String(u.UploadID),
		})
		return err
	}
}
