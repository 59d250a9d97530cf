package s3

import (
	"errors"
	"net/http"
	"testing"
)

func TestExpectOwner(t *testing.T) {
	const name, owner = "X-Amz-Expected-Bucket-Owner", "123456789012"
	for expected, want := range map[string]string{
		"":               "",
		owner:            "",
		"999999999999":   "AccessDenied",
		"12345678901":    "InvalidBucketOwnerAWSAccountID",
		"1234-5678-9012": "InvalidBucketOwnerAWSAccountID",
		"A123456789012":  "InvalidBucketOwnerAWSAccountID",
	} {
		header := http.Header{}
		if expected != "" {
			header.Set(name, expected)
		}
		err := expectOwner(header, name, owner)
		var e *apiError
		if errors.As(err, &e); (err == nil) != (want == "") || err != nil && e.Code != want {
			t.Errorf("%q: %v, want %q", expected, err, want)
		}
	}
}

// A bucket belongs to the sandbox's account unless somebody else is named.
func TestOwner(t *testing.T) {
	s := &Service{config: Config{AccountID: "123456789012", Owner: func(bucket string) string {
		return map[string]string{"given": "999999999999"}[bucket]
	}}}
	for bucket, want := range map[string]string{"given": "999999999999", "kept": "123456789012"} {
		if got := s.owner(bucket); got != want {
			t.Errorf("%s: %s, want %s", bucket, got, want)
		}
	}
	s.config.Owner = nil
	if got := s.owner("given"); got != "123456789012" {
		t.Errorf("without a hook: %s", got)
	}
}
