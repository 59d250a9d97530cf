package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/functionenv"
)

// maxAttempts is how often the SDK tries a request that a server error or the
// network fails. Lambda's own retries come on top.
const maxAttempts = 3

// newClient makes the S3 client from what Lambda's environment always has. The
// SDK's config package would read profiles, the instance's metadata and more,
// none of which exist here, for 1.7 MiB of binary; so the variables that do
// matter are read here, with the SDK's names and meaning
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
func newClient(getenv func(string) string) (*s3.Client, error) {
	credentials := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !credentials.HasKeys() {
		return nil, errors.New("environment variable AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set")
	}
	endpoint, err := endpointFrom(getenv)
	if err != nil {
		return nil, err
	}
	options := s3.Options{
		Region: getenv(functionenv.Region),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = maxAttempts }),
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
	return s3.New(options), nil
}

// endpointFrom returns the endpoint that is configured instead of AWS's, or
// nothing.
func endpointFrom(getenv func(string) string) (string, error) {
	if isTrue(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
		return "", nil
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
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
