package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/replicaset"
)

func newBackfillCommand(a *app) *cobra.Command {
	var f backfillFlags
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Copy what Regions lack",
		Long: `Copy every object that a Region of the replica set lacks: what was written
before the Region joined, and what got lost on its way.

It lists the buckets and copies what is missing while it lists, from the Region
that has had the key for longest or from --from. A key that exists is never
replaced: objects that differ are counted and left as they are; s3fanout verify
names them. Keys that no filter in cdk.json chooses, or that it excludes, are
left out.

What was deleted in a Region stays deleted there: where a delete marker is the
current version of a key, it is skipped and counted, unless --restore-deleted is
given. Without versioning, or once the markers are gone, nobody can tell. A
large object that its function, or another backfill, is copying there just now
is skipped too.

Where cdk.json has follow, the latest write of a key goes to every Region, over
older ones too, and a dry run says whose that is where contents differ. What was
deleted in another Region after the latest write is counted, and with
--hide-deleted deleted here too, by delete markers: a lifecycle rule makes such
markers as well, and nobody can tell. What the Region of the latest write has
destroyed is copied to no other. s3fanout undelete brings back deleted keys;
--restore-deleted is for keys that are not followed.

Running it again, or twice at once, is harmless. When it is interrupted it ends
within seconds, and the next run does what is left. It slows down by itself when
S3 asks for less.

Each replica is written as that Region's function writes its own, in a session
of the function's role, so that it wakes no function. With --own-credentials it
is written as the caller, who needs the role's permissions then, and each copy
invokes the functions of all other Regions once, unnecessarily.

With --dry-run it lists, and tells what would be copied and about what that
costs: requests and transfer at AWS's list prices, without storage, taxes and
discounts. It asks the targets what was deleted there, as a run does.

Before anything is copied all of it is estimated like that. If it costs more
than --limit, the command asks on a terminal, and elsewhere ends with exit code
3; with --yes it begins at once. Where more than 10,000 objects are missing, or
the answer takes over a minute, the buckets are listed twice for that, with
--yes once. What is missing then is copied, up to --limit or, if that was
exceeded, up to a tenth more than what was agreed to; at more it ends with exit
code 3.

--key names one key exactly, at one list request in each bucket, and can be
repeated.

AWS requests: sts:GetCallerIdentity; s3:ListBucket on all buckets, or with
--from on that one and the targets'; s3:ListBucketVersions on the targets'
buckets, which tells what was deleted, and s3:GetObject (a HEAD of a target)
where few objects of a thousand are missing, for large ones, or if versions may
not be listed; without --dry-run also sts:AssumeRole on the targets' roles,
both on the sources' buckets, to name the versions to copy, and
s3:ListBucketMultipartUploads and s3:ListMultipartUploadParts at the targets for
large objects. They cost, in us-east-1, $0.005 for 1,000 copies, for 1,000
questions about uploads, or for a million keys or versions listed in one bucket,
$0.0004 for 1,000 HEADs, and the transfer: from $0.02 a GB by source Region. So
the question what was deleted adds at most 8 % to the requests.

With --output json the result is one document:
  {"replicaSet", "dryRun", "interrupted", "refused", "different", "left",
   "error", "targets": [{"region", "missing", "missingBytes", "noSource",
     "deleted", "copying", "copied", "exists", "diverged", "sourceGone",
     "failed", "left",
     "bytes", "stale", "replaced", "undeleted", "hidden", "kept", "destroyed",
     "requests": {"copy", "head", "tags", "create", "part", "list", "complete",
     "abort", "delete"}}],
   "wins": [{"region", "keys"}],
   "conflicts": [{"key", "wins", "written", "deleted", "loses"}],
   "requests": {"list", "head"},
   "failures": [{"region", "key", "class", "reason"}],
   "estimate": {"requests": {…}, "transfer": [{"from", "to", "bytes"}],
     "requestDollars", "transferDollars", "dollars", "assumedPrices"}}
"different" counts keys whose objects are not the same by size and ETag, under
keys of KMS by size alone. "list" counts pages of objects and of versions.
"noSource" counts keys that --from lacks as well, "deleted" what was deleted in
the Region, "copying" what others are copying there, "exists" and "sourceGone"
what came or went meanwhile, "diverged" what came with other contents, "left"
what was not tried. "failures" has the first 1,000; "class" is retryable, denied
or permanent. "estimate" is there with --dry-run, and where "refused" says that
nobody agreed to it; "error" if the run ended early. "assumedPrices" names
Regions whose prices are not known. Of keys that are followed, "stale" had an
older write, of which "replaced" got the latest; "undeleted" showed what was
deleted elsewhere, of which "hidden" show it no more, and "kept" were left;
"destroyed" is gone where it was written. "wins" counts the keys for which a
Region's write wins over other writes, "conflicts" has the first 1,000.

` + batchHelp + `

Exit codes: 0 nothing is missing any more, or a dry run; 1 a request failed, or
all of them would; 2 usage or configuration; 3 objects could not be copied, or
others are copying them, or it costs more than --limit, or nobody agreed to the
jobs; 130 interrupted.`,
		Example: `  s3fanout backfill --dry-run
  s3fanout backfill
  s3fanout backfill --to eu-north-1
  s3fanout backfill --key films/one.mp4 --key films/two.mp4
  s3fanout backfill --to eu-north-1 --key films/one.mp4 --restore-deleted
  s3fanout backfill --to eu-north-1 --limit 250
  s3fanout backfill --from us-east-1 --to eu-west-1,eu-north-1 --prefix films/
  s3fanout backfill --batch-operations --to eu-north-1 --dry-run
  s3fanout backfill --job 00e123a4-c0d8-41f4 --region us-east-1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.agree(cmd.Flags().Changed); err != nil {
				return err
			}
			if err := checkGiven(cmd.Flags().Changed, given{"from", f.from}, given{"job", f.job}, given{"region", f.region}); err != nil {
				return err
			}
			if err := chooseKeys(&f.keys, f.prefix); err != nil {
				return err
			}
			switch {
			case f.job != "":
				return a.showBatchJob(cmd.Context(), f.job, f.region)
			case f.batch:
				return a.createBatchJob(cmd.Context(), f.batchRequest())
			default:
				return a.backfill(cmd.Context(), f)
			}
		},
	}
	cmd.Flags().StringVar(&f.from, "from", "", "copy from this Region only (default: each key's oldest)")
	f.to = []string{"all"}
	namesVar(cmd.Flags(), &f.to, "to", "Region to copy to, or all; can be repeated")
	cmd.Flags().StringVar(&f.prefix, "prefix", "", "only keys with this prefix")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "only this key, exactly; can be repeated")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "tell what is missing and the cost, copy nothing")
	cmd.Flags().Float64Var(&f.limit, "limit", defaultLimit, "ask before it costs more US dollars than that")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask, whatever it costs")
	cmd.Flags().IntVar(&f.concurrency, "concurrency", backfill.DefaultConcurrency, "most copies to a Region at once")
	cmd.Flags().BoolVar(&f.ownCredentials, "own-credentials", false, "write replicas as the caller, not as the functions")
	cmd.Flags().BoolVar(&f.restoreDeleted, "restore-deleted", false, "copy also what was deleted in a Region")
	cmd.Flags().BoolVar(&f.hideDeleted, "hide-deleted", false, "with follow: delete what was deleted in another Region")
	cmd.Flags().BoolVar(&f.batch, "batch-operations", false, "let S3 Batch Operations do it")
	cmd.Flags().BoolVar(&f.noReport, "no-report", false, "with --batch-operations: no report of what failed")
	cmd.Flags().BoolVar(&f.confirm, "confirm", false, "with --batch-operations: jobs wait to be confirmed")
	cmd.Flags().StringVar(&f.job, "job", "", "tell how this job of S3 Batch Operations stands")
	cmd.Flags().StringVar(&f.region, "region", "", "with --job: the Region of the job")
	return cmd
}

func (a *app) backfill(ctx context.Context, f backfillFlags) error {
	set, err := a.replicaSet()
	if err != nil {
		return err
	}
	to, err := f.check(set)
	if err != nil {
		return err
	}
	config, account, err := signIn(ctx, set.Regions[0])
	if err != nil {
		return err
	}
	p := a.newProgress()
	watch := backfillProgress{p: p, now: time.Now, began: time.Now(), dryRun: f.dryRun}
	clients := backfill.Clients{
		Config: config, Set: set, Account: account, Regions: set.Regions, To: to,
		OwnCredentials: f.ownCredentials, Concurrency: f.concurrency, Log: slog.New(slog.NewTextHandler(noteWriter{p}, nil)),
	}
	if f.from != "" {
		clients.Regions = append([]string{f.from}, to...)
	}
	if f.dryRun {
		clients.To = nil
	}
	members, err := clients.NewMembers(ctx)
	if err != nil {
		return err
	}
	var chosen chosenKeys
	report, err := backfill.Run(ctx, backfill.Options{
		Members: members, From: f.from, To: to, Prefix: f.prefix, Keys: f.keys, KMS: set.OpaqueETags(),
		Match:   func(key string) bool { return set.Matches(key) && chosen.add(key, len(f.keys) > 0) },
		Approve: a.approve(p, f),
		Follow:  followed(set), FollowSince: set.FollowSince, HideDeleted: f.hideDeleted,
		RestoreDeleted: f.restoreDeleted, DryRun: f.dryRun, Concurrency: f.concurrency,
		Threshold: backfill.Threshold(set), HeadsSource: set.ReplicaStorageClass == replicaset.SourceStorageClass,
	}, backfill.Observer{Progress: watch.progress, Failed: watch.failed})
	p.done()
	if report.Unanswered != nil {
		p.note("%s; so what is being copied there is copied once more", oneLine(report.Unanswered.Error()))
	}
	if err := a.writeBackfill(document.NewBackfill(set.Name, f.dryRun, errors.Is(err, errOverLimit), report, err)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if err == nil && !report.Interrupted {
		for _, note := range f.nothingChosen(chosen.any.Load(), chosen.has) {
			p.note("%s", note)
		}
	}
	return backfillError(report, f.dryRun, err)
}

// chosenKeys are those that a run looked at. It is safe for concurrent use.
type chosenKeys struct {
	any  atomic.Bool
	keys sync.Map // where keys are named; there may be billions otherwise
}

func (c *chosenKeys) add(key string, named bool) bool {
	c.any.Store(true)
	if named {
		c.keys.Store(key, true)
	}
	return true
}

func (c *chosenKeys) has(key string) bool {
	_, ok := c.keys.Load(key)
	return ok
}

// backfillError says what is wrong with the end of a run, nil if nothing is.
func backfillError(report backfill.Report, dryRun bool, err error) error {
	switch failed := report.Failed(); {
	case report.Interrupted && dryRun:
		return marked{errors.New("interrupted; the numbers are those of the keys listed so far"), errInterrupted}
	case report.Interrupted:
		return marked{errors.New("interrupted; run it again for what is left"), errInterrupted}
	case errors.Is(err, backfill.ErrGrown):
		return marked{fmt.Errorf("%w; what was copied stays, run it again to be asked about the rest", err), errLeftOver}
	case err != nil:
		return err
	case failed > 0:
		return marked{fmt.Errorf("%s could not be copied; remove the reasons above and run it again", objectCount(failed)), errLeftOver}
	case report.Kept() > 0 && !dryRun:
		return marked{fmt.Errorf("%s still there that were deleted in another Region; "+
			"if that was no lifecycle rule, run it again with --hide-deleted", objectCount(report.Kept())), errLeftOver}
	case report.Copying() > 0:
		return marked{fmt.Errorf("%s left to the functions, which are copying them; run it again later",
			objectCount(report.Copying())), errLeftOver}
	default:
		return nil
	}
}
