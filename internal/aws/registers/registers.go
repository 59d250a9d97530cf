// Package registers asks buckets what package policy compares in follow mode: the
// greatest write of a key that reached each of them, and whether it is deleted
// there. It reads no object, and changes nothing.
package registers

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/versions"
	"s3fanout/internal/policy"
)

// S3 is the part of *s3.Client that is asked.
type S3 interface {
	contents.S3
	versions.S3
}

// Bucket is one that is asked. Client sends to its Region.
type Bucket struct {
	Region, Name string
	Client       S3
}

// Sight is what a bucket says of a key.
type Sight struct {
	policy.Bucket
	// Modified is when what it shows came: the date of the object, of one that was
	// uploaded in parts when that began, or that of the delete marker; zero if it
	// shows neither.
	Modified time.Time
	Date     time.Time // of the answer, by S3's clock; zero if it had none
	// Heads and Lists count the requests, beside an error too.
	Heads, Lists int
}

// State is what the bucket shows, as rules that know no registers take it.
func (s Sight) State() policy.State {
	state := policy.State{Presence: s.Presence, Modified: s.Modified}
	if s.Presence == policy.Present {
		state.VersionID, state.Figures = s.Current.ID, s.Current.Figures
	}
	return state
}

// Look asks a bucket about a key: by a HEAD, and if a delete marker hides the key,
// by a list of its versions and a HEAD of the newest one. The error says what to
// do, or is ctx's.
func Look(ctx context.Context, b Bucket, key string) (Sight, error) {
	s := Sight{Bucket: policy.Bucket{Region: b.Region}}
	out, heads, err := contents.Head(ctx, b.Client, b.Name, key, "")
	s.Heads = heads
	s.Date = dateOf(out, err)
	state := contents.StateOf(out, err)
	switch {
	case errorcode.Status(err) == http.StatusBadRequest:
		// S3 tells of an object that is encrypted with the customer's own key only
		// to who has the key. It is nobody's replica: none can be made of it.
		return b.list(ctx, key, s)
	case state.Presence == policy.Unknown:
		return s, b.explain(ctx, err)
	case state.Presence == policy.Deleted:
		return b.list(ctx, key, s)
	}
	s.Presence = state.Presence
	if state.Here() {
		s.Modified = state.Modified
		v := policy.Version{ID: state.VersionID, Modified: state.Modified.Unix(), Figures: state.Figures}
		s.Current = v.ReadAs(b.Region, key, out.Metadata[policy.EntryName])
	}
	return s, nil
}

// list finds out what the key has as far as its newest version.
func (b Bucket) list(ctx context.Context, key string, s Sight) (Sight, error) {
	s.Listed = true
	for from := ""; ; {
		s.Lists++
		page, err := versions.List(ctx, b.Client, b.Region, b.Name, key, from)
		if err != nil {
			return s, b.explain(ctx, err)
		}
		s.Stack = append(s.Stack, page.Stack...)
		s.More = page.Next != ""
		if from = page.Next; !s.More || !s.Stack[len(s.Stack)-1].Marker {
			break
		}
	}
	return b.readTop(ctx, key, s)
}

// readTop reads the newest version of a list.
func (b Bucket) readTop(ctx context.Context, key string, s Sight) (Sight, error) {
	if len(s.Stack) == 0 {
		s.Presence = policy.Absent // since it was destroyed
		return s, nil
	}
	top := s.Stack[0]
	s.Modified = time.Unix(top.Modified, 0)
	if !top.Marker {
		s.Presence, s.Current = policy.Present, top.ReadAs(b.Region, key, "")
		s.Current.Opaque = true
		return s, nil
	}
	s.Presence = policy.Deleted
	for i, v := range s.Stack {
		if v.Marker {
			continue
		}
		out, heads, err := contents.Head(ctx, b.Client, b.Name, key, v.ID)
		s.Heads += heads
		entry := ""
		switch errorcode.Status(err) {
		case http.StatusNotFound, http.StatusMethodNotAllowed: // destroyed meanwhile: it hides nothing
			s.Stack = append(s.Stack[:i:i], s.Stack[i+1:]...)
			return b.readTop(ctx, key, s)
		case http.StatusBadRequest: // under the customer's key
		default:
			if err != nil {
				return s, b.explain(ctx, err)
			}
			v.Figures, entry = contents.Of(out), out.Metadata[policy.EntryName]
		}
		s.Stack[i] = v.ReadAs(b.Region, key, entry)
		break
	}
	return s, nil
}

// Stand compares what buckets say of a key, and lists whole stacks where that is
// needed to tell writes of one second apart. lists counts these requests.
func Stand(
	ctx context.Context, buckets []Bucket, sights []Sight, key string, since time.Time, deletions bool,
) (s policy.Standing, o policy.Orders, lists int, err error) {
	said := Seen{Sights: sights}.said()
	o = policy.Orders{Stacks: map[string][]policy.Version{}, Contents: policy.ContentsOf(said)}
	if !since.IsZero() {
		o.Since = since.Unix()
	}
	for {
		s = o.Stand(said, deletions)
		if s.Ask == "" {
			return s, o, lists, nil
		}
		n, err := whole(ctx, buckets, key, s.Ask, o.Stacks)
		lists += n
		if err != nil {
			return s, o, lists, err
		}
	}
}

// Seen is how a key stands in several buckets, with what was seen of it.
type Seen struct {
	policy.Standing
	policy.Orders
	Sights []Sight // in the order of the buckets
	// Heads and Lists count the requests, beside an error too.
	Heads, Lists int
}

// Write is the greatest write, if there is one.
func (s Seen) Write() policy.Version {
	register, _ := s.Sights[s.Greatest].Register()
	return register.Write
}

// At says how the key stands at a place.
func (s Seen) At(index int) policy.KeyStatus {
	return s.Orders.At(s.Standing, s.said(), index)
}

func (s Seen) said() []policy.Bucket {
	said := make([]policy.Bucket, len(s.Sights))
	for i := range s.Sights {
		said[i] = s.Sights[i].Bucket
	}
	return said
}

// Ask asks all buckets about a key at once, and says how it stands. Where somebody
// lacks a write that another Region made, that Region is asked whether it still has
// it.
func Ask(ctx context.Context, buckets []Bucket, key string, since time.Time, deletions bool) (Seen, error) {
	s := Seen{Sights: make([]Sight, len(buckets)), Standing: policy.Standing{Greatest: -1}}
	group, asking := errgroup.WithContext(ctx)
	for i, b := range buckets {
		group.Go(func() (err error) {
			s.Sights[i], err = Look(asking, b, key)
			return err
		})
	}
	err := group.Wait()
	for _, sight := range s.Sights {
		s.Heads, s.Lists = s.Heads+sight.Heads, s.Lists+sight.Lists
	}
	if err != nil {
		return s, err
	}
	lists := 0
	s.Standing, s.Orders, lists, err = Stand(ctx, buckets, s.Sights, key, since, deletions)
	s.Lists += lists
	if err == nil && len(s.Missing)+len(s.Stale) > 0 && s.Write().Replica {
		heads := 0
		s.Destroyed, heads, err = Destroyed(ctx, buckets, key, s.Write().Write)
		s.Heads += heads
	}
	return s, err
}

// Destroyed says that a write does not exist any more where it was made: nobody is
// given it from elsewhere. It is asked of a member alone, by one HEAD, which heads
// counts.
func Destroyed(ctx context.Context, buckets []Bucket, key string, w policy.Write) (destroyed bool, heads int, err error) {
	for _, b := range buckets {
		if b.Region != w.Region {
			continue
		}
		out, err := b.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.Name, Key: &key, VersionId: &w.VersionID})
		switch status := errorcode.Status(err); {
		case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
			return true, 1, nil
		case status == http.StatusBadRequest: // under the customer's key
			return false, 1, nil
		case err != nil:
			return false, 1, b.explain(ctx, err)
		}
		// Without versioning another write has the same name.
		return aws.ToTime(out.LastModified).Unix() != w.Seconds, 1, nil
	}
	return false, 0, nil
}

// whole lists all versions of a key in a Region. One that is no member has none.
func whole(ctx context.Context, buckets []Bucket, key, region string, stacks map[string][]policy.Version) (lists int, err error) {
	stacks[region] = nil
	for _, b := range buckets {
		if b.Region != region {
			continue
		}
		for from := ""; ; {
			lists++
			page, err := versions.List(ctx, b.Client, b.Region, b.Name, key, from)
			if err != nil {
				return lists, b.explain(ctx, err)
			}
			stacks[region] = append(stacks[region], page.Stack...)
			if from = page.Next; from == "" {
				break
			}
		}
	}
	return lists, nil
}

func (b Bucket) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return awsapi.Explain(b.Region, "bucket "+b.Name, err)
}

// dateOf is the Date of an answer.
func dateOf(out *s3.HeadObjectOutput, err error) time.Time {
	if err == nil {
		at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
		return at
	}
	response := errorcode.Response(err)
	if response == nil {
		return time.Time{}
	}
	at, parseErr := http.ParseTime(response.Header.Get("Date"))
	if parseErr != nil {
		return time.Time{}
	}
	return at
}

var _ S3 = (*s3.Client)(nil)
