package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"s3fanout/internal/operator/health"
	"s3fanout/internal/replicaset"
)

// listed is an S3 whose buckets have these keys, by Region; of others no request is
// answered.
type listed map[string][]string

func (l listed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	keys, ok := l[strings.Split(scope+"///", "/")[2]]
	if !ok {
		<-r.Context().Done()
		return
	}
	var contents strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&contents, "<Contents><Key>%s</Key></Contents>", key)
	}
	answer(w, "<ListBucketResult>%s</ListBucketResult>", contents.String())
}

// A key that one Region lacks is completed all the same, and one that hangs holds
// nobody's typing up for long.
func TestKeysOfAllRegionsComplete(t *testing.T) {
	t.Parallel()
	l := listed{"us-east-1": {"b", "d"}, "eu-west-1": {"a", "b"}, "sa-east-1": strings.Split(strings.Repeat("e", 30), "")}
	for i := range l["sa-east-1"] {
		l["sa-east-1"][i] += fmt.Sprint(i)
	}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	}
	for _, away := range []string{"", "ap-northeast-1"} {
		set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
		if away != "" {
			set.Regions = append([]string{away}, set.Regions...)
		}
		s := newConsoleSource(t.Context(), health.Options{Set: set, Regions: set.Regions}, config, "111122223333", time.Minute)
		began := time.Now()
		keys, err := s.Keys(t.Context(), "")
		if took := time.Since(began); err != nil || fmt.Sprint(keys) != "[a b d]" || took > 4*completionTime {
			t.Errorf("away %q: %q after %v, %v", away, keys, took, err)
		}
	}
	set := replicaset.Config{Name: "media", Regions: []string{"sa-east-1"}}
	s := newConsoleSource(t.Context(), health.Options{Set: set, Regions: set.Regions}, config, "111122223333", time.Minute)
	if keys, err := s.Keys(t.Context(), ""); err != nil || len(keys) != 20 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}
