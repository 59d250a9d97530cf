package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"s3fanout/internal/sandbox/filterpolicy"
)

const (
	lostEvent   fault = "the event is lost"
	deliveredNo fault = "SNS cannot deliver"
	lateEvent   fault = "the delivery is late"
	twiceEvent  fault = "the delivery is repeated"
)

func roleID(region string) string {
	return "AROA" + strings.ToUpper(strings.ReplaceAll(region, "-", ""))
}

var filters sync.Map // parsed once

// replicaFilter is what the mesh stack gives a topic's subscriptions.
func replicaFilter(region string) *filterpolicy.Policy {
	if f, ok := filters.Load(region); ok {
		return f.(*filterpolicy.Policy)
	}
	f, err := filterpolicy.Parse([]byte(fmt.Sprintf(
		`{"Records":{"userIdentity":{"principalId":[{"anything-but":{"prefix":"AWS:%s:"}}]}}}`, roleID(region))), "MessageBody")
	if err != nil {
		panic(err)
	}
	filters.Store(region, f)
	return f
}

type (
	record struct {
		EventVersion string    `json:"eventVersion"`
		EventSource  string    `json:"eventSource"`
		AWSRegion    string    `json:"awsRegion"`
		EventTime    string    `json:"eventTime"`
		EventName    string    `json:"eventName"`
		UserIdentity principal `json:"userIdentity"`
		S3           entity    `json:"s3"`
		version      *version
	}
	principal struct {
		ID string `json:"principalId"`
	}
	entity struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      int64  `json:"size"`
			ETag      string `json:"eTag"`
			VersionID string `json:"versionId"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
	}
)

// announce has S3 tell the topic of a new version. The caller holds mu.
func (w *world) announce(b *bucket, v *version, event string, by *process) {
	if w.silent {
		return
	}
	r := record{
		EventVersion: "2.6", EventSource: "aws:s3", AWSRegion: b.region, EventName: event,
		EventTime: v.at.Add(w.skewOf(b.region)).UTC().Format(time.RFC3339), UserIdentity: principal{"AWS:AIDAUSER"}, version: v,
	}
	if by != nil && !w.schedule.profile.emulated {
		r.UserIdentity.ID = "AWS:" + roleID(b.region) + ":" + cmp.Or(by.sessionName, w.set.FunctionName())
	}
	r.S3.Bucket.Name = b.name
	o := &r.S3.Object
	o.Key = strings.ReplaceAll(url.QueryEscape(v.key), "%2F", "/")
	o.Size, o.ETag, o.VersionID, o.Sequencer = v.size, v.etag, v.id, fmt.Sprintf("%016X", v.at.UnixNano())
	w.gather("topic "+b.region, v.id, r, func(list []any) {
		records := make([]record, len(list))
		for i, r := range list {
			records[i] = r.(record)
		}
		w.publish(b.region, records)
	})
}

// gather lets some things share a message soon, and others go alone.
func (w *world) gather(where, id string, item any, send func([]any)) {
	roll := w.seed.of(id, where)
	w.after(roll.between(time.Millisecond, time.Second), func() {
		if !roll.chance(w.schedule.profile.together, "together") {
			send([]any{item})
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.together[where] = append(w.together[where], item)
		if len(w.together[where]) > 1 {
			return
		}
		w.after(20*time.Second, func() {
			w.mu.Lock()
			list := w.together[where]
			delete(w.together, where)
			w.mu.Unlock()
			send(list)
		})
	})
}

// notification is a message on its way to one subscription.
type notification struct {
	id, topicRegion, to, body string
	versions                  []*version
}

// publish has SNS deliver a message to the other Regions' functions, as
// reliably as the schedule wants it.
func (w *world) publish(region string, records []record) {
	w.publishAs("message "+records[0].version.id, region, records)
}

func (w *world) publishAs(name, region string, records []record) {
	body, err := json.Marshal(struct{ Records []record }{records})
	if err != nil {
		panic(err)
	}
	if f := w.filters[region]; f != nil && !f.MatchBody(body) || w.circles() {
		return
	}
	profile := w.schedule.profile
	for _, to := range w.set.Others(region) {
		n := notification{id: name + " to " + to, topicRegion: region, to: to, body: string(body)}
		for _, r := range records {
			n.versions = append(n.versions, r.version)
		}
		switch {
		case w.happens(profile.lost, n.id, lostEvent):
			w.lose(n.versions, to, "SNS lost it")
			continue
		case w.happens(profile.undeliverable, n.id, deliveredNo):
			w.after(w.seed.between(time.Millisecond, time.Second, n.id, "letter"), func() { w.queues[region].send(n.id, n.deadLetter(w)) })
			continue
		}
		copies := 1
		for w.happens(profile.twice, fmt.Sprint(n.id, copies), twiceEvent) && copies < 3 {
			copies++
		}
		for i := range copies {
			id := fmt.Sprint(n.id, " copy ", i)
			delay := w.seed.between(10*time.Millisecond, 2*time.Second, id, "delay")
			if w.happens(profile.late, id, lateEvent) {
				delay = w.seed.between(time.Second, pickTime(w.seed, id, time.Minute, 10*time.Minute, 3*time.Hour), id, "late")
			}
			w.after(delay, func() {
				w.gather("function "+to, id, n, func(list []any) { w.invokeWith(to, id, list) })
			})
		}
	}
}

// lose notes that versions will not reach a Region by themselves.
func (w *world) lose(versions []*version, to, how string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range versions {
		w.lost[v.id+" "+to] = how
		w.stats.lost++
	}
}

// invokeWith has SNS invoke a function with one or more messages.
func (w *world) invokeWith(to, id string, list []any) {
	type sns struct {
		Type, MessageId, TopicArn, Message, Timestamp string
	}
	type snsRecord struct {
		EventSource, EventVersion, EventSubscriptionArn string
		Sns                                             sns
	}
	var event struct{ Records []snsRecord }
	for _, item := range list {
		n := item.(notification)
		event.Records = append(event.Records, snsRecord{"aws:sns", "1.0", w.subscription(n), sns{
			"Notification", n.id, namesOf(n.topicRegion).topicARN, n.body, "2026-11-21T00:00:00.000Z",
		}})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	w.invokeAsync(to, payload, id, 0)
}

func (w *world) subscription(n notification) string {
	return namesOf(n.topicRegion).topicARN + ":sub-" + n.to
}

// deadLetter is what SNS puts into a subscription's dead-letter queue.
func (n notification) deadLetter(w *world) string {
	body, err := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": n.id, "TopicArn": namesOf(n.topicRegion).topicARN, "Message": n.body,
		"Timestamp": "2026-11-21T00:00:00.000Z", "SignatureVersion": "1",
		"UnsubscribeURL": "https://sns.example/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(w.subscription(n)),
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}
