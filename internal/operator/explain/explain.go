// Package explain finds out why an object is or is not in every Region of a replica
// set.
//
// Run asks each Region's S3 what it has under one key and each dead-letter queue
// what it says about it; Judge makes one verdict of the answers, with what to do.
// Judge is a pure function: the same facts give the same verdict.
//
// It guarantees to claim no more than the answers show. An object does not say who
// wrote it, so what was uploaded and what is a replica is called likely at most. A
// Region that cannot be asked is said to be unknown, never missing.
//
// It changes nothing, and reads no object's contents. The dead letters that it
// looks at are invisible to other readers for as long as it looks, seconds as a
// rule.
package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/operator/audit"
	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// S3 is the part of *s3.Client that is used. It must be safe for concurrent
// use.
type S3 interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	uploads.S3
	contents.TagsS3
}

// Bounds of what is asked for.
const (
	// MaxVersions is how many of a key's newest versions a Region is asked for.
	MaxVersions = 10
	// MaxLetters is how many dead letters are looked at unless Options says
	// otherwise.
	MaxLetters = 5000
)

// Options say what to explain. All fields but Turn and those after it are required.
type Options struct {
	Config  replicaset.Config
	Account string // the account ID, which is in the buckets' names
	Key     string // decoded
	// S3 and Queues have the clients of every member of the set.
	S3     map[string]S3
	Queues map[string]redrive.Clients
	// Turn, if set, is called before the queues are read, and its end when they have been:
	// whoever else reads them meanwhile misses what is held here. If it fails, they are not
	// read, and its error is why nothing is known of them.
	Turn func(context.Context) (end func(), err error)
	// Logs has the audit trail asked too, in its Region; nil leaves that out.
	Logs audit.Logs
	// AuditFrom is from when on; zero for from an hour before the oldest version.
	AuditFrom time.Time
	// MaxLetters is how many dead letters of all queues are looked at; 0 means
	// MaxLetters. A few more may be.
	MaxLetters int
	// Now is this machine's clock, for when no Region says the time; nil means
	// time.Now.
	Now func() time.Time
}

// Run asks all Regions and queues at once. What failed in the Regions is in the
// Facts; the error is about Options, or that of ctx, which it returns soon
// after ctx has ended.
func Run(ctx context.Context, o Options) (Facts, error) {
	for _, region := range o.Config.Regions {
		if o.S3[region] == nil {
			return Facts{}, fmt.Errorf("the S3 client of %s is missing", region)
		}
	}
	var (
		f = Facts{
			Key:          o.Key,
			LeftOut:      !o.Config.Matches(o.Key),
			Excluded:     o.Config.Exclude.Match(o.Key),
			NoUserCopies: o.Config.NoUserCopies,
			Regions:      make([]Region, len(o.Config.Regions)),
		}
		stackErrs = make([]error, len(o.Config.Regions)) // which writes a Region has
		times     = make([]time.Time, len(o.Config.Regions))
		wg        sync.WaitGroup
		failure   error
	)
	rule := o.Config.FollowFor(o.Key)
	stacks := make([]policy.Bucket, len(o.Config.Regions))
	for i, region := range o.Config.Regions {
		wg.Go(func() { f.Regions[i], times[i] = askRegion(ctx, o, region) })
		if rule.Overwrites && !f.LeftOut {
			wg.Go(func() { stacks[i], stackErrs[i] = bucketOf(o, region).stack(ctx) })
		}
	}
	wg.Go(func() { f.Letters, f.Queues, failure = readLetters(ctx, o) })
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return Facts{}, err
	}
	if rule.Overwrites && !f.LeftOut {
		f.Followed = newFollowed(rule, o.Config.FollowSince, stacks)
		for i, err := range stackErrs {
			if err != nil && f.Regions[i].Err == nil {
				f.Regions[i].Err = err
			}
		}
	}
	if f.Now = slices.MaxFunc(times, time.Time.Compare); f.Now.IsZero() {
		now := o.Now
		if now == nil {
			now = time.Now
		}
		f.Now = now()
	}
	if o.Logs != nil {
		// What the versions are says how far back the trail is to be read.
		trail := audit.Ask(ctx, audit.Options{Config: o.Config, Account: o.Account, Key: o.Key, Logs: o.Logs,
			Since: sinceWhen(f), From: o.AuditFrom, Versions: Made(f), Now: f.Now})
		f.Audit = &trail
	}
	if err := ctx.Err(); err != nil {
		return Facts{}, err
	}
	return f, failure
}

// readLetters lists the queues as a dry run of redrive does, and keeps the
// dead letters that name the object.
func readLetters(ctx context.Context, o Options) ([]Letter, []Queue, error) {
	if o.Turn != nil {
		end, err := o.Turn(ctx)
		if err != nil {
			var queues []Queue
			for _, region := range o.Config.Regions {
				queues = append(queues, Queue{Region: region, Err: err})
			}
			return nil, queues, nil
		}
		defer end()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	most, looked := cmp.Or(o.MaxLetters, MaxLetters), 0
	report, err := redrive.Run(ctx, redrive.Options{Config: o.Config, Clients: o.Queues, DryRun: true}, redrive.Observer{
		Finished: func(redrive.Result) { // one at a time
			if looked++; looked >= most {
				stop()
			}
		},
	})
	if err != nil {
		return nil, nil, err
	}
	members := o.Config.Members(o.Account)
	var letters []Letter
	var queues []Queue
	for _, s := range report.Regions {
		q := Queue{Region: s.Region, Looked: len(s.Results), Held: s.Held, Cut: report.Interrupted, Err: s.Err}
		for _, r := range s.Results {
			if r.Outcome == redrive.NotUnderstood {
				q.NotUnderstood++
			}
			letters = append(letters, lettersAbout(r, o.Key, members)...)
		}
		queues = append(queues, q)
	}
	slices.SortStableFunc(letters, func(a, b Letter) int { return a.SentAt.Compare(b.SentAt) })
	return letters, queues, nil
}

// lettersAbout is the dead letter once for each version of the object that it names.
// members are all of the set.
func lettersAbout(r redrive.Result, key string, members replicaset.Members) []Letter {
	var found []Letter
	for _, object := range r.Letter.Objects {
		source, ours := members.WithBucket(object.Bucket)
		if !ours || object.Key != key {
			continue
		}
		l := Letter{
			Queue: r.Region, MessageID: r.MessageID, SentAt: r.SentAt, Kind: string(r.Letter.Kind),
			Source: source.Region, VersionID: object.VersionID, Reason: deadletter.Essence(r.Letter.Reason), Next: r.Next(),
		}
		for _, f := range r.Functions {
			l.Targets = append(l.Targets, f.Region)
		}
		if !slices.ContainsFunc(found, func(k Letter) bool { return k.Source == l.Source && k.VersionID == l.VersionID }) {
			found = append(found, l)
		}
	}
	return found
}
