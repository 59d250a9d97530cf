package events

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/iam"
)

func send(t *testing.T, s *Service, caller iam.Caller, operation, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", operation)
	w := httptest.NewRecorder()
	s.ServeAPI(w, r, "eu-west-1", caller)
	return w.Code, w.Body.String()
}

func TestPutEvents(t *testing.T) {
	admin := iam.Caller{ARN: "arn:aws:iam::123456789012:user/administrator", AccountID: "123456789012"}
	store := iam.NewStore("aws", "123456789012")
	document := func(text string) *iam.Document {
		d, err := iam.ParseDocument([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	role, err := store.CreateRole(iam.RoleConfig{
		Name: "r",
		Trust: document(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
			`"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	role.PutPolicy("p", document(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents",
		"Resource":"arn:aws:events:eu-west-1:123456789012:event-bus/default","Condition":{"StringEquals":{"events:source":"s3fanout"}}}]}`))
	function := iam.Caller{ARN: "arn:aws:sts::123456789012:assumed-role/r/s", AccountID: "123456789012", Role: role}
	entry := func(source, detail string) string {
		return fmt.Sprintf(`{"Source":%q,"DetailType":"T","Detail":%q}`, source, detail)
	}
	list := func(entries ...string) string { return `{"Entries":[` + strings.Join(entries, ",") + `]}` }
	s := New("aws", "123456789012")
	for _, c := range []struct {
		name      string
		caller    iam.Caller
		operation string
		body      string
		status    int
		says      string
	}{
		{"one", function, target, list(entry("s3fanout", `{"n":1}`)), 200, `"FailedEntryCount":0`},
		{"of another source", function, target, list(entry("other", `{}`)), 400, "AccessDeniedException"},
		{"AWS's own", admin, target, list(entry("aws.s3", `{}`)), 200, "NotAuthorizedForSourceException"},
		{"no detail, and a good one", admin, target, list(entry("s3fanout", `no`), entry("s3fanout", `{"n":2}`)), 200, "MalformedDetail"},
		{"no source", admin, target, list(entry("", `{}`)), 200, "InvalidArgument"},
		{"none", admin, target, list(), 400, "ValidationException"},
		{"another bus", admin, target, list(`{"Source":"s","DetailType":"t","Detail":"{}","EventBusName":"mine"}`), 400, "mine"},
		{"more than the sandbox knows", admin, target, list(`{"Source":"s","Time":1}`), 400, "Time"},
		{"another operation", admin, "AWSEvents.PutRule", `{}`, 400, "PutRule"},
	} {
		if status, body := send(t, s, c.caller, c.operation, c.body); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s; want %d that says %q", c.name, status, body, c.status, c.says)
		}
	}
	kept := s.Kept("eu-west-1")
	if len(kept) != 2 || string(kept[0].Detail) != `{"n":1}` || string(kept[1].Detail) != `{"n":2}` || len(s.Kept("us-east-1")) != 0 {
		t.Errorf("kept %+v", kept)
	}
	for i := range maxKept {
		send(t, s, admin, target, list(entry("s", fmt.Sprintf(`{"i":%d}`, i))))
	}
	kept = s.Kept("eu-west-1")
	var last struct{ I int }
	if err := json.Unmarshal(kept[len(kept)-1].Detail, &last); err != nil || len(kept) != maxKept || last.I != maxKept-1 {
		t.Errorf("%d kept, the last %+v, %v", len(kept), last, err)
	}
}
