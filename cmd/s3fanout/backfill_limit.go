package main

import (
	"context"
	"errors"
	"fmt"

	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/table"
)

// errOverLimit marks a backfill that nobody agreed to pay for.
var errOverLimit = errors.New("over the limit")

// approve asks before more is spent than --limit, nil if that is agreed to already.
func (a *app) approve(p *progress, f backfillFlags) func(context.Context, backfill.Estimate) error {
	if f.yes {
		return nil
	}
	return func(ctx context.Context, e backfill.Estimate) error {
		if e.Dollars() <= f.limit {
			return nil
		}
		p.done()
		cost := fmt.Sprintf("estimated cost %s for %s, more than the limit of %s", dollars(e.Dollars()), totalTransfer(e), dollars(f.limit))
		if !a.asks() {
			return overLimit("nothing was copied: " + cost + "; see what it is with --dry-run, then give --yes or a higher --limit")
		}
		agreed, err := a.confirm(ctx, cost+". Copy it?")
		switch {
		case err != nil:
			return err
		case !agreed:
			return overLimit("nothing was copied: " + cost)
		}
		return nil
	}
}

func overLimit(text string) error {
	return marked{marked{errors.New(text), errOverLimit}, errLeftOver}
}

// totalTransfer says how much is copied.
func totalTransfer(e backfill.Estimate) string {
	var bytes int64
	for _, t := range e.Transfer {
		bytes += t.Bytes
	}
	return countOf(e.Requests.Copy+e.Requests.Create, "copy", "copies") + ", " + table.Bytes(bytes)
}
