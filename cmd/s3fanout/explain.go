package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"s3fanout/internal/operator/explain"
	"s3fanout/internal/printable"
	"s3fanout/internal/replicaset"
)

// maxKey is S3's limit, in bytes
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
const maxKey = 1024

type explainFlags struct{ auditFlags }

func newExplainCommand(a *app) *cobra.Command {
	f := explainFlags{}
	cmd := &cobra.Command{
		Use:   "explain KEY",
		Short: "Say why an object is or is not in every Region",
		Long: `Say for one key what each Region has: versions, unfinished uploads and dead
letters; whether it is the same everywhere; and if not, why and what to do.`,
		Example: `  s3fanout explain films/one.mp4
  s3fanout explain --audit films/one.mp4
  s3fanout explain s3://media-111122223333-eu-west-1/films/one.mp4
  s3fanout explain --output json -- '-a key with spaces'`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error { return a.explain(cmd.Context(), args[0], f) },
	}
	f.register(cmd, "ask the audit trail who wrote or deleted it")
	return cmd
}

func (a *app) explain(ctx context.Context, argument string, f explainFlags) error {
	k, err := a.askedKey(ctx, argument, f.auditFlags)
	if err != nil {
		return err
	}
	o := explainOptions(k.set, k.config, k.account, k.key)
	if f.audit {
		o.Logs, o.AuditFrom = auditLogs(k.config, k.set), k.auditFrom
	}
	stop := a.newProgress().working(f.asking(k.set))
	facts, err := explain.Run(ctx, o)
	stop()
	if err != nil {
		return err
	}
	verdict := explain.Judge(facts)
	if err := a.writeExplanation(k.set.Name, facts, verdict); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	switch {
	case facts.Err() != nil:
		return facts.Err()
	case verdict.Code == explain.CodeNowhere:
		return classified{errors.New("no Region has this key"), errLeftOver}
	case !verdict.Settled():
		return classified{fmt.Errorf("not the same in every Region: %s", verdict.Code), errLeftOver}
	}
	return nil
}

// oneKey wants one argument.
func oneKey(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one KEY, not %d arguments; quote a key with spaces", commandName(cmd), len(args))
	}
	return nil
}

// checkKey refuses what no key can be.
func checkKey(key string) error {
	switch {
	case key == "":
		return usageError{errors.New("the KEY is empty; every object's key has at least one character")}
	case !utf8.ValidString(key):
		return usageError{errors.New("the KEY is not UTF-8, as every key of S3 is")}
	case len(key) > maxKey && !strings.HasPrefix(key, "s3://"):
		return keyTooLong(key)
	}
	return nil
}

func keyTooLong(key string) error {
	return usageError{fmt.Errorf("the KEY has %d bytes; those of S3 have %d at most", len(key), maxKey)}
}

// keyOf takes the key out of s3://BUCKET/KEY. A key that begins with
// "s3://" itself has to be given in that form.
func keyOf(argument string, set replicaset.Config, account string) (string, error) {
	rest, isURL := strings.CutPrefix(argument, "s3://")
	if !isURL {
		return argument, nil
	}
	bucket, key, _ := strings.Cut(rest, "/")
	members := set.Members(account)
	if _, ours := members.WithBucket(bucket); ours {
		if len(key) > maxKey { // also of a key that begins with s3:// itself
			return "", keyTooLong(key)
		}
		return key, checkKey(key)
	}
	var buckets []string
	for _, m := range members {
		buckets = append(buckets, m.Bucket)
	}
	return "", usageError{fmt.Errorf("%s: not a bucket of the replica set %s in the account in use; it has %s",
		printable.Quote("s3://"+bucket), set.Name, strings.Join(buckets, ", "))}
}
