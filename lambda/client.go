package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/owner"
	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/copier"
	"s3fanout/internal/function/functionenv"
)

// maxAttempts is how often a request is tried that a server error or the
// network fails. Lambda's own retries come on top.
const maxAttempts = 3

// credentialsFrom reads the role's credentials from the environment.
func credentialsFrom(getenv func(string) string) (aws.Credentials, error) {
	credentials := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !credentials.HasKeys() {
		return aws.Credentials{}, errors.New("environment variable AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set")
	}
	return credentials, nil
}

// newHTTPClient makes a client that keeps so many connections to one host.
// The SDK's default of 10 would shut most of them down after each part of a
// multipart copy, and the next part would begin with a TLS handshake.
func newHTTPClient(connections int) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = connections
		t.MaxIdleConns = max(t.MaxIdleConns, connections)
	})
}

// newClient makes the S3 client, for buckets of the account, from what Lambda's environment always has. The
// SDK's config package would read profiles, the instance's metadata and more,
// none of which exist here, for 1.7 MiB of binary; so the variables that do
// matter are read here, with the SDK's names and meaning
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
func newClient(getenv func(string) string, client aws.HTTPClient, credentials aws.Credentials, account string) (*s3.Client, error) {
	endpoint, err := endpointFrom(getenv, "AWS_ENDPOINT_URL_S3")
	if err != nil {
		return nil, err
	}
	options := s3.Options{
		Region:     getenv(functionenv.Region),
		HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
		Retryer:    retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = maxAttempts }),
		APIOptions: []func(*middleware.Stack) error{requestbody.Keep},
	}
	if endpoint != "" {
		options.BaseEndpoint = aws.String(endpoint)
		// Another endpoint need not have a name for every bucket.
		options.UsePathStyle = true
	}
	if isTrue(getenv("AWS_USE_FIPS_ENDPOINT")) {
		options.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if isTrue(getenv("AWS_USE_DUALSTACK_ENDPOINT")) {
		options.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return s3.New(options, owner.Expect(account)), nil
}

// aborter returns what gives up an upload to the bucket.
func aborter(client *s3.Client, bucket string) func(context.Context, copier.Upload) error {
	return func(ctx context.Context, u copier.Upload) error {
		_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: aws.String(bucket), Key: aws.String(u.Source.Key), UploadId: aws.String(u.UploadID),
		})
		return err
	}
}

// endpointFrom returns the endpoint that is configured instead of AWS's, or
// nothing. A service's own variable goes before the one for all.
func endpointFrom(getenv func(string) string, service string) (string, error) {
	if isTrue(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
		return "", nil
	}
	for _, name := range []string{service, "AWS_ENDPOINT_URL"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		if u, err := url.Parse(value); err != nil || u.Scheme == "" || u.Host == "" {
			return "", fmt.Errorf("environment variable %s: %q is not a URL such as http://127.0.0.1:4566", name, value)
		}
		return value, nil
	}
	return "", nil
}

func isTrue(s string) bool { return strings.EqualFold(s, "true") }
