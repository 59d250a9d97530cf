package main

import (
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/replicaset"
)

func TestAuditSince(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	trail := &replicaset.AuditTrail{RetentionDays: 30}
	for _, tt := range []struct {
		audit bool
		since string
		trail *replicaset.AuditTrail
		want  time.Time
		err   string
	}{
		{false, "", nil, time.Time{}, ""},
		{true, "", trail, time.Time{}, ""},
		{true, "2d", trail, noon.AddDate(0, 0, -2), ""},
		{true, "30d", trail, noon.AddDate(0, 0, -30), ""},
		{true, "2026-11-01T00:00:00Z", trail, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), ""},
		{true, "31d", trail, time.Time{}, "--audit-since 31d: the trail keeps events for 30 days; give 30d, or a later time"},
		{true, "2026-11-29T12:00:01Z", trail, time.Time{},
			"--audit-since 2026-11-29T12:00:01Z is in the future; it is 2026-11-29T12:00:00Z now"},
		{false, "2d", trail, time.Time{}, "--audit-since is for --audit; give that too, or leave both out"},
		{true, "2d", nil, time.Time{}, "--audit: cdk.json has no auditTrail"},
	} {
		f := auditFlags{audit: tt.audit}
		if tt.since != "" {
			if err := f.since.Set(tt.since); err != nil {
				t.Fatal(err)
			}
		}
		from, err := f.from(replicaset.Config{AuditTrail: tt.trail}, noon)
		if !from.Equal(tt.want) || (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
			t.Errorf("%t, %q: %s, %v; want %s, %q", tt.audit, tt.since, from, err, tt.want, tt.err)
		}
	}
}

// However much the trail tells, it is said from when on it was asked.
func TestAuditNoteSaysFromWhen(t *testing.T) {
	from := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	event := []document.AuditEvent{{Event: "PutObject"}}
	for _, tt := range []struct {
		d    document.Audit
		want string
	}{
		{document.Audit{Events: event}, "audit trail: asked from 2026-11-29 12:00:00Z\n"},
		{document.Audit{}, "audit trail: asked from 2026-11-29 12:00:00Z; no event of this key\n"},
		{document.Audit{Events: event, Note: "n"}, "audit trail: asked from 2026-11-29 12:00:00Z; n\n"},
		{document.Audit{Error: "e"}, "audit trail: not known: e\n"},
	} {
		var b strings.Builder
		tt.d.From = from
		if err := writeAuditNote(&b, &tt.d, 0); err != nil || b.String() != tt.want {
			t.Errorf("got %q, %v; want %q", b.String(), err, tt.want)
		}
	}
}
