package awsapi

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// counted counts how often the SDK's rules are asked.
type counted struct {
	of s3.EndpointResolverV2
	n  atomic.Int32
}

func (c *counted) ResolveEndpoint(ctx context.Context, p s3.EndpointParameters) (smithyendpoints.Endpoint, error) {
	c.n.Add(1)
	return c.of.ResolveEndpoint(ctx, p)
}

// The SDK's rules are asked once for a bucket, whatever its keys, also by many requests at
// once, and what they say is what a request gets.
func TestEndpointOfABucketIsResolvedOnce(t *testing.T) {
	rules := &counted{of: s3.NewDefaultEndpointResolverV2()}
	known := newKnownEndpoints(rules)
	buckets := []s3.EndpointParameters{
		{Region: aws.String("eu-west-1"), Bucket: aws.String("films")},
		{Region: aws.String("eu-west-1"), Bucket: aws.String("series")},
		{Region: aws.String("eu-west-1"), Bucket: aws.String("films"), UseDualStack: aws.Bool(true)},
		{Region: aws.String("eu-west-1"), Bucket: aws.String("films"), UseFIPS: aws.Bool(false)},
		{Region: aws.String("us-east-1"), Bucket: aws.String("films")},
		{
			Region: aws.String("us-east-1"), Bucket: aws.String("films"), ForcePathStyle: aws.Bool(true),
			Endpoint: aws.String("http://127.0.0.1:4566"),
		},
		{Region: aws.String("us-east-1")},
	}
	var requests sync.WaitGroup
	for range 20 {
		for i, p := range buckets {
			requests.Go(func() {
				for key := range 10 {
					p.Key, p.CopySource, p.Prefix = aws.String(fmt.Sprint(key)), aws.String(fmt.Sprint("from/", key)),
						aws.String(fmt.Sprint(key, "/"))
					got, err := known.ResolveEndpoint(t.Context(), p)
					if err != nil {
						t.Error(err)
						return
					}
					want, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), p)
					if err != nil || !reflect.DeepEqual(got, want) {
						t.Errorf("bucket %d: got %+v, want %+v, %v", i, got, want, err)
					}
					// As the SDK does with those of each request.
					options, _ := smithyauth.GetAuthOptions(&got.Properties)
					options[0].SchemeID = "another"
					options[0].SignerProperties.Set("of", key)
				}
			})
		}
	}
	requests.Wait()
	if int(rules.n.Load()) != len(buckets) {
		t.Errorf("the rules were asked %d times, want once for each of %d", rules.n.Load(), len(buckets))
	}
	for range 2 { // an error is not kept
		if _, err := known.ResolveEndpoint(t.Context(), s3.EndpointParameters{}); err == nil {
			t.Error("no error without a Region")
		}
	}
	if want := len(buckets) + 2; int(rules.n.Load()) != want {
		t.Errorf("the rules were asked %d times, want %d", rules.n.Load(), want)
	}
}

// Each parameter that the SDK has is a part of the key, or names objects.
func TestEndpointKeyHasEveryParameter(t *testing.T) {
	names := []string{"Key", "Prefix", "CopySource"}
	fields := reflect.TypeFor[s3.EndpointParameters]()
	seen := map[endpointKey]string{keyOf(&s3.EndpointParameters{}): "none"}
	for i := range fields.NumField() {
		var p s3.EndpointParameters
		field := reflect.ValueOf(&p).Elem().Field(i)
		field.Set(reflect.New(field.Type().Elem()))
		key, name := keyOf(&p), fields.Field(i).Name
		if other, ok := seen[key]; ok != slices.Contains(names, name) {
			t.Errorf("the keys with %s and with %s are the same: %v", name, other, ok)
		}
		seen[key] = name
	}
	if want := fields.NumField() + 1 - len(names); len(seen) != want {
		t.Errorf("%d keys, want %d: %v", len(seen), want, slices.Sorted(maps.Values(seen)))
	}
}

// A client of the command has it.
func TestClientsKnowTheirEndpoints(t *testing.T) {
	client := NewS3(aws.Config{Region: "eu-west-1"}, "eu-west-1", "123456789012", RequestTime, 1)
	if _, ok := client.Options().EndpointResolverV2.(*knownEndpoints); !ok {
		t.Errorf("the resolver is a %T", client.Options().EndpointResolverV2)
	}
}
