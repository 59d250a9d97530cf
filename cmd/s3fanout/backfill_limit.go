package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/price"
	"s3fanout/internal/table"
)

// errOverLimit marks a backfill that nobody agreed to pay for.
var errOverLimit = errors.New("over the limit")

// tolerance is by how much more may be copied than was agreed to, as what is
// missing changes until it is.
const tolerance = 1.1

// approve asks before more is spent than --limit, nil if that is agreed to already.
// It says what is agreed to.
func (a *app) approve(p *progress, f backfillFlags) func(context.Context, backfill.Estimate) (float64, error) {
	if f.yes {
		return nil
	}
	return func(ctx context.Context, e backfill.Estimate) (float64, error) {
		if e.Dollars() <= f.limit {
			return f.limit, nil
		}
		p.done()
		cost := fmt.Sprintf("estimated cost %s for %s, more than the limit of %s", dollars(e.Dollars()), totalTransfer(e), dollars(f.limit))
		if !a.asks() {
			return 0, overLimit("nothing was copied: " + cost + "; see what it is with --dry-run, then give --yes or a higher --limit")
		}
		agreed, err := a.confirm(ctx, cost+". Copy it?")
		switch {
		case err != nil:
			return 0, err
		case !agreed:
			return 0, overLimit("nothing was copied: " + cost)
		}
		return tolerance * e.Dollars(), nil
	}
}

// approveBatch asks before jobs are made, whose cost nobody can tell: S3 makes the
// list of their objects. Jobs that wait to be confirmed cost little until then.
func (a *app) approveBatch(ctx context.Context, request batchRequest, jobs int) error {
	if request.DryRun || request.Yes || request.Confirm {
		return nil
	}
	cost := fmt.Sprintf("what %s is not known before S3 has listed the objects: $%.2f each and $%.2f for a million objects, "+
		"besides requests, invocations and transfer",
		countOf(jobs, "job costs", "jobs cost"), price.BatchJob, price.BatchObject*1e6)
	if !a.asks() {
		return overLimit("no job was created: " + cost + "; give --yes, or --confirm to have them wait with the objects counted")
	}
	agreed, err := a.confirm(ctx, strings.ToUpper(cost[:1])+cost[1:]+". Make them?")
	switch {
	case ctx.Err() != nil:
		return classified{errors.New("interrupted; no job was created"), errInterrupted}
	case err != nil:
		return err
	case !agreed:
		return overLimit("no job was created")
	}
	return nil
}

func overLimit(text string) error {
	return classified{classified{errors.New(text), errOverLimit}, errLeftOver}
}

// totalTransfer says how much is copied.
func totalTransfer(e backfill.Estimate) string {
	var bytes int64
	for _, t := range e.Transfer {
		bytes += t.Bytes
	}
	return countOf(e.Requests.Copy+e.Requests.Create, "copy", "copies") + ", " + table.Bytes(bytes)
}
