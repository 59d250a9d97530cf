package awsapi

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// knownEndpoints resolves the endpoint of a bucket once. The SDK's rules are asked twice
// for each request, and need so much stack, deep within a request, that a goroutine with
// 32 KiB of it doubles it: that is 32 KiB more for each request under way. It is safe for
// concurrent use, and keeps as many endpoints as there are buckets.
type knownEndpoints struct {
	of s3.EndpointResolverV2

	mu    sync.RWMutex
	known map[endpointKey]smithyendpoints.Endpoint
}

func newKnownEndpoints(of s3.EndpointResolverV2) *knownEndpoints {
	return &knownEndpoints{of: of, known: map[endpointKey]smithyendpoints.Endpoint{}}
}

// endpointKey has what an endpoint depends on: all parameters but the names of objects.
type endpointKey struct {
	bucket, region, endpoint                                                       optional[string]
	fips, dualStack, pathStyle, accelerate, global, objectLambda                   optional[bool]
	noAccessPoints, noMultiRegion, arnRegion, expressControl, noExpressSessionAuth optional[bool]
}

type optional[T comparable] struct {
	value T
	set   bool
}

func of[T comparable](p *T) (o optional[T]) {
	if p != nil {
		o = optional[T]{*p, true}
	}
	return o
}

func keyOf(p *s3.EndpointParameters) endpointKey {
	return endpointKey{
		of(p.Bucket), of(p.Region), of(p.Endpoint),
		of(p.UseFIPS), of(p.UseDualStack), of(p.ForcePathStyle), of(p.Accelerate), of(p.UseGlobalEndpoint), of(p.UseObjectLambdaEndpoint),
		of(p.DisableAccessPoints), of(p.DisableMultiRegionAccessPoints), of(p.UseArnRegion), of(p.UseS3ExpressControlEndpoint),
		of(p.DisableS3ExpressSessionAuth),
	}
}

// ResolveEndpoint implements s3.EndpointResolverV2.
func (k *knownEndpoints) ResolveEndpoint(ctx context.Context, p s3.EndpointParameters) (smithyendpoints.Endpoint, error) {
	key := keyOf(&p)
	k.mu.RLock()
	e, ok := k.known[key]
	k.mu.RUnlock()
	if ok {
		return ownOptions(e), nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if e, ok := k.known[key]; ok {
		return ownOptions(e), nil
	}
	e, err := k.of.ResolveEndpoint(ctx, p) // by one of those that ask at once
	if err != nil {
		return e, err
	}
	k.known[key] = e
	return ownOptions(e), nil
}

// ownOptions has copies of the options of a signature, as the SDK changes them for each
// request.
func ownOptions(e smithyendpoints.Endpoint) smithyendpoints.Endpoint {
	options, ok := smithyauth.GetAuthOptions(&e.Properties)
	if !ok {
		return e
	}
	own := make([]*smithyauth.Option, len(options))
	for i, o := range options {
		own[i] = &smithyauth.Option{SchemeID: o.SchemeID}
		own[i].IdentityProperties.SetAll(&o.IdentityProperties)
		own[i].SignerProperties.SetAll(&o.SignerProperties)
	}
	var properties smithy.Properties
	properties.SetAll(&e.Properties)
	smithyauth.SetAuthOptions(&properties, own)
	e.Properties = properties
	return e
}
