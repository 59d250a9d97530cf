package document

import (
	"time"

	"s3fanout/internal/operator/audit"
)

// Audit is what the audit trail says of a key, where it was asked.
type Audit struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	OwnWrites bool      `json:"ownWrites"`
	// Note says what is not in the trail, and why that may be.
	Note  string `json:"note,omitempty"`
	Error string `json:"error,omitempty"`
	// Events are the oldest first.
	Events []AuditEvent `json:"events" jsonschema:"the oldest first"`
}

// AuditEvent is a request that wrote or deleted, or was refused.
type AuditEvent struct {
	Time          time.Time `json:"time"`
	Region        string    `json:"region"`
	Event         string    `json:"event"`
	By            string    `json:"by"`
	Own           bool      `json:"own" jsonschema:"made by the session of a function"`
	Address       string    `json:"address"`
	VersionID     string    `json:"versionId,omitempty"`
	Destroyed     bool      `json:"destroyed"`
	ByAccessPoint bool      `json:"byAccessPoint"`
	// Certain says that the event names the key. One that deleted several names none.
	Certain bool   `json:"certain" jsonschema:"the event names the key"`
	Error   string `json:"error,omitempty"`
}

// NewAudit makes the part of a document about what the trail says of versions; nil if it
// was not asked.
func NewAudit(t *audit.Trail, versions []audit.Version) *Audit {
	if t == nil {
		return nil
	}
	d := &Audit{From: t.From.UTC(), To: t.To.UTC(), OwnWrites: t.OwnWrites, Error: errorText(t.Err), Events: []AuditEvent{}}
	if t.Err == nil {
		d.Note = t.Note(versions)
	}
	for _, e := range t.About(versions) {
		d.Events = append(d.Events, newAuditEvent(e))
	}
	return d
}

func newAuditEvent(e audit.Event) AuditEvent {
	d := AuditEvent{
		Time: e.Time, Region: e.Region, Event: e.Name, By: e.Who, Own: e.Own, Address: e.Address, VersionID: e.Made,
		ByAccessPoint: e.Point, Certain: e.Key != "", Error: e.Error,
	}
	if e.Destroyed() {
		d.VersionID, d.Destroyed = e.Named, true
	}
	return d
}
