package replicaset

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// AuditQuery is a saved query of CloudWatch Logs Insights over the trail's log group
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html).
type AuditQuery struct {
	ID   string // of the resource in the template
	Name string // as the console lists it
	Text string
}

// AuditRows is more events than a reader looks at, and CloudWatch's limit.
const AuditRows = 10000

// anyAuditKey stands in the saved query for the key, which the reader puts there.
const anyAuditKey = "KEY"

// AuditWrites are the events of the requests that make a version.
func AuditWrites() []string {
	return []string{"PutObject", "CopyObject", "CompleteMultipartUpload", "PostObject"}
}

// in is the condition that a field has one of the values.
func in(field string, values []string) string {
	return field + ` in ["` + strings.Join(values, `", "`) + `"]`
}

// AuditQueries are the saved queries of the set in the account.
func (c Config) AuditQueries(accountID string) []AuditQuery {
	own := isOneOf("userIdentity.arn", c.copyingSessions(accountID))
	writes := in("eventName", AuditWrites())
	last := fmt.Sprintf("\n| sort eventTime desc\n| limit %d", AuditRows)
	named := func(id, name, text string) AuditQuery {
		return AuditQuery{ID: id, Name: c.Name + "/" + name, Text: text}
	}
	return []AuditQuery{
		named("QueryKey", "who wrote or deleted this key", AuditKeyQuery(anyAuditKey)),
		named("QueryDeletions", "requests that deleted several keys", AuditDeletionsQuery(nil)),
		named("QueryUploads", "uploads and replicas by Region and hour",
			"fields "+own+" as replica"+
				"\n| fields 1 - replica as upload"+
				"\n| filter "+writes+" and not ispresent(errorCode)"+
				"\n| stats sum(upload) as uploads, sum(replica) as replicas by awsRegion, bin(1h)"),
		named(
			"QueryDenied",
			"denied requests",
			"fields eventTime, awsRegion, eventName, userIdentity.arn, requestParameters.bucketName, requestParameters.key, "+
				"sourceIPAddress\n| filter errorCode = \"AccessDenied\""+last,
		),
		// The host of a request is the access point's, whatever its bucket
		// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointMonitoring.html).
		named("QueryDirect", "writes that did not come through the access point",
			"fields eventTime, awsRegion, eventName, userIdentity.arn, requestParameters.Host, requestParameters.key, sourceIPAddress"+
				"\n| filter "+writes+" and not ispresent(errorCode)"+
				"\n| filter requestParameters.Host not like /[.]accesspoint[.]s3-global[.]/ and "+own+" = 0"+last),
	}
}

// copyingSessions are those of the functions, and of operators for backfill, which nobody
// else can open (see the roles' trust policies).
func (c Config) copyingSessions(accountID string) (arns []string) {
	sessions := []string{c.FunctionName(), c.OperatorSession()}
	if c.Reconcile != nil && c.Reconcile.Copy {
		sessions = append(sessions, c.ReconcileSession())
	}
	for _, member := range c.Members(accountID) {
		for _, session := range sessions {
			arns = append(arns, SessionARN(member.RoleARN(), session))
		}
	}
	slices.Sort(arns) // one role for all Regions is one session
	return slices.Compact(arns)
}

// isOneOf is an expression that is 1 if the field is one of the values, in none of which
// is a "|", and else 0. Unlike the operator in, functions may stand in the command fields
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html).
func isOneOf(field string, values []string) string {
	return fmt.Sprintf(`strcontains("|%s|", concat("|", %s, "|"))`, strings.Join(values, "|"), field)
}

// AuditFields are what AuditKeyQuery and AuditDeletionsQuery ask for of each event, in order.
func AuditFields() []string {
	return []string{
		"eventTime", "eventID", "awsRegion", "eventName", "userIdentity.arn", "userIdentity.invokedBy", "sourceIPAddress",
		"requestParameters.bucketName", "requestParameters.key", "requestParameters.versionId", "requestParameters.Host",
		"responseElements.x-amz-version-id", "errorCode",
	}
}

// AuditKeyQuery asks who wrote or deleted the key, newest first, but for deletions of
// several keys in one request, which do not name them: see AuditDeletionsQuery. A key
// with characters other than A to Z, digits and a few more is asked for by a pattern in
// which any character stands for those, so that no key can be read as a part of the
// query; the reader compares the whole key.
func AuditKeyQuery(key string) string {
	is := `requestParameters.key = "` + key + `"`
	if strings.ContainsFunc(key, unsafeInQuery) {
		var b strings.Builder
		for _, r := range key {
			switch {
			case unsafeInQuery(r):
				b.WriteString(`[\s\S]`) // a dot is no newline
			case r == '.' || r == '/':
				b.WriteByte('.')
			default:
				b.WriteRune(r)
			}
		}
		is = "requestParameters.key like /^" + b.String() + "$/"
	}
	// Of an upload in parts its completion makes the version.
	return auditEvents(is, `eventName != "UploadPart" and eventName != "UploadPartCopy"`)
}

// maxAuditSeconds keeps the query below 10,000 characters, which is CloudWatch's limit.
const maxAuditSeconds = 300

// AuditDeletionsQuery asks for the requests that deleted several keys, in these seconds;
// without or with very many of them, at any time.
func AuditDeletionsQuery(seconds []time.Time) string {
	is := `eventName = "DeleteObjects"`
	if len(seconds) == 0 || len(seconds) > maxAuditSeconds {
		return auditEvents(is)
	}
	var texts []string
	for _, s := range seconds {
		texts = append(texts, s.UTC().Format(time.RFC3339))
	}
	return auditEvents(is, in("eventTime", texts))
}

// auditEvents asks for the events for which all conditions hold, newest first.
func auditEvents(conditions ...string) string {
	var fields []string
	for _, name := range AuditFields() {
		if strings.Contains(name, "-") {
			name = "`" + name + "`"
		}
		fields = append(fields, name)
	}
	return "fields " + strings.Join(fields, ", ") +
		"\n| filter " + strings.Join(conditions, "\n| filter ") +
		fmt.Sprintf("\n| sort eventTime desc\n| limit %d", AuditRows)
}

func unsafeInQuery(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("/._-= ,@", r)
}
