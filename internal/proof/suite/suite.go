package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// runSuite is a whole run: deploy, steps, checks, teardown and the report.
func runSuite(ctx context.Context, o options, in *os.File, out io.Writer) (err error) {
	if err := os.MkdirAll(o.dir, 0o750); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(o.dir, "log.txt"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	t, err := newTarget(o, log)
	if err != nil {
		return err
	}
	r := &report{o: o, target: t, began: time.Now(), out: out}
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	bounded, stop := context.WithTimeoutCause(bounded, o.timeout, fmt.Errorf("the run takes longer than %v", o.timeout))
	defer stop()
	if o.target == accountTarget {
		w, err := connect(bounded, o, t, log)
		if err != nil {
			return err
		}
		if err := confirm(o, w.account, w.caller, in, out); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, t.close()) }()
	if o.target == emulatorTarget {
		r.watch = &bounds{}
		r.watch.add(
			bound{what: "processes at once", limit: maxProcesses, count: func(context.Context) (int, error) { return countProcesses() }},
		)
		go r.watch.run(bounded, cancel)
	}
	w := r.deployAndTry(bounded, log)
	switch {
	case r.unmade:
	case o.keep:
		r.say("everything stays, as -keep asks for")
	default:
		if w == nil { // perhaps it can be asked now
			w, _ = connect(context.WithoutCancel(ctx), o, t, log)
		}
		for _, result := range teardown(ctx, t, w) {
			r.add(&r.teardown, result)
		}
	}
	r.ended = time.Now()
	return r.finish(w)
}

// deployAndTry deploys, and tries all that can be tried. It returns nil if the
// target could not even be asked which account it is.
func (r *report) deployAndTry(ctx context.Context, log *os.File) (w *world) {
	prepare := []step{
		{"start", "templates are synthesized, and what they are deployed to is ready", func(ctx context.Context, _ *world) (string,
			error) {
			return "", r.target.start(ctx)
		}},
		{
			"deploy",
			"the unchanged app is deployed",
			func(ctx context.Context, _ *world) (string, error) { return "", r.target.deploy(ctx) },
		},
		{"connect", "an operator's credentials work", func(ctx context.Context, _ *world) (note string, err error) {
			w, err = connect(ctx, r.o, r.target, log)
			if err != nil {
				return "", err
			}
			if r.watch != nil {
				for _, region := range w.regions {
					r.watch.add(bound{what: "versions in " + region, limit: maxVersions, count: func(ctx context.Context) (int, error) {
						list, err := w.versions(ctx, region, "")
						return len(list), err
					}})
				}
			}
			return "account " + w.account, nil
		}},
		{"overrides", "what the target is known to do otherwise is overridden", func(ctx context.Context, _ *world) (string,
			error) {
			return "", r.override(ctx, w)
		}},
	}
	for _, s := range prepare {
		if r.add(&r.steps, try(ctx, w, s)) == failed {
			if s.id == "start" {
				r.unmade = true
			}
			return w
		}
	}
	w.seen["step deploy"] = passed
	for _, s := range r.o.steps() {
		if ctx.Err() != nil {
			r.add(&r.steps, result{id: s.id, what: s.what, status: skipped, note: fmt.Sprint(context.Cause(ctx))})
			continue
		}
		one := r.judge(try(ctx, w, s), func(d difference) []string { return d.fails })
		w.seen["step "+s.id] = one.status
		r.add(&r.steps, one)
	}
	for _, c := range r.o.checks() {
		r.add(&r.checks, r.ask(ctx, w, c))
	}
	return w
}

func (r *report) override(ctx context.Context, w *world) error {
	for _, d := range r.target.differences() {
		if d.apply == nil {
			continue
		}
		if err := d.apply(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", d.id, err)
		}
	}
	return nil
}

// judge holds a result against what the target is known to do otherwise: what
// fails for that reason differs, and what does not fail any more fails.
func (r *report) judge(one result, of func(difference) []string) result {
	for _, d := range r.target.differences() {
		if !slices.Contains(of(d), one.id) {
			continue
		}
		switch one.status {
		case failed:
			one.status, one.note = known, d.id+": "+one.note
		case passed:
			one.status, one.note = failed, fmt.Sprintf("%s is no difference of %s any more; take it off the list",
				d.id, r.target.describe())
		}
	}
	return one
}

// ask asks a check. On an emulator an unwanted answer is the emulator's, and
// fails the run only where the list of differences does not know it.
func (r *report) ask(ctx context.Context, w *world, c check) result {
	one := result{id: c.id, what: c.question}
	began := time.Now()
	switch {
	case c.ask == nil:
		one.status, one.note = skipped, c.why
		return one
	case !c.canBeAsked(r.o.target):
		one.status, one.note = skipped, "cannot be asked on "+r.target.describe()
		return one
	case ctx.Err() != nil:
		one.status, one.note = skipped, fmt.Sprint(context.Cause(ctx))
		return one
	}
	answer, right, err := c.ask(ctx, w)
	one.took = since(began)
	switch {
	case errors.Is(err, errNotAsked):
		one.status, one.note = skipped, err.Error()
		return one
	case err != nil:
		one.status, one.note = failed, err.Error()
	case right:
		one.status, one.note = passed, answer
	default:
		one.status, one.note = failed, answer+"; expected: "+c.want
	}
	return r.judge(one, func(d difference) []string { return d.answers })
}
