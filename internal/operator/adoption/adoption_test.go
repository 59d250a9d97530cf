package adoption

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/notification"
	"s3fanout/internal/replicaset"
)

const head, tail = `<NotificationConfiguration>`, `</NotificationConfiguration>`

func set() replicaset.Config {
	return replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"},
		Buckets: map[string]string{"us-east-1": "old", "eu-west-1": "older"},
		Filters: []replicaset.Filter{{Prefix: "a b/"}},
	}
}

// shelf is a bucket's notifications.
type shelf struct {
	raw    string
	fail   error
	writes int
	after  func(*shelf)
}

func (s *shelf) Get(context.Context) (notification.Document, error) {
	if s.fail != nil && s.writes == 0 {
		return notification.Document{}, s.fail
	}
	return notification.Parse([]byte(s.raw))
}

func (s *shelf) Put(_ context.Context, d notification.Document, unchecked bool) error {
	s.writes++
	s.raw = string(d.Bytes())
	if unchecked {
		return errors.New("the topic has to be checked")
	}
	if s.after != nil {
		s.after(s)
		s.after = nil
	}
	return nil
}

func run(stores map[string]notification.Store, dryRun bool) []Result {
	members := replicaset.Members{set().Member("111122223333", "us-east-1"), set().Member("111122223333", "eu-west-1")}
	return Run(context.Background(), Options{Set: set(), Members: members, Stores: stores, DryRun: dryRun})
}

// TestRunPutsBackWhatWasWiped: of two buckets one has the entries, the other one
// lost them by its owner's deployment.
func TestRunPutsBackWhatWasWiped(t *testing.T) {
	const theirs = `<QueueConfiguration><Id>q</Id><Queue>arn</Queue><Event>s3:ObjectRemoved:*</Event></QueueConfiguration>`
	const entry = `<TopicConfiguration><Id>s3fanout.media.1</Id><Topic>arn:aws:sns:us-east-1:111122223333:media-object-created</Topic>` +
		`<Event>s3:ObjectCreated:*</Event>` +
		`<Filter><S3Key><FilterRule><Name>prefix</Name><Value>a+b/</Value></FilterRule></S3Key></Filter></TopicConfiguration>`
	wiped := &shelf{raw: head + theirs + tail}
	whole := &shelf{raw: head + strings.ReplaceAll(entry, "us-east-1", "eu-west-1") + tail}
	stores := map[string]notification.Store{"us-east-1": wiped, "eu-west-1": whole}
	for i, want := range []struct {
		dryRun bool
		states [2]string
	}{{true, [2]string{Wanting, Present}}, {false, [2]string{Written, Present}}, {false, [2]string{Present, Present}},
		{true, [2]string{Present, Present}}} {
		results := run(stores, want.dryRun)
		if results[0].State != want.states[0] || results[1].State != want.states[1] || results[0].Err != nil || results[1].Err != nil {
			t.Errorf("run %d: %+v, want %v", i, results, want.states)
		}
	}
	if wiped.raw != head+theirs+entry+tail || wiped.writes != 1 || whole.writes != 0 {
		t.Errorf("%d and %d writes, and then\n%s", wiped.writes, whole.writes, wiped.raw)
	}
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	const region = "region us-east-1: "
	for what, tc := range map[string]struct {
		shelf shelf
		want  string
	}{
		"overlap": {shelf{
			raw: head + `<QueueConfiguration><Id>q</Id><Queue>arn</Queue><Event>s3:ObjectCreated:Put</Event></QueueConfiguration>` + tail,
		}, `entry "q" of the bucket's notifications, which sends arn events of`},
		"denied": {shelf{fail: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}}, "bucket old is denied"},
		"not deployed": {shelf{
			raw: head + tail, after: func(*shelf) {}, fail: &smithy.GenericAPIError{Code: "InvalidArgument", Message: "Unable to validate"},
		}, "media-object-created is not deployed yet"},
	} {
		results := run(map[string]notification.Store{"us-east-1": &tc.shelf, "eu-west-1": &shelf{raw: head + tail}}, false)
		err := results[0].Err
		if results[0].State != Failed || err == nil || !strings.HasPrefix(err.Error(), region) || !strings.Contains(err.Error(), tc.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %+v", what, results[0])
		}
		if results[1].State != Written || tc.shelf.writes != 0 {
			t.Errorf("%s: %+v, %d writes", what, results[1], tc.shelf.writes)
		}
	}
}

// TestRunTellsOfARace: somebody else writes right after, from what was there before.
func TestRunTellsOfARace(t *testing.T) {
	raced := &shelf{raw: head + tail, after: func(s *shelf) { s.raw = head + "<EventBridgeConfiguration/>" + tail }}
	results := run(map[string]notification.Store{"us-east-1": raced, "eu-west-1": &shelf{raw: head + tail}}, false)
	if !results[0].Raced || results[1].Raced || results[0].State != Written ||
		!strings.Contains(raced.raw, "<EventBridgeConfiguration/>") || !strings.Contains(raced.raw, "s3fanout.media.1") {
		t.Errorf("%+v, and then\n%s", results, raced.raw)
	}
}
