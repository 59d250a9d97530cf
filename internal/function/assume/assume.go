// Package assume gives a function the credentials of another role of its account:
// that of its Region's replicator, in whose name alone anything is written.
//
// It is apart from package client, so that functions which assume no role do not
// carry the client of STS.
package assume

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/function/client"
	"s3fanout/internal/function/functionenv"
)

// Role provides the credentials of sessions of a role that are called session. It
// asks STS when the first request is signed, and again before they end; several
// goroutines may use it at once. It honours the variables that package client does,
// AWS_ENDPOINT_URL_STS among them.
//
// A role that assumes another one gets an hour at most
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
func Role(getenv func(string) string, http aws.HTTPClient, own aws.Credentials, roleARN, session string) (aws.CredentialsProvider, error) {
	endpoint, err := client.Endpoint(getenv, "AWS_ENDPOINT_URL_STS")
	if err != nil {
		return nil, err
	}
	options := sts.Options{
		Region:     getenv(functionenv.Region), // not the global endpoint, which is in one Region
		HTTPClient: http,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return own, nil
		}),
		Retryer:    retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = client.MaxAttempts }),
		APIOptions: []func(*middleware.Stack) error{requestbody.Keep},
	}
	if endpoint != "" {
		options.BaseEndpoint = aws.String(endpoint)
	}
	if client.IsTrue(getenv("AWS_USE_FIPS_ENDPOINT")) {
		options.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if client.IsTrue(getenv("AWS_USE_DUALSTACK_ENDPOINT")) {
		options.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.New(options), roleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = session
	})), nil
}
