package explain

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/policy"
)

const (
	us, eu, ap = "us-east-1", "eu-west-1", "ap-northeast-1"
	gib        = int64(1) << 30
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// now is when the tests ask: an hour after noon.
var now = noon.Add(time.Hour)

// object is one whose contents its ETag stands for.
func object(etag string, modified time.Time) *Object {
	return &Object{
		VersionID: "v-" + etag, Figures: policy.Figures{Size: 10, ETag: etag}, Modified: modified, StorageClass: "STANDARD",
		Tags: map[string]string{},
	}
}

// inParts is one whose ETag says nothing about another's.
func inParts(etag string) *Object {
	return object(etag+"-3", noon)
}

func archived(o *Object) *Object {
	o.StorageClass, o.Archived = "GLACIER", true
	return o
}

func versions(list ...Version) func(*Region) {
	return func(r *Region) {
		r.Versions = list
		if len(list) > 0 && list[0].Marker {
			r.Deleted = &r.Versions[0]
		}
	}
}

func marker(t time.Time) Version { return Version{VersionID: "m1", Marker: true, Modified: t} }

func upload(by initiator.Writer, last time.Time) func(*Region) {
	return func(r *Region) {
		r.Uploads = []uploads.Upload{{UploadID: "u1", Initiated: noon, By: by, Parts: 4, Bytes: 2 * gib, Last: last}}
	}
}

func leftOut(f *Facts) { f.LeftOut = true }

// world are the facts of three Regions with these objects, nil where there is
// none.
func world(inUS, inEU, inAP *Object, changes ...func(*Facts)) Facts {
	f := Facts{Key: "films/it's one.mp4", Now: now}
	for i, region := range []string{us, eu, ap} {
		f.Regions = append(f.Regions, Region{
			Region: region, Bucket: "media-111122223333-" + region, Object: []*Object{inUS, inEU, inAP}[i],
		})
		f.Queues = append(f.Queues, Queue{Region: region})
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

func in(region string, change func(*Region)) func(*Facts) {
	return func(f *Facts) {
		change(&f.Regions[slices.IndexFunc(f.Regions, func(r Region) bool { return r.Region == region })])
	}
}

func letter(queue, reason string, targets ...string) func(*Facts) {
	return func(f *Facts) {
		f.Letters = append(f.Letters, Letter{
			Queue: queue, MessageID: queue + reason, SentAt: noon.Add(5 * time.Minute), Kind: "on-failure", Source: us, Reason: reason,
			Targets: targets,
		})
	}
}

// next is what redrive says of all dead letters.
func next(text string) func(*Facts) {
	return func(f *Facts) {
		for i := range f.Letters {
			f.Letters[i].Next = text
		}
	}
}

const permission = "run s3fanout doctor, which finds the missing permission; then redrive"

func tagged(o *Object, name, value string) *Object {
	with := *o
	with.Tags = map[string]string{name: value}
	return &with
}

func untagged(o *Object) *Object {
	with := *o
	with.Tags = nil
	return &with
}

// lostIn is the step that finds out what lost an event from us to a Region.
func lostIn(region string) string {
	return "find out why its event was lost, such as a missing notification, subscription or filter: s3fanout doctor --region " +
		"us-east-1 --region " + region
}

func silent(r *Region) { r.Err = errors.New("region unreachable") }

func TestJudge(t *testing.T) {
	up, copied := object("a", noon), object("a", noon.Add(2*time.Second))
	other := object("b", noon.Add(time.Second))
	fresh := object("a", now.Add(-20*time.Second))
	const quoted = `'films/it'\''s one.mp4'`
	const redriveKey = "s3fanout redrive --key=" + quoted
	for _, tc := range []struct {
		what  string
		facts Facts
		code  Code
		text  string
		steps []string // "text: command"
	}{
		{"everywhere", world(up, copied, copied), CodeEverywhere, "it is in all 3 Regions and the same everywhere", nil},
		{"everywhere, in two Regions", world(up, copied, nil, func(f *Facts) { f.Regions, f.Queues = f.Regions[:2], f.Queues[:2] }),
			CodeEverywhere, "it is in both Regions and the same everywhere", nil},
		{"left out", world(up, nil, nil, leftOut), CodeLeftOut,
			"it is in us-east-1 and is not copied, because no filter in cdk.json selects its key",
			[]string{`to copy it, add a filter that selects it, deploy, and copy it: s3fanout backfill --key='films/it'\''s one.mp4'`}},
		{"excluded", world(up, nil, nil, leftOut, func(f *Facts) { f.Excluded = true }), CodeLeftOut,
			"it is in us-east-1 and is not copied, because cdk.json excludes its key",
			[]string{`to copy it, change the excluded keys, deploy, and copy it: s3fanout backfill --key='films/it'\''s one.mp4'`}},
		{"everywhere with a letter", world(up, copied, copied, letter(eu, "SlowDown", eu)), CodeEverywhere,
			"it is in all 3 Regions and the same everywhere",
			[]string{"replay the dead letters that name it; they end once it is there: " + redriveKey + " --region eu-west-1"}},
		{"cannot be compared", world(up, copied, inParts("c")), CodeNotCompared,
			"it is in all 3 Regions with the same size, but ETags and checksums do not say whether the contents are the same (us-east-1 " +
				"and eu-west-1 | ap-northeast-1): " +
				"they were uploaded in parts, or encrypted with KMS, or have checksums of different kinds", nil},
		{"missing with letters of one cause", world(up, nil, nil, letter(eu, "SlowDown: slow", eu), letter(ap, "SlowDown: slow", ap)),
			CodeDeadLetter,
			"it is in us-east-1 alone; it is missing in eu-west-1 and ap-northeast-1, because its copy failed and waits as a " +
				"dead letter: " +
				"SlowDown: slow",
			[]string{"remove the cause, then replay: " + redriveKey + " --region ap-northeast-1 --region eu-west-1"}},
		{"missing with a letter of the topic", world(up, copied, nil, letter(us, "not delivered")), CodeDeadLetter,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, because its copy failed and " +
				"waits as a " +
				"dead letter: not delivered",
			[]string{"remove the cause, then replay: " + redriveKey + " --region us-east-1"}},
		{"missing with a letter of its own and a later one of the topic",
			world(up, copied, nil, letter(ap, "SlowDown", ap), letter(us, "not delivered")), CodeDeadLetter,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, because its copy failed and " +
				"waits as a " +
				"dead letter: SlowDown",
			[]string{"remove the cause, then replay: " + redriveKey + " --region ap-northeast-1 --region us-east-1"}},
		{"missing with the letter of another Region", world(up, copied, nil, letter(eu, "SlowDown", eu)), CodeMissing,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, though it was uploaded 60 min ago, " +
				"and no dead letter says why",
			[]string{lostIn(ap), "copy what is missing: s3fanout backfill --key=" + quoted + " --to ap-northeast-1"}},
		{"missing where copies are not announced", world(up, copied, nil, func(f *Facts) { f.NoUserCopies = true }), CodeMissing,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, though it was uploaded 60 min ago, " +
				"and no dead letter says why; " +
				"if a user made it by CopyObject, nothing announced it, because copiesByUsers is false",
			[]string{lostIn(ap), "copy what is missing: s3fanout backfill --key=" + quoted + " --to ap-northeast-1"}},
		{"missing, and a queue is not known", world(up, copied, nil, func(f *Facts) { f.Queues[2].Held = 3 }), CodeMissing,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, though it was uploaded 60 min ago, " +
				"and no dead letter says why among those that could be read (not all of ap-northeast-1)",
			[]string{lostIn(ap), "copy what is missing: s3fanout backfill --key=" + quoted + " --to ap-northeast-1"}},
		{"one letter, one missing without", world(up, nil, nil, letter(eu, "SlowDown", eu)), CodeDeadLetter,
			"it is in us-east-1 alone; it is missing in eu-west-1, because its copy failed and waits as a dead letter: SlowDown; " +
				"it is missing in ap-northeast-1, though it was uploaded 60 min ago, and no dead letter says why",
			[]string{
				"remove the cause, then replay: " + redriveKey + " --region eu-west-1", lostIn(ap),
				"copy what is missing: s3fanout backfill --key=" + quoted + " --to ap-northeast-1",
			}},
		{"on its way", world(fresh, nil, nil), CodeOnItsWay,
			"it is in us-east-1 alone; it is not yet in eu-west-1 and ap-northeast-1, but was uploaded only 20 s ago and is probably " +
				"on its way",
			[]string{"wait a few minutes and check again"}},
		{"a young replica does not excuse", world(up, object("a", now.Add(-time.Second)), nil), CodeMissing,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, though it was uploaded 60 min ago, " +
				"and no dead letter says why",
			[]string{lostIn(ap), "copy what is missing: s3fanout backfill --key=" + quoted + " --to ap-northeast-1"}},
		{"being copied",
			world(&Object{Figures: policy.Figures{Size: 10 * gib, ETag: "a-9"}, Modified: noon, Tags: map[string]string{}}, nil,
				object("a-9", noon), in(eu, upload(initiator.ByReplicator, now.Add(-time.Minute))),
				func(f *Facts) { f.Regions[2].Object.Size = 10 * gib }), CodeCopying,
			"it is in us-east-1 and ap-northeast-1 and the same there; it is not yet in eu-west-1: the function is copying it, " +
				"2.0 GiB of 10.0 GiB in 4 parts",
			[]string{"wait a few minutes and check again"}},
		{"being copied by who knows whom", world(up, copied, nil, in(ap, upload(initiator.ByUnknown, now))), CodeCopying,
			"it is in us-east-1 and eu-west-1 and the same there; it is not yet in ap-northeast-1: an upload of it is under way there, " +
				"2.0 GiB of 10 B in 4 parts",
			[]string{"wait a few minutes and check again"}},
		{"somebody else's upload is no copy", world(up, copied, nil, in(ap, upload(initiator.ByOther, now))), CodeMissing,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, though it was uploaded 60 min ago, " +
				"and no dead letter says why",
			[]string{lostIn(ap), "copy what is missing: s3fanout backfill --key=" + quoted + " --to ap-northeast-1"}},
		{"an upload that stands still", world(up, copied, nil, in(ap, upload(initiator.ByReplicator, noon.Add(10*time.Minute)))),
			CodeMissing,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, though it was uploaded 60 min ago, " +
				"an upload of it in ap-northeast-1 has shown nothing new for 50 min, and no dead letter says why",
			[]string{lostIn(ap), "copy what is missing: s3fanout backfill --key=" + quoted + " --to ap-northeast-1"}},
		{"an upload that failed just now", func() Facts {
			f := world(up, copied, nil, in(ap, upload(initiator.ByReplicator, now.Add(-2*time.Minute))), letter(ap, "given up", ap))
			f.Letters[0].SentAt = now.Add(-time.Minute)
			return f
		}(), CodeDeadLetter,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, because its copy failed and " +
				"waits as a " +
				"dead letter: given up",
			[]string{"remove the cause, then replay: " + redriveKey + " --region ap-northeast-1"}},
		{"written twice", world(up, other, copied), CodeDifferent,
			"it is in all 3 Regions, but not the same (us-east-1 and ap-northeast-1 | eu-west-1): each was uploaded separately " +
				"(us-east-1 and ap-northeast-1 at 2026-11-20 12:00:00Z, eu-west-1 at 2026-11-20 12:00:01Z), and the first write of a key " +
				"wins in each Region (the functions count a copy of the other as Diverged)",
			[]string{
				"if that of us-east-1 and ap-northeast-1 is right, delete the others (the versions stay) and copy again: " +
					"aws s3api delete-object --region eu-west-1 " +
					"--bucket media-111122223333-eu-west-1 --key=" + quoted + " && s3fanout backfill --key=" + quoted +
					" --restore-deleted --from us-east-1 --to eu-west-1",
				"if that of eu-west-1 is right, delete the others (the versions stay) and copy again: aws s3api delete-object --region " +
					"us-east-1 " +
					"--bucket media-111122223333-us-east-1 --key=" + quoted + " && aws s3api delete-object --region ap-northeast-1 " +
					"--bucket media-111122223333-ap-northeast-1 --key=" + quoted + " && s3fanout backfill --key=" + quoted +
					" --restore-deleted --from eu-west-1 --to us-east-1 --to ap-northeast-1",
				"if both are wanted, upload one of them under another key",
			}},
		{"overwritten", world(object("b", noon.Add(time.Minute)), copied, copied,
			in(us, versions(Version{VersionID: "v-b", Size: 10, ETag: "b"}, Version{VersionID: "v-a", Size: 10, ETag: "a"}))),
			CodeDifferent,
			"it is in all 3 Regions, but not the same (eu-west-1 and ap-northeast-1 | us-east-1): us-east-1 had the same as " +
				"eu-west-1 and " +
				"ap-northeast-1 " +
				"and was overwritten at 2026-11-20 12:01:00Z, and overwrites are not replicated", []string{"*"}},
		{"different and missing", world(up, other, nil), CodeDifferent,
			"it is in us-east-1 and eu-west-1, but not the same (us-east-1 | eu-west-1): each was uploaded separately " +
				"(us-east-1 at 2026-11-20 12:00:00Z, eu-west-1 at 2026-11-20 12:00:01Z), and the first write of a key wins in " +
				"each Region " +
				"(the functions count a copy of the other as Diverged); " +
				"it is missing in ap-northeast-1, though it was uploaded 59 min ago, and no dead letter says why", []string{"*"}},
		{"deleted in one", world(up, nil, copied, in(eu, versions(marker(noon.Add(time.Minute))))), CodeDeleted,
			"it is in us-east-1 and ap-northeast-1 and the same there; it was deleted in eu-west-1 at 2026-11-20 12:01:00Z, " +
				"and deletions " +
				"are not replicated",
			[]string{
				"to delete it everywhere: aws s3api delete-object --region us-east-1 --bucket media-111122223333-us-east-1 --key=" +
					quoted +
					" && aws s3api delete-object --region ap-northeast-1 --bucket media-111122223333-ap-northeast-1 --key=" + quoted,
				"to restore it: s3fanout backfill --key=" + quoted + " --restore-deleted --to eu-west-1",
			}},
		{"deleted, time unknown", world(up, nil, copied, in(eu, func(r *Region) { r.Deleted = &Version{Marker: true} })), CodeDeleted,
			"it is in us-east-1 and ap-northeast-1 and the same there; it was deleted in eu-west-1, and deletions are not replicated",
			[]string{"*"}},
		{"deleted before it was uploaded again", world(up, nil, copied, in(eu, versions(marker(noon.Add(-time.Minute))))), CodeMissing,
			"it is in us-east-1 and ap-northeast-1 and the same there; it is missing in eu-west-1 (deleted in eu-west-1 before it was " +
				"uploaded again), " +
				"though it was uploaded 60 min ago, and no dead letter says why",
			[]string{lostIn(eu), "copy what is missing: s3fanout backfill --key=" + quoted + " --restore-deleted --to eu-west-1"}},
		{"archived", world(archived(object("a", noon)), nil, nil), CodeArchived,
			"it is in us-east-1 alone; it is missing in eu-west-1 and ap-northeast-1, and can be copied only once it is restored: " +
				"it is archived (GLACIER)",
			[]string{
				"restore it, which takes hours: aws s3api restore-object --region us-east-1 --bucket media-111122223333-us-east-1 --key=" +
					quoted + " --restore-request 'Days=7'",
				"then copy it: s3fanout backfill --key=" + quoted + " --from us-east-1 --to eu-west-1 --to ap-northeast-1",
			}},
		{"archived, with a letter",
			world(archived(object("a", noon)), archived(object("a", noon)), nil, letter(ap, "InvalidObjectState", ap)), CodeArchived,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, and can be copied only once it is " +
				"restored: it is archived (GLACIER)",
			[]string{"*", "then replay: " + redriveKey + " --region ap-northeast-1"}},
		{"archived in one Region alone", world(archived(object("a", noon)), copied, nil), CodeMissing,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, though it was uploaded 60 min ago, " +
				"and no dead letter says why", []string{"*"}},
		{"nowhere", world(nil, nil, nil), CodeNowhere,
			"no Region has it or had it: nothing was uploaded under this key, or all its versions were deleted", nil},
		{"nowhere, encoded", func() Facts {
			f := world(nil, nil, nil)
			f.Key = "a+b%2Fc"
			return f
		}(), CodeNowhere, "no Region has it or had it: nothing was uploaded under this key, or all its versions were deleted",
			[]string{"if the key comes from an S3 event it is encoded; ask for it as it is stored: s3fanout explain 'a b/c'"}},
		{"nowhere, not completed", world(nil, nil, nil, in(us, upload(initiator.ByOther, now))), CodeNowhere,
			"no Region has it: its upload is not completed", []string{"*"}},
		{"deleted everywhere",
			world(nil, nil, nil, in(us, versions(marker(noon))), in(eu, versions(marker(noon), Version{VersionID: "v1", Size: 10}))),
			CodeNowhere,
			"no Region has it any more: it was deleted in us-east-1 at 2026-11-20 12:00:00Z and eu-west-1 at 2026-11-20 12:00:00Z",
			// Not by hand: the runbook says never to remove delete markers.
			[]string{"to restore it: s3fanout undelete --since 2026-11-20T12:00:00Z --key=" + quoted}},
		{"a Region is silent", world(up, nil, copied, in(eu, silent)), CodeUnknown,
			"it is in us-east-1 and ap-northeast-1 and the same there; eu-west-1 could not be asked, so whether it is there is not known",
			[]string{"find out why, and check again: s3fanout doctor --region eu-west-1"}},
		{"a Region is silent, another lacks it", world(up, nil, nil, in(eu, silent)), CodeUnknown,
			"it is in us-east-1 alone; it is missing in ap-northeast-1, though it was uploaded 60 min ago, and no dead letter says why; " +
				"eu-west-1 could not be asked, so whether it is there is not known", []string{"*"}},
		{"nobody else has it", world(nil, nil, nil, in(eu, silent)), CodeUnknown,
			"it is not in us-east-1 and ap-northeast-1; eu-west-1 could not be asked, so whether it is there is not known",
			[]string{"find out why, and check again: s3fanout doctor --region eu-west-1"}},
		{"all are silent", world(nil, nil, nil, in(us, silent), in(eu, silent), in(ap, silent)), CodeUnknown,
			"us-east-1, eu-west-1 and ap-northeast-1 could not be asked, so whether it is there is not known",
			[]string{"find out why, and check again: s3fanout doctor --region us-east-1 --region eu-west-1 --region ap-northeast-1"}},
		{"other tags", world(up, tagged(copied, "a", "1"), tagged(copied, "a", "1")), CodeTags,
			"it is in all 3 Regions with the same contents; its tags are not the same (us-east-1: " +
				"none | eu-west-1 and ap-northeast-1: a=1), " +
				"and tag changes are not replicated",
			[]string{
				"if the tags of us-east-1 are right: aws s3api delete-object-tagging --region eu-west-1 --bucket " +
					"media-111122223333-eu-west-1 --key=" + quoted +
					" && aws s3api delete-object-tagging --region ap-northeast-1 --bucket media-111122223333-ap-northeast-1 --key=" +
					quoted,
				"if the tags of eu-west-1 and ap-northeast-1 are right: aws s3api put-object-tagging --region us-east-1 --bucket " +
					"media-111122223333-us-east-1 --key=" + quoted +
					` --tagging '{"TagSet":[{"Key":"a","Value":"1"}]}'`,
			}},
		{"other tags, and missing", world(up, tagged(copied, "a", "1"), nil), CodeMissing,
			"it is in us-east-1 and eu-west-1 with the same contents; its tags are not the same (us-east-1: none | eu-west-1: a=1), " +
				"and tag changes are not replicated; it is missing in ap-northeast-1, though it was uploaded 60 min ago, and no dead " +
				"letter says why",
			[]string{"*", "*", lostIn(ap)}},
		{"tags that may not be read", world(up, copied, untagged(copied)), CodeEverywhere,
			"it is in all 3 Regions and the same everywhere; whether its tags are the same is not known", nil},
		{"a letter that a permission caused", world(up, copied, nil, letter(ap, "denied: AccessDenied: no", ap), next(permission)),
			CodeDeadLetter,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, because its copy failed and " +
				"waits as a " +
				"dead letter: denied: AccessDenied: no",
			[]string{permission + ": s3fanout doctor --region ap-northeast-1", "then replay: " + redriveKey + " --region ap-northeast-1"}},
		{"a letter that the topic could not deliver",
			world(up, copied, nil, letter(us, "not delivered"), next("run s3fanout doctor, which finds why")), CodeDeadLetter,
			"it is in us-east-1 and eu-west-1 and the same there; it is missing in ap-northeast-1, because its copy failed and " +
				"waits as a " +
				"dead letter: not delivered",
			[]string{
				"run s3fanout doctor, which finds why: s3fanout doctor --region us-east-1 --region ap-northeast-1",
				"then replay: " + redriveKey + " --region us-east-1",
			}},
		{"letters while S3 was away",
			world(up, nil, nil, letter(eu, "retryable: 503", eu), letter(ap, "retryable: 503", ap),
				next("S3 was away; s3fanout status shows whether it goes on")), CodeDeadLetter,
			"it is in us-east-1 alone; it is missing in eu-west-1 and ap-northeast-1, because its copy failed and waits as a " +
				"dead letter: " +
				"retryable: 503",
			[]string{"S3 was away; s3fanout status shows whether it goes on: s3fanout status", "then replay: " + redriveKey +
				" --region ap-northeast-1 --region eu-west-1"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			got := Judge(tc.facts)
			if got.Code != tc.code || got.Text != tc.text {
				t.Errorf("got  %s: %s\nwant %s: %s", got.Code, got.Text, tc.code, tc.text)
			}
			var steps []string
			for _, s := range got.Steps {
				steps = append(steps, strings.TrimSuffix(s.Text+": "+s.Command, ": "))
			}
			for i, want := range tc.steps {
				if want == "*" && i < len(steps) {
					steps[i] = "*"
				}
			}
			if slices.Contains(tc.steps, "*") {
				steps = steps[:min(len(steps), len(tc.steps))]
			}
			if !slices.Equal(steps, tc.steps) {
				t.Errorf("got  %q\nwant %q", steps, tc.steps)
			}
			if want := tc.code == CodeEverywhere || tc.code == CodeNotCompared || tc.code == CodeLeftOut; got.Settled() != want {
				t.Errorf("AllThere: got %t", got.Settled())
			}
		})
	}
}
