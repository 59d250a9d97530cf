package sim

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/uploads"
	"s3fanout/internal/operator/backfill"
)

// reconcile has a backfill bring the greatest writes, and the deletions, everywhere,
// and holds the world against promise 1 once more: now without the excuse that
// events alone cannot do it.
func (w *world) reconcile(ctx context.Context) {
	w.wait(uploads.IdleTime) // until nobody takes what was killed for somebody at work
	_, err := w.backfillFollowing(ctx, w.newProcess("reconcile", w.set.Regions[0]), true)
	w.tasks.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.broken("1", "a reconcile that nothing hindered: %v", err)
	}
	w.judgeReconciled()
}

// backfillMeanwhile runs a backfill while users go on, which may be interrupted or
// killed.
func (w *world) backfillMeanwhile(a action) {
	w.command(context.Background(), string(a.kind), func(ctx context.Context, p *process) {
		report, err := w.backfillFollowing(ctx, p, a.checksum)
		if err == nil && report.Failed() == 0 && !p.killed() {
			return
		}
		// It fails, of course, and says so to whoever runs it.
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, r := range w.set.Regions {
			for _, key := range w.follow.copied[memberID(p, r)] {
				w.follow.unconfirmed[key] = true
			}
		}
	})
}

// backfillFollowing runs the real one, as the command does.
func (w *world) backfillFollowing(ctx context.Context, p *process, hides bool) (backfill.Report, error) {
	options := backfill.Options{
		To: w.set.Regions, Threshold: threshold, VersionsWorth: 1, HideDeleted: hides, Random: w.jitter(p),
		Follow: func(key string) (overwrites, deletions bool) {
			f := w.set.FollowFor(key)
			return f.Overwrites, f.Deletions
		},
		FollowSince: w.set.FollowSince,
	}
	for _, r := range w.set.Regions {
		m, member := w.member(p, r), namesOf(r)
		copies := w.copier(m)
		options.Members = append(options.Members, backfill.Member{
			Region: r, Bucket: member.Bucket, RoleARN: member.roleARN, S3: followClient{m}, Copier: copies,
			Follower: w.follower(m, w.configs[r], copies),
		})
	}
	return backfill.Run(ctx, options, backfill.Observer{})
}

// judgeReconciled holds the world against promise 1. The caller holds mu.
func (w *world) judgeReconciled() {
	if w.schedule.profile.emulated {
		return
	}
	for _, key := range w.follow.trace.keys() {
		if !w.endsWithReconcile(key) {
			continue
		}
		first := w.follow.stores[w.set.Regions[0]].current(key)
		for _, r := range w.set.Regions[1:] {
			v := w.follow.stores[r].current(key)
			if v != nil && first != nil && v.etag == first.etag {
				continue // lists show no metadata, and a backfill looks at nothing else where they say the same
			}
			if v != nil && first != nil && indistinguishable(v, first) {
				continue
			}
			if v.visible() != first.visible() {
				w.broken("1", "after a reconcile, %q is %s (%s) in %s and %s (%s) in %s",
					key, first.visible(), nameOf(first), w.set.Regions[0], v.visible(), nameOf(v), r)
			}
		}
	}
}

// indistinguishable says that two objects of first-write-wins days are one write as far as
// S3's figures tell, of which nothing but the size says anything once one was copied in
// parts.
func indistinguishable(a, b *stored) bool {
	return a.write.legacy && b.write.legacy && a.size == b.size && (a.parts > 0 || b.parts > 0) && (a.crc == "" || b.crc == "")
}

// endsWithReconcile says that every Region has to show the same after a reconcile:
// unless a lifecycle rule has acted, or may have, an origin has destroyed a write, which is never
// copied back, an object cannot be copied, or deletions do not travel.
func (w *world) endsWithReconcile(key string) bool {
	t := &w.follow.trace
	if t.currentGone[key] || t.hiddenGone[key] || t.unversioned[key] || t.full[key] {
		return false
	}
	for _, d := range t.deletions {
		if d.key == key && (d.rule || w.hasRule(key) || !w.schedule.follow.follow.Deletions) {
			return false
		}
	}
	for u := range t.gone {
		if u.key == key {
			return false
		}
	}
	return true
}

// hasRule says that some bucket has a lifecycle rule for a key, of which a rule's prefix is
// the beginning.
func (w *world) hasRule(key string) bool {
	return slices.ContainsFunc(w.schedule.actions, func(a action) bool {
		return a.kind == expireCurrent && strings.HasPrefix(key, a.key)
	})
}

// ListObjectsV2 answers in pages of two keys.
func (c followClient) ListObjectsV2(
	ctx context.Context, in *s3.ListObjectsV2Input, opts ...func(*s3.Options),
) (*s3.ListObjectsV2Output, error) {
	after := aws.ToString(in.StartAfter)
	if in.ContinuationToken != nil {
		after = *in.ContinuationToken
	}
	return followSend(ctx, c, opList, *in.Bucket, aws.ToString(in.Prefix)+" after "+after, opts,
		func(b *store, _ string) (*s3.ListObjectsV2Output, error) {
			out := &s3.ListObjectsV2Output{
				EncodingType: in.EncodingType, IsTruncated: aws.Bool(false), ResultMetadata: c.w.answered(b.region),
			}
			last := ""
			for _, key := range b.keys() {
				v := b.current(key)
				if v == nil || key <= after || !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
					continue
				}
				if len(out.Contents) == min(2, int(aws.ToInt32(in.MaxKeys))) {
					out.IsTruncated, out.NextContinuationToken = aws.Bool(true), aws.String(last)
					return out, nil
				}
				last = key
				out.Contents = append(out.Contents, types.Object{
					Key: aws.String(url.QueryEscape(key)), Size: aws.Int64(v.size), ETag: aws.String(`"` + v.etag + `"`),
					LastModified: aws.Time(v.modified),
				})
			}
			return out, nil
		})
}

// ListMultipartUploads names the open uploads of all keys with the prefix.
func (c followClient) ListMultipartUploads(
	ctx context.Context, in *s3.ListMultipartUploadsInput, opts ...func(*s3.Options),
) (*s3.ListMultipartUploadsOutput, error) {
	return followSend(ctx, c, opUploads, *in.Bucket, aws.ToString(in.Prefix), opts,
		func(b *store, _ string) (*s3.ListMultipartUploadsOutput, error) {
			out := &s3.ListMultipartUploadsOutput{EncodingType: in.EncodingType, ResultMetadata: c.w.answered(b.region)}
			for _, id := range slices.Sorted(maps.Keys(b.uploads)) {
				if u := b.uploads[id]; strings.HasPrefix(u.key, aws.ToString(in.Prefix)) {
					out.Uploads = append(out.Uploads, types.MultipartUpload{
						Key: aws.String(url.QueryEscape(u.key)), UploadId: aws.String(id), Initiated: aws.Time(u.began),
						Initiator: &types.Initiator{ID: aws.String(u.by)},
					})
				}
			}
			return out, nil
		})
}
