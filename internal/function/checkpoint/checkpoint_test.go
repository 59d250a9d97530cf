package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// table is a DynamoDB table with one item, as far as the two operations need it.
type table struct {
	t *testing.T

	mu    sync.Mutex
	item  item
	calls int
	// fail answers a call by itself if it returns true: before the operation is done,
	// or after it.
	fail, lose func(call int, w http.ResponseWriter) bool
}

func (s *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/dynamodb/aws4_request") ||
		r.Header.Get("Content-Type") != "application/x-amz-json-1.0" {
		s.t.Errorf("headers %v", r.Header)
	}
	if s.fail != nil && s.fail(s.calls, w) {
		return
	}
	var in struct {
		TableName, ConditionExpression string
		Key, Item                      item
		ConsistentRead                 bool
		ExpressionAttributeValues      item
	}
	raw, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(raw, &in); err != nil || in.TableName != "media-reconcile" {
		s.t.Errorf("%s: %v", raw, err)
	}
	answer := map[string]any{}
	switch r.Header.Get("X-Amz-Target") {
	case "DynamoDB_20120810.GetItem":
		if !in.ConsistentRead || !maps.Equal(in.Key, item{"id": {S: "reconcile"}}) {
			s.t.Errorf("%s", raw)
		}
		if s.item != nil {
			answer["Item"] = s.item
		}
	case "DynamoDB_20120810.PutItem":
		met := s.item == nil
		if in.ConditionExpression != "attribute_not_exists(id)" {
			met = in.ConditionExpression == "rev = :rev" && s.item["rev"] == in.ExpressionAttributeValues[":rev"]
		}
		if !met {
			refuse(w, http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException")
			return
		}
		s.item = in.Item
	default:
		s.t.Errorf("operation %s", r.Header.Get("X-Amz-Target"))
	}
	if s.lose != nil && s.lose(s.calls, w) {
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"__type": %q, "message": "as it is"}`, code)
}

func open(t *testing.T, s *table) *Table {
	t.Helper()
	s.t = t
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL}
	made, err := New(func(name string) string { return env[name] }, server.Client(),
		aws.Credentials{AccessKeyID: "A", SecretAccessKey: "s"}, "media-reconcile")
	if err != nil {
		t.Fatal(err)
	}
	made.sleep = func(context.Context, time.Duration) error { return nil }
	return made
}

// Of two who have read the same document one replaces it.
func TestSaveComparesAndSets(t *testing.T) {
	table := open(t, &table{})
	if document, revision, err := table.Load(t.Context()); document != nil || revision != 0 || err != nil {
		t.Fatalf("an empty table: got %q, %d, %v", document, revision, err)
	}
	for revision, document := range []string{"one", "two"} {
		if err := table.Save(t.Context(), []byte(document), int64(revision)); err != nil {
			t.Fatal(err)
		}
		if err := table.Save(t.Context(), []byte("other"), int64(revision)); !errors.Is(err, ErrConflict) {
			t.Errorf("the second one got %v, want a conflict", err)
		}
		got, now, err := table.Load(t.Context())
		if string(got) != document || now != int64(revision)+1 || err != nil {
			t.Errorf("got %q, %d, %v, want %s", got, now, err, document)
		}
	}
}

// A save whose answer is lost is done, and its repetition is no conflict with itself;
// one that somebody else came before is.
func TestALostAnswerIsNoConflict(t *testing.T) {
	server := &table{lose: func(call int, w http.ResponseWriter) bool {
		if call == 1 {
			refuse(w, http.StatusInternalServerError, "InternalServerError")
		}
		return call == 1
	}}
	table := open(t, server)
	if err := table.Save(t.Context(), []byte("one"), 0); err != nil {
		t.Fatal(err)
	}
	server.lose = nil
	failed := false
	server.fail = func(_ int, w http.ResponseWriter) bool {
		if failed {
			return false
		}
		failed = true
		server.item = item{"id": {S: "reconcile"}, "rev": {N: "2"}, "doc": {S: "another's"}}
		refuse(w, http.StatusServiceUnavailable, "ThrottlingException")
		return true
	}
	if err := table.Save(t.Context(), []byte("two"), 1); !errors.Is(err, ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for code, want := range map[string]string{
		"AccessDeniedException": "dynamodb:GetItem on table media-reconcile: AccessDeniedException: as it is; " +
			"allow it to the function's role, or deploy",
		"ResourceNotFoundException": "dynamodb:GetItem on table media-reconcile: ResourceNotFoundException: as it is; deploy the stacks",
	} {
		server := &table{fail: func(_ int, w http.ResponseWriter) bool { refuse(w, http.StatusBadRequest, code); return true }}
		_, _, err := open(t, server).Load(t.Context())
		if err == nil || err.Error() != want || server.calls != 1 {
			t.Errorf("got %v after %d calls, want %s", err, server.calls, want)
		}
	}
	server := &table{fail: func(call int, w http.ResponseWriter) bool {
		if call < 3 {
			refuse(w, http.StatusBadRequest, "ProvisionedThroughputExceededException")
		}
		return call < 3
	}}
	if _, _, err := open(t, server).Load(t.Context()); err != nil || server.calls != 3 {
		t.Errorf("throttled: got %v after %d calls", err, server.calls)
	}
	for _, stored := range []item{{"id": {S: "reconcile"}}, {"rev": {N: "x"}}} {
		if _, _, err := open(t, &table{item: stored}).Load(t.Context()); err == nil || !strings.Contains(err.Error(), "delete it") {
			t.Errorf("%v: got %v", stored, err)
		}
	}
}
