package explain

import (
	"slices"
	"time"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/operator/audit"
	"s3fanout/internal/policy"
)

// Facts are what the Regions say about one key, at about one moment.
type Facts struct {
	Key string // decoded, as it is stored
	// LeftOut says that the configuration does not have the key copied: none of its
	// filters chooses it, or it is Excluded.
	LeftOut, Excluded bool
	// NoUserCopies says that what users make by CopyObject is not announced.
	NoUserCopies bool
	// Now is the time by S3's own clock, so that ages do not depend on this
	// machine's.
	Now time.Time
	// Followed is set if the key's overwrites travel, so that the latest write is
	// right, and not the first.
	Followed *Followed
	Regions  []Region // all members of the set, in its order
	Letters  []Letter // the dead letters that name the object
	Queues   []Queue  // how much of each dead-letter queue was looked at
	// Audit is what the audit trail says; nil if it was not asked.
	Audit *audit.Trail
}

// Region is what one Region has under the key.
type Region struct {
	Region string
	Bucket string
	// Object is the current version; nil if there is none.
	Object *Object
	// Deleted is the delete marker that is the newest version; nil if none is.
	Deleted *Version
	// Versions are the newest ones, newest first, at most MaxVersions.
	Versions []Version
	// MoreVersions says that there are older ones that were not asked for.
	MoreVersions bool
	Uploads      []uploads.Upload // unfinished ones of exactly this key
	// Err says why it is not known whether the object is there. Nothing else
	// about the Region is known then.
	Err error
	// Partial are requests that failed besides: tags, versions or uploads are not
	// known, or not all.
	Partial []error
}

// hiddenSince is when the first of the Regions, which all show a marker, deleted what it
// hides; zero if none of them hides an object. Where one may, further down than was
// looked, it is not sure, and the time is that of the first marker that was seen.
func hiddenSince(regions []Region) (first time.Time, sure bool) {
	var seen time.Time
	sure = true
	for _, r := range regions {
		i := slices.IndexFunc(r.Versions, func(v Version) bool { return !v.Marker })
		if i < 0 && (r.MoreVersions || r.Versions == nil) {
			sure = false
		}
		if i > 0 {
			first = earlier(first, r.Versions[i-1].Modified)
		}
		for _, v := range r.Versions {
			if v.Marker {
				seen = earlier(seen, v.Modified)
			}
		}
	}
	if !sure {
		return seen, false
	}
	return first, true
}

// hasDeleteMarker says that a delete marker hides what is copied there.
func (r Region) hasDeleteMarker() bool { return r.Deleted != nil }

// Object is a current version.
type Object struct {
	VersionID string
	policy.Figures
	Modified     time.Time // of a multipart upload: when it began
	StorageClass string
	// Tags are not known if they are nil.
	Tags map[string]string
	// Archived says that it has to be restored before it can be copied.
	Archived bool
}

// Version is one of a key's versions.
type Version struct {
	VersionID string
	Marker    bool // a delete marker
	Size      int64
	ETag      string
	Modified  time.Time
}

// same says whether a version has an object's contents, as far as a listing tells.
func (v Version) same(o *Object) bool {
	result, _ := policy.Compare(policy.Figures{Size: v.Size, ETag: v.ETag}, o.Figures)
	return !v.Marker && result == policy.Same
}

// Letter is a dead letter that names the object.
type Letter struct {
	Queue     string // the Region whose queue it is in
	MessageID string
	SentAt    time.Time // zero if unknown
	Kind      string
	Source    string // the Region whose bucket it names
	VersionID string // empty if it names none
	Reason    string // one line
	Next      string // what to do about it, in one clause; empty if nothing is known
	// Targets are the Regions whose functions it was meant for; empty if only
	// the topic's subscriptions can tell: any Region but the source's.
	Targets []string
}

// For says whether the dead letter can be about a copy to the Region.
func (l Letter) For(region string) bool {
	if len(l.Targets) == 0 {
		return region != l.Source
	}
	return slices.Contains(l.Targets, region)
}

// Queue says how much of a dead-letter queue is known.
type Queue struct {
	Region string
	Looked int // dead letters that were looked at
	// NotUnderstood is how many of those are of no known form, and so may be
	// about the object.
	NotUnderstood int
	// Held is about how many dead letters could not be read, as another reader
	// holds them.
	Held int
	// Cut says that there were more dead letters than are looked at.
	Cut bool
	Err error // why it could not be read, or not to its end
}

func (q Queue) complete() bool { return q.Err == nil && q.Held == 0 && !q.Cut && q.NotUnderstood == 0 }

// Err joins what failed, each text once; nil means that every request was
// answered.
func (f Facts) Err() error {
	var errs []error
	for _, r := range f.Regions {
		errs = append(append(errs, r.Err), r.Partial...)
	}
	for _, q := range f.Queues {
		errs = append(errs, q.Err)
	}
	if f.Audit != nil {
		errs = append(errs, f.Audit.Err)
	}
	return awsapi.Join(errs)
}
