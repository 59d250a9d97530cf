// Package history tells the life of one key in all Regions of a replica set: which
// versions were written, which are replicas and of what, and where it was deleted.
//
// Run lists each Region's versions; Line makes one line of time of them. Line is a
// pure function. It says of each entry whether that is certain: a version does not say
// who wrote it, but in follow mode replicas carry the write that they are of. What is
// not certain rests on contents and times.
//
// It changes nothing, and reads no object's contents.
package history

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/versions"
	"s3fanout/internal/operator/audit"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// S3 is the part of *s3.Client that is used. It must be safe for concurrent use.
type S3 interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	versions.S3
}

const (
	// MaxVersions is how many of a key's newest versions a Region is asked for unless
	// Options says otherwise.
	MaxVersions = 1000
	// headsAtOnce are the requests that a Region is sent at the same time.
	headsAtOnce = 16
)

// Options say what to look for. All but the last four are required.
type Options struct {
	Config      replicaset.Config
	Account     string
	Key         string        // decoded
	S3          map[string]S3 // of every member of the set
	MaxVersions int           // 0 means MaxVersions
	// Logs has the audit trail asked who it was; nil leaves that out.
	Logs audit.Logs
	// AuditFrom is from when on; zero for from an hour before the oldest version.
	AuditFrom time.Time
	Now       func() time.Time // nil means time.Now
}

// Facts are what the Regions have of a key.
type Facts struct {
	Key     string
	Rule    replicaset.Follow // of the key
	Since   int64             // when following was switched on, in seconds; zero if always
	Regions []Region          // all members, in the set's order
	Audit   *audit.Trail      // what the audit trail says; nil if it was not asked
}

// Region is what one Region has.
type Region struct {
	Region string
	Bucket string
	// Stack are the versions and delete markers, newest first. More says that there
	// are older ones.
	Stack []policy.Version
	More  bool
	Err   error // why the Region is not known, or not whole
}

// Err joins what failed, each text once.
func (f Facts) Err() error {
	var errs []error
	for _, r := range f.Regions {
		errs = append(errs, r.Err)
	}
	if f.Audit != nil {
		errs = append(errs, f.Audit.Err)
	}
	return awsapi.Join(errs)
}

// Run asks all Regions at once. What failed there is in the Facts; the error is about
// Options, or that of ctx.
func Run(ctx context.Context, o Options) (Facts, error) {
	rule := o.Config.FollowFor(o.Key)
	f := Facts{Key: o.Key, Rule: rule, Regions: make([]Region, len(o.Config.Regions))}
	if since := o.Config.FollowSince; !since.IsZero() {
		f.Since = since.Unix()
	}
	var wg sync.WaitGroup
	for i, region := range o.Config.Regions {
		if o.S3[region] == nil {
			return Facts{}, fmt.Errorf("the S3 client of %s is missing", region)
		}
		f.Regions[i] = Region{Region: region, Bucket: o.Config.Member(o.Account, region).Bucket}
		wg.Go(func() {
			r := &f.Regions[i]
			if r.Err = r.list(ctx, o); r.Err == nil && rule.Overwrites {
				r.Err = r.read(ctx, o.S3[region], o.Key)
			}
			if r.Err != nil {
				r.Err = awsapi.Explain(region, "bucket "+r.Bucket, r.Err)
			}
			if o.Config.OpaqueETags() {
				for j := range r.Stack {
					r.Stack[j].Opaque = true
				}
			}
		})
	}
	wg.Wait()
	if o.Logs != nil {
		now := o.Now
		if now == nil {
			now = time.Now
		}
		trail := audit.Ask(ctx, audit.Options{Config: o.Config, Account: o.Account, Key: o.Key, Logs: o.Logs,
			Since: oldest(f), From: o.AuditFrom, Versions: Made(f), Now: now()})
		f.Audit = &trail
	}
	return f, ctx.Err()
}

// Made are the versions and delete markers, for the audit trail to say who made them.
func Made(f Facts) []audit.Version {
	var list []audit.Version
	for _, r := range f.Regions {
		for _, v := range r.Stack {
			list = append(list, audit.Version{Region: r.Region, ID: v.ID, Marker: v.Marker, Made: time.Unix(v.Modified, 0).UTC()})
		}
	}
	return list
}

// oldest is when the first of the versions was made; zero if there is none, so that all
// of the trail is asked.
func oldest(f Facts) (first time.Time) {
	for _, v := range Made(f) {
		if first.IsZero() || v.Made.Before(first) {
			first = v.Made
		}
	}
	return first
}

// list pages through the versions of exactly the key.
func (r *Region) list(ctx context.Context, o Options) error {
	most := cmp.Or(o.MaxVersions, MaxVersions)
	for from := ""; ; {
		page, err := versions.List(ctx, o.S3[r.Region], r.Region, r.Bucket, o.Key, from)
		if err != nil {
			return err
		}
		r.Stack = append(r.Stack, page.Stack...)
		if from = page.Next; from == "" || len(r.Stack) >= most {
			if r.More = from != "" || len(r.Stack) > most; r.More {
				r.Stack = r.Stack[:min(most, len(r.Stack))]
			}
			return nil
		}
	}
}

// read asks which write each version is of. One that has been destroyed since it was
// listed stays what is known of it.
func (r *Region) read(ctx context.Context, client S3, key string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(headsAtOnce)
	for i := range r.Stack {
		v := &r.Stack[i]
		if v.Marker {
			continue
		}
		group.Go(func() error {
			out, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &r.Bucket, Key: &key, VersionId: &v.ID})
			switch errorcode.Status(err) {
			case http.StatusNotFound, http.StatusMethodNotAllowed:
				return nil
			case http.StatusBadRequest: // under a customer's key, with which nothing is copied
				*v = v.ReadAs(r.Region, key, "")
				return nil
			}
			if err == nil {
				*v = v.ReadAs(r.Region, key, out.Metadata[policy.EntryName])
			}
			return err
		})
	}
	return group.Wait()
}
