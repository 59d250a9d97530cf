// Command bare is the least that a copying function can be in Go with the AWS
// SDK: for each invocation one conditional CopyObject, of a key that it takes
// from the event without a second look. It checks nothing, logs nothing,
// counts nothing and cannot copy in parts. Benchmarks compare s3fanout with it.
package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

type notification struct {
	Records []struct {
		S3 struct {
			Bucket struct{ Name string }
			Object struct{ Key, VersionID string }
		}
	}
}

func main() {
	endpoint, bucket := os.Getenv("AWS_ENDPOINT_URL"), os.Getenv("S3FANOUT_TARGET_BUCKET")
	client := s3.New(s3.Options{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}, nil
		}),
	})
	lambda.Start(func(ctx context.Context, event struct {
		Records []struct{ Sns struct{ Message string } }
	}) error {
		var n notification
		if err := json.NewDecoder(strings.NewReader(event.Records[0].Sns.Message)).Decode(&n); err != nil {
			return err
		}
		source := n.Records[0].S3
		_, err := client.CopyObject(ctx, &s3.CopyObjectInput{
			Bucket: &bucket, Key: &source.Object.Key, IfNoneMatch: aws.String("*"),
			CopySource: aws.String(source.Bucket.Name + "/" + source.Object.Key + "?versionId=" + source.Object.VersionID),
		})
		return err
	})
}
