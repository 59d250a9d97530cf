package states

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/iam"
)

const (
	account = "111122223333"
	arn     = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"
)

// A state machine is described and changed, and what is not known is refused by name.
func TestServeAPI(t *testing.T) {
	accounts := iam.NewStore("aws", account)
	_, admin, _ := accounts.Lookup(accounts.Admin().AccessKeyID)
	s := New("aws", account)
	if got, err := s.Create("eu-west-1", Machine{
		Name: "m", Type: "STANDARD", RoleARN: "role", Definition: `{"StartAt":"A"}`,
	}); got != arn || err != nil {
		t.Fatal(got, err)
	}
	for _, bad := range []Machine{{Name: "m", Definition: "{}"}, {Name: "n", Definition: "{"}} {
		if _, err := s.Create("eu-west-1", bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	for _, c := range []struct {
		by           iam.Caller
		action, body string
		status       int
		want         string
	}{
		{admin, "DescribeStateMachine", `{"stateMachineArn":"` + arn + `"}`, http.StatusOK, `{\"StartAt\":\"A\"}`},
		{admin, "UpdateStateMachine", `{"stateMachineArn":"` + arn + `","definition":"{\"StartAt\":\"B\"}","roleArn":"other"}`,
			http.StatusOK, "updateDate"},
		{admin, "UpdateStateMachine", `{"stateMachineArn":"` + arn + `","definition":"{"}`, http.StatusBadRequest, "InvalidDefinition"},
		{admin, "DescribeStateMachine", `{"stateMachineArn":"` + arn + `"}`, http.StatusOK, `"roleArn":"other"`},
		{admin, "DescribeStateMachine", `{"stateMachineArn":"` + arn + `x"}`, http.StatusBadRequest, "StateMachineDoesNotExist"},
		{admin, "StartExecution", `{"stateMachineArn":"` + arn + `"}`, http.StatusBadRequest, "have no StartExecution"},
		{admin, "DescribeStateMachine", `{"stateMachineArn":"` + arn + `","includedData":"METADATA_ONLY"}`, http.StatusBadRequest,
			"includedData"},
		{admin, "DescribeStateMachine", `{`, http.StatusBadRequest, "ValidationException"},
		{iam.Caller{ARN: "arn:aws:iam::111122223333:user/nobody", Role: &iam.Role{}}, "DescribeStateMachine",
			`{"stateMachineArn":"` + arn + `"}`,
			http.StatusBadRequest, "AccessDeniedException"},
		{admin, "DeleteStateMachine", `{"stateMachineArn":"` + arn + `"}`, http.StatusOK, "{}"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
		r.Header.Set("X-Amz-Target", targetPrefix+c.action)
		w := httptest.NewRecorder()
		s.ServeAPI(w, r, c.by)
		if !json.Valid(w.Body.Bytes()) || w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s, want %d and %s", c.action, c.body, w.Code, w.Body, c.status, c.want)
		}
	}
	if _, there := s.Get(arn); there || s.Update(arn, Machine{}) == nil {
		t.Error("it is there after it was deleted")
	}
}
