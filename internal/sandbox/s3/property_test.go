package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"
)

// player does random operations with a real client, one after another, and
// keeps of each key what S3 should have, the newest version first.
type player struct {
	outer    *testing.T
	world    *world
	client   *sdk.Client
	bucket   string
	versions map[string][]played
	state    types.BucketVersioningStatus
	last     map[string]string // key → sequencer of its last event
}

type played struct {
	id, body, etag string
	marker, null   bool
	tags           int
}

// eventFields is what an event says.
type eventFields struct {
	name, key, versionID, etag string
	size                       int // -1 if it says none
}

func playedKeys() []string { return []string{"a", "a/", "a//b", "a b", "é", "."} }

func (p *player) key(t *rapid.T, name string) string {
	return rapid.SampledFrom(playedKeys()).Draw(t, name)
}

func (p *player) current(key string) *played {
	if v := p.versions[key]; len(v) > 0 && !v[0].marker {
		return &v[0]
	}
	return nil
}

// add puts a version on top, in place of the null version if it is one.
func (p *player) add(key string, v played) {
	if v.null = p.state != types.BucketVersioningStatusEnabled; v.null {
		p.versions[key] = slices.DeleteFunc(p.versions[key], func(o played) bool { return o.null })
	}
	p.versions[key] = slices.Insert(p.versions[key], 0, v)
}

// shown is a version's ID as answers and events have it.
func (p *player) shown(id string) string {
	if p.state == "" {
		return ""
	}
	return id
}

// code compares how an operation ended, and says whether it succeeded.
func code(t *rapid.T, what string, err error, want string) bool {
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	}
	if got != want || got == "" && err != nil {
		t.Fatalf("%s ended with %v, want %q", what, err, want)
	}
	return want == ""
}

// expect compares the events since the last call, and that they are in the
// key's sequence.
func (p *player) expect(t *rapid.T, want ...eventFields) {
	var got []eventFields
	for _, n := range p.world.messages(p.outer) {
		var m eventMessage
		if err := json.Unmarshal(n.Body, &m); err != nil || len(m.Records) != 1 {
			t.Fatalf("%s: %v", n.Body, err)
		}
		o := m.Records[0].S3.Object
		key, err := url.QueryUnescape(o.Key)
		if err != nil {
			t.Fatal(err)
		}
		size := -1
		if o.Size != nil {
			size = int(*o.Size)
		}
		got = append(got, eventFields{m.Records[0].EventName, key, o.VersionID, o.ETag, size})
		if o.Sequencer == "" {
			continue
		}
		if before := p.last[key]; len(before) > len(o.Sequencer) || o.Sequencer <= before {
			t.Fatalf("sequencer %s of %q follows %s", o.Sequencer, key, before)
		}
		p.last[key] = o.Sequencer
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("told %+v, want %+v", got, want)
	}
}

// condition draws a condition on a key and says how a write ends with it.
func (p *player) condition(t *rapid.T, key string) (ifMatch, ifNoneMatch *string, want string) {
	current := p.current(key)
	switch rapid.IntRange(0, 4).Draw(t, "condition") {
	case 0:
		if current != nil {
			want = "PreconditionFailed"
		}
		return nil, aws.String("*"), want
	case 1:
		if current == nil {
			return aws.String(`"00"`), nil, "NoSuchKey"
		}
		return aws.String(`"00"`), nil, "PreconditionFailed"
	case 2:
		if current != nil {
			return aws.String(current.etag), nil, ""
		}
	}
	return nil, nil, ""
}

func (p *player) put(t *rapid.T) {
	key, body := p.key(t, "key"), rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "body")
	ifMatch, ifNoneMatch, want := p.condition(t, key)
	out, err := p.client.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: &p.bucket, Key: &key, Body: strings.NewReader(body), IfMatch: ifMatch, IfNoneMatch: ifNoneMatch, Tagging: aws.String("a=b"),
	})
	if !code(t, "put", err, want) {
		p.expect(t)
		return
	}
	p.add(key, played{id: p.version(out.VersionId), body: body, etag: *out.ETag, tags: 1})
	p.expect(t, eventFields{"ObjectCreated:Put", key, aws.ToString(out.VersionId), strings.Trim(*out.ETag, `"`), len(body)})
}

// version is the ID of a version as lists have it.
func (p *player) version(shown *string) string {
	if shown == nil {
		return "null"
	}
	return *shown
}

func (p *player) copy(t *rapid.T) {
	from, to := p.key(t, "from"), p.key(t, "to")
	source := p.current(from)
	if source == nil || from == to {
		return
	}
	ifMatch, ifNoneMatch, want := p.condition(t, to)
	out, err := p.client.CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: &p.bucket, Key: &to, CopySource: copySource(p.bucket, from, ""), IfMatch: ifMatch, IfNoneMatch: ifNoneMatch,
	})
	if !code(t, "copy", err, want) {
		p.expect(t)
		return
	}
	body, tags := source.body, source.tags
	p.add(to, played{id: p.version(out.VersionId), body: body, etag: *out.CopyObjectResult.ETag, tags: tags})
	p.expect(t, eventFields{
		"ObjectCreated:Copy", to, aws.ToString(out.VersionId), strings.Trim(*out.CopyObjectResult.ETag, `"`), len(body),
	})
}

func (p *player) inParts(t *rapid.T) {
	key := p.key(t, "key")
	up, err := p.client.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: &p.bucket, Key: &key})
	code(t, "create", err, "")
	part, err := p.client.UploadPart(t.Context(), &sdk.UploadPartInput{
		Bucket: &p.bucket, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
	})
	code(t, "upload a part", err, "")
	p.expect(t)
	out, err := p.client.CompleteMultipartUpload(t.Context(), &sdk.CompleteMultipartUploadInput{
		Bucket: &p.bucket, Key: &key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}},
	})
	code(t, "complete", err, "")
	p.add(key, played{id: p.version(out.VersionId), body: "part", etag: *out.ETag})
	p.expect(t, eventFields{"ObjectCreated:CompleteMultipartUpload", key, aws.ToString(out.VersionId), strings.Trim(*out.ETag, `"`), 4})
}

func (p *player) delete(t *rapid.T) {
	key := p.key(t, "key")
	out, err := p.client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: &p.bucket, Key: &key})
	code(t, "delete", err, "")
	if p.state == "" {
		if len(p.versions[key]) > 0 {
			p.expect(t, eventFields{"ObjectRemoved:Delete", key, "", "", -1})
		} else {
			p.expect(t)
		}
		delete(p.versions, key)
		return
	}
	p.add(key, played{id: *out.VersionId, marker: true})
	p.expect(t, eventFields{"ObjectRemoved:DeleteMarkerCreated", key, *out.VersionId, etagOfNothing, -1})
}

func (p *player) deleteVersion(t *rapid.T) {
	key := p.key(t, "key")
	if len(p.versions[key]) == 0 {
		return
	}
	i := rapid.IntRange(0, len(p.versions[key])-1).Draw(t, "version")
	v := p.versions[key][i]
	out, err := p.client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: &p.bucket, Key: &key, VersionId: &v.id})
	if code(t, "delete a version", err, ""); aws.ToBool(out.DeleteMarker) != v.marker {
		t.Fatalf("deleting %+v answered %+v", v, out)
	}
	p.versions[key] = slices.Delete(p.versions[key], i, i+1)
	p.expect(t, eventFields{"ObjectRemoved:Delete", key, p.shown(v.id), "", -1})
}

func (p *player) tag(t *rapid.T) {
	key := p.key(t, "key")
	v, want := p.current(key), ""
	if v == nil {
		want = "NoSuchKey"
	}
	name := "ObjectTagging:Put"
	var err error
	if rapid.Bool().Draw(t, "delete") {
		name = "ObjectTagging:Delete"
		_, err = p.client.DeleteObjectTagging(t.Context(), &sdk.DeleteObjectTaggingInput{Bucket: &p.bucket, Key: &key})
	} else {
		_, err = p.client.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{
			Bucket: &p.bucket, Key: &key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("x"), Value: aws.String("y")}}},
		})
	}
	if !code(t, name, err, want) {
		p.expect(t)
		return
	}
	if v.tags = 1; name == "ObjectTagging:Delete" {
		v.tags = 0
	}
	p.expect(t, eventFields{name, key, p.shown(v.id), strings.Trim(v.etag, `"`), -1})
}

func (p *player) setVersioning(t *rapid.T) {
	state := rapid.SampledFrom([]types.BucketVersioningStatus{
		types.BucketVersioningStatusEnabled, types.BucketVersioningStatusSuspended,
	}).Draw(t, "state")
	_, err := p.client.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{
		Bucket: &p.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: state},
	})
	code(t, "put versioning", err, "")
	p.state = state
	p.expect(t)
}

// check compares the lists, and every current object.
func (p *player) check(t *rapid.T) {
	var want, got, objects []string
	for _, key := range slices.Sorted(slices.Values(playedKeys())) {
		for i, v := range p.versions[key] {
			want = append(want, fmt.Sprint(key, " ", v.id, " ", i == 0, " ", v.marker))
		}
		if v := p.current(key); v != nil {
			objects = append(objects, key)
			head, err := p.client.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: &p.bucket, Key: &key})
			code(t, "head", err, "")
			if *head.ETag != v.etag || *head.ContentLength != int64(len(v.body)) || int(aws.ToInt32(head.TagCount)) != v.tags ||
				aws.ToString(head.VersionId) != p.shown(v.id) {
				t.Fatalf("%q is %+v, want %+v", key, head, *v)
			}
		}
	}
	list, err := p.client.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: &p.bucket})
	code(t, "list versions", err, "")
	for _, v := range list.Versions {
		got = append(got, fmt.Sprint(*v.Key, " ", *v.VersionId, " ", *v.IsLatest, " ", false))
	}
	for _, v := range list.DeleteMarkers {
		got = append(got, fmt.Sprint(*v.Key, " ", *v.VersionId, " ", *v.IsLatest, " ", true))
	}
	slices.Sort(got) // markers come apart from versions in the client's answer; the order is the store's test
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("listed %q, want %q", got, want)
	}
	current, err := p.client.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: &p.bucket})
	code(t, "list", err, "")
	var keys []string
	for _, o := range current.Contents {
		keys = append(keys, *o.Key)
	}
	if !slices.Equal(keys, objects) {
		t.Fatalf("listed %q, want %q", keys, objects)
	}
}

func TestAnswersAndEventsAreLikeTheModel(t *testing.T) {
	w := newWorld(t)
	buckets := 0
	rapid.Check(t, func(r *rapid.T) {
		buckets++
		p := &player{
			outer: t, world: w, client: w.client(here), bucket: fmt.Sprintf("bucket-%d", buckets),
			versions: map[string][]played{}, last: map[string]string{},
		}
		if rapid.Bool().Draw(r, "versioned") {
			p.state = types.BucketVersioningStatusEnabled
		}
		w.notifyingBucket(t, p.bucket, p.state != "")
		r.Repeat(map[string]func(*rapid.T){
			"put": p.put, "copy": p.copy, "in parts": p.inParts, "delete": p.delete, "delete version": p.deleteVersion,
			"tag": p.tag, "versioning": p.setVersioning, "": p.check,
		})
	})
}
