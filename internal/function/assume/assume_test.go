package assume_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/function/assume"
	"s3fanout/internal/function/functionenv"
)

const role = "arn:aws:iam::111122223333:role/media-replicator-eu-west-1"

// TestRoleIsAssumedOnce has the credentials of one session sign any number of
// requests.
func TestRoleIsAssumedOnce(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		got := url.Values{"Action": r.Form["Action"], "RoleArn": r.Form["RoleArn"], "RoleSessionName": r.Form["RoleSessionName"]}.Encode()
		want := url.Values{"Action": {"AssumeRole"}, "RoleArn": {role}, "RoleSessionName": {"media-replicator-reconcile"}}.Encode()
		if got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
		if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "/eu-west-1/sts/aws4_request") {
			t.Errorf("signed as %q, want for STS in the own Region", auth)
		}
		_, _ = fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
			<AccessKeyId>ASIA2</AccessKeyId><SecretAccessKey>s2</SecretAccessKey><SessionToken>t2</SessionToken><Expiration>%s</Expiration>
			</Credentials></AssumeRoleResult></AssumeRoleResponse>`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer server.Close()
	provider, err := assume.Role(environment(map[string]string{functionenv.Region: "eu-west-1", "AWS_ENDPOINT_URL": server.URL}),
		server.Client(), aws.Credentials{AccessKeyID: "ASIA1", SecretAccessKey: "s1", SessionToken: "t1"}, role,
		"media-replicator-reconcile")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c, err := provider.Retrieve(t.Context())
		if err != nil || c.AccessKeyID != "ASIA2" || c.SecretAccessKey != "s2" || c.SessionToken != "t2" {
			t.Fatalf("got %s, %v", c.AccessKeyID, err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked STS %d times, want once", n)
	}
}

func TestEndpointThatIsNone(t *testing.T) {
	_, err := assume.Role(environment(map[string]string{functionenv.Region: "eu-west-1", "AWS_ENDPOINT_URL_STS": "nowhere"}),
		http.DefaultClient, aws.Credentials{}, role, "s")
	if err == nil || !strings.Contains(err.Error(), "AWS_ENDPOINT_URL_STS") {
		t.Errorf("got %v, want the variable's name", err)
	}
}

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}
