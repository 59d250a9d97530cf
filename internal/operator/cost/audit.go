package cost

import (
	"s3fanout/internal/copier"
	"s3fanout/internal/operator/price"
)

// AuditEventBytes is about the size of an event of a write of an object in the log
// group of the audit trail, as AWS's examples of log files are.
const AuditEventBytes = 1700

// Audit is what the audit trail costs a month, in US dollars: an event for each upload
// and deletion, and with ownWrites for each request by which the functions write. Each
// event is delivered, and taken in by the log group, which is in the first Region. An
// upload in parts is an event a part; how users upload is not known, so that it counts
// as one.
func (u Usage) Audit(ownWrites bool) float64 {
	events := float64(u.Objects + u.Deletions)
	if ownWrites {
		replica := 1.0
		if u.inParts() {
			replica = float64(copier.Parts(u.Size) + 2) // the beginning and the end
		}
		u.each(func(_, _ string, replicas float64) { events += replicas * replica })
		u.spread(u.Deletions, func(_, _ string, each float64) { events += each })
	}
	return events*price.DataEvent + events*AuditEventBytes/gb*prices(u.Regions[0]).Logs
}
