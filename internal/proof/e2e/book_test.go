package e2e

import (
	"crypto/md5"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/operator/deadletter"
)

// book knows what was uploaded, and what each Region may therefore have. Every
// attempt to upload has a body of its own, so that a version tells whose it is.
type book struct {
	w       *world
	clients map[string]*s3.Client // that try once: an attempt makes one version or none

	unread  bool // versions are known by their ETags, not read: for very many
	dressed bool // uploads have metadata and a tag, which their versions must have

	mu       sync.Mutex
	attempts map[string]attempt // by body's beginning
}

// attempt is one PutObject.
type attempt struct {
	region, key string
	size        int
	answered    bool      // with success, so that the version has to be there
	ended       time.Time // when it was answered
	repeated    bool      // by a client that tries again: its Region can have it more than once
}

func newBook(w *world) *book {
	b := &book{w: w, clients: map[string]*s3.Client{}, attempts: map[string]attempt{}}
	for _, region := range w.regions {
		b.clients[region] = s3.NewFromConfig(w.config(region), func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	}
	return b
}

// begin notes an attempt and returns what its body begins with.
func (b *book) begin(a attempt) (id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id = fmt.Sprintf("%s %s %d\n", a.region, a.key, len(b.attempts))
	a.size = max(a.size, len(id))
	b.attempts[id] = a
	return id
}

// answer notes that an attempt was answered with success.
func (b *book) answer(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.attempts[id]
	a.answered, a.ended = true, time.Now()
	b.attempts[id] = a
}

// upload tries once. Without an answer, nobody knows whether it is done.
func (b *book) upload(region, key string, size int) (answered bool) {
	return b.put(b.clients[region], attempt{region: region, key: key, size: size})
}

func (b *book) put(client *s3.Client, a attempt) (answered bool) {
	id := b.begin(a)
	in := &s3.PutObjectInput{Bucket: aws.String(b.w.bucket(a.region)), Key: &a.key, Body: strings.NewReader(padded(id, a.size))}
	if b.dressed {
		in.Metadata, in.Tagging = dress(id), aws.String("user=book")
	}
	if _, err := client.PutObject(b.w.t.Context(), in); err != nil {
		return false
	}
	b.answer(id)
	return true
}

// dress is the metadata of an attempt.
func dress(id string) map[string]string {
	return map[string]string{"upload": strings.TrimSpace(id)}
}

// padded is a body of at least so many bytes, all of which depend on its id.
func padded(id string, size int) string {
	if len(id) >= size {
		return id
	}
	return strings.Repeat(id, size/len(id)+1)[:size]
}

func (b *book) unanswered() (n int) {
	for _, a := range b.attempts {
		if !a.answered {
			n++
		}
	}
	return n
}

// version is one that a Region has: whose body it is.
type version struct {
	key, id, body string
	modified      time.Time // in whole seconds
	written       attempt
}

// overwrites says whether a replica was made although the version below it was
// there. An upload that was begun before the replica and came to its end after
// it is below it too
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
func (v version) overwrites(below version) bool {
	return below.written.answered && below.written.ended.Before(v.modified)
}

// versions lists a Region's versions below a prefix by key, newest first, and
// reads every one, unless there are too many.
func (b *book) versions(region, prefix string) (byKey map[string][]version, err error) {
	var list []*version
	byETag := map[string]string{}
	for id, a := range b.attempts {
		if b.unread {
			byETag[fmt.Sprintf("%x", md5.Sum([]byte(padded(id, a.size))))] = id
		}
	}
	client, bucket := b.w.s3(region), aws.String(b.w.bucket(region))
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.w.t.Context())
		if err != nil {
			return nil, err
		}
		for _, v := range page.Versions {
			one := &version{key: *v.Key, id: *v.VersionId, modified: *v.LastModified}
			if b.unread {
				one.body = byETag[contents.TrimETag(*v.ETag)]
				if a := b.attempts[one.body]; a.key == one.key && int64(a.size) == *v.Size {
					one.written = a
				}
			}
			list = append(list, one)
		}
	}
	var group errgroup.Group
	group.SetLimit(16)
	for _, v := range list {
		if b.unread {
			break
		}
		group.Go(func() error {
			out, err := client.GetObject(b.w.t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &v.key, VersionId: &v.id})
			if err != nil {
				return err
			}
			defer func() { _ = out.Body.Close() }()
			body, err := io.ReadAll(out.Body)
			first, _, _ := strings.Cut(string(body), "\n")
			v.body = first + "\n"
			naked := b.dressed && (!maps.Equal(out.Metadata, dress(v.body)) || aws.ToInt32(out.TagCount) != 1)
			if a, known := b.attempts[v.body]; known && string(body) == padded(v.body, a.size) && a.key == v.key && !naked {
				v.written = a
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	byKey = map[string][]version{}
	for _, v := range list {
		byKey[v.key] = append(byKey[v.key], *v)
	}
	return byKey, nil
}

// check is missing, and holds what is against the dead letters, which say why.
func (b *book) check(prefixes ...string) {
	b.w.t.Helper()
	letters := b.letters()
	for u, home := range b.missing(prefixes...) {
		if !letters[u] {
			b.w.t.Errorf("%s: %s of %s is missing, and no dead letter says why", u.region, u.key, home)
		}
	}
}

// missing holds every Region against what was uploaded: no version that nobody
// wrote, none twice, and no replica in place of an upload that was there. It returns the keys that are in one Region, which it names,
// and not in another.
func (b *book) missing(prefixes ...string) map[upload]string {
	t := b.w.t
	t.Helper()
	lacks := map[upload]string{}
	for _, prefix := range prefixes {
		all := map[string]map[string][]version{}
		for _, region := range b.w.regions {
			var err error
			if all[region], err = b.versions(region, prefix); err != nil {
				t.Fatal(err)
			}
		}
		b.checkUploads(all, prefix)
		for region, keys := range all {
			for key, list := range keys {
				b.checkVersions(region, key, list, all)
				for _, target := range b.w.regions {
					if _, ok := all[target][key]; !ok {
						lacks[upload{target, key}] = region
					}
				}
			}
		}
	}
	return lacks
}

// checkUploads looks for all that S3 said were done.
func (b *book) checkUploads(all map[string]map[string][]version, prefix string) {
	for id, a := range b.attempts {
		if !a.answered || !strings.HasPrefix(a.key, prefix) {
			continue
		}
		if !slices.ContainsFunc(all[a.region][a.key], func(v version) bool { return v.body == id }) {
			b.w.t.Errorf("%s: the upload %q is gone", a.region, id)
		}
	}
}

// checkVersions looks at the versions of a Region's key, newest first.
func (b *book) checkVersions(region, key string, list []version, all map[string]map[string][]version) {
	t := b.w.t
	seen := map[string]bool{}
	for i, v := range list {
		switch {
		case v.written.key == "":
			t.Errorf("%s: %s has a version that nobody uploaded: %.60q", region, key, v.body)
		case seen[v.body] && (!v.written.repeated || v.written.region != region):
			t.Errorf("%s: %s has %q twice", region, key, v.body)
		case v.written.region != region && slices.ContainsFunc(list[i+1:], v.overwrites):
			t.Errorf("%s: %s was overwritten by the replica %q", region, key, v.body)
		case v.written.region != region &&
			!slices.ContainsFunc(all[v.written.region][key], func(o version) bool { return o.body == v.body }):
			t.Errorf("%s: the replica %q of %s is of no version of its Region", region, v.body, key)
		}
		seen[v.body] = true
	}
}

// wantEverywhere checks that each Region has each key that any has.
func (b *book) wantEverywhere() {
	keys := map[string]bool{}
	for _, a := range b.attempts {
		if a.answered {
			keys[a.key] = true
		}
	}
	for _, region := range b.w.regions {
		all, err := b.versions(region, "")
		if err != nil {
			b.w.t.Fatal(err)
		}
		for key := range keys {
			if len(all[key]) == 0 {
				b.w.t.Errorf("%s: %s is missing", region, key)
			}
		}
	}
}

// letters are the Regions whose functions gave up a key, for a reason that the
// dead letter tells.
func (b *book) letters() map[upload]bool {
	b.w.t.Helper()
	keys := map[upload]bool{}
	for region, letters := range b.readLetters() {
		for _, l := range letters {
			if l.Reason == "" || l.Kind != deadletter.OnFailure || len(l.Objects) == 0 {
				b.w.t.Errorf("%s: a dead letter that is none of a function's, with a reason and an object: %+v", region, l)
			}
			for _, o := range l.Objects {
				keys[upload{region, o.Key}] = true
			}
		}
	}
	return keys
}

// readLetters reads all dead letters, by Region, and leaves them visible.
func (b *book) readLetters() map[string][]deadletter.Letter {
	t := b.w.t
	t.Helper()
	found := map[string][]deadletter.Letter{}
	for _, region := range b.w.regions {
		client := sqs.NewFromConfig(b.w.config(region))
		for {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: aws.String(b.w.state.Regions[region].DeadLetterQueueURL), MaxNumberOfMessages: 10,
				VisibilityTimeout: 600, MessageAttributeNames: []string{"All"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Messages) == 0 {
				break
			}
			for _, m := range out.Messages {
				attributes := map[string]string{}
				for name, a := range m.MessageAttributes {
					attributes[name] = aws.ToString(a.StringValue)
				}
				letter, err := deadletter.Decode(aws.ToString(m.Body), attributes)
				if err != nil {
					t.Errorf("%s: a dead letter that is not understood: %v: %s", region, err, aws.ToString(m.Body))
				}
				found[region] = append(found[region], letter)
			}
		}
	}
	b.w.sandbox.ReleaseLetters()
	return found
}

// unfinished are the uploads in parts that lie open, by their IDs.
func (b *book) unfinished() map[string]upload {
	t := b.w.t
	t.Helper()
	found := map[string]upload{}
	for _, region := range b.w.regions {
		pages := s3.NewListMultipartUploadsPaginator(b.w.s3(region), &s3.ListMultipartUploadsInput{Bucket: aws.String(b.w.bucket(region))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range page.Uploads {
				found[*u.UploadId] = upload{region, *u.Key}
			}
		}
	}
	return found
}

// abandon aborts uploads that killed processes left, as the buckets' lifecycle
// rule does in time. Until then a backfill leaves a key with a fresh one to whom
// it takes to be copying it.
func (b *book) abandon(uploads map[string]upload) {
	t := b.w.t
	t.Helper()
	for id, u := range uploads {
		_, err := b.w.s3(u.region).AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{
			Bucket: aws.String(b.w.bucket(u.region)), Key: aws.String(u.key), UploadId: aws.String(id),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
