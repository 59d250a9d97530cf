package reconcile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/function/checkpoint"
	"s3fanout/internal/function/functionenv"
)

// ErrConflict says that somebody else has saved a checkpoint since it was loaded.
var ErrConflict = checkpoint.ErrConflict

// Checkpoints keeps one document, in a place that is not replicated, as
// *checkpoint.Table does.
type Checkpoints interface {
	// Load returns the document and its revision; nil and 0 if there is none.
	Load(context.Context) (document []byte, revision int64, err error)
	// Save replaces the document of that revision, whose revision is the next one
	// then. The error wraps ErrConflict if it has another one.
	Save(ctx context.Context, document []byte, revision int64) error
}

// State is what is remembered from one invocation to the next.
type State struct {
	// First is when the first tick was: no proof is older than that.
	First time.Time `json:"first"`
	// Proof is when the last complete comparison began, zero if there was none.
	Proof time.Time `json:"proof,omitzero"`
	// Began is when the comparison under way did, zero if there is none. All keys up
	// to and including After have been dealt with, and Counts is about them.
	Began time.Time `json:"began,omitzero"`
	// Of says of which configuration: another one has other keys, or other rules.
	Of     string `json:"of,omitempty"`
	After  string `json:"after,omitempty"`
	Counts Counts `json:"counts,omitzero"`
	// Unfinished are copies in parts of keys after After, to go on with. There are few:
	// an invocation leaves one at most.
	Unfinished []copier.Upload `json:"unfinished,omitempty"`
	// Waits are how many invocations have ended before a key that somebody was copying.
	Waits int `json:"waits,omitempty"`
	// Lease is the invocation's at work, or that of one that died.
	Lease *Lease `json:"lease,omitempty"`
}

// Lease keeps other invocations from beginning. An invocation cannot live longer.
type Lease struct {
	Holder string    `json:"holder"` // the ID of its request
	Until  time.Time `json:"until"`
}

// Counts counts keys.
type Counts struct {
	Compared int64 `json:"compared"`
	// Missing ones and Different ones are so in the function's own bucket, by the
	// policy's rules, whether they were repaired or not. Repaired ones are right now.
	// Unrepaired ones are not, though the policy wants them to be.
	Missing    int64 `json:"missing,omitempty"`
	Different  int64 `json:"different,omitempty"`
	Repaired   int64 `json:"repaired,omitempty"`
	Unrepaired int64 `json:"unrepaired,omitempty"`
	// Young ones changed within the grace, and are not judged. Deleted ones were
	// deleted here, and stay so. SizeOnly ones were compared by nothing but their size.
	Young    int64 `json:"young,omitempty"`
	Deleted  int64 `json:"deleted,omitempty"`
	SizeOnly int64 `json:"sizeOnly,omitempty"`
}

func (c Counts) plus(o Counts) Counts {
	c.Compared += o.Compared
	c.Missing += o.Missing
	c.Different += o.Different
	c.Repaired += o.Repaired
	c.Unrepaired += o.Unrepaired
	c.Young += o.Young
	c.Deleted += o.Deleted
	c.SizeOnly += o.SizeOnly
	return c
}

func (c Counts) minus(o Counts) Counts {
	return c.plus(Counts{-o.Compared, -o.Missing, -o.Different, -o.Repaired, -o.Unrepaired, -o.Young, -o.Deleted, -o.SizeOnly})
}

// due says whether there is anything to compare.
func (s State) due(now time.Time, every time.Duration) bool {
	return s.Began.After(s.Proof) || s.Proof.IsZero() || !now.Before(s.Proof.Add(every))
}

// compared tells configurations apart by which keys are compared, and by what rules.
func compared(c functionenv.Reconcile) string {
	c.Every, c.Rate, c.Table, c.KeyRanges = 0, 0, "", min(c.KeyRanges, 1)
	c.MultipartThreshold, c.MultipartParallel, c.ReplicaStorageClass, c.ReplicationTime, c.ReplicationTimeEvents = 0, 0, "", 0, false
	// The JSON of a map has its names in order, and that of strings never fails.
	variables, _ := json.Marshal(functionenv.EncodeReconcile(c))
	hash := sha256.Sum256(variables)
	return hex.EncodeToString(hash[:8])
}

// held says whether an invocation is at work.
func (s State) held(now time.Time) bool { return s.Lease != nil && now.Before(s.Lease.Until) }

// begin is the state of an invocation that goes on, or begins anew: also where the one
// under way is of another configuration, or has been overtaken by a proof.
func (s State) begin(now time.Time, l Lease, of string) State {
	if !s.Began.After(s.Proof) || s.Of != of {
		s.Began, s.Of, s.After, s.Counts, s.Unfinished, s.Waits = now, of, "", Counts{}, nil, 0
	}
	s.Lease = &l
	return s
}

// complete is the state once all keys have been dealt with.
func (s State) complete() State {
	if s.Began.After(s.Proof) {
		s.Proof = s.Began
	}
	s.Began, s.Of, s.After, s.Counts, s.Unfinished, s.Waits, s.Lease = time.Time{}, "", "", Counts{}, nil, 0, nil
	return s
}

// age is how old the last proof is.
func (s State) age(now time.Time) time.Duration {
	since := s.Proof
	if since.IsZero() {
		since = s.First
	}
	return max(0, now.Sub(since))
}

// strict reads one JSON document that has no unknown members.
func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one document")
	}
	return nil
}
