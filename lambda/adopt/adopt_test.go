package main

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

const (
	head   = `<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
	tail   = `</NotificationConfiguration>`
	theirs = `<QueueConfiguration><Id>thumbs</Id><Queue>arn:aws:sqs:us-east-1:111122223333:q</Queue><Event>s3:ObjectRemoved:*</Event>` +
		`</QueueConfiguration>`
	bridge = "\n <EventBridgeConfiguration/>\n"
	topic  = "arn:aws:sns:us-east-1:111122223333:media-object-created"
	ours   = `<TopicConfiguration><Id>s3fanout.media.1</Id><Topic>` + topic +
		`</Topic><Event>s3:ObjectCreated:*</Event></TopicConfiguration>`
	account = "111122223333"
)

// TestAdoptAndRelease: others' notifications are byte for byte what they were, and
// every request may come twice.
func TestAdoptAndRelease(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		if a, err := w.ask(t, t.Context(), create()); err != nil || a.Status != cfn.StatusSuccess || a.PhysicalResourceID != id {
			t.Fatalf("create: %+v, %v", a, err)
		}
		w.want(t, "created", "old", head+theirs+bridge+ours+tail)
	}
	update := cfn.Event{
		RequestType: cfn.RequestUpdate, PhysicalResourceID: id,
		ResourceProperties: props("old", "s3:ObjectCreated:*", "s3:ObjectTagging:*"), OldResourceProperties: props("old"),
	}
	for range 2 {
		if a, err := w.ask(t, t.Context(), update); err != nil || a.Status != cfn.StatusSuccess || a.PhysicalResourceID != id {
			t.Fatalf("update: %+v, %v", a, err)
		}
	}
	w.want(t, "updated", "old", head+theirs+bridge+strings.Replace(ours, "</Event>", "</Event><Event>s3:ObjectTagging:*</Event>", 1)+tail)
	for range 2 {
		if a, err := w.ask(t, t.Context(), remove(id, "old")); err != nil || a.Status != cfn.StatusSuccess || a.PhysicalResourceID != id {
			t.Fatalf("delete: %+v, %v", a, err)
		}
	}
	w.want(t, "deleted", "old", head+theirs+bridge+tail)
	if w.writes != 3 {
		t.Errorf("%d writes, want three: a repeated request finds everything done", w.writes)
	}
	w.buckets["old"].fail = map[string]string{"GET": "moved"} // made anew, elsewhere
	if a, err := w.ask(t, t.Context(), remove(id, "old")); err != nil || a.Status != cfn.StatusSuccess {
		t.Errorf("delete with the bucket in another Region: %+v, %v", a, err)
	}
	delete(w.buckets, "old")
	if a, err := w.ask(t, t.Context(), remove(id, "old")); err != nil || a.Status != cfn.StatusSuccess {
		t.Errorf("delete without the bucket: %+v, %v", a, err)
	}
}

// TestBucketOfTheMarkersName: a bucket may be called as what marks that nothing was
// written, and its entries are taken out all the same.
func TestBucketOfTheMarkersName(t *testing.T) {
	w := newWorld(t)
	name := "old" + strings.ReplaceAll(untouched, "/", ".")
	w.buckets[name] = &bucket{notifications: head + tail, versioning: "Enabled"}
	a, err := w.ask(t, t.Context(), cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: props(name)})
	if err != nil || a.Status != cfn.StatusSuccess {
		t.Fatal(a, err)
	}
	if a, err := w.ask(t, t.Context(), remove(a.PhysicalResourceID, name)); err != nil || a.Status != cfn.StatusSuccess {
		t.Fatal(a, err)
	}
	w.want(t, "deleted", name, head+tail)
}

// TestRequestsAreThoseThatTheRoleMayMake: each action of the role's statement about
// the bucket is needed, and no other is. The statement is in infra/adoption.go,
// whose test has the same three.
func TestRequestsAreThoseThatTheRoleMayMake(t *testing.T) {
	w := newWorld(t)
	w.buckets["new"] = &bucket{notifications: head + tail, versioning: "Enabled"}
	for _, event := range []cfn.Event{
		create(),
		{RequestType: cfn.RequestUpdate, PhysicalResourceID: id, ResourceProperties: props("new"), OldResourceProperties: props("old")},
		remove(id, "old"),
	} {
		if a, err := w.ask(t, t.Context(), event); err != nil || a.Status != cfn.StatusSuccess {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	want := map[string]bool{
		"GET notification=": true, // s3:GetBucketNotification
		"PUT notification=": true, // s3:PutBucketNotification
		"GET versioning=":   true, // s3:GetBucketVersioning
	}
	if !maps.Equal(w.asked, want) {
		t.Errorf("asked %v, want %v", w.asked, want)
	}
}

// TestRefusedCreationLeavesNothing: each ends the deployment with one line, leaves
// the bucket as it was, and rolls back.
func TestRefusedCreationLeavesNothing(t *testing.T) {
	overlap := head + strings.Replace(theirs, "s3:ObjectRemoved:*", "s3:ObjectCreated:Put", 1) + tail
	for _, tc := range []struct {
		what   string
		change func(*world)
		want   string
	}{
		{"overlap", func(w *world) { w.buckets["old"].notifications = overlap },
			`entry "thumbs" of the bucket's notifications, which sends arn:aws:sqs:us-east-1:111122223333:q events of ` +
				`s3:ObjectCreated:Put of every key, overlaps with`},
		{"no versioning", func(w *world) { w.buckets["old"].versioning = "Suspended" },
			"versioning of bucket old is not on, and is not switched on without being asked; aws s3api put-bucket-versioning --region " +
				"us-east-1 --bucket old "},
		{"no bucket", func(w *world) { delete(w.buckets, "old") }, "bucket old does not exist; make it, or leave it out of buckets"},
		{"another Region", func(w *world) { w.buckets["old"].fail = map[string]string{"GET": "moved"} },
			"bucket old is in eu-west-1, not in us-east-1; "},
		{"no configuration", func(w *world) { w.buckets["old"].notifications = "<Other></Other>" }, "read a notification configuration: "},
		{"malformed to S3", func(w *world) { w.buckets["old"].fail = map[string]string{"PUT": "MalformedXML"} },
			"write the notifications of bucket old: "},
	} {
		t.Run(tc.what, func(t *testing.T) {
			w := newWorld(t)
			tc.change(w)
			before := ""
			if b := w.buckets["old"]; b != nil {
				before = b.notifications
			}
			a, err := w.ask(t, t.Context(), create())
			if err != nil || a.Status != cfn.StatusFailed || !strings.Contains(a.Reason, tc.want) {
				t.Fatalf("got %+v, %v, want %s", a, err, tc.want)
			}
			if rolled, err := w.ask(t, t.Context(), remove(a.PhysicalResourceID, "old")); err != nil || rolled.Status != cfn.StatusSuccess {
				t.Errorf("rolled back: %+v, %v", rolled, err)
			}
			if before != "" {
				w.want(t, "after all", "old", before)
			}
			if w.writes != 0 {
				t.Errorf("%d writes", w.writes)
			}
		})
	}
}

// TestCreationThatIsNotSeenIsTakenBack: what was written goes again before the
// answer, should nobody roll back.
func TestCreationThatIsNotSeenIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.buckets["old"]
	b.after = func(b *bucket) { b.fail, b.times = map[string]string{"GET": "InternalError"}, 3 } // the SDK's tries
	a, err := w.ask(t, t.Context(), create())
	if err != nil || a.Status != cfn.StatusFailed || w.writes != 2 {
		t.Errorf("got %+v, %v after %d writes", a, err, w.writes)
	}
	b.fail = nil
	w.want(t, "failed", "old", head+theirs+bridge+tail)
}

// TestNewPermissionsAreWaitedFor: a role that was made a moment ago is not known
// everywhere.
func TestNewPermissionsAreWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buckets["old"].fail, w.buckets["old"].times = map[string]string{"GET": "AccessDenied"}, 1
	if a, err := w.ask(t, t.Context(), create()); err != nil || a.Status != cfn.StatusSuccess {
		t.Errorf("got %+v, %v", a, err)
	}
	w.want(t, "created", "old", head+theirs+bridge+ours+tail)
}

// TestUpdateOfAnAdoptedBucketDoesNotAskForVersions: its owner suspended them since.
// The update might be the one by which CloudFormation rolls back.
func TestUpdateOfAnAdoptedBucketDoesNotAskForVersions(t *testing.T) {
	w := newWorld(t)
	if a, err := w.ask(t, t.Context(), create()); err != nil || a.Status != cfn.StatusSuccess {
		t.Fatal(a, err)
	}
	w.buckets["old"].versioning = "Suspended"
	update := cfn.Event{
		RequestType: cfn.RequestUpdate, PhysicalResourceID: id, ResourceProperties: props("old"),
		OldResourceProperties: props("old", "s3:ObjectTagging:*"),
	}
	if a, err := w.ask(t, t.Context(), update); err != nil || a.Status != cfn.StatusSuccess {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestUndoneAfterARace: somebody's write was seen in between, and then the creation
// fails: the entries that the first round put in are no reason to leave them.
func TestUndoneAfterARace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.buckets["old"]
	rounds := 0
	b.after = func(b *bucket) {
		if rounds++; rounds == 1 { // an owner's write, with the set's entry in another form
			b.notifications = head + theirs + strings.Replace(ours, "s3:ObjectCreated:*", "s3:ObjectCreated:Put", 1) + tail
			return
		}
		if rounds == 2 {
			b.fail, b.times = map[string]string{"GET": "InternalError"}, 3
		}
	}
	a, err := w.ask(t, t.Context(), create())
	if err != nil || a.Status != cfn.StatusFailed {
		t.Fatalf("%+v, %v", a, err)
	}
	w.want(t, "failed", "old", head+theirs+tail)
}

// TestAnotherBucket goes through an update to another bucket: done, rolled back
// after it was done, and rolled back after it failed without an answer.
func TestAnotherBucket(t *testing.T) {
	start := func(t *testing.T) *world {
		w := newWorld(t)
		w.buckets["new"] = &bucket{notifications: head + tail, versioning: "Enabled"}
		if a, err := w.ask(t, t.Context(), create()); err != nil || a.Status != cfn.StatusSuccess {
			t.Fatal(a, err)
		}
		return w
	}
	forth := cfn.Event{
		RequestType: cfn.RequestUpdate, PhysicalResourceID: id, ResourceProperties: props("new"), OldResourceProperties: props("old"),
	}
	back := cfn.Event{RequestType: cfn.RequestUpdate, ResourceProperties: props("old"), OldResourceProperties: props("new")}
	t.Run("done", func(t *testing.T) {
		w := start(t)
		a, err := w.ask(t, t.Context(), forth)
		if err != nil || a.Status != cfn.StatusSuccess || a.PhysicalResourceID != "s3fanout.media.new" {
			t.Fatalf("%+v, %v", a, err)
		}
		w.want(t, "before the clean-up", "old", head+theirs+bridge+ours+tail)
		if a, err := w.ask(t, t.Context(), remove(id, "old")); err != nil || a.Status != cfn.StatusSuccess {
			t.Fatalf("%+v, %v", a, err)
		}
		w.want(t, "after", "old", head+theirs+bridge+tail)
		w.want(t, "after", "new", head+ours+tail)
	})
	t.Run("rolled back", func(t *testing.T) {
		w := start(t)
		if a, err := w.ask(t, t.Context(), forth); err != nil || a.Status != cfn.StatusSuccess {
			t.Fatalf("%+v, %v", a, err)
		}
		back := back
		back.PhysicalResourceID = "s3fanout.media.new"
		if a, err := w.ask(t, t.Context(), back); err != nil || a.PhysicalResourceID != id {
			t.Fatalf("%+v, %v", a, err)
		}
		if a, err := w.ask(t, t.Context(), remove("s3fanout.media.new", "new")); err != nil || a.Status != cfn.StatusSuccess {
			t.Fatalf("%+v, %v", a, err)
		}
		w.want(t, "after", "old", head+theirs+bridge+ours+tail)
		w.want(t, "after", "new", head+tail)
	})
	t.Run("ended without an answer", func(t *testing.T) {
		w := start(t)
		w.buckets["new"].notifications = head + ours + tail // as far as it came
		back := back
		back.PhysicalResourceID = id
		if a, err := w.ask(t, t.Context(), back); err != nil || a.Status != cfn.StatusSuccess || a.PhysicalResourceID != id {
			t.Fatalf("%+v, %v", a, err)
		}
		w.want(t, "after", "old", head+theirs+bridge+ours+tail)
		w.want(t, "after", "new", head+tail)
	})
	t.Run("refused", func(t *testing.T) {
		w := start(t)
		w.buckets["new"].versioning = ""
		if a, err := w.ask(t, t.Context(), forth); err != nil || a.Status != cfn.StatusFailed || a.PhysicalResourceID != id {
			t.Fatalf("%+v, %v", a, err)
		}
		w.want(t, "after", "old", head+theirs+bridge+ours+tail)
		w.want(t, "after", "new", head+tail)
	})
}

// TestAnAnswerAlwaysGoesOut: in time, when S3 hangs; again, when it was lost.
func TestAnAnswerAlwaysGoesOut(t *testing.T) {
	t.Run("S3 hangs", func(t *testing.T) {
		w := newWorld(t)
		w.buckets["old"].fail = map[string]string{"GET": "hang"}
		ctx, cancel := context.WithTimeout(t.Context(), reserve+300*time.Millisecond)
		defer cancel()
		a, err := w.ask(t, ctx, create())
		if err != nil || a.Status != cfn.StatusFailed || !strings.Contains(a.Reason, "S3 did not answer in time: deploy again") ||
			!strings.HasSuffix(a.PhysicalResourceID, untouched) {
			t.Errorf("got %+v, %v", a, err)
		}
	})
	t.Run("the answer is lost", func(t *testing.T) {
		w := newWorld(t)
		w.deaf = 1
		if a, err := w.ask(t, t.Context(), create()); err == nil || a.Status != "" {
			t.Fatalf("got %+v, %v, want the invocation to fail so that Lambda repeats it", a, err)
		}
		if a, err := w.ask(t, t.Context(), create()); err != nil || a.Status != cfn.StatusSuccess {
			t.Errorf("repeated: %+v, %v", a, err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		w := newWorld(t)
		event := create()
		event.ResponseURL = "http://127.0.0.1:1/answer?secret"
		a := &adopter{getenv: func(string) string { return "" }, log: slog.New(slog.DiscardHandler)}
		_, err := discreet(cfn.LambdaWrap(a.handle))(t.Context(), event)
		if err == nil || strings.Contains(err.Error(), "secret") || w.writes != 0 {
			t.Errorf("got %v, want an error without the answer's address", err)
		}
	})
	t.Run("a panic", func(t *testing.T) {
		w := newWorld(t)
		event := create()
		event.ResponseURL = w.server.URL + "/answer"
		a := &adopter{getenv: func(string) string { panic("two\nlines") }, log: slog.New(slog.DiscardHandler)}
		_, err := discreet(cfn.LambdaWrap(a.handle))(t.Context(), event)
		if err != nil || len(w.answers) != 1 || w.answers[0].Reason != "the function panicked: two lines" {
			t.Errorf("got %v, answers %+v", err, w.answers)
		}
	})
}
