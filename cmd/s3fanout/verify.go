package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/verify"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	prefix  string
	regions []string
	grace   time.Duration
	keys    bool
	tags    bool
	empty   bool
}

func newVerifyCommand(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare the buckets of the Regions",
		Long: `Compare the buckets of the replica set, and name every key that is not the same
in all of them. Keys that no filter in cdk.json chooses, or that it excludes,
are left out. It changes nothing, reads no object, and needs the same memory for
a thousand keys and for a billion; results that do not fit are kept in temporary
files (TMPDIR).

Objects are compared by size and ETag; where ETags differ, by checksums of the
same algorithm and type. ETags of objects copied in parts or encrypted with KMS
say nothing about the bytes: without such checksums their sizes alone are
compared, and the summary says for how many. Tags are compared with --tags
alone: that takes a request for every key in every Region.

What is under way is no difference. Every key that is not the same in all
listings is looked at again, and one that was written or deleted less than
--grace ago, or in parts within the last day, until it is the same or --grace is
over: a run can take that much longer, and twice as long where keys keep
changing. What time it is, S3 says, not this machine. With --grace 0s it reports
what it sees.

When it is done it writes a line for each Region and key, sorted by key, and
then the counts of each Region, and of the 20 prefixes up to a slash with most:
  missing    eu-west-1       absent    films/one.mp4
  different  ap-northeast-1  size      films/two.mp4
missing: the Region does not have the key (absent), or a delete marker hides it
(deleted). copying: it does not have it yet, and its function is copying it
just now, in parts. different: it has another object than the one that was
written first (size, checksum, etag or tags), or has kept its object while
others were overwritten (stale). unsettled: the key kept changing, more often
than --grace, and no Region stood still (changing). With --keys only the keys
are written, each once.

Where cdk.json has follow, the latest write of a key is right, and not the
first: different is a Region with an older one (stale) or, with --tags, with
other tags than where it was written; missing one that has none; undeleted one
that still has what was deleted elsewhere. The Region where the latest write was
made may have destroyed it since (destroyed): then nothing copies it there.

AWS requests: sts:GetCallerIdentity; s3:ListBucket, one for each 1000 keys of a
Region and a few more; s3:GetObject (HEAD), one for each Region for each key
that is not the same in all listings: also those copied in parts or encrypted
with KMS. s3:ListBucketVersions, one for each key that was deleted in a Region.
s3:ListBucketMultipartUploads and s3:ListMultipartUploadParts, about two for
each Region that lacks a large key. With --tags s3:GetObjectTagging, one for
each key and Region. kms:Decrypt, if you have it, for checksums of what is
encrypted with KMS. A billion keys in each of 3 Regions cost about $15 to list,
a million HEADs or questions about tags $0.40. Of a key that is followed a list
and another HEAD tell what a delete marker hides.

With --output json each difference is one line, and the last line the summary:
  {"kind": "missing|copying|different|undeleted|unsettled", "key", "why",
   "regions": [{"region", "versionId", "size", "etag",
   "checksum": {"algorithm", "type", "value"}, "modified", "tags": {}}],
   "without": [], "deleted": [], "differing": []}
  {"summary": {"replicaSet", "regions": [], "prefix", "keys", "bytes", "equal",
   "sizeOnly", "missing", "hidden", "copying", "different", "both", "undeleted",
   "unsettled", "deleted", "unfinished", "listRequests", "headRequests",
   "tagRequests", "costUSD", "partial", "byRegion": [{"region", "missing",
   "copying", "different", "undeleted", "unsettled"}], "byPrefix": [{"region",
   "prefix", …}], "otherPrefixes"}}
"regions" of a difference have the key, "without" lack it, in "deleted" of them
a delete marker hides it, "differing" are different. "sizeOnly" are among
"equal", "hidden" (by delete markers) among "missing"; "both" are keys among
"missing" or "copying" and "different"; "deleted" went away everywhere
meanwhile; "unfinished" were not looked at again as the run ended early, which
is "partial". "byPrefix" has 20 prefixes, "otherPrefixes" counts the rest.

Exit codes: 0 all the same; 1 a request failed; 2 usage or configuration; 3
there are differences, or no key was compared and --allow-empty is not given;
130 interrupted, with what was found so far.`,
		Example: `  s3fanout verify
  s3fanout verify --prefix films/ --region us-east-1 --region eu-west-1
  s3fanout verify --grace 0s --output json
  s3fanout verify --tags --prefix films/
  s3fanout verify --keys > keys.txt`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verify(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&f.prefix, "prefix", "", "compare only keys with this prefix")
	namesVar(cmd.Flags(), &f.regions, "region", "compare only these Regions, two at least; can be repeated")
	cmd.Flags().DurationVar(&f.grace, "grace", verify.DefaultGrace, "how long a new object may take to arrive")
	cmd.Flags().BoolVar(&f.keys, "keys", false, "write the keys alone, one a line")
	cmd.Flags().BoolVar(&f.tags, "tags", false, "compare tags too: a request a key and Region")
	cmd.Flags().BoolVar(&f.empty, "allow-empty", false, "no key to compare is no difference")
	return cmd
}

func (a *app) verify(ctx context.Context, f verifyFlags) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	regions, err := chosenRegions(set, f.regions)
	if err != nil {
		return err
	}
	if err := a.checkVerify(f, regions); err != nil {
		return err
	}
	config, account, err := signIn(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	o := verify.Options{
		Prefix: f.prefix, Match: set.Matches, Grace: f.grace, Tags: f.tags, Large: backfill.Threshold(set),
		Follow: followed(set), FollowSince: set.FollowSince,
	}
	for _, r := range regions {
		client := awsapi.NewS3(config, r, account, awsapi.RequestTime, 2*listing.DefaultParallel)
		member := set.Member(account, r)
		o.Buckets = append(o.Buckets, verify.Bucket{Region: r, Name: member.Bucket, RoleARN: member.RoleARN(), Client: client})
	}
	defer debug.SetGCPercent(debug.SetGCPercent(verify.GCPercent))
	p := a.newProgress()
	watch := verifyProgress{p: p, grace: f.grace, started: time.Now()}
	out := a.newVerifyOutput(p, set.Name, regions, f)
	defer out.close()
	summary, err := verify.Run(ctx, o, out.found.Add, watch.tell)
	p.done()
	interrupted := ctx.Err() != nil
	if err == nil || interrupted || summary.Keys > 0 {
		if failed := out.write(summary); failed != nil && (err == nil || interrupted) {
			err, interrupted = failed, false
		}
	}
	switch {
	case interrupted:
		return marked{errors.New("interrupted; the summary is of what was compared, run it again for all"), errInterrupted}
	case err != nil:
		return err
	}
	return verifyError(summary, f, set.FollowAny().Any(), out.few)
}

// checkVerify refuses values of flags that make no sense.
func (a *app) checkVerify(f verifyFlags, regions []string) error {
	switch {
	case len(regions) < 2:
		return usageError{fmt.Errorf("--region %s alone has nothing to be compared with; name two Regions at least, or none for all", regions[0])}
	case f.grace < 0:
		return usageError{fmt.Errorf("--grace %v is negative; use 0s to wait for nothing", f.grace)}
	case f.keys && a.output == outputJSON:
		return usageError{errors.New("--keys and --output json exclude each other; the JSON lines have the keys")}
	}
	return checkPrefix(f.prefix)
}

// verifyError says that there are differences, and what to do about them.
func verifyError(s verify.Summary, f verifyFlags, follows bool, few fewKeys) error {
	n := s.Unequal()
	switch {
	case n == 0 && s.Keys == 0 && !f.empty && f.prefix != "":
		return marked{fmt.Errorf("nothing was compared: no Region has a key with the prefix %s; correct --prefix, or give --allow-empty if that is right", printable.Quote(f.prefix)), errLeftOver}
	case n == 0 && s.Keys == 0 && !f.empty:
		return marked{errors.New("nothing was compared: no Region has a key that is to be replicated; give --allow-empty if that is right"), errLeftOver}
	case n == 0:
		return nil
	}
	text := keyCount(n) + " not the same everywhere"
	type advice struct {
		n    int64
		text string
	}
	advices := []advice{
		{s.Missing - s.Deleted, "see why keys are missing with s3fanout doctor, then copy them with s3fanout backfill" + few.flags(verify.Missing)},
		{s.Deleted, "what was deleted in a Region stays so unless s3fanout backfill is given --restore-deleted"},
		{s.Different, "s3fanout overwrites nothing: see which object is right with s3fanout explain KEY"},
		{s.Copying, "what is being copied needs time: compare again later"},
		{s.Unsettled, "what keeps changing cannot be compared: see it with s3fanout explain KEY"},
	}
	if follows {
		advices = append([]advice{
			{s.Missing + s.Different, "see why changes are missing with s3fanout doctor, then bring them with s3fanout backfill" + few.flags(verify.Missing, verify.Different) + "; s3fanout explain KEY tells what won and why"},
			{s.Undeleted, "s3fanout backfill --hide-deleted deletes what was deleted in another Region"},
		}, advices[3:]...)
	}
	for _, advice := range advices {
		if advice.n > 0 {
			text += "; " + advice.text
		}
	}
	return marked{errors.New(text), errLeftOver}
}

// followed says of a key which later changes travel, nil if none of any do.
func followed(set replicaset.Config) func(key string) (overwrites, deletions bool) {
	if !set.FollowAny().Any() {
		return nil
	}
	rules := set.FollowRules()
	return func(key string) (bool, bool) {
		f := rules.For(key)
		return f.Overwrites, f.Deletions
	}
}

// verifyProgress turns what the run tells, also several times at once, into a
// status.
type verifyProgress struct {
	p       *progress
	grace   time.Duration
	started time.Time
	waits   sync.Once
}

func (w *verifyProgress) tell(now verify.Progress) {
	if now.Complete && now.Waiting > 0 {
		w.waits.Do(func() {
			w.p.note("all keys are listed; waiting at most about %v for those that are new", w.grace)
		})
	}
	text := fmt.Sprintf("%s, %.0f keys/s", keyCount(now.Keys), float64(now.Keys)/max(time.Since(w.started).Seconds(), 1e-3))
	if now.Complete {
		text = keyCount(now.Keys) + ", all listed"
	}
	if now.Waiting > 0 {
		text += ", waiting for " + countOf(now.Waiting, "new one", "new ones")
	}
	w.p.status("%s", text)
}
