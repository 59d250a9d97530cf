package explain

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/policy"
	"s3fanout/internal/proof/buckets"
	"s3fanout/internal/replicaset"
)

const storyA, storyB, storyC = "us-east-1", "eu-west-1", "ap-northeast-1"

// factsOf are the facts of a key, with everything followed.
func factsOf(t *testing.T, w *buckets.Buckets, key string) Facts {
	t.Helper()
	set := replicaset.Config{Name: "b", Regions: w.Regions, Buckets: map[string]string{}}
	o := Options{Config: set, Account: "123456789012", Key: key, S3: map[string]S3{}}
	for _, region := range w.Regions {
		set.Buckets[region], o.S3[region] = buckets.Name(region), w.Clients[region]
	}
	f := Facts{Key: key, Now: w.Now(), Regions: make([]Region, len(w.Regions))}
	said := make([]policy.Bucket, len(w.Regions))
	for i, region := range w.Regions {
		f.Regions[i], _ = askRegion(t.Context(), o, region)
		var err error
		if said[i], err = bucketOf(o, region).stack(t.Context()); err != nil || f.Regions[i].Err != nil {
			t.Fatal(err, f.Regions[i].Err)
		}
	}
	f.Followed = newFollowed(replicaset.Follow{Overwrites: true, Deletions: true, Tags: true}, time.Time{}, said)
	return f
}

// story is what has become of the writes, one a line.
func story(f Facts) string {
	var b strings.Builder
	for _, w := range Writes(f) {
		fmt.Fprintf(&b, "%s %s shown %v hidden %v kept %v", w.Region, w.Why, w.Shown, w.Hidden, w.Kept)
		if w.Destroyed {
			b.WriteString(" destroyed")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Of a key that is followed the whole story is told: who wrote, which write won and
// why, what was beaten, and where it still is.
func TestStoryOfAKeyThatIsFollowed(t *testing.T) {
	w := buckets.New(t, storyA, storyB, storyC)
	everywhere := func(region string) {
		for _, to := range w.Regions {
			if to != region {
				w.Replicate(region, to, "k")
			}
		}
	}
	w.Put(storyA, "k", "one")
	everywhere(storyA)
	w.Pass(time.Second)
	w.Put(storyA, "k", "of a")
	w.Put(storyB, "k", "of b") // in the same second
	w.Replicate(storyA, storyB, "k")
	w.Replicate(storyA, storyC, "k")
	f := factsOf(t, w, "k")
	want := "us-east-1 the latest write shown [us-east-1 eu-west-1 ap-northeast-1] hidden [] kept []\n" +
		"eu-west-1 of the same second as that of us-east-1, which comes later in the alphabet shown [] hidden [] kept [eu-west-1]\n" +
		"us-east-1 written 1 s before that of eu-west-1 shown [] hidden [] kept [us-east-1 eu-west-1 ap-northeast-1]\n"
	if got := story(f); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	v := Judge(f)
	if v.Code != CodeEverywhere || !strings.Contains(v.Text, "the latest write is that of us-east-1 at ") ||
		!strings.Contains(v.Text, "and all Regions show it") || len(v.Steps) != 0 {
		t.Errorf("got %+v", v)
	}

	w.Pass(time.Second)
	w.Remove(storyC, "k")
	for _, tt := range []struct {
		after  time.Duration
		code   Code
		states string
		text   string
		step   string
	}{
		{time.Second, CodeOnItsWay, "undeleted undeleted deleted", "it is deleted in ap-northeast-1, first at", ""},
		{time.Hour, CodeDifferent, "undeleted undeleted deleted", "not yet in us-east-1 and eu-west-1",
			"s3fanout backfill --key='k' --hide-deleted"},
	} {
		f = factsOf(t, w, "k")
		f.Now = f.Now.Add(tt.after)
		v = Judge(f)
		got := strings.Trim(fmt.Sprint(States(f)), "[]")
		if v.Code != tt.code || got != tt.states || !strings.Contains(v.Text, tt.text) || v.Steps[len(v.Steps)-1].Command != tt.step {
			t.Errorf("got %s and %+v, want %+v", got, v, tt)
		}
	}
	w.Remove(storyA, "k")
	w.Remove(storyB, "k")
	v = Judge(factsOf(t, w, "k"))
	if v.Code != CodeNowhere || len(v.Steps) != 1 || !strings.HasPrefix(v.Steps[0].Command, "s3fanout undelete --since 20") ||
		!strings.HasSuffix(v.Steps[0].Command, "Z --key='k'") {
		t.Errorf("got %+v", v)
	}
}

// A late copy of an older write can come on top of a later one that is deleted. The older
// one counts then: undelete brings it back, told to begin before that was deleted.
func TestUndeleteOfAnOlderWriteOnTopOfADeletedOne(t *testing.T) {
	w := buckets.New(t, storyA, storyB, storyC)
	step := func(f func()) time.Time {
		w.Pass(time.Second)
		f()
		return w.Now().UTC().Truncate(time.Second)
	}
	step(func() { w.Put(storyA, "k", "older") })
	step(func() { w.Replicate(storyA, storyC, "k") })
	step(func() { w.Put(storyB, "k", "later") })
	deleted := step(func() { w.Remove(storyA, "k") })
	step(func() { w.Remove(storyB, "k") })
	step(func() { w.Replicate(storyC, storyB, "k") })
	step(func() { w.Remove(storyB, "k") })
	step(func() { w.Remove(storyC, "k") })
	v := Judge(factsOf(t, w, "k"))
	if want := undeleteKey("k", deleted); v.Code != CodeNowhere || len(v.Steps) != 1 || v.Steps[0].Command != want {
		t.Errorf("got %+v, want %s", v, want)
	}
	if want := "the latest write that counts is that of us-east-1 at "; !strings.Contains(v.Text, want) {
		t.Errorf("no %q in %s", want, v.Text)
	}
}

// A marker that was made during an upload in parts is beneath it, and younger, so that
// undelete counts from it.
func TestUndeleteCountsFromAMarkerBeneath(t *testing.T) {
	stack := []policy.Version{{Marker: true, Modified: 70}, {Modified: 20}, {Marker: true, Modified: 50}, {Marker: true, Modified: 20}}
	if got, want := undeleteSince(stack, 1), time.Unix(50, 0); !got.Equal(want) {
		t.Errorf("undelete has to look since %v, want %v", got, want)
	}
	if got, want := deletedAt(stack, 1), time.Unix(70, 0); !got.Equal(want) {
		t.Errorf("deleted at %v, want %v", got, want)
	}
}

// Tags are those of the Region where the object was written.
func TestTagsOfAKeyThatIsFollowed(t *testing.T) {
	w := buckets.New(t, storyA, storyB)
	w.Put(storyB, "k", "one")
	w.Replicate(storyB, storyA, "k")
	w.Tag(storyA, "k", "colour", "blue")
	v := Judge(factsOf(t, w, "k"))
	if v.Code != CodeTags ||
		!strings.Contains(v.Text, "its tags are not those of eu-west-1, where it was written (eu-west-1: colour=red | us-east-1: "+
			"colour=blue), and only tag changes made there are replicated") ||
		len(v.Steps) != 1 || !strings.HasPrefix(v.Steps[0].Command, "aws s3api put-object-tagging --region us-east-1 ") {
		t.Errorf("got %+v", v)
	}
	w.Tag(storyB, "k", "colour", "blue")
	if v = Judge(factsOf(t, w, "k")); v.Code != CodeEverywhere || len(v.Steps) != 0 {
		t.Errorf("got %+v", v)
	}
}

// Several Regions that are behind have verbs in the plural.
func TestVerdictOnSeveralBehind(t *testing.T) {
	w := buckets.New(t, storyA, storyB, storyC)
	w.Put(storyA, "k", "one")
	w.Pass(time.Second)
	if v := Judge(factsOf(t, w, "k")); !strings.Contains(v.Text, "eu-west-1 and ap-northeast-1 have nothing") {
		t.Errorf("got %s", v.Text)
	}
	w.Replicate(storyA, storyB, "k")
	w.Replicate(storyA, storyC, "k")
	w.Pass(time.Second)
	w.Put(storyA, "k", "two")
	if v := Judge(factsOf(t, w, "k")); !strings.Contains(v.Text, "eu-west-1 and ap-northeast-1 show an older write") {
		t.Errorf("got %s", v.Text)
	}
}

// What is behind is said with what to do about it.
func TestVerdictOnWhatIsFollowed(t *testing.T) {
	w := buckets.New(t, storyA, storyB, storyC)
	w.Put(storyA, "k", "one")
	w.Replicate(storyA, storyB, "k")
	w.Pass(time.Second)
	w.Put(storyA, "k", "two")
	f := factsOf(t, w, "k")
	f.Now = f.Now.Add(time.Hour)
	v := Judge(f)
	if got := strings.Trim(fmt.Sprint(States(f)), "[]"); v.Code != CodeDifferent || got != "present stale missing" {
		t.Errorf("got %s, %+v", got, v)
	}
	for _, want := range []string{
		"us-east-1 shows it", "ap-northeast-1 has nothing", "eu-west-1 shows an older write", "no dead letter says why",
	} {
		if !strings.Contains(v.Text, want) {
			t.Errorf("no %q in %s", want, v.Text)
		}
	}
	if v.Steps[0].Command != "s3fanout doctor --region us-east-1 --region ap-northeast-1 --region eu-west-1" ||
		v.Steps[1].Command != "s3fanout backfill --key='k'" {
		t.Errorf("got %+v", v.Steps)
	}
	f.Letters = []Letter{{Queue: storyB, Source: storyA, Targets: []string{storyB}, Reason: "AccessDenied"}}
	if v = Judge(f); v.Code != CodeDeadLetter || v.Steps[0].Command != "s3fanout redrive --key='k' --region eu-west-1" ||
		!strings.Contains(v.Text, "AccessDenied") {
		t.Errorf("with a letter: got %+v", v)
	}

	version := w.Put(storyC, "gone", "one")
	w.Replicate(storyC, storyB, "gone")
	w.Remove(storyC, "gone", version)
	f = factsOf(t, w, "gone")
	if v = Judge(f); v.Code != CodeDifferent || !strings.Contains(v.Text, "which has destroyed it since: eu-west-1 shows it") ||
		!strings.HasSuffix(story(f), "destroyed\n") {
		t.Errorf("destroyed: got %+v of\n%s", v, story(f))
	}
	f = factsOf(t, w, "never")
	if v = Judge(f); v.Code != CodeNowhere || Writes(f) == nil || len(Writes(f)) != 0 {
		t.Errorf("never there: got %+v", v)
	}
	f = factsOf(t, w, "k")
	f.Regions[2].Err, f.Followed.Buckets[2] = fmt.Errorf("denied"), policy.Bucket{}
	if v = Judge(f); v.Code != CodeUnknown || States(f)[2] != Unknown {
		t.Errorf("unknown: got %+v", v)
	}
}
