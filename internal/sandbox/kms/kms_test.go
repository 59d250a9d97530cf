package kms

import (
	"errors"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/iam"
)

const account = "123456789012"

func newKey(t *testing.T, s *Service, region, statements string) (id, arn string) {
	t.Helper()
	policy, err := iam.ParseAs(iam.ResourcePolicy, []byte(`{"Statement":[`+statements+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s.CreateKey(region, policy)
}

const leftToIAM = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`

func TestResolve(t *testing.T) {
	s := New("aws", account)
	id, arn := newKey(t, s, "us-east-1", leftToIAM)
	_, far := newKey(t, s, "eu-west-1", leftToIAM)
	if err := s.CreateAlias("us-east-1", "alias/media", id); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{id, arn, "alias/media"} {
		if got, err := s.Resolve("us-east-1", name); got != arn || err != nil {
			t.Errorf("Resolve(%q) = %q, %v, want %q", name, got, err, arn)
		}
	}
	for _, name := range []string{far, "alias/other", "0", "arn:aws:kms:us-east-1:" + account + ":key/0", ""} {
		if got, err := s.Resolve("us-east-1", name); err == nil {
			t.Errorf("Resolve(%q) = %q, want an error", name, got)
		}
	}
	if _, err := s.Resolve("eu-west-1", "alias/media"); err == nil {
		t.Error("an alias of another Region is found")
	}
}

func TestCreateAliasRefuses(t *testing.T) {
	s := New("aws", account)
	id, _ := newKey(t, s, "us-east-1", leftToIAM)
	if err := s.CreateAlias("us-east-1", "alias/media", id); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"alias/media": "exists already", "media": "it is not alias/", "alias/": "it is not alias/", "alias/aws/s3": "alias/aws/",
		"alias/a b": "it is not alias/",
	} {
		if err := s.CreateAlias("us-east-1", name, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
	if err := s.CreateAlias("us-east-1", "alias/new", "0"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("alias of no key: %v", err)
	}
}

// What a service tells of its request is there for the policy's conditions.
func TestAuthorizeAsksByUse(t *testing.T) {
	s := New("aws", account)
	statement := func(principal, condition string) string {
		return `{"Effect":"Allow","Principal":{"Service":"` + principal +
			`"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":` + condition + `}`
	}
	_, arn := newKey(t, s, "us-east-1", strings.Join([]string{
		leftToIAM,
		statement("s3.amazonaws.com", `{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::media"}}`),
		statement("a.amazonaws.com", `{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/b"}}`),
		statement("b.amazonaws.com", `{"StringEquals":{"kms:EncryptionContext:aws:sqs:arn":"queue"}}`),
		statement("c.amazonaws.com", `{"StringEquals":{"kms:ViaService":"sqs.us-east-1.amazonaws.com"}}`),
		statement("d.amazonaws.com", `{"Null":{"kms:ViaService":"true"}}`),
	}, ","))
	for _, name := range []string{"alias/b", "alias/a"} {
		if err := s.CreateAlias("us-east-1", name, arn); err != nil {
			t.Fatal(err)
		}
	}
	queue := Use{Via: "sqs.us-east-1.amazonaws.com", Context: map[string]string{"aws:sqs:arn": "queue"}}
	for _, tt := range []struct {
		name   string
		caller iam.Caller
		use    Use
		want   bool
	}{
		{"source", iam.Caller{Service: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::media"}, Use{}, true},
		{"other source", iam.Caller{Service: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::other"}, Use{}, false},
		{"no source", iam.Caller{Service: "s3.amazonaws.com"}, Use{}, false},
		{"alias", iam.Caller{Service: "a.amazonaws.com"}, Use{}, true},
		{"encryption context", iam.Caller{Service: "b.amazonaws.com"}, queue, true},
		{"no encryption context", iam.Caller{Service: "b.amazonaws.com"}, Use{}, false},
		{"through a service", iam.Caller{Service: "c.amazonaws.com"}, queue, true},
		{"through no service", iam.Caller{Service: "d.amazonaws.com"}, Use{}, true},
		{"not through no service", iam.Caller{Service: "d.amazonaws.com"}, queue, false},
		{"nobody", iam.Caller{Service: "e.amazonaws.com"}, queue, false},
	} {
		err := s.Authorize(tt.caller, arn, tt.use, "kms:GenerateDataKey", "kms:Decrypt")
		var denied *iam.DeniedError
		if got := err == nil; got != tt.want || err != nil && !errors.As(err, &denied) {
			t.Errorf("%s: %v, want it allowed: %v", tt.name, err, tt.want)
		}
	}
	// All of the actions have to be allowed.
	if err := s.Authorize(iam.Caller{Service: "a.amazonaws.com"}, arn, Use{}, "kms:Decrypt", "kms:Encrypt"); err == nil {
		t.Error("allowed although one of the actions is not")
	}
	if err := s.Authorize(
		iam.Caller{Service: "a.amazonaws.com"}, "arn:aws:kms:us-east-1:"+account+":key/0", Use{}, "kms:Decrypt",
	); err == nil {
		t.Error("a key that does not exist may be used")
	}
}
