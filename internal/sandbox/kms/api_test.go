package kms

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/iam"
)

// Keys are shown to those who may see them, and errors are KMS's.
func TestAPI(t *testing.T) {
	s := New("aws", account)
	id, arn := newKey(t, s, "us-east-1", leftToIAM)
	if err := s.CreateAlias("us-east-1", "alias/media", id); err != nil {
		t.Fatal(err)
	}
	_, closed := newKey(t, s, "us-east-1",
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/other"},"Action":"kms:*","Resource":"*"}`)
	admin := iam.Caller{ARN: "arn:aws:iam::" + account + ":user/administrator", AccountID: account}
	for _, tt := range []struct {
		target, body string
		status       int
		want         string
	}{
		{"TrentService.DescribeKey", `{"KeyId":"` + arn + `"}`, 200, `"KeyState":"Enabled"`},
		{"TrentService.DescribeKey", `{"KeyId":"alias/media"}`, 200, `"Arn":"` + arn + `"`},
		{"TrentService.DescribeKey", `{"KeyId":"nothing"}`, 400, `"NotFoundException"`},
		{"TrentService.DescribeKey", `{"KeyId":"` + closed + `"}`, 400, `"AccessDeniedException"`},
		{"TrentService.GetKeyPolicy", `{"KeyId":"` + id + `","PolicyName":"default"}`, 200, `kms:*`},
		{"TrentService.GetKeyPolicy", `{"KeyId":"` + id + `","PolicyName":"other"}`, 400, `"NotFoundException"`},
		{"TrentService.GetKeyPolicy", `{"KeyId":"alias/media"}`, 400, `"NotFoundException"`},
		{"TrentService.GetKeyPolicy", `{"KeyId":"` + closed + `"}`, 400, `"AccessDeniedException"`},
		{"TrentService.GetKeyPolicy", `{"Key":"x"}`, 400, `"ValidationException"`},
		{"TrentService.Encrypt", `{}`, 400, `has no operation Encrypt`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(tt.body))
		r.Header.Set("X-Amz-Target", tt.target)
		w := httptest.NewRecorder()
		s.ServeAPI(w, r, "us-east-1", admin)
		if got := w.Body.String(); w.Code != tt.status || !strings.Contains(got, tt.want) || !json.Valid([]byte(got)) {
			t.Errorf("%s %s: %d %s, want %d with %s", tt.target, tt.body, w.Code, got, tt.status, tt.want)
		}
	}
	s.DeleteKey(arn)
	if _, err := s.Resolve("us-east-1", "alias/media"); err == nil {
		t.Error("the alias is there without its key")
	}
}
