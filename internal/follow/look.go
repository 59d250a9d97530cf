package follow

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/versions"
	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
)

// sight is what the looks of a round have shown.
type sight struct {
	known    policy.Following
	now      int64     // the second in the target's answer
	answered time.Time // when that came
	asked    time.Time // when the source was
	head     *s3.HeadObjectOutput
	next     map[string]string // where lists go on, by Region
}

// second is the second on the target's clock by now.
func (t *task) second() int64 { return t.seen.now + int64(t.now().Sub(t.seen.answered)/time.Second) }

// location is a bucket that is asked.
type location struct{ region, bucket string }

func (t *task) source() location { return location{t.req.Source.Region, t.req.Source.Bucket} }

func (t *task) targetLocation() location { return location{t.target.Region, t.target.Bucket} }

// decide looks at the target, and then at the source, and asks for what the policy
// wants to know besides. A write that is made at the target between the looks is
// found by the condition; one at the source has events of its own.
func (t *task) decide(ctx context.Context) (policy.Step, error) {
	t.seen = sight{next: map[string]string{}}
	k := &t.seen.known
	*k = policy.Following{
		Deletions: t.req.Deletions, Deleted: t.kind == Deleted, Retagged: t.kind == Retagged && t.req.Tags,
		TagsOf: t.tagsOf(), Tags: t.req.Tags, Replicas: t.req.Replicas,
		Orders: policy.Orders{Stacks: map[string][]policy.Version{}, Contents: t.req.Contents},
	}
	if !t.since.IsZero() {
		k.Since = t.since.Unix()
	}
	if !t.req.At.IsZero() {
		k.DeletedAt = t.req.At.Unix()
	}
	out, date, err := t.head(ctx, t.targetLocation(), "")
	if err != nil && !missing(err) {
		return policy.Step{}, t.failure("head at the target before following a change of", err)
	}
	t.seen.now, t.seen.answered = date, t.now()
	k.Now = date
	if k.Target, err = t.bucketOf(t.targetLocation(), out, err); err != nil {
		return policy.Step{}, err
	}
	t.seen.asked = t.now()
	if t.seen.head, _, err = t.head(ctx, t.source(), ""); err != nil && !missing(err) {
		return policy.Step{}, t.failure("head at the source before following a change of", err)
	}
	if k.Source, err = t.bucketOf(t.source(), t.seen.head, err); err != nil {
		return policy.Step{}, err
	}
	if k.Source.Presence == policy.Absent {
		// A HEAD has no body, so that its 404 does not say what is missing, the key or
		// the bucket.
		if err := t.list(ctx, &k.Source, t.source()); err != nil {
			return policy.Step{}, err
		}
	}
	for {
		step := policy.DecideFollow(*k)
		answered, err := t.answer(ctx, step)
		if err != nil || !answered {
			return step, err
		}
	}
}

// tagsOf is the version whose tags changed.
func (t *task) tagsOf() string {
	if t.kind == t.req.Kind {
		return t.req.Source.VersionID
	}
	return ""
}

// answer asks what the step wants to know; it reports whether that is a question.
func (t *task) answer(ctx context.Context, step policy.Step) (bool, error) {
	k := &t.seen.known
	switch step.Action {
	case policy.ListSource:
		return true, t.list(ctx, &k.Source, t.source())
	case policy.ListTarget:
		return true, t.list(ctx, &k.Target, t.targetLocation())
	case policy.ReadSource:
		return true, t.read(ctx, &k.Source, t.source(), step.VersionID)
	case policy.ReadTarget:
		return true, t.read(ctx, &k.Target, t.targetLocation(), step.VersionID)
	case policy.ListOrigin:
		return true, t.listOrigin(ctx, step.Region)
	case policy.LookAtOrigin:
		return true, t.lookAtOrigin(ctx, step.Write)
	}
	return false, nil
}

// head asks about the key, or a version of it, and says the second in the answer.
func (t *task) head(ctx context.Context, at location, version string) (*s3.HeadObjectOutput, int64, error) {
	in := &s3.HeadObjectInput{Bucket: &at.bucket, Key: &t.req.Source.Key}
	if version != "" {
		in.VersionId = &version
	}
	if !t.since.IsZero() {
		in.ChecksumMode = types.ChecksumModeEnabled // contents may have to be compared
	}
	t.result.Requests.Head++
	out, err := t.client.HeadObject(ctx, in, inRegion(at.region))
	if errorcode.Status(err) == http.StatusForbidden && in.ChecksumMode != "" {
		// Those of an object under a KMS key take kms:Decrypt, the rest does not.
		in.ChecksumMode = ""
		t.result.Requests.Head++
		out, err = t.client.HeadObject(ctx, in, inRegion(at.region))
	}
	if err != nil && !missing(err) {
		return nil, 0, err
	}
	date, ok := dateOf(out, err)
	if !ok {
		return nil, 0, copier.Lasting(fmt.Errorf("the answer of bucket %s has no Date", at.bucket))
	}
	return out, date.Unix(), err
}

// dateOf is the Date of an answer, which an error has to have come with.
func dateOf(out *s3.HeadObjectOutput, err error) (time.Time, bool) {
	if err == nil {
		return awsmiddleware.GetServerTime(out.ResultMetadata)
	}
	at, parseErr := http.ParseTime(errorcode.Response(err).Header.Get("Date"))
	return at, parseErr == nil
}

// bucketOf is what a HEAD without a version shows.
func (t *task) bucketOf(at location, out *s3.HeadObjectOutput, err error) (policy.Bucket, error) {
	state := contents.StateOf(out, err)
	b := policy.Bucket{Region: at.region, Presence: max(state.Presence, policy.Absent)}
	if !state.Here() {
		return b, nil
	}
	if state.VersionID == "" {
		return b, t.failure(opFollow, errUnversioned(at, "versioning was never enabled"))
	}
	b.Current = t.versionOf(at, state, out)
	return b, nil
}

// versionOf is a version that was read.
func (t *task) versionOf(at location, state policy.State, out *s3.HeadObjectOutput) policy.Version {
	v := policy.Version{ID: state.VersionID, Modified: state.Modified.Unix(), Figures: state.Figures}
	return v.ReadAs(at.region, t.req.Source.Key, out.Metadata[policy.EntryName])
}

// list adds a page of the key's versions.
func (t *task) list(ctx context.Context, b *policy.Bucket, at location) error {
	t.result.Requests.Versions++
	page, err := versions.List(ctx, t.client, at.region, at.bucket, t.req.Source.Key, t.seen.next[at.region])
	if err != nil {
		return t.failure("list versions in "+at.region+" of", err)
	}
	b.Listed, b.More = true, page.Next != ""
	b.Stack = append(b.Stack, page.Stack...)
	t.seen.next[at.region] = page.Next
	return nil
}

// read reads a version's metadata. One that was destroyed since it was listed is
// taken off the stack: it hides nothing, and nothing hides it.
func (t *task) read(ctx context.Context, b *policy.Bucket, at location, id string) error {
	out, _, err := t.head(ctx, at, id)
	gone := missing(err)
	if err != nil && !gone {
		return t.failure("head of a version in "+at.region+" of", err)
	}
	i := slices.IndexFunc(b.Stack, func(v policy.Version) bool { return v.ID == id && !v.Marker })
	if gone {
		b.Stack = slices.Delete(b.Stack, i, i+1)
		return nil
	}
	state := contents.StateOf(out, nil)
	state.VersionID = id
	b.Stack[i] = t.versionOf(at, state, out)
	return nil
}

// listOrigin lists all versions in a write's own Region. In one that is no member
// any more nobody asks, and the order is that of the versions' names.
func (t *task) listOrigin(ctx context.Context, region string) error {
	var all policy.Bucket
	at, member := t.member(region)
	t.seen.next[region+" whole"] = ""
	for member {
		t.result.Requests.Versions++
		page, err := versions.List(ctx, t.client, at.region, at.bucket, t.req.Source.Key, t.seen.next[region+" whole"])
		if err != nil {
			return t.failure("list versions in "+at.region+" of", err)
		}
		all.Stack = append(all.Stack, page.Stack...)
		if t.seen.next[region+" whole"] = page.Next; page.Next == "" {
			break
		}
	}
	t.seen.known.Stacks[region] = all.Stack
	return nil
}

// lookAtOrigin asks whether a write still exists where it was made.
func (t *task) lookAtOrigin(ctx context.Context, w policy.Write) error {
	at, member := t.member(w.Region)
	t.seen.known.Origin = policy.Present
	if !member {
		return nil
	}
	out, _, err := t.head(ctx, at, w.VersionID)
	switch {
	case missing(err), err == nil && aws.ToTime(out.LastModified).Unix() != w.Seconds:
		t.seen.known.Origin = policy.Absent
	case err != nil:
		return t.failure("head of the write in "+at.region+" of", err)
	}
	return nil
}

// member is the bucket of a Region.
func (t *task) member(region string) (location, bool) {
	switch region {
	case t.target.Region:
		return t.targetLocation(), true
	case t.req.Source.Region:
		return t.source(), true
	}
	bucket, member := t.origin(region)
	return location{region, bucket}, member
}

// missing says that S3 found nothing to show: 404, or 405 of a version that is a
// marker.
func missing(err error) bool {
	status := errorcode.Status(err)
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed
}

// inRegion sends a request to a Region; if empty, to the client's.
func inRegion(region string) func(*s3.Options) {
	return func(o *s3.Options) {
		if region != "" {
			o.Region = region
		}
	}
}
