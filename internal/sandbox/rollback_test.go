package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// A stack that fails is as it was before, and everything is undone in the
// reverse order.
func TestRollBack(t *testing.T) {
	t.Parallel()
	before := func(r m) {
		r["A"] = customOf(m{"ID": "a", "Number": 1})
		r["B"] = queueOf(m{"QueueName": "b", "MessageRetentionPeriod": 60}, "A")
	}
	w := startCustom(t, before)
	w.requests()
	after := func(failing m) func(m) {
		return func(r m) {
			r["A"] = customOf(m{"ID": "a", "Number": 2})
			r["B"] = queueOf(m{"QueueName": "b", "MessageRetentionPeriod": 120}, "A")
			r["C"] = queueOf(m{"QueueName": "c"}, "B")
			r["D"] = m{"Type": "AWS::S3::Bucket", "Properties": m{"BucketName": "bucket-d"}, "DependsOn": "C"}
			r["E"] = customOf(failing, "D")
		}
	}
	unchanged := func() {
		t.Helper()
		if got := w.queues(); got != "b" {
			t.Errorf("queues %q, want the one that there was", got)
		}
		if w.s3.HasBucket("bucket-d") {
			t.Error("the bucket is there still")
		}
		if again, err := w.update(before); err != nil || !again.none() {
			t.Errorf("deploying what there was: %+v, %v, want nothing to do", again, err)
		}
	}
	for _, tt := range []struct {
		name, want string
		failing    m
		requests   []string // of E
	}{
		{"failed", "Received response status [FAILED] from custom resource. Message returned: not in the mood",
			m{"ID": "e", "Fail": "Create"}, []string{"Create E", "Delete E e"}},
		{"without an answer", "did not receive a response from your Custom Resource",
			m{"Silent": "Create", "ServiceTimeout": 5}, []string{"Create E", "Delete E own-E-"}},
		{"nobody to ask", "Function not found", m{"ServiceToken": "arn:aws:lambda:us-east-1:" + AccountID + ":function:nobody"}, nil},
		{"a topic", "sends requests to functions alone", m{"ServiceToken": "arn:aws:sns:us-east-1:" + AccountID + ":t"}, nil},
		{"far away", "is not in the stack's Region us-east-1",
			m{"ServiceToken": "arn:aws:lambda:eu-west-1:" + AccountID + ":function:f"}, nil},
	} {
		changes, err := w.update(after(tt.failing))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "roll back") ||
			errors.As(err, &RefusedError{}) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		got, last := w.requests()
		for i, r := range got { // what CloudFormation makes up has a random end
			if strings.HasPrefix(r, "Delete E own-E-") {
				got[i] = "Delete E own-E-"
			}
		}
		if want := slices.Concat([]string{"Update A a"}, tt.requests, []string{"Update A a"}); !slices.Equal(got, want) {
			t.Errorf("%s: requests %v, want %v", tt.name, got, want)
		}
		if last.ResourceProperties["Number"] != "1" || last.OldResourceProperties["Number"] != "2" {
			t.Errorf("%s: the last request asks for %v instead of %v, want that it turns back",
				tt.name, last.ResourceProperties, last.OldResourceProperties)
		}
		if len(changes.Made)+len(changes.Updated) > 0 || changes.RolledBack[len(changes.RolledBack)-1].LogicalID != "A" {
			t.Errorf("%s: changes %+v, want only what is rolled back, the first last", tt.name, changes)
		}
		unchanged()
	}

	// What became another resource turns back into the one before, and the other is deleted.
	if _, err := w.update(func(r m) {
		before(r)
		r["A"] = customOf(m{"ID": "another"})
		r["E"] = customOf(m{"ID": "e", "Fail": "Create"}, "B")
	}); err == nil || strings.Contains(err.Error(), "roll back") {
		t.Errorf("%v, want the function's reason alone", err)
	}
	w.wantRequests("Update A a", "Create E", "Delete E e", "Update A another", "Delete A another")
	unchanged()

	// What fails to change is put back as well.
	_, err := w.update(func(r m) { r["A"] = customOf(m{"ID": "a", "Number": 2, "Fail": "Update"}) })
	if err == nil || !strings.Contains(err.Error(), "not in the mood") {
		t.Errorf("%v, want the function's reason", err)
	}
	if e := w.wantRequests("Update A a", "Update A a"); e.ResourceProperties["Fail"] != nil || e.OldResourceProperties["Fail"] != "Update" {
		t.Errorf("turned back with %v instead of %v", e.ResourceProperties, e.OldResourceProperties)
	}
	unchanged()
}

// What a rollback cannot undo is left for the next deployment.
func TestRollBackThatFails(t *testing.T) {
	t.Parallel()
	with := func(properties m) func(m) {
		return func(r m) { r["A"] = customOf(properties) }
	}
	w := startCustom(t, with(m{"ID": "a", "Fail": "Update"}))
	w.requests()
	changes, err := w.update(with(m{"ID": "a", "Fail": "Update", "Number": 2}))
	if err == nil || !strings.Contains(err.Error(), "roll back: resource A (Custom::Thing): Received response status [FAILED]") ||
		len(changes.RolledBack) > 0 {
		t.Errorf("%+v, %v; want the reason why it was not rolled back", changes, err)
	}
	w.wantRequests("Update A a", "Update A a")
	if _, err := w.update(with(m{"ID": "a", "Fail": "Update"})); err == nil {
		t.Error("what was not rolled back is taken for unchanged")
	}
	w.requests()
	if _, err := w.update(with(m{"ID": "a"})); err != nil {
		t.Error(err)
	}
	w.wantRequests("Update A a")
	// What was made, and can't be deleted.
	changes, err = w.update(func(r m) {
		r["A"] = customOf(m{"ID": "a", "Fail": "Delete"})
		r["B"] = customOf(m{"ID": "b", "Fail": "Delete"}, "A")
		r["C"] = customOf(m{"ID": "c", "Fail": "Create Delete"}, "B")
	})
	if err == nil || strings.Count(err.Error(), "roll back: delete resource") != 2 {
		t.Errorf("%v, want the failure and two that stay", err)
	}
	if len(changes.Made) != 1 || changes.Made[0].LogicalID != "B" || len(changes.Updated) != 0 || len(changes.RolledBack) != 1 {
		t.Errorf("changes %+v, want B made, as it stays, and A rolled back", changes)
	}
	w.wantRequests("Update A a", "Create B", "Create C", "Delete C c", "Delete B b", "Update A a")
	if _, err := w.update(func(r m) {
		r["A"] = customOf(m{"ID": "a"})
		r["B"] = customOf(m{"ID": "b"}, "A")
	}); err == nil || !strings.Contains(err.Error(), "delete resource C") {
		t.Errorf("%v, want that C can't be deleted", err)
	}
	w.wantRequests("Update B b", "Delete C c")

	// What was changed, and can't be changed back.
	w = startCustom(t, with(m{"ID": "a", "Fail": "Update"}))
	changes, err = w.update(func(r m) {
		r["A"] = customOf(m{"ID": "a"})
		r["B"] = customOf(m{"ID": "b", "Fail": "Create"}, "A")
	})
	if err == nil || !strings.Contains(err.Error(), "roll back: resource A") || len(changes.Updated) != 1 ||
		changes.Updated[0].LogicalID != "A" {
		t.Errorf("%v, changes %+v, want A updated, as it stays so", err, changes)
	}
}

// The first deployment is rolled back too, before the sandbox gives up.
func TestStartRollsBack(t *testing.T) {
	t.Parallel()
	w, err := tryCustom(t, t.TempDir(), func(r m) {
		r["A"] = customOf(m{"ID": "a"})
		r["B"] = customOf(m{"ID": "b", "Fail": "Create"}, "A")
	})
	if err == nil || !strings.Contains(err.Error(), "not in the mood") {
		t.Fatalf("started: %v", err)
	}
	w.wantRequests("Create A", "Create B", "Delete B b", "Delete A a")
}
