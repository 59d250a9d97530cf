// Package control makes clients of S3 Control, which is asked about access points and
// jobs of S3 Batch Operations. They work at AWS and at any other endpoint.
package control

import (
	"context"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"s3fanout/internal/aws/awsapi"
)

// New makes the client of a Region; a request with its answer takes at most limit.
// At AWS the account is a part of the host's name. Another endpoint need not have a
// name for every account, so its host stays as it is.
func New(config aws.Config, region string, limit time.Duration) *s3control.Client {
	return s3control.NewFromConfig(config, func(o *s3control.Options) {
		o.Region = region
		o.HTTPClient = awsapi.HTTPClient(config, limit, 1)
		if o.BaseEndpoint != nil {
			o.EndpointResolverV2 = otherEndpoint{*o.BaseEndpoint, o.EndpointResolverV2}
		}
	})
}

// otherEndpoint replaces the address of an endpoint and keeps the rest of it: how
// requests are signed above all. A resolver that returns an address alone has the SDK
// encode a path twice in the signature, so that the server refuses each path with a
// character that has to be encoded, such as an ARN.
type otherEndpoint struct {
	url string
	of  s3control.EndpointResolverV2
}

// ResolveEndpoint implements s3control.EndpointResolverV2.
func (o otherEndpoint) ResolveEndpoint(ctx context.Context, p s3control.EndpointParameters) (smithyendpoints.Endpoint, error) {
	p.Endpoint = nil
	e, err := o.of.ResolveEndpoint(ctx, p)
	if err != nil {
		return e, err
	}
	u, err := url.Parse(o.url)
	if err == nil {
		e.URI = *u
	}
	return e, err
}
