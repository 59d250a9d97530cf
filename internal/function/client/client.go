// Package client makes what functions speak to AWS with from what Lambda's
// environment always has. The SDK's config package would read profiles, the
// instance's metadata and more, none of which exist there, for 1.7 MiB of binary;
// so the variables that do matter are read here, with the SDK's names and meaning
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
package client

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/owner"
	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/function/functionenv"
)

// MaxAttempts is how often a request is tried that a server error or the
// network fails. Lambda's own retries come on top.
const MaxAttempts = 3

// Credentials reads the role's credentials from the environment.
func Credentials(getenv func(string) string) (aws.Credentials, error) {
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

// HTTP makes a client that keeps so many connections to one host.
// The SDK's default of 10 would shut most of them down after each part of a
// multipart copy, and the next part would begin with a TLS handshake.
func HTTP(connections int) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = connections
		t.MaxIdleConns = max(t.MaxIdleConns, connections)
	})
}

// S3 makes the S3 client for buckets of the account.
func S3(getenv func(string) string, client aws.HTTPClient, credentials aws.Credentials, account string) (*s3.Client, error) {
	return S3As(getenv, client, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return credentials, nil
	}), account)
}

// S3As is S3 for credentials that change, such as those of another role's sessions.
func S3As(getenv func(string) string, client aws.HTTPClient, credentials aws.CredentialsProvider, account string) (*s3.Client, error) {
	endpoint, err := Endpoint(getenv, "AWS_ENDPOINT_URL_S3")
	if err != nil {
		return nil, err
	}
	options := s3.Options{
		Region:      getenv(functionenv.Region),
		HTTPClient:  client,
		Credentials: credentials,
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = MaxAttempts }),
		APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
	}
	if endpoint != "" {
		options.BaseEndpoint = aws.String(endpoint)
		// Another endpoint need not have a name for every bucket.
		options.UsePathStyle = true
	}
	if IsTrue(getenv("AWS_USE_FIPS_ENDPOINT")) {
		options.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if IsTrue(getenv("AWS_USE_DUALSTACK_ENDPOINT")) {
		options.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return s3.New(options, owner.Expect(account)), nil
}

// IsTrue reads a variable as the SDK does.
func IsTrue(s string) bool { return strings.EqualFold(s, "true") }
