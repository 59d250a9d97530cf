package sandbox

import (
	"context"
	"fmt"
	"slices"
)

// rollBack undoes what was done to the stack that failed, the last first, as
// CloudFormation does: what was made is deleted, unless its DeletionPolicy is
// Retain, and what was changed, or failed to change, gets its properties back.
// What cannot be undone stays for the next deployment, and the others are
// undone nevertheless.
//
// Nothing is undone where the deployment itself ends, with its context or the
// sandbox: then there is nobody left to do so.
func (u *update) rollBack(ctx context.Context, failure error) error {
	if ctx.Err() != nil || u.ending.Err() != nil {
		return failure
	}
	for _, s := range slices.Backward(u.steps) {
		if err := u.undo(ctx, s); err != nil {
			failure = fmt.Errorf("%w; roll back: %w", failure, err)
		}
	}
	return failure
}

func (u *update) undo(ctx context.Context, s step) error {
	now := u.resources[s.key]
	if s.before == nil {
		switch {
		case !s.keep:
			if err := u.remove(ctx, s.key, now); err != nil {
				return err
			}
			u.changes.RolledBack = append(u.changes.RolledBack, s.key.change(now.kind, nil))
		default:
			u.changes.Retained = append(u.changes.Retained, s.key.change(now.kind, nil))
		}
		u.changes.Made = without(u.changes.Made, s.key)
		delete(u.resources, s.key)
		return nil
	}
	changed, err := changedProperties(now.properties, s.before.properties)
	if err != nil {
		return err
	}
	back := *s.before
	back.created = now.created // of what was gone and is made again
	if len(changed) == 0 && !s.failed {
		u.resources[s.key] = back
		return nil
	}
	k, _, err := kindOf(now.kind)
	if err != nil {
		return err
	}
	if back.created, err = k.update(ctx, u.deployment, s.key.target(now.kind), now, s.before.properties); err != nil {
		back.created, back.unsettled = now.created, true
		u.resources[s.key] = back
		return fmt.Errorf("resource %s (%s): %w", s.key.logicalID, now.kind, err)
	}
	u.changes.Updated = without(u.changes.Updated, s.key)
	u.changes.RolledBack = append(u.changes.RolledBack, s.key.change(now.kind, changed))
	u.resources[s.key] = back
	if back.created.Ref != now.created.Ref {
		return u.remove(ctx, s.key, now)
	}
	return nil
}

// without leaves out what was done to a resource.
func without(list []Change, key resourceKey) []Change {
	return slices.DeleteFunc(list, func(c Change) bool {
		return c.Region == key.region && c.Stack == key.stack && c.LogicalID == key.logicalID
	})
}
