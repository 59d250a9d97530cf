package sim

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/replicator"
	"s3fanout/internal/operator/deadletter"
)

// garbage is a dead letter that nobody understands. It has to stay.
const garbage = "this is no dead letter"

// checkWrite holds a process's write against what is promised: it replaces
// nothing, it is of a version that the process was asked for, and it carries
// all of it. The caller holds mu.
func (w *world) checkWrite(p *process, b *bucket, v *version) {
	if old := b.current(v.key); old != nil && !w.schedule.profile.emulated {
		w.broken("b", "%s replaced %s of %q in %s", p.id, old.id, v.key, b.region)
	}
	if v.content == w.schedule.forbidden {
		w.broken("x", "%s was replicated", v.content)
	}
	i := slices.IndexFunc(w.uploads, func(u *version) bool { return u.content == v.content })
	if i < 0 {
		w.broken("a", "%s wrote %q to %s, with contents that nobody uploaded: %s", p.id, v.key, b.region, v.content)
		return
	}
	of := w.uploads[i]
	if of.key != v.key || of.size != v.size || of.props != v.props {
		w.broken("a", "%s wrote %q (%d bytes, %s) to %s, which is not %q (%d bytes, %s)",
			p.id, v.key, v.size, v.props, b.region, of.key, of.size, of.props)
	}
	if p.sessionName != "" {
		w.checkRepair(p, b, v)
	}
	if p.named == nil {
		return
	}
	for _, id := range p.named {
		if w.contentOf(id) == v.content {
			return
		}
	}
	w.broken("a", "%s wrote the contents %s of %q to %s, which is of no version that it was asked for", p.id, v.content, v.key, b.region)
}

// contentOf is what a version had, although it may be gone.
func (w *world) contentOf(id string) string {
	if v := w.known[id]; v != nil {
		return v.content
	}
	return ""
}

// versionIDs finds what looks like a version ID of the model's: a v and sixteen
// hexadecimal digits. The list is never nil.
func versionIDs(payload string) []string {
	const digits = 16
	list := []string{}
	for {
		at := strings.IndexByte(payload, 'v')
		if at < 0 {
			return list
		}
		end := at + 1
		for end < len(payload) && end-at <= digits &&
			(payload[end] >= '0' && payload[end] <= '9' || payload[end] >= 'a' && payload[end] <= 'f') {
			end++
		}
		if end-at == 1+digits {
			list = append(list, payload[at:end])
		}
		payload = payload[end:]
	}
}

// versionsIn finds the versions that a payload names.
func (w *world) versionsIn(payload string) []*version {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []*version
	for _, id := range versionIDs(payload) {
		if v := w.known[id]; v != nil {
			list = append(list, v)
		}
	}
	return list
}

// checkArrival holds the world at rest against promise (a): every version that
// a user uploaded is, at every other target, copied, or superseded by what was
// there, or gone at its source, or in a dead letter with a reason. excuse says that
// what was lost on its way may be missing; then verify has to find it.
func (w *world) checkArrival(when string, excuse bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	excused := w.letterNames()
	for _, v := range w.uploads {
		if w.buckets[v.region].version(v.key, v.id) == nil {
			continue // gone
		}
		for _, to := range w.set.Others(v.region) {
			b := w.buckets[to]
			if b.has(v.key, v.content) || b.aliveSince(v.key, v.at) || excused[v.id+" "+to] || !excuse && w.mayStayWithout(to, v.key) {
				continue
			}
			if how := w.lost[v.id+" "+to]; how != "" && (excuse || w.nowhere(v.key)) {
				continue
			}
			w.broken("a", "%s, %q (%s, uploaded by %s to %s), is not in %s, nothing of it was there, and no letter names it",
				when, v.key, v.id, v.action, v.region, to)
		}
	}
}

// nowhere says that no bucket has the key: a listing cannot find it.
func (w *world) nowhere(key string) bool {
	for _, b := range w.buckets {
		if b.current(key) != nil {
			return false
		}
	}
	return true
}

// letterNames are the versions and Regions that dead letters with a reason stand for,
// as "version region".
func (w *world) letterNames() map[string]bool {
	names := map[string]bool{}
	for _, q := range w.queues {
		for _, l := range q.letters {
			if l.names == nil {
				l.names = w.namesIn(q, l.body)
			}
			for _, name := range l.names {
				names[name] = true
			}
		}
	}
	return names
}

// namesIn reads one dead letter. The list is never nil.
func (w *world) namesIn(q *queue, body string) []string {
	list := []string{}
	d, err := deadletter.Decode(body, nil)
	if err != nil {
		if body != garbage {
			w.broken("a", "a letter in %s cannot be read: %v", q.region, err)
		}
		return list
	}
	to := q.region
	if d.Kind == deadletter.SubscriptionQueue {
		_, to, _ = strings.Cut(d.SubscriptionARN, ":sub-")
	}
	for _, o := range d.Objects {
		if d.Reason != "" && w.bucketNamed(o.Bucket) != nil {
			if v := w.known[o.VersionID]; v != nil && v.key == o.Key {
				list = append(list, o.VersionID+" "+to)
			}
		}
	}
	return list
}

// checkReplicas holds the world against promise (b): a target gets a replica of a
// key once for each time that it had none. Where S3 ignores conditions it can
// get more; that they come to an end is what a schedule's end shows.
func (w *world) checkReplicas(when string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.schedule.profile.emulated {
		return
	}
	for _, b := range w.buckets {
		for _, key := range b.keys() {
			replicas, deletions := 0, w.deletions[b.region+" "+key]
			for _, v := range b.versions[key] {
				if v.action == "" && !v.marker {
					replicas++
				}
			}
			if replicas > 1+deletions {
				w.broken("b", "%s, %s has %d replicas of %q, which was deleted %d times there", when, b.region, replicas, key, deletions)
			}
		}
	}
}

// lacking are the keys that some bucket has, each with the Regions that do not.
func (w *world) lacking() map[string][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string][]string{}
	for _, b := range w.buckets {
		for _, key := range b.keys() {
			if b.current(key) == nil {
				continue
			}
			var without []string
			for _, r := range w.set.Regions {
				if w.buckets[r].current(key) == nil {
					without = append(without, r)
				}
			}
			if without != nil {
				all[key] = without
			}
		}
	}
	return all
}

func abortInput(bucketName string, u copier.Upload) *s3.AbortMultipartUploadInput {
	return &s3.AbortMultipartUploadInput{Bucket: aws.String(bucketName), Key: aws.String(u.Source.Key), UploadId: aws.String(u.UploadID)}
}

// answerOf is an error in a word, and an invocation's in a word for each of its
// failures. Those are sorted: nothing tells two records of one version apart, so
// which of them is which does not follow from the seed.
func answerOf(err error) string {
	var api smithy.APIError
	var several *replicator.ReplicationError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &several):
		words := make([]string, len(several.Failures))
		for i, failure := range several.Failures {
			words[i] = answerOf(failure)
		}
		slices.Sort(words)
		return strings.Join(words, ", ")
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	text := err.Error()
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	return text
}
