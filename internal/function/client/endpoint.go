package client

import (
	"fmt"
	"net/url"
	"strings"
)

// Endpoint returns the endpoint that is configured instead of AWS's, or
// nothing. A service's own variable goes before the one for all.
func Endpoint(getenv func(string) string, service string) (string, error) {
	if IsTrue(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
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

// ServiceURL is where a service is spoken to without the SDK's client of it: the
// endpoint that is configured, or AWS's own, without a slash at its end. The host is
// the service's name in AWS's endpoints, such as lambda.
func ServiceURL(getenv func(string) string, variable, host, region string) (string, error) {
	endpoint, err := Endpoint(getenv, variable)
	if err != nil || endpoint != "" {
		return strings.TrimSuffix(endpoint, "/"), err
	}
	return serviceURL(host, region, IsTrue(getenv("AWS_USE_FIPS_ENDPOINT")), IsTrue(getenv("AWS_USE_DUALSTACK_ENDPOINT"))), nil
}

// plainInGovCloud are the hosts of which AWS GovCloud's ordinary endpoints are the
// FIPS ones, by the rules of the SDK's clients.
var plainInGovCloud = map[string]bool{"dynamodb": true, "events": true}

// serviceURL follows the endpoint rules of the SDK's clients of DynamoDB, EventBridge
// and Lambda (https://docs.aws.amazon.com/general/latest/gr/rande.html).
func serviceURL(host, region string, fips, dualStack bool) string {
	suffix := "amazonaws.com"
	china := strings.HasPrefix(region, "cn-")
	switch {
	case dualStack && china:
		suffix = "api.amazonwebservices.com.cn"
	case dualStack:
		suffix = "api.aws"
	case china:
		suffix = "amazonaws.com.cn"
	}
	if fips && (dualStack || !plainInGovCloud[host] || !strings.HasPrefix(region, "us-gov-")) {
		host += "-fips"
	}
	return "https://" + host + "." + region + "." + suffix
}
