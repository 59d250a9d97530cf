package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A custom resource is created, updated, replaced and deleted by the requests
// that CloudFormation sends, and others refer to what it answers.
func TestCustomResource(t *testing.T) {
	t.Parallel()
	with := func(properties m) func(m) {
		return func(r m) {
			r["Thing"] = customOf(properties)
			r["Queue"] = queueOf(m{"QueueName": m{"Fn::GetAtt": []any{"Thing", "Name"}}})
		}
	}
	list := []any{1, true, m{"Deep": 2.5}, "text"}
	w := startCustom(t, with(m{"ID": "a", "Number": 1, "List": list, "Stack": m{"Ref": "AWS::StackId"}}))
	e := w.wantRequests("Create Thing")
	if got, want := fmt.Sprintf("%v %v", e.ResourceProperties["Number"], e.ResourceProperties["List"]),
		"1 [1 true map[Deep:2.5] text]"; got != want {
		t.Errorf("properties %s, want %s", got, want)
	}
	for _, v := range []any{e.ResourceProperties["Number"], e.ResourceProperties["List"].([]any)[1]} {
		if _, text := v.(string); !text {
			t.Errorf("property %#v is no string", v)
		}
	}
	if e.StackID != e.ResourceProperties["Stack"] || e.ResourceType != "Custom::Thing" || e.OldResourceProperties != nil ||
		e.ResourceProperties["ServiceToken"] != "arn:aws:lambda:us-east-1:"+AccountID+":function:answerer" {
		t.Errorf("request %+v", e)
	}
	if got := w.queues(); got != "queue-of-a" {
		t.Errorf("queues %q, want the one that is named after the answer", got)
	}

	for _, tt := range []struct {
		name       string
		properties m
		requests   []string
	}{
		{"the same", m{"ID": "a", "Number": 1, "List": list, "Stack": m{"Ref": "AWS::StackId"}}, nil},
		{"another property", m{"ID": "a", "Number": 2}, []string{"Update Thing a"}},
		{"back", m{"ID": "a", "Number": 1}, []string{"Update Thing a"}},
	} {
		if _, err := w.update(with(tt.properties)); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		e := w.wantRequests(tt.requests...)
		if tt.requests != nil &&
			(e.ResourceProperties["Number"] == e.OldResourceProperties["Number"] || e.OldResourceProperties["ID"] != "a") {
			t.Errorf("%s: properties %v, and %v before", tt.name, e.ResourceProperties, e.OldResourceProperties)
		}
	}
	// Another physical id is another resource: the old one is deleted, with what it was made of.
	if _, err := w.update(func(r m) { r["Thing"] = customOf(m{"ID": "b", "Number": 3}) }); err != nil {
		t.Fatal(err)
	}
	if e := w.wantRequests("Update Thing a", "Delete Thing a"); e.ResourceProperties["Number"] != "1" {
		t.Errorf("deleted with %v, want the properties that it was made of", e.ResourceProperties)
	}
	changes, err := w.Destroy(t.Context())
	if err != nil || len(changes.Deleted) != 3 {
		t.Fatalf("%+v, %v; want that role, function and custom resource are deleted", changes, err)
	}
	w.wantRequests("Delete Thing b")
}

// A deletion that fails is an error, and repeated.
func TestCustomResourceNotDeleted(t *testing.T) {
	t.Parallel()
	w := startCustom(t, func(r m) { r["A"] = customOf(m{"ID": "a", "Fail": "Delete"}) })
	w.requests()
	for range 2 {
		_, err := w.Destroy(t.Context())
		if err == nil || !strings.Contains(err.Error(), "delete resource A (Custom::Thing): Received response status [FAILED]") {
			t.Errorf("%v, want the function's reason", err)
		}
		w.wantRequests("Delete A a")
	}
}

// What is wrong with a custom resource is found before anything is changed.
func TestCustomResourceRefused(t *testing.T) {
	t.Parallel()
	w := startCustom(t, func(r m) { r["A"] = customOf(nil) })
	w.requests()
	for want, thing := range map[string]m{
		"property ServiceToken: name the function":         {"Type": "Custom::Thing"},
		"property ServiceTimeout: 0 is not a whole number": customOf(m{"ServiceTimeout": 0}),
		"property ServiceTimeout: 3601 is not":             customOf(m{"ServiceTimeout": "3601"}),
		"property ServiceToken: the sandbox can't change it while the resource lives; it can change all but ServiceToken": customOf(m{
			"ServiceToken": "arn:aws:lambda:us-east-1:" + AccountID + ":function:other"}),
	} {
		if _, err := w.update(func(r m) { r["A"] = thing }); !errors.As(err, &RefusedError{}) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want a refusal with %q", err, want)
		}
	}
	w.wantRequests()
}

// A sandbox that ends does not wait for an answer.
func TestCloseWhileACustomResourceIsAsked(t *testing.T) {
	t.Parallel()
	w := startCustom(t, func(m) {})
	failed := make(chan error, 1)
	go func() {
		_, err := w.update(func(r m) { r["A"] = customOf(m{"Silent": "Create"}) })
		failed <- err
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for list := []string(nil); len(list) == 0; list, _ = w.requests() {
		<-tick.C
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the deployment ended with %v", err)
	}
}

// Until the first deployment is done, nobody but its functions is served.
func TestClientsWaitForTheFirstDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Sandbox{ready: make(chan struct{}), ending: t.Context()}
		answer := httptest.NewRecorder()
		answered := false
		go func() {
			s.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/_sandbox/nothing", nil))
			answered = true
		}()
		if synctest.Wait(); answered {
			t.Errorf("answered %d before the deployment is done", answer.Code)
		}
		close(s.ready)
		if synctest.Wait(); !answered || answer.Code != http.StatusNotFound {
			t.Errorf("answered: %v, %d; want 404", answered, answer.Code)
		}
	})
}
