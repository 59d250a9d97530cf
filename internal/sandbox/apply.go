package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"s3fanout/internal/sandbox/custom"
	"s3fanout/internal/sandbox/template"
)

// deploy makes, changes and deletes what an assembly asks for. A stack that
// fails is rolled back, and ends the deployment.
func (s *Sandbox) deploy(ctx context.Context, a *template.Assembly) (Changes, error) {
	run := &update{
		deployment: &deployment{Sandbox: s, partition: s.partition, assembly: a},
		changes:    noChanges(), before: s.order, visited: map[resourceKey]bool{},
	}
	_, err := a.DeployStacks(ctx, AccountID, run.apply, func(stack template.StackInfo, failure error) error {
		if failure != nil {
			return run.rollBack(ctx, failure)
		}
		err := run.cleanUp(ctx, func(k resourceKey) bool { return k.stack == stack.Name && k.region == stack.Region })
		run.steps, run.replaced = nil, nil
		return err
	})
	if err == nil {
		err = run.cleanUp(ctx, func(resourceKey) bool { return true })
	}
	run.noteTargets()
	// What an error kept from being deleted is to be deleted next time.
	order := slices.Concat(slices.DeleteFunc(run.before, func(k resourceKey) bool { return run.visited[k] }), run.order)
	s.order = slices.DeleteFunc(order, func(k resourceKey) bool {
		_, exists := s.resources[k]
		return !exists
	})
	return run.changes, err
}

// update is one run over an assembly.
type update struct {
	*deployment
	changes Changes
	before  []resourceKey // what there was, in the order of creation
	order   []resourceKey // what there is, as far as the run has come
	visited map[resourceKey]bool

	// Of the stack that is being deployed:
	steps    []step       // what was done, in order
	replaced []superseded // what is deleted once all else is done
}

// step is what was done to a resource.
type step struct {
	key    resourceKey
	before *resource // nil if there was none
	failed bool
	// keep says that the resource stays even if its creation is rolled back.
	keep bool
}

// superseded is a resource that another one has taken the place of.
type superseded struct {
	key resourceKey
	old resource
}

// apply makes a resource, or changes it if it is there and differs.
func (u *update) apply(
	ctx context.Context, stack template.StackInfo, r template.Resource, properties json.RawMessage,
) (template.Created, error) {
	k, inert, err := kindOf(r.Type)
	if err != nil || inert {
		return template.Created{Ref: r.LogicalID}, err
	}
	key := resourceKey{stack.Region, stack.Name, r.LogicalID}
	old, exists := u.resources[key]
	var by drift
	if exists {
		if by, err = u.driftOf(k, key.target(r.Type), old); err != nil {
			return old.created, err
		}
	}
	now := resource{kind: r.Type, created: old.created, properties: properties, retain: r.Retain}
	switch {
	case !exists || by.gone:
		if now.created, err = k.make(ctx, u.deployment, key.target(r.Type), properties); err != nil {
			u.halfMade(key, now, err)
			return now.created, err
		}
		u.changes.Made = append(u.changes.Made, key.change(r.Type, nil))
	default:
		changed, err := changedProperties(old.properties, properties)
		if err != nil {
			return old.created, err
		}
		changed = append(changed, by.properties...)
		slices.Sort(changed)
		if changed = slices.Compact(changed); len(changed) == 0 && !old.unsettled {
			break
		}
		if now.created, err = k.update(ctx, u.deployment, key.target(r.Type), old, properties); err != nil {
			now.created, now.unsettled = old.created, true
			u.hold(key, now)
			u.steps = append(u.steps, step{key: key, before: &old, failed: true})
			return old.created, err
		}
		if now.created.Ref != old.created.Ref {
			u.replaced = append(u.replaced, superseded{key, old})
		}
		u.changes.Updated = append(u.changes.Updated, key.change(r.Type, changed))
	}
	did := step{key: key, keep: r.RetainOnCreate}
	if exists {
		did.before = &old
	}
	u.steps = append(u.steps, did)
	u.hold(key, now)
	return now.created, nil
}

// hold notes what a resource is now.
func (u *update) hold(key resourceKey, r resource) {
	u.resources[key] = r
	u.order = append(u.order, key)
	u.visited[key] = true
}

// halfMade notes a custom resource whose function was asked and failed, or did
// not answer: as on AWS it is there, to be deleted, and goes by what the
// function said or else by a name that CloudFormation makes up.
func (u *update) halfMade(key resourceKey, r resource, err error) {
	var failed *custom.FailedError
	if !errors.As(err, &failed) || !failed.Asked {
		return
	}
	if r.created.Ref = failed.PhysicalID; r.created.Ref == "" {
		r.created.Ref = physicalName(key.target(r.kind))
	}
	r.unsettled = true
	u.hold(key, r)
	u.steps = append(u.steps, step{key: key, failed: true})
}

// cleanUp deletes what was superseded, and then what the assembly does not
// have, of those that which selects.
func (u *update) cleanUp(ctx context.Context, which func(resourceKey) bool) error {
	for _, r := range slices.Backward(u.replaced) {
		if err := u.remove(ctx, r.key, r.old); err != nil {
			return err
		}
	}
	for _, key := range slices.Backward(u.before) {
		old, exists := u.resources[key]
		if !exists || u.visited[key] || !which(key) {
			continue
		}
		if old.retain {
			u.changes.Retained = append(u.changes.Retained, key.change(old.kind, nil))
			delete(u.resources, key)
			continue
		}
		if err := u.remove(ctx, key, old); err != nil {
			return err
		}
		u.changes.Deleted = append(u.changes.Deleted, key.change(old.kind, nil))
		delete(u.resources, key)
	}
	return nil
}

// remove deletes a resource.
func (u *update) remove(ctx context.Context, key resourceKey, r resource) error {
	k, _, err := kindOf(r.kind)
	if err == nil {
		err = k.remove(ctx, u.deployment, key.target(r.kind), r)
	}
	if err != nil {
		return fmt.Errorf("delete resource %s (%s): %w", key.logicalID, r.kind, err)
	}
	return nil
}
