package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/document"
	"s3fanout/internal/replicaset"
	"s3fanout/internal/table"
)

// costFlags are those of the command, as they were typed.
type costFlags struct {
	objects  int64
	bytes    string
	regions  string
	from     string
	copyTime time.Duration
	follow   string
	delete   int64
	every    string
	keys     int64
	read     string
}

func newCostCommand(a *app) *cobra.Command {
	var f costFlags
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Estimate a month's cost, compared with S3's own replication",
		Long: `Estimate what replicating a month's uploads costs with s3fanout, with S3
Cross-Region Replication, and with Replication Time Control. Regions, follow and
reconcile are those of cdk.json unless you say otherwise.`,
		Example: `  s3fanout cost --objects 1000000 --bytes 1TiB
  s3fanout cost --objects 1000000 --bytes 1TiB --from us-east-1
  s3fanout cost --objects 5000 --bytes 20TiB --regions eu-west-1,us-east-1
  s3fanout cost --objects 1000000 --bytes 1TiB \
    --follow overwrites,deletions --deletions 200000
  s3fanout cost --objects 1000000 --bytes 100GiB --regions 5 --output json`,
		Args: noArguments,
		RunE: func(_ *cobra.Command, _ []string) error { return a.cost(f) },
	}
	cmd.Flags().Int64Var(&f.objects, "objects", 0, "uploads in a month")
	cmd.Flags().StringVar(&f.bytes, "bytes", "", "their total `size`, such as 500GB or 1.5TiB")
	cmd.Flags().StringVar(&f.regions, "regions", "", "names or number (default: those of cdk.json)")
	cmd.Flags().StringVar(&f.from, "from", "", "`region` of all uploads (default: all equally)")
	cmd.Flags().DurationVar(&f.copyTime, "copy-time", 0, "a function's `time` for a copy (default: assumed)")
	cmd.Flags().StringVar(&f.follow, "follow", "", "followed `changes`, such as overwrites,deletions")
	cmd.Flags().Int64Var(&f.delete, "deletions", 0, "followed deletions in a month")
	cmd.Flags().StringVar(&f.every, "reconcile", "", "`interval` of comparisons, such as \"1 day\"")
	cmd.Flags().Int64Var(&f.keys, "keys", 0, "keys in each bucket, for comparisons")
	cmd.Flags().StringVar(&f.read, "read", "", "`size` of what is read through the access point")
	return cmd
}

func (a *app) cost(f costFlags) error {
	usage, err := a.costUsage(f)
	if err != nil {
		return err
	}
	read, err := a.costRead(f)
	if err != nil {
		return err
	}
	if f.regions == "" {
		a.noteOptions(usage, read)
	}
	if err := a.writeCost(document.NewCost(usage)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// costUsage checks what was typed.
func (a *app) costUsage(f costFlags) (cost.Usage, error) {
	u := cost.Usage{Objects: f.objects, From: f.from, CopyTime: f.copyTime}
	if f.objects <= 0 || f.bytes == "" {
		return u, usageError{errors.New("give the uploads of a month, such as --objects 1000000 --bytes 1TiB")}
	}
	bytes, err := parseSize(f.bytes)
	if err != nil {
		return u, usageError{fmt.Errorf("--bytes: %w", err)}
	}
	if u.Size = bytes / f.objects; u.Size > copier.MaxObject {
		return u, usageError{
			fmt.Errorf("--bytes: that is %s an object, and S3's objects have at most %s; give more --objects",
				table.Bytes(u.Size), table.Bytes(copier.MaxObject)),
		}
	}
	if f.copyTime < 0 {
		return u, usageError{fmt.Errorf("--copy-time: %s is not possible; give a time like 300ms", f.copyTime)}
	}
	if u.Regions, err = a.costRegions(&u, f.regions); err != nil {
		return u, err
	}
	if f.follow != "" {
		if u.Follow, err = costFollow(f.follow); err != nil {
			return u, err
		}
	}
	switch u.Deletions = f.delete; {
	case f.delete < 0:
		return u, usageError{fmt.Errorf("--deletions: %d is not possible; give how many objects are deleted in a month", f.delete)}
	case f.delete > 0 && !u.Follow.Deletions:
		return u, usageError{
			errors.New("--deletions: deletions are not followed, and cost nothing; to follow them, add --follow overwrites,deletions"),
		}
	}
	if f.every != "" {
		every, err := replicaset.ParseSpan(f.every)
		if err != nil || every < replicaset.MinReconcileEvery || every > replicaset.MaxReconcileEvery {
			return u, usageError{fmt.Errorf(`--reconcile: %q is not possible; give 6 hours to 30 days, as in --reconcile "1 day"`, f.every)}
		}
		u.Reconcile = &replicaset.Reconcile{Every: every}
	}
	switch u.Keys = f.keys; {
	case f.keys < 0:
		return u, usageError{fmt.Errorf("--keys: %d is not possible; give how many keys a bucket has", f.keys)}
	case f.keys > 0 && u.Reconcile == nil:
		return u, usageError{
			errors.New(`--keys: the buckets are not compared, and keys cost nothing; to compare them, add --reconcile "1 day"`),
		}
	}
	if u.From != "" && !slices.Contains(u.Regions, u.From) {
		return u, usageError{fmt.Errorf("--from %s: not one of the Regions; they are %s", u.From, strings.Join(u.Regions, ", "))}
	}
	return u, nil
}

// costFollow reads --follow, by the rules of cdk.json.
func costFollow(typed string) (replicaset.Follow, error) {
	raw, err := json.Marshal(map[string]any{"follow": strings.Split(typed, ",")})
	if err != nil {
		return replicaset.Follow{}, err
	}
	set, err := replicaset.Parse(raw)
	if err == nil {
		err = set.Follow.Validate()
	}
	if err != nil {
		return replicaset.Follow{}, usageError{fmt.Errorf("--%s", strings.TrimPrefix(err.Error(), replicaset.ContextKey+"."))}
	}
	return set.Follow, nil
}

// maxCostRegions is more Regions than AWS has.
const maxCostRegions = 100

// costRegions are the Regions of the estimate. Those of the configuration come
// with what else it says.
func (a *app) costRegions(u *cost.Usage, typed string) ([]string, error) {
	if typed == "" {
		set, err := a.replicaSet()
		if err != nil {
			return nil, err
		}
		u.Threshold, u.HeadsSource = set.MultipartThreshold(), set.ReplicaStorageClass == replicaset.SourceStorageClass
		u.Follow, u.Reconcile = set.FollowAny(), set.Reconcile
		u.NoUserCopies, u.NoDashboard = set.NoUserCopies, set.NoDashboard
		u.MemoryMiB, u.X86 = set.FunctionMemoryMiB, set.Architecture() == replicaset.X86
		p := a.newProgress()
		if class := set.ReplicaStorageClass; !slices.Contains([]string{"", "STANDARD", replicaset.SourceStorageClass}, class) {
			p.note("requests to storage class %s cost more than those to STANDARD, which the estimate has", class)
		}
		if set.Encryption == replicaset.EncryptionKMS {
			p.note("keys of KMS and requests to them are not in the estimate; docs/configuration.md has their prices")
		}
		return set.Regions, nil
	}
	if n, err := strconv.Atoi(typed); err == nil {
		if n < 2 || n > maxCostRegions {
			return nil, usageError{fmt.Errorf("--regions %d: a replica set has 2 to %d Regions", n, maxCostRegions)}
		}
		return cost.Alike(n), nil
	}
	set := replicaset.Config{Name: "cost", Regions: strings.Split(typed, ","), OptInRegions: true}
	if err := set.Validate(); err != nil {
		return nil, usageError{fmt.Errorf("--regions: %s", strings.TrimPrefix(err.Error(), replicaset.ContextKey+"."))}
	}
	return set.Regions, nil
}

// parseSize reads a number of bytes with a unit: B, kB to EB in powers of 1000,
// KiB to EiB in powers of 1024.
func parseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "BkKMGTPEi")
	unit := s[len(number):]
	wrong := fmt.Errorf("%q is not a size; give one like 500GB or 1.5TiB", s)
	value, err := strconv.ParseFloat(strings.Trim(number, " "), 64)
	// ParseFloat takes what is a number in Go only, as 0x1p4 and 1_000.
	if err != nil || strings.ContainsAny(number, "xX_") || value < 0 || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, wrong
	}
	factor, power := 1000.0, -1
	switch {
	case unit == "" || unit == "B":
		power = 0
	case len(unit) == 3 && unit[1:] == "iB":
		factor, power = 1024, strings.Index("_KMGTPE", unit[:1])
	case len(unit) == 2 && unit[1] == 'B':
		power = strings.Index("_kMGTPE", unit[:1])
	}
	if power < 0 {
		return 0, wrong
	}
	for range power {
		value *= factor
	}
	if value >= 1<<63 {
		return 0, fmt.Errorf("%q is too large; the most is 8 EiB", s)
	}
	return int64(value), nil
}
