// Package trace remembers what becomes of each event in a sandbox, for people who
// want to see it: from S3's announcement through topic and function to its end.
package trace

import (
	"encoding/json"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Stage is how far an event has come.
type Stage string

// The stages of an event. Unannounced, Filtered, Done, DeadLetter and Lost are ends.
const (
	Unannounced Stage = "not announced" // the bucket sends no event of such a key or change
	Announced   Stage = "announced"     // S3 sent it to the topic of the Region where the key was written
	Filtered    Stage = "filtered"      // the subscription's filter dropped it
	Delivered   Stage = "delivered"     // the target's function has it
	Failed      Stage = "failed"        // an attempt of the function failed
	Copied      Stage = "copied"        // the replica is there
	Done        Stage = "done"          // the function has done its work
	DeadLetter  Stage = "dead letter"   // it was given up, and waits in a queue
	Undelivered Stage = "undelivered"   // SNS could not hand it over
	Lost        Stage = "lost"          // nothing has it any more
)

// Step is one of an event's.
type Step struct {
	At    time.Time
	Stage Stage
	// Regions; there is no Target yet, or one for all of them, and no Source of a replica,
	// which does not tell of what it is one.
	Source, Target string
	Bucket, Key    string // of the object that was written
	VersionID      string
	Detail         string
}

// most is how many steps are remembered.
const most = 2000

// Trace remembers the newest steps. The nil Trace remembers nothing, at no cost.
// Methods may be called concurrently.
type Trace struct {
	mu      sync.Mutex
	steps   []Step
	changed chan struct{}
	watch   func(Step)
}

// New returns an empty Trace.
func New() *Trace { return &Trace{changed: make(chan struct{}, 1)} }

// Note remembers a step of the event that the payload holds: S3's own, or that of SNS
// around it. Another payload is left out.
func (t *Trace) Note(stage Stage, target string, payload []byte, detail string) {
	if t == nil {
		return
	}
	now := time.Now()
	for _, o := range objects(payload) {
		t.Add(
			Step{
				At:        now,
				Stage:     stage,
				Source:    o.region,
				Target:    target,
				Bucket:    o.bucket,
				Key:       o.key,
				VersionID: o.version,
				Detail:    detail,
			},
		)
	}
}

// Add remembers a step.
func (t *Trace) Add(s Step) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watch != nil {
		t.watch(s)
	}
	if len(t.steps) == most {
		t.steps = slices.Delete(t.steps, 0, most/10)
	}
	t.steps = append(t.steps, s)
	t.tell()
}

// Watch has f shown each step from now on, one at a time, before it is remembered. It must
// not call the Trace.
func (t *Trace) Watch(f func(Step)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch = f
}

// Clear forgets all steps.
func (t *Trace) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = nil
	t.tell()
}

// tell lets the reader look; t.mu is held.
func (t *Trace) tell() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// Steps are those that are remembered, the earliest first.
func (t *Trace) Steps() []Step {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.steps)
}

// Changed receives when the steps have changed, for one reader.
func (t *Trace) Changed() <-chan struct{} { return t.changed }

type object struct{ region, bucket, key, version string }

// objects are those that an event names.
func objects(payload []byte) (list []object) {
	var event struct {
		Records []struct {
			Region string `json:"awsRegion"`
			S3     struct {
				Bucket struct {
					Name string `json:"name"`
				} `json:"bucket"`
				Object struct {
					Key       string `json:"key"`
					VersionID string `json:"versionId"`
				} `json:"object"`
			} `json:"s3"`
			SNS struct{ Message string } `json:"Sns"`
		}
	}
	if json.Unmarshal(payload, &event) != nil {
		return nil
	}
	for _, r := range event.Records {
		if r.SNS.Message != "" {
			list = append(list, objects([]byte(r.SNS.Message))...)
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil || key == "" {
			continue
		}
		list = append(list, object{r.Region, r.S3.Bucket.Name, key, r.S3.Object.VersionID})
	}
	return list
}
