package notification

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	head  = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
	tail  = `</NotificationConfiguration>`
	topic = "arn:aws:sns:us-east-1:111122223333:media-object-created"
	ours  = "s3fanout.media."
)

// others is what an owner may have: every kind of destination, and one that no
// code of today knows.
const others = `
  <QueueConfiguration><Id>thumbs</Id><Queue>arn:aws:sqs:us-east-1:111122223333:thumbs</Queue><Event>s3:ObjectCreated:Put</Event>` +
	`<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>in+put/</Value></FilterRule><FilterRule><Name>Suffix</Name><Value>.jpg</Value></FilterRule></S3Key></Filter></QueueConfiguration>
  <CloudFunctionConfiguration><Id>gone</Id><CloudFunction>arn:aws:lambda:us-east-1:111122223333:function:f</CloudFunction><Event>s3:ObjectRemoved:*</Event></CloudFunctionConfiguration>
  <TopicConfiguration><Id>s3fanout.media2.1</Id><Topic>arn:aws:sns:us-east-1:111122223333:t</Topic><Event>s3:ObjectRestore:*</Event></TopicConfiguration>
  <EventBridgeConfiguration></EventBridgeConfiguration>
  <StreamConfiguration x="1"><Id>&lt;new&gt;</Id><!-- as it is --></StreamConfiguration>
`

func parse(t rapid.TB, raw string) Document {
	t.Helper()
	d, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func entry(n int, prefix, suffix string, events ...string) Entry {
	return Entry{Kind: Topic, ID: fmt.Sprint(ours, n), Destination: topic, Events: events, Prefix: prefix, Suffix: suffix}
}

// TestMergeLeavesOthersByteForByte adds, changes and removes an entry, and looks
// at the bytes of all else.
func TestMergeLeavesOthersByteForByte(t *testing.T) {
	const added = `<TopicConfiguration><Id>s3fanout.media.1</Id><Topic>` + topic +
		`</Topic><Event>s3:ObjectCreated:Copy</Event></TopicConfiguration>`
	const filtered = `<TopicConfiguration><Id>s3fanout.media.1</Id><Topic>` + topic + `</Topic><Event>s3:ObjectCreated:*</Event>` +
		`<Filter><S3Key><FilterRule><Name>prefix</Name><Value>a%26b/</Value></FilterRule><FilterRule><Name>suffix</Name>` +
		`<Value>.png</Value></FilterRule></S3Key></Filter></TopicConfiguration>`
	before := parse(t, head+others+tail)
	one, err := before.Merge(ours, []Entry{entry(1, "", "", "s3:ObjectCreated:Copy")})
	if err != nil || string(one.Bytes()) != head+others+added+tail {
		t.Fatalf("added: %v\n%s", err, one.Bytes())
	}
	again, err := one.Merge(ours, []Entry{entry(1, "", "", "s3:ObjectCreated:Copy")})
	if err != nil || string(again.Bytes()) != string(one.Bytes()) {
		t.Errorf("repeated: %v\n%s", err, again.Bytes())
	}
	two, err := one.Merge(ours, []Entry{entry(1, "a%26b/", ".png", "s3:ObjectCreated:*")})
	if err != nil || string(two.Bytes()) != head+others+filtered+tail {
		t.Errorf("changed: %v\n%s", err, two.Bytes())
	}
	gone, err := two.Without(ours)
	if err != nil || string(gone.Bytes()) != head+others+tail || !gone.Equal(before) {
		t.Errorf("removed: %v\n%s", err, gone.Bytes())
	}
	if two.Equal(before) || two.Equal(one) || !one.Contains([]Entry{entry(7, "", "", "s3:ObjectCreated:Copy")}) ||
		before.Contains([]Entry{entry(1, "", "", "s3:ObjectCreated:Copy")}) {
		t.Error("Equal or Tells does not see the difference")
	}
}

func TestMergeIntoNothing(t *testing.T) {
	for _, raw := range []string{
		`<NotificationConfiguration/>`,
		`<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/" />`,
		head + tail,
	} {
		d, err := parse(t, raw).Merge(ours, []Entry{entry(1, "", "", "s3:ObjectCreated:*")})
		if err != nil || len(d.Entries()) != 1 || d.Entries()[0].Destination != topic {
			t.Errorf("%s: %v\n%s", raw, err, d.Bytes())
		}
		if gone, err := d.Without(ours); err != nil || !gone.Equal(parse(t, raw)) {
			t.Errorf("%s: removed: %v\n%s", raw, err, gone.Bytes())
		}
	}
}

// TestParseRefuses what is no configuration, before anything is written.
func TestParseRefuses(t *testing.T) {
	for _, raw := range []string{
		"", "x", "<Error><Code>x</Code></Error>", head, head + "<TopicConfiguration>" + tail, head + tail + "<b>",
	} {
		if d, err := Parse([]byte(raw)); err == nil {
			t.Errorf("%q: got %+v", raw, d)
		}
	}
}

func TestMergeRefusesWhatS3Would(t *testing.T) {
	queue := func(prefix, suffix string, events ...string) string {
		e := Entry{
			Kind: Queue, ID: "theirs", Destination: "arn:aws:sqs:us-east-1:111122223333:q", Events: events, Prefix: prefix, Suffix: suffix,
		}
		d, err := parse(t, head+tail).with(func(Entry) bool { return false }, []Entry{e})
		if err != nil {
			t.Fatal(err)
		}
		return string(d.Bytes())
	}
	for _, tc := range []struct {
		what, have string
		want       Entry
		overlaps   bool
	}{
		{"the same events", queue("", "", "s3:ObjectCreated:*"), entry(1, "", "", "s3:ObjectCreated:*"), true},
		{"one of them", queue("", "", "s3:ObjectRemoved:Delete", "s3:ObjectCreated:Put"), entry(1, "", "", "s3:ObjectCreated:*"), true},
		{"all of one", queue("", "", "s3:ObjectCreated:*"), entry(1, "", "", "s3:ObjectCreated:Put"), true},
		{"other events", queue("", "", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"), entry(1, "", "", "s3:ObjectCreated:*"), false},
		{"a wider prefix", queue("a/", "", "s3:ObjectCreated:*"), entry(1, "a/b/", "", "s3:ObjectCreated:*"), true},
		{"a narrower prefix", queue("a/b/", "", "s3:ObjectCreated:*"), entry(1, "a/", "", "s3:ObjectCreated:*"), true},
		{"another prefix", queue("a/", "", "s3:ObjectCreated:*"), entry(1, "b/", "", "s3:ObjectCreated:*"), false},
		{"a prefix and a suffix", queue("a/", "", "s3:ObjectCreated:*"), entry(1, "", ".jpg", "s3:ObjectCreated:*"), true},
		{"another suffix", queue("a/", ".png", "s3:ObjectCreated:*"), entry(1, "a/", ".jpg", "s3:ObjectCreated:*"), false},
		{"encoded otherwise", queue("a%20b/", "", "s3:ObjectCreated:*"), entry(1, "a+b/", "", "s3:ObjectCreated:*"), true},
	} {
		_, err := parse(t, tc.have).Merge(ours, []Entry{tc.want})
		var overlap *OverlapError
		if errors.As(err, &overlap) != tc.overlaps || !tc.overlaps && err != nil {
			t.Errorf("%s: got %v, want an overlap: %v", tc.what, err, tc.overlaps)
		}
		if tc.overlaps &&
			(strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `"theirs"`) ||
				!strings.Contains(err.Error(), "subscribe its destination to "+topic)) {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
	var many []Entry
	for i := range maxEntries {
		many = append(many, entry(i, fmt.Sprintf("%03d/", i), "", "s3:ObjectCreated:*"))
	}
	full := parse(t, queue("", "", "s3:ObjectRemoved:*"))
	if _, err := full.Merge(ours, many); err == nil || !strings.Contains(err.Error(), "would have 101 entries, S3 allows 100") {
		t.Errorf("got %v", err)
	}
}

// TestMergeTakesWhatOthersTell: the set's own bucket, once adopted, has an entry
// that CloudFormation made. A second one would be refused, and were it removed, a
// deployment that is rolled back would leave the bucket mute.
func TestMergeTakesWhatOthersTell(t *testing.T) {
	d := parse(t,
		head+`<TopicConfiguration><Id>NDc5</Id><Topic>`+topic+
			`</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key></S3Key></Filter></TopicConfiguration>`+tail)
	same, err := d.Merge(ours, []Entry{entry(1, "", "", "s3:ObjectCreated:*")})
	if err != nil || string(same.Bytes()) != string(d.Bytes()) || !d.Contains([]Entry{entry(1, "", "", "s3:ObjectCreated:*")}) {
		t.Errorf("%v\n%s", err, same.Bytes())
	}
	if gone, err := d.Without(ours); err != nil || string(gone.Bytes()) != string(d.Bytes()) {
		t.Errorf("removed: %v\n%s", err, gone.Bytes())
	}
	_, err = d.Merge(ours, []Entry{entry(1, "a/", "", "s3:ObjectCreated:*")})
	if err == nil || !strings.Contains(err.Error(), "remove it: it sends the same topic events of other changes or keys") {
		t.Errorf("got %v", err)
	}
}

// TestEqualIgnoresWhatS3DoesNotKeep compares what was written with how S3 shows it.
func TestEqualIgnoresWhatS3DoesNotKeep(t *testing.T) {
	a := parse(t,
		`<NotificationConfiguration><QueueConfiguration><Id>q</Id><Queue>x</Queue><Event>b</Event><Event>a</Event><Filter><S3Key>`+
			`<FilterRule><Name>prefix</Name><Value>P</Value></FilterRule></S3Key></Filter></QueueConfiguration><EventBridgeConfiguration/>`+
			`</NotificationConfiguration>`)
	b := parse(t,
		head+"<EventBridgeConfiguration></EventBridgeConfiguration>\n<QueueConfiguration><Event>a</Event><Event>b</Event>\n"+
			"<Id>q</Id><Queue>x</Queue><Filter><S3Key><FilterRule><Value>P</Value><Name>Prefix</Name></FilterRule></S3Key></Filter>"+
			"</QueueConfiguration>"+tail)
	if !a.Equal(b) {
		t.Errorf("\n%v\n%v", a.canonical(), b.canonical())
	}
	for _, other := range []string{
		strings.ReplaceAll(string(b.Bytes()), "<Value>P<", "<Value>p<"), strings.ReplaceAll(string(b.Bytes()), "<Event>a</Event>", ""),
		strings.ReplaceAll(string(b.Bytes()), "<EventBridgeConfiguration></EventBridgeConfiguration>", ""),
	} {
		if a.Equal(parse(t, other)) {
			t.Errorf("equal to %s", other)
		}
	}
}

// TestMergeThenWithoutIsNothing draws configurations and what is put into them.
func TestMergeThenWithoutIsNothing(t *testing.T) {
	name := rapid.StringMatching(`[a-z<&"/. ]{0,4}`)
	event := rapid.SampledFrom([]string{"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectRemoved:*", "s3:ObjectTagging:Put"})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(prefix, label string) []Entry {
			var all []Entry
			for i := range rapid.IntRange(0, 4).Draw(t, label) {
				all = append(all, Entry{
					Kind: rapid.SampledFrom([]Kind{Topic, Queue, Function}).Draw(t, "kind"), ID: fmt.Sprint(prefix, i),
					Destination: "arn:" + rapid.StringMatching(`[a-z<&"/]{0,4}`).Draw(t, "destination"),
					Events:      rapid.SliceOfN(event, 1, 3).Draw(t, "events"),
					Prefix:      name.Draw(t, "prefix"), Suffix: name.Draw(t, "suffix"),
				})
			}
			return all
		}
		before, err := parse(t, head+tail).with(func(Entry) bool { return false }, draw("their-", "theirs"))
		if err != nil {
			t.Fatal(err)
		}
		wanted := draw(ours, "wanted")
		merged, err := before.Merge(ours, wanted)
		if err != nil {
			return
		}
		if !merged.Contains(wanted) {
			t.Fatalf("%+v is missing in %s", wanted, merged.Bytes())
		}
		if again, err := merged.Merge(ours, wanted); err != nil || string(again.Bytes()) != string(merged.Bytes()) {
			t.Fatalf("again: %v\n%s\n%s", err, merged.Bytes(), again.Bytes())
		}
		for i, e := range merged.Entries() {
			if slices.ContainsFunc(merged.Entries()[:i], func(o Entry) bool {
				return strings.HasPrefix(e.ID, ours) && !strings.HasPrefix(o.ID, ours) && e.overlaps(o)
			}) {
				t.Fatalf("an overlap in %s", merged.Bytes())
			}
		}
		if gone, err := merged.Without(ours); err != nil || string(gone.Bytes()) != string(before.Bytes()) {
			t.Fatalf("%v\n%s\n%s", err, gone.Bytes(), before.Bytes())
		}
	})
}
