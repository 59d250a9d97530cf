package explain

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/errorcode"
	stacks "s3fanout/internal/aws/versions"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// Followed is what is known of a key whose changes travel.
type Followed struct {
	Deletions, Tags bool // these travel too
	// Buckets have the newest MaxVersions versions of the key in each Region, read,
	// or more if these are all delete markers, and older ones as listed, in the order
	// of Facts.Regions; without a Region where it is not known.
	Buckets []policy.Bucket
	// Orders compares the writes.
	Orders policy.Orders
}

// stack asks a Region for the versions of the key, and which writes they are of: for
// the newest MaxVersions at least, and for what is beneath all delete markers on top.
// It is zero if there are none, or an error says so.
func (b bucket) stack(ctx context.Context) (policy.Bucket, error) {
	bucket := policy.Bucket{Region: b.region, Presence: policy.Absent, Listed: true}
	newest := -1 // the place of the newest version
	for from := ""; ; {
		page, err := stacks.List(ctx, b.client, b.region, b.name, b.key, from)
		if err != nil {
			return policy.Bucket{}, b.explain(err)
		}
		bucket.Stack, bucket.More = append(bucket.Stack, page.Stack...), page.Next != ""
		newest = slices.IndexFunc(bucket.Stack, func(v policy.Version) bool { return !v.Marker })
		// S3 may answer with fewer than there are, and than were asked for.
		if from = page.Next; from == "" || newest >= 0 && len(bucket.Stack) >= MaxVersions {
			break
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, min(len(bucket.Stack), max(MaxVersions, newest+1)))
	gone := make([]bool, len(errs))
	for i := range errs {
		if bucket.Stack[i].Marker {
			continue
		}
		wg.Go(func() { gone[i], errs[i] = b.readVersion(ctx, &bucket.Stack[i]) })
	}
	wg.Wait()
	for i := len(errs) - 1; i >= 0; i-- {
		switch {
		case errs[i] != nil:
			return policy.Bucket{}, errs[i]
		case gone[i]: // destroyed since it was listed
			bucket.Stack = append(bucket.Stack[:i], bucket.Stack[i+1:]...)
		}
	}
	if len(bucket.Stack) > 0 {
		bucket.Presence = policy.Deleted
		if top := bucket.Stack[0]; !top.Marker {
			bucket.Presence, bucket.Current = policy.Present, top
		}
	}
	return bucket, nil
}

func (b bucket) readVersion(ctx context.Context, v *policy.Version) (gone bool, err error) {
	out, _, err := contents.Head(ctx, b.client, b.name, b.key, v.ID)
	entry := ""
	switch status := errorcode.Status(err); {
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return true, nil
	case status == http.StatusBadRequest: // under the customer's own key: nobody's replica
	case err != nil:
		return false, b.explain(err)
	default:
		v.Figures, entry = contents.Of(out), out.Metadata[policy.EntryName]
	}
	*v = v.ReadAs(b.region, b.key, entry)
	return false, nil
}

// newFollowed puts together what the Regions said.
func newFollowed(rule replicaset.Follow, since time.Time, buckets []policy.Bucket) *Followed {
	f := &Followed{
		Deletions: rule.Deletions,
		Tags:      rule.Tags,
		Buckets:   buckets,
		Orders:    policy.Orders{Stacks: map[string][]policy.Version{}, Contents: policy.ContentsOf(buckets)},
	}
	if !since.IsZero() {
		f.Orders.Since = since.Unix()
	}
	for _, b := range buckets {
		if b.Listed {
			// Of more than a page, what is left out is older than all that is asked about.
			f.Orders.Stacks[b.Region] = b.Stack
		}
	}
	return f
}

// known are the places of the Regions that are known.
func (f *Followed) known() (indexes []int, buckets []policy.Bucket) {
	for i, b := range f.Buckets {
		if b.Region != "" {
			indexes, buckets = append(indexes, i), append(buckets, b)
		}
	}
	return indexes, buckets
}

// stand is how the known Regions stand. Its places are those of Facts.Regions.
func (f *Followed) stand() policy.Standing {
	indexes, buckets := f.known()
	orders := f.Orders
	s := orders.Stand(buckets, f.Deletions)
	for s.Ask != "" { // a Region that is not known or no member any more
		orders.Stacks[s.Ask] = nil
		s = orders.Stand(buckets, f.Deletions)
	}
	if s.Greatest < 0 {
		return s
	}
	s.Greatest = indexes[s.Greatest]
	for _, list := range [][]int{s.Missing, s.Hidden, s.Stale, s.Undeleted} {
		for i := range list {
			list[i] = indexes[list[i]]
		}
	}
	s.Destroyed = f.destroyed(f.latest(s).Write)
	return s
}

// latest is the greatest write.
func (f *Followed) latest(s policy.Standing) policy.Version {
	register, _ := f.Buckets[s.Greatest].Register()
	return register.Write
}

// leftDeleted says that a Region has hidden the latest write, or a later one, where
// deletions do not travel: it is neither behind nor ahead. That holds also of a write
// that its origin has destroyed since.
func (f *Followed) leftDeleted(s policy.Standing, index int) bool {
	s.Destroyed = false
	return !f.Deletions && f.Orders.At(s, f.Buckets, index) == policy.StatusLeftDeleted
}

// destroyed says that a write does not exist any more where it was made, as far as
// that Region is known.
func (f *Followed) destroyed(w policy.Write) bool {
	for _, b := range f.Buckets {
		if b.Region != w.Region || b.More {
			continue
		}
		for _, v := range b.Stack {
			if v.ID == w.VersionID {
				return false
			}
		}
		return true
	}
	return false
}
