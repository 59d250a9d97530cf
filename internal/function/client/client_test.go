package client

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestEndpointFrom(t *testing.T) {
	const global, service = "http://127.0.0.1:1", "http://127.0.0.1:2"
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"none", nil, ""},
		{"global", map[string]string{"AWS_ENDPOINT_URL": global}, global},
		{"service goes first", map[string]string{"AWS_ENDPOINT_URL": global, "AWS_ENDPOINT_URL_S3": service}, service},
		{"ignored", map[string]string{"AWS_ENDPOINT_URL": global, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}, ""},
	} {
		got, err := Endpoint(func(name string) string { return tt.env[name] }, "AWS_ENDPOINT_URL_S3")
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestClientHonoursTheEnvironment(t *testing.T) {
	options := func(extra map[string]string) s3.Options {
		env := map[string]string{"AWS_REGION": "eu-west-1"}
		maps.Copy(env, extra)
		made, err := S3(func(name string) string { return env[name] }, HTTP(1), aws.Credentials{}, "111122223333")
		if err != nil {
			t.Fatal(err)
		}
		return made.Options()
	}
	plain := options(nil)
	if plain.Region != "eu-west-1" || plain.BaseEndpoint != nil || plain.UsePathStyle || plain.Retryer.MaxAttempts() != MaxAttempts {
		t.Errorf("on AWS: got Region %s, endpoint %v, path style %t, %d attempts",
			plain.Region, plain.BaseEndpoint, plain.UsePathStyle, plain.Retryer.MaxAttempts())
	}
	if o := plain.EndpointOptions; o.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled ||
		o.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled {
		t.Errorf("on AWS: got endpoint options %+v", o)
	}
	special := options(map[string]string{"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}).EndpointOptions
	if special.UseFIPSEndpoint != aws.FIPSEndpointStateEnabled || special.UseDualStackEndpoint != aws.DualStackEndpointStateEnabled {
		t.Errorf("FIPS and dual stack: got %+v", special)
	}
	if o := options(map[string]string{"AWS_ENDPOINT_URL": "http://localhost:4566"}); !o.UsePathStyle ||
		aws.ToString(o.BaseEndpoint) != "http://localhost:4566" {
		t.Errorf("other endpoint: got %v, path style %t", o.BaseEndpoint, o.UsePathStyle)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	for _, connections := range []int{1, 72, 300} {
		transport := HTTP(connections).GetTransport()
		if transport.MaxIdleConnsPerHost != connections || transport.MaxIdleConns < connections {
			t.Errorf("for %d: keeps %d to a host, %d in all", connections, transport.MaxIdleConnsPerHost, transport.MaxIdleConns)
		}
	}
}
