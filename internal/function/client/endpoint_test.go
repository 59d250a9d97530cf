package client

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestServiceURL compares with the SDK's clients.
func TestServiceURL(t *testing.T) {
	for _, region := range []string{"us-east-1", "ap-southeast-4", "us-gov-west-1", "us-gov-east-1", "cn-north-1", "cn-northwest-1"} {
		for _, fips := range []bool{false, true} {
			for _, dualStack := range []bool{false, true} {
				byLambda, err := lambda.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), lambda.EndpointParameters{
					Region: aws.String(region), UseFIPS: aws.Bool(fips), UseDualStack: aws.Bool(dualStack),
				})
				if err != nil {
					t.Fatal(err)
				}
				byDynamoDB, err := dynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), dynamodb.EndpointParameters{
					Region: aws.String(region), UseFIPS: aws.Bool(fips), UseDualStack: aws.Bool(dualStack),
				})
				if err != nil {
					t.Fatal(err)
				}
				for host, want := range map[string]string{"lambda": byLambda.URI.String(), "dynamodb": byDynamoDB.URI.String()} {
					if got := serviceURL(host, region, fips, dualStack); got != want {
						t.Errorf("%s in %s, FIPS %t, dual stack %t: got %s, want %s", host, region, fips, dualStack, got, want)
					}
				}
			}
		}
	}
}

// TestServiceURLOfEvents has the rules of the SDK's client of EventBridge, which is no
// dependency: its FIPS endpoints in AWS GovCloud have no name of their own.
func TestServiceURLOfEvents(t *testing.T) {
	for _, tt := range []struct {
		region          string
		fips, dualStack bool
		want            string
	}{
		{"eu-west-1", false, false, "https://events.eu-west-1.amazonaws.com"},
		{"eu-west-1", true, true, "https://events-fips.eu-west-1.api.aws"},
		{"us-east-1", true, false, "https://events-fips.us-east-1.amazonaws.com"},
		{"us-gov-west-1", true, false, "https://events.us-gov-west-1.amazonaws.com"},
		{"us-gov-east-1", true, false, "https://events.us-gov-east-1.amazonaws.com"},
		{"us-gov-east-1", true, true, "https://events-fips.us-gov-east-1.api.aws"},
		{"cn-north-1", false, false, "https://events.cn-north-1.amazonaws.com.cn"},
	} {
		if got := serviceURL("events", tt.region, tt.fips, tt.dualStack); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// TestConfiguredServiceURL has an endpoint that is configured go before AWS's.
func TestConfiguredServiceURL(t *testing.T) {
	env := map[string]string{}
	ask := func() (string, error) {
		return ServiceURL(func(name string) string { return env[name] }, "AWS_ENDPOINT_URL_LAMBDA", "lambda", "eu-west-1")
	}
	if got, err := ask(); err != nil || got != "https://lambda.eu-west-1.amazonaws.com" {
		t.Errorf("got %s, %v", got, err)
	}
	env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1/"
	if got, err := ask(); err != nil || got != "http://127.0.0.1:1" {
		t.Errorf("got %s, %v", got, err)
	}
	env["AWS_ENDPOINT_URL_LAMBDA"] = "nowhere"
	if got, err := ask(); err == nil {
		t.Errorf("got %s, want an error", got)
	}
}
