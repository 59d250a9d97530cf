package verify

import (
	"context"
	"slices"

	"s3fanout/internal/policy"
)

// finish counts a key and reports what is different about it.
func (r *run) finish(ctx context.Context, key string, states []policy.State, v verdict) error {
	findings, err := r.separateCopying(ctx, key, states, v.findings)
	if err != nil {
		return err
	}
	r.finished()
	switch {
	case v.gone:
		r.gone.Add(1)
	case v.sizeOnly:
		r.sizeOnly.Add(1)
		fallthrough
	case len(findings) == 0:
		r.equal.Add(1)
	}
	has := map[Kind]bool{}
	for _, f := range findings {
		has[f.kind] = true
		if f.kind == Missing && !slices.ContainsFunc(f.indexes, func(i int) bool { return states[i].Presence != policy.Deleted }) {
			r.deleted.Add(1)
		}
	}
	switch {
	case has[Unsettled]:
		r.unsettled.Add(1)
	case has[Missing]:
		r.missing.Add(1)
	case has[Copying]:
		r.copying.Add(1)
	}
	if has[Undeleted] {
		r.undeleted.Add(1)
	}
	if has[Different] {
		r.different.Add(1)
		if has[Missing] || has[Copying] {
			r.both.Add(1)
		}
	}
	for _, f := range findings {
		if err := r.report(r.difference(key, states, f)); err != nil {
			return err
		}
	}
	return nil
}

// separateCopying makes a finding of their own of the Regions that lack a key
// because they are copying it just now.
func (r *run) separateCopying(ctx context.Context, key string, states []policy.State, findings []finding) ([]finding, error) {
	var size int64
	for _, s := range states {
		size = max(size, s.Size)
	}
	if r.options.Large == 0 || size <= r.options.Large {
		return findings, nil
	}
	var list []finding
	for _, f := range findings {
		if f.kind != Missing && f.why != "stale" {
			list = append(list, f)
			continue
		}
		copying := finding{kind: Copying, why: "copying"}
		lacking := finding{kind: f.kind, why: f.why, behind: f.behind}
		if f.kind == Missing && f.why != "destroyed" {
			lacking.why = "absent"
		}
		for _, i := range f.indexes {
			is, err := r.isCopying(ctx, i, key)
			switch {
			case err != nil:
				return nil, err
			case is:
				copying.indexes = append(copying.indexes, i)
				continue
			}
			lacking.indexes = append(lacking.indexes, i)
			if states[i].Presence == policy.Deleted && lacking.why == "absent" {
				lacking.why = "deleted"
			}
		}
		for _, g := range []finding{lacking, copying} {
			if len(g.indexes) > 0 {
				list = append(list, g)
			}
		}
	}
	return list, nil
}

func (r *run) report(d Difference) error {
	r.emitting.Lock()
	defer r.emitting.Unlock()
	return r.emit(d)
}

func (r *run) difference(key string, states []policy.State, f finding) Difference {
	d := Difference{Kind: f.kind, Key: key, Why: f.why}
	for i, s := range states {
		if s.Here() {
			d.Objects = append(d.Objects, Object{
				Region: r.options.Buckets[i].Region, VersionID: s.VersionID, Size: s.Size, ETag: s.ETag,
				Checksum: s.FirstChecksum(), Modified: s.Modified, Tags: s.Tags,
			})
		}
	}
	for _, i := range f.indexes {
		region := r.options.Buckets[i].Region
		if states[i].Here() {
			d.Differing = append(d.Differing, region)
			continue
		}
		d.Without = append(d.Without, region)
		if states[i].Presence == policy.Deleted {
			d.Deleted = append(d.Deleted, region)
		}
	}
	d.Left = f.kind == Missing && len(d.Deleted) == len(d.Without) &&
		!slices.ContainsFunc(f.indexes, func(i int) bool { return slices.Contains(f.behind, i) })
	return d
}
