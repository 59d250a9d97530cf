package follow

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
)

// A replica that names its origin has all else that a copy carries, although S3
// copies none of it by itself then.
func TestReplicasHaveWhatCopiesCarry(t *testing.T) {
	w := newWorld(t)
	w.put(here, "a b/ü+%.txt", "contents", func(in *s3.PutObjectInput) {
		in.ContentType, in.ContentEncoding, in.ContentLanguage = aws.String("text/x-test"), aws.String("identity"), aws.String("de, fr")
		in.CacheControl, in.ContentDisposition = aws.String("max-age=3, public"), aws.String(`attachment; filename="a b.txt"`)
		in.Metadata = map[string]string{"owner": "me", "text": "=?UTF-8?B?w7w=?="}
		in.Tagging = aws.String("a%20b=c%2Bd&e=")
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
		in.Expires = aws.Time(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	})
	w.follow(request("a b/ü+%.txt"), copier.Copied)
	source, replica := w.look(here, "a b/ü+%.txt"), w.look(there, "a b/ü+%.txt")
	entry, ok := policy.ParseEntry(replica.Metadata[policy.EntryName])
	if want := (policy.Write{Region: here, VersionID: *source.VersionId, Seconds: source.LastModified.Unix()}); !ok || entry.Write != want {
		t.Errorf("entry %+v, want %+v", entry, want)
	}
	if w.write(there, "a b/ü+%.txt") != entry.Write {
		t.Error("the entry does not bind")
	}
	delete(replica.Metadata, policy.EntryName)
	if !maps.Equal(source.Metadata, replica.Metadata) {
		t.Errorf("metadata %v, want %v", replica.Metadata, source.Metadata)
	}
	for _, name := range []string{"ContentLength", "ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage",
		"CacheControl",
		"ExpiresString", "TagCount", "ChecksumSHA256", "ETag"} {
		a, b := reflect.ValueOf(*source).FieldByName(name), reflect.ValueOf(*replica).FieldByName(name)
		if !reflect.DeepEqual(a.Interface(), b.Interface()) || a.IsZero() {
			t.Errorf("%s: %v, want %v", name, b.Elem(), a.Elem())
		}
	}
	if got, want := w.tags("a b/ü+%.txt"), map[string]string{"a b": "c+d", "e": ""}; !maps.Equal(got, want) {
		t.Errorf("tags %v, want %v", got, want)
	}

	// And on: a replica of a replica has one entry, the write's.
	w.follower.target = copier.Target{Region: third, Bucket: bucketIn(third)}
	w.follower.copier = copier.New(w.own, w.follower.target)
	on := request("a b/ü+%.txt")
	on.Source.Region, on.Source.Bucket, on.Replicas = there, bucketIn(there), true
	w.ahead[third] = w.ahead[there]
	w.follow(on, copier.Copied)
	if got := w.write(third, "a b/ü+%.txt"); got != entry.Write {
		t.Errorf("the replica of a replica is of %+v", got)
	}
	w.want("HEAD target", "HEAD source", "COPY target", "HEAD "+third, "HEAD target", "HEAD source", "COPY "+third)
}

// tags are those of a key at the target.
func (w *world) tags(key string) map[string]string {
	w.Helper()
	out, err := w.user(there).GetObjectTagging(w.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String(bucketIn(there)), Key: &key})
	if err != nil {
		w.Fatal(err)
	}
	tags := map[string]string{}
	for _, tag := range out.TagSet {
		tags[*tag.Key] = *tag.Value
	}
	return tags
}

// retag is a user's, of "k".
func (w *world) retag(region, value string) {
	w.Helper()
	set := []types.Tag{}
	if value != "" {
		set = append(set, types.Tag{Key: aws.String("t"), Value: &value})
	}
	_, err := w.user(region).PutObjectTagging(w.Context(), &s3.PutObjectTaggingInput{
		Bucket: aws.String(bucketIn(region)), Key: aws.String("k"), Tagging: &types.Tagging{TagSet: set},
	})
	if err != nil {
		w.Fatal(err)
	}
}

func retagged(version string) Request {
	r := request("k")
	r.Kind, r.Tags, r.Source.VersionID = Retagged, true, version
	return r
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	version := w.put(here, "k", "x")
	// The tags come with the copy where that was not made yet.
	w.retag(here, "1")
	w.follow(retagged(version), copier.Copied)
	w.want("HEAD target", "HEAD source", "COPY target")
	w.retag(here, "2")
	w.follow(retagged(version), copier.Retagged)
	w.want("HEAD target", "HEAD source", "TAGS source", "TAGS target", "PUTTAGS target", "TAGS source")
	w.follow(retagged(version), copier.Exists)
	w.want("HEAD target", "HEAD source", "TAGS source", "TAGS target")
	if got := w.tags("k")["t"]; got != "2" {
		t.Errorf("tag %q", got)
	}
	w.retag(here, "")
	w.follow(retagged(""), copier.Retagged)
	if got := w.tags("k"); len(got) != 0 {
		t.Errorf("tags %v of none", got)
	}
	// What is not the write's own Region is left alone.
	w.retag(there, "theirs")
	back := retagged(*w.look(there, "k").VersionId)
	back.Source.Region, back.Source.Bucket = there, bucketIn(there)
	w.follower.target = copier.Target{Region: here, Bucket: bucketIn(here)}
	w.requests()
	w.follow(back, copier.Superseded)
	w.want("HEAD source", "HEAD target")
	w.follower.target = copier.Target{Region: there, Bucket: bucketIn(there)}
	// An old version's tags are nobody's business.
	w.later()
	w.put(here, "k", "y")
	w.follow(retagged(version), copier.Superseded)
}

// Of two who bring tags at once the one that writes last reads last.
func TestOlderTagsDoNotStay(t *testing.T) {
	w := newWorld(t)
	version := w.put(here, "k", "x")
	w.follow(request("k"), copier.Copied)
	w.retag(here, "old")
	w.requests()
	w.interfere("PUTTAGS "+there, func() { // what another function did meanwhile
		w.retag(here, "new")
		w.retag(there, "new")
	})
	w.follow(retagged(version), copier.Retagged)
	if got := w.tags("k")["t"]; got != "new" {
		t.Errorf("tag %q", got)
	}
	w.want("HEAD target", "HEAD source", "TAGS source", "TAGS target", "PUTTAGS target", "TAGS source", "PUTTAGS target", "TAGS source")
	// The replica is replaced while its tags are compared: the new one's are put.
	w.retag(here, "newer")
	w.interfere("TAGS "+there, func() { w.remove(there, "k", *w.look(there, "k").VersionId) })
	w.follow(retagged(version), copier.Copied)
	if got := w.tags("k")["t"]; got != "newer" {
		t.Errorf("tag %q", got)
	}
}

// The tags of a copy in parts are read when it begins. If they change meanwhile and
// its maker dies at its end, whoever is told of the write again brings them.
func TestTagsThatChangeDuringACopyInParts(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", large("a"))
	r := request("k")
	w.interfere("COMPLETE "+there, func() { w.retag(here, "new") })
	w.follow(r, copier.Copied) // does not look at tags again, as one that has died
	r.Tags = true
	w.follow(r, copier.Retagged)
	if got := w.tags("k")["t"]; got != "new" {
		t.Errorf("tag %q", got)
	}
}

// body of a size over the threshold, in letters of one kind.
func large(kind string) string { return strings.Repeat(kind, 11<<20) }

func TestLargeObjects(t *testing.T) {
	w := newWorld(t)
	withTag := func(in *s3.PutObjectInput) { in.Tagging = aws.String("t=1") }
	w.put(here, "k", large("a"), withTag)
	inParts := []string{
		"HEAD target", "HEAD source", "HEAD source", "TAGS source", "CREATE target", "PART target", "PART target", "COMPLETE target",
	}
	r := request("k")
	r.Tags = true
	w.interfere("COMPLETE "+there, func() { w.retag(here, "2") })
	w.follow(r, copier.Copied)
	w.want(append(slices.Clone(inParts), "HEAD target", "HEAD source", "TAGS source", "TAGS target", "PUTTAGS target", "TAGS source")...)
	if w.write(there, "k") != w.write(here, "k") || w.tags("k")["t"] != "2" {
		t.Errorf("the replica is of %+v, with tags %v", w.write(there, "k"), w.tags("k"))
	}
	w.follow(r, copier.Exists)
	w.want("HEAD target", "HEAD source", "TAGS source", "TAGS target")

	// A greater rival ends the upload, and stays.
	w.later()
	w.put(here, "k", large("b"))
	w.interfere("COMPLETE "+there, func() { w.later(); w.put(there, "k", "theirs") })
	w.follow(request("k"), copier.Superseded)
	w.want(append(slices.Clone(inParts), "ABORT target", "HEAD target", "HEAD source")...)
	if got := w.body(there, "k"); got != "theirs" {
		t.Errorf("%.10q", got)
	}
	// So does a deletion at the target; a greater write goes over it.
	w.later()
	w.put(here, "k", large("c"))
	w.interfere("COMPLETE "+there, func() { w.remove(there, "k", "") })
	w.follow(request("k"), copier.Copied)
	if got := w.requests(); !slices.Contains(got, "ABORT "+there) || strings.Count(strings.Join(got, " "), "CREATE") != 2 {
		t.Errorf("requests %v", got)
	}
	if got := w.body(there, "k"); got != large("c") {
		t.Errorf("%.10q", got)
	}
	// A deletion at the source while it was copied is found afterwards.
	w.later()
	w.put(here, "k2", large("d"))
	w.interfere("COMPLETE "+there, func() { w.remove(here, "k2", "") })
	w.follow(request("k2"), copier.Deleted)
	if w.look(there, "k2") != nil {
		t.Error("the target has what was deleted")
	}
	w.noUploads()
}

// noUploads checks that no upload is left.
func (w *world) noUploads() {
	w.Helper()
	out, err := w.user(there).ListMultipartUploads(w.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucketIn(there))})
	if err != nil {
		w.Fatal(err)
	}
	if len(out.Uploads) > 0 {
		w.Errorf("%d uploads are left", len(out.Uploads))
	}
}

// An unfinished copy is resumed only if it is still what is to be done.
func TestResumedCopies(t *testing.T) {
	for _, tt := range []struct {
		name     string
		meantime func(w *world)
		want     copier.Outcome
		begun    int // uploads, after the first
	}{
		{"nothing happened", func(*world) {}, copier.Replaced, 0},
		{"a greater write at the target", func(w *world) { w.later(); w.put(there, "k", "theirs") }, copier.Superseded, 0},
		{"a lesser write at the target", func(w *world) {
			w.replica(there, "k", "lesser", policy.Write{Region: third, VersionID: "v", Seconds: 5})
		}, copier.Replaced, 1},
		{"written over at the source", func(w *world) { w.later(); w.put(here, "k", large("c")) }, copier.Replaced, 1},
		{"deleted at the source", func(w *world) { w.remove(here, "k", "") }, copier.Deleted, 0},
		{"begun before it was followed", nil, copier.Replaced, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.put(here, "k", "first")
			w.follow(request("k"), copier.Copied)
			w.later()
			w.put(here, "k", large("b"))
			source := w.look(here, "k")
			created, err := w.own.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
				Bucket: aws.String(bucketIn(there)), Key: aws.String("k"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
				ChecksumType: types.ChecksumTypeFullObject,
				Metadata:     map[string]string{policy.EntryName: policy.EntryFor(w.write(here, "k"), "k", 0, 2).String()},
			}, inRegion(there))
			if err != nil {
				t.Fatal(err)
			}
			r := request("k")
			r.Resume = &copier.Upload{
				Source: copier.Object{
					Region: here, Bucket: bucketIn(here), Key: "k", VersionID: *source.VersionId, Size: *source.ContentLength,
					ETag: strings.Trim(*source.ETag, `"`),
				},
				UploadID: *created.UploadId, PartSize: 8 << 20,
				Condition: policy.Condition{IfMatch: strings.Trim(*w.look(there, "k").ETag, `"`)},
			}
			if tt.meantime == nil {
				r.Resume.Condition = policy.Condition{}
			} else {
				tt.meantime(w)
			}
			w.requests()
			w.follow(r, tt.want)
			asked := strings.Join(w.requests(), " ")
			if got := strings.Count(asked, "CREATE"); got != tt.begun {
				t.Errorf("%d uploads begun, want %d: %s", got, tt.begun, asked)
			}
			if tt.want == copier.Replaced && w.body(there, "k") != w.body(here, "k") {
				t.Error("target and source differ")
			}
			w.noUploads()
		})
	}
}

// Whoever hands an upload over may have sent its completion before. Where that arrives
// while the upload is given up, since the source was deleted, the replica is found: the
// deletion was handled when there was nothing to delete.
func TestUploadThatEndsWhileItIsGivenUp(t *testing.T) {
	for _, at := range []string{"PARTS", "ABORT"} {
		t.Run(at, func(t *testing.T) {
			w := newWorld(t)
			w.put(here, "k", large("b"))
			source := w.look(here, "k")
			key, bucket := aws.String("k"), aws.String(bucketIn(there))
			created, err := w.own.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
				Bucket: bucket, Key: key,
				Metadata: map[string]string{policy.EntryName: policy.EntryFor(w.write(here, "k"), "k", 0, 1).String()},
			}, inRegion(there))
			if err != nil {
				t.Fatal(err)
			}
			w.remove(here, "k", "")
			r := request("k")
			r.Resume = &copier.Upload{
				Source: copier.Object{
					Region: here, Bucket: bucketIn(here), Key: "k", VersionID: *source.VersionId, Size: *source.ContentLength,
					ETag: strings.Trim(*source.ETag, `"`),
				},
				UploadID: *created.UploadId, PartSize: 8 << 20, Condition: policy.Condition{IfNoneMatch: "*"},
			}
			w.interfere(at+" "+there, func() {
				part, err := w.user(there).UploadPart(t.Context(), &s3.UploadPartInput{
					Bucket: bucket, Key: key, UploadId: created.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("b"),
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.user(there).CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
					Bucket: bucket, Key: key, UploadId: created.UploadId,
					MultipartUpload: &types.CompletedMultipartUpload{
						Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}},
					},
				}); err != nil {
					t.Fatal(err)
				}
			})
			w.follow(r, copier.Deleted)
			if w.look(there, "k") != nil {
				t.Error("the target has what was deleted")
			}
		})
	}
}

// Somebody else's upload is neither resumed nor given up.
func TestForeignUploads(t *testing.T) {
	w := newWorld(t)
	w.put(here, "k", "x")
	w.before = func(op string, r *http.Request) *http.Response {
		if !strings.HasPrefix(op, "PARTS") {
			return nil
		}
		return answer(r, http.StatusOK,
			`<ListPartsResult><Initiator><ID>arn:aws:iam::999999999999:user/eve</ID></Initiator></ListPartsResult>`)
	}
	r := request("k")
	r.Resume = &copier.Upload{Source: r.Source, UploadID: "u", PartSize: 1}
	r.Resume.Source.Size, r.Resume.Source.ETag, r.Resume.Source.VersionID = 7, "e", "v"
	w.refused(r, copier.Permanent, "u")
	if got := w.requests(); slices.Contains(got, "ABORT "+there) {
		t.Errorf("requests %v", got)
	}
}
