package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// withPoints is a set of these Regions with access points, whose objects are
// reached by them alone.
func withPoints(t *testing.T, regions []string, points ...any) string {
	t.Helper()
	point := map[string]any{}
	if len(points) > 0 {
		point["points"] = points
	}
	context, err := json.Marshal(map[string]any{"s3fanout": map[string]any{
		"name": "s3fanout", "regions": regions, "accessPoint": point, "access": "access-point-only", "directAccessArns": []string{}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(context)
}

// wantDoctor checks what doctor finds about the access points of a configuration;
// "" for nothing.
func (w *world) wantDoctor(context, severity string) {
	w.t.Helper()
	config := filepath.Join(w.t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+context+`}`), 0o600); err != nil {
		w.t.Fatal(err)
	}
	_, out, notes := w.command("doctor", "--config", config, "--output", "json")
	var result struct {
		Findings []struct{ Check, Severity, What string }
	}
	if err := json.Unmarshal(out, &result); err != nil {
		w.t.Fatalf("%v: %s", err, notes)
	}
	got := ""
	for _, f := range result.Findings {
		if strings.HasPrefix(f.Check, "access-point") || f.Check == "bucket-access-point-only" {
			got += f.Severity
		}
	}
	if got != severity {
		w.t.Errorf("doctor finds %q about the access points, want %q: %+v", got, severity, result.Findings)
	}
}

// by is a user's client of access points, who is in a Region.
func (w *world) by(region string) *s3.Client {
	w.t.Helper()
	bundle, err := os.ReadFile(w.state.AccessPoints.CABundle)
	if err != nil {
		w.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	proxy, err := url.Parse(w.state.AccessPoints.Proxies[region])
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.config(region)
	c.HTTPClient = &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
	return s3.NewFromConfig(c)
}

// wantBy checks that the object is read by the access point from each of the Regions.
func (w *world) wantBy(arn string, regions []string, key, body string) {
	w.t.Helper()
	for _, region := range regions {
		out, err := w.by(region).GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: &arn, Key: &key})
		if err != nil {
			w.t.Errorf("read %s from %s: %v", key, region, err)
			continue
		}
		text, err := io.ReadAll(out.Body)
		_ = out.Body.Close()
		if err != nil || string(text) != body {
			w.t.Errorf("read %s from %s: %q, %v", key, region, text, err)
		}
	}
}

// TestOneEndpoint has a set whose objects are reached by access points alone: what is
// written by one is read by it in every Region, and nobody but the functions gets
// by. Then a Region joins while the first access point's clients go on, and they
// move to a second one.
func TestOneEndpoint(t *testing.T) {
	t.Parallel()
	before := []string{"us-east-1", "eu-west-1"}
	w := start(t, synthesize(t, withPoints(t, before)))
	w.wantDoctor(withPoints(t, before), "")
	ctx := t.Context()
	write := func(arn, region, key string) {
		t.Helper()
		_, err := w.by(region).PutObject(ctx, &s3.PutObjectInput{Bucket: &arn, Key: &key, Body: strings.NewReader("body of " + key)})
		if err != nil {
			t.Fatal(err)
		}
	}
	main := w.state.AccessPoints.ARNs[0]
	write(main, "eu-west-1", "first")
	w.settle()
	w.wantBy(main, before, "first", "body of first")
	for _, region := range before {
		w.wantLetters(region, 0)
		_, err := w.s3(region).PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(w.bucket(region)), Key: aws.String("direct"), Body: strings.NewReader("1"),
		})
		if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("by the bucket's name in %s: %v, want AccessDenied", region, err)
		}
	}

	after := []string{"us-east-1", "eu-west-1", "ap-northeast-1"}
	// Before it is deployed: the access point lacks the Region, and the buckets do not
	// know its roles.
	w.wantDoctor(withPoints(t, after), "warning"+"failed"+"failed")
	w.update(synthesize(t, withPoints(t, after, map[string]any{"name": "main", "regions": before}, map[string]any{"name": "second"})))
	w.regions = after
	if len(w.state.AccessPoints.ARNs) != 2 {
		t.Fatalf("access points %v, want two", w.state.AccessPoints.ARNs)
	}
	second := w.state.AccessPoints.ARNs[0]
	if second == main {
		second = w.state.AccessPoints.ARNs[1]
	}
	const old, moved = "by a client that has not moved", "by one that has"
	write(main, "us-east-1", old)
	write(second, "ap-northeast-1", moved)
	w.settle()
	for _, arn := range []string{main, second} {
		w.wantBy(arn, after, old, "body of "+old)
		w.wantBy(arn, after, moved, "body of "+moved)
	}

	w.wantDoctor(withPoints(t, after, map[string]any{"name": "second"}), "note") // the first one is there still
	w.update(synthesize(t, withPoints(t, after, map[string]any{"name": "second"})))
	if got := w.state.AccessPoints.ARNs; len(got) != 1 || got[0] != second {
		t.Errorf("access points %v, want %s alone", got, second)
	}
	w.wantDoctor(withPoints(t, after, map[string]any{"name": "second"}), "")
	if _, err := w.s3("eu-west-1").DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{
		Bucket: aws.String(w.bucket("eu-west-1")),
	}); err != nil {
		t.Fatal(err)
	}
	w.wantDoctor(withPoints(t, after, map[string]any{"name": "second"}), "failed")
	w.wantBy(second, before, "first", "body of first") // no backfill has copied it to the new Region
	for _, region := range after {
		w.wantLetters(region, 0)
	}
}

// TestRealClientsByAnAccessPoint has boto3, which signs by AWS's common runtime,
// use an access point with nothing but the environment to tell it of the sandbox.
func TestRealClientsByAnAccessPoint(t *testing.T) {
	bin := os.Getenv("S3FANOUT_CLIENTS")
	if bin == "" {
		t.Skip("make suites sets S3FANOUT_CLIENTS, where the clients are")
	}
	regions := []string{"us-east-1", "eu-west-1"}
	w := start(t, synthesize(t, withPoints(t, regions)))
	arn := w.state.AccessPoints.ARNs[0]
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "python3"), "testdata/boto3_access_point.py")
	cmd.Env = []string{
		"BUCKET=" + arn, "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + w.state.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + w.state.SecretAccessKey,
		"AWS_ENDPOINT_URL=" + w.state.Endpoint, "AWS_CA_BUNDLE=" + w.state.AccessPoints.CABundle,
		"HTTPS_PROXY=" + w.state.AccessPoints.Proxies["eu-west-1"],
		"HOME=" + t.TempDir(),
	}
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "['large', 'small/ü a']" {
		t.Fatalf("%v: %s", err, out)
	}
	w.settle()
	w.wantBy(arn, regions, "small/ü a", "small")
	for _, region := range regions {
		w.wantLetters(region, 0)
	}
}
