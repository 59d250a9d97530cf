// Package audit asks the audit trail of a replica set who wrote or deleted a key.
//
// Ask runs queries of CloudWatch Logs Insights over the trail's log group; By says
// which event made a version. By is a pure function.
//
// It claims no more than the events show: an event that does not name what it made, such
// as a deletion of many keys in one request, is a likely one at most. Events arrive
// after about five minutes, and those of the functions are there with ownWrites alone;
// what is missing says nothing by itself.
package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/replicaset"
)

// Logs is the part of *cloudwatchlogs.Client that is used, in the trail's Region.
type Logs interface {
	StartQuery(context.Context, *cloudwatchlogs.StartQueryInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.StartQueryOutput, error)
	GetQueryResults(
		context.Context, *cloudwatchlogs.GetQueryResultsInput, ...func(*cloudwatchlogs.Options),
	) (*cloudwatchlogs.GetQueryResultsOutput, error)
}

const (
	// Arrival is how long an event may take, with room: CloudTrail delivers after
	// about five minutes
	// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html).
	Arrival = 15 * time.Minute
	// Patience is how long a query may take.
	Patience = 2 * time.Minute
	// before is how long before the oldest version is looked: the request for an upload
	// may begin before that, and clocks differ.
	before = time.Hour

	firstPoll, longestPoll = 200 * time.Millisecond, 3 * time.Second
)

// Options say what to ask. Since, From and Versions may be left out.
type Options struct {
	Config  replicaset.Config // with an AuditTrail
	Account string
	Key     string // decoded
	Logs    Logs
	// Since is when the oldest version was made that is asked about; zero asks for all
	// that the trail has kept. Each GB that is read costs $0.005.
	Since time.Time
	// From is from when on the trail is asked, whatever Since is, if it has kept that.
	From time.Time
	// Versions are the key's, for whose markers deletions of several keys are looked for.
	Versions []Version
	Now      time.Time
}

// Event is a request that wrote or deleted, or was refused.
type Event struct {
	Time   time.Time // in whole seconds
	Region string    // of the bucket
	Name   string    // as PutObject
	Who    string    // the ARN of a session, a role or a user; empty if AWS names none
	Own    bool      // Who is a function of the set
	// Operator says that Who is an operator in a session of a function's role, in which
	// backfill copies.
	Operator bool
	Address  string
	// Key is empty for a request that deleted several, which are not named.
	Key string
	// Named is the version that the request named, Made the one that it made.
	Named, Made string
	Point       bool   // it came by an access point
	Error       string // S3's code; empty if it was done
}

// Destroyed says that the event removed a version for good, or a delete marker.
func (e Event) Destroyed() bool { return e.Name == "DeleteObject" && e.Named != "" && e.Error == "" }

// Trail is what the trail says of a key.
type Trail struct {
	Events []Event // the oldest first
	// From and To is the time that was asked about.
	From, To time.Time
	// Cut says that the key has more events than a query answers, and DeletionsCut that
	// there are more deletions of several keys; the oldest are left out.
	Cut, DeletionsCut bool
	// OwnWrites says that what the functions write is recorded too.
	OwnWrites bool
	// Err says why the trail, or a part of what it says, is not known.
	Err error
}

// Ask runs the queries and waits for their end, up to Patience each: one for the events
// of the key, and if markers are left of which none of these tells, one for the
// deletions of several keys at their times.
func Ask(ctx context.Context, o Options) Trail {
	t := Trail{From: o.Now.AddDate(0, 0, -o.Config.AuditTrail.Retention()), To: o.Now, OwnWrites: o.Config.AuditTrail.OwnWrites}
	since := o.From
	if since.IsZero() && !o.Since.IsZero() {
		since = o.Since.Add(-before)
	}
	if since.After(t.From) {
		t.From = since
	}
	t.Events, t.Cut, t.Err = o.events(ctx, replicaset.AuditKeyQuery(o.Key), t.From, t.To, func(e Event) bool { return e.Key == o.Key })
	if seconds := t.unnamed(o.Versions); len(seconds) > 0 && t.Err == nil {
		var deletions []Event
		// The log has an event under the time of its arrival.
		to := slices.MinFunc([]time.Time{seconds[len(seconds)-1].Add(Arrival), t.To}, time.Time.Compare)
		deletions, t.DeletionsCut, t.Err = o.events(ctx, replicaset.AuditDeletionsQuery(seconds), seconds[0], to,
			func(e Event) bool { return e.Name == "DeleteObjects" })
		t.Events = append(t.Events, deletions...)
	}
	slices.SortStableFunc(t.Events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return t
}

// unnamed are the seconds, in order, in which a request that names no key may have made
// one of the markers: those in the time asked about of which no event tells.
func (t Trail) unnamed(versions []Version) []time.Time {
	var seconds []time.Time
	for _, v := range versions {
		if _, _, known := t.By(v); known || !v.Marker || v.Made.Before(t.From) {
			continue
		}
		for at := v.Made.Add(-apart); !at.After(v.Made.Add(apart)); at = at.Add(time.Second) {
			seconds = append(seconds, at)
		}
	}
	slices.SortFunc(seconds, time.Time.Compare)
	return slices.CompactFunc(seconds, time.Time.Equal)
}

// events are those that a query answers and that are wanted; cut says that there are more.
func (o Options) events(
	ctx context.Context, query string, from, to time.Time, wanted func(Event) bool,
) (events []Event, cut bool, err error) {
	ctx, stop := context.WithTimeout(ctx, Patience)
	defer stop()
	rows, err := run(ctx, o, query, from, to)
	if err != nil {
		group := "log group " + o.Config.AuditLogGroupName()
		if errors.Is(err, errUnfinished) {
			return nil, false, fmt.Errorf("region %s: %s: %w", o.Config.AuditRegion(), group, err)
		}
		return nil, false, awsapi.Explain(o.Config.AuditRegion(), group, err)
	}
	for _, row := range rows {
		if e, ok := read(row, o); ok && wanted(e) {
			events = append(events, e)
		}
	}
	return events, len(rows) >= replicaset.AuditRows, nil
}

var errUnfinished = errors.New("the query has not come to its end")

func run(ctx context.Context, o Options, query string, from, to time.Time) ([][]types.ResultField, error) {
	started, err := o.Logs.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{
		LogGroupName: aws.String(o.Config.AuditLogGroupName()), QueryString: &query,
		StartTime: aws.Int64(from.Unix()), EndTime: aws.Int64(to.Unix()),
	})
	if err != nil {
		return nil, err
	}
	for wait := firstPoll; ; wait = min(2*wait, longestPoll) {
		out, err := o.Logs.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId})
		if err != nil {
			return nil, err
		}
		switch out.Status {
		case types.QueryStatusComplete:
			return out.Results, nil
		case types.QueryStatusScheduled, types.QueryStatusRunning:
		default: // failed, cancelled, timed out or unknown
			return nil, fmt.Errorf("%w: CloudWatch Logs says that it is %s; try again", errUnfinished, out.Status)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w after %s; try again, or ask for fewer days", errUnfinished, Patience)
		}
	}
}

// read is an event of a row; ok is false for one without a time that is a time.
func read(row []types.ResultField, o Options) (e Event, ok bool) {
	cells := map[string]string{}
	for _, c := range row {
		cells[strings.Trim(aws.ToString(c.Field), "`")] = aws.ToString(c.Value)
	}
	at, err := time.Parse(time.RFC3339, cells["eventTime"])
	if err != nil {
		return Event{}, false
	}
	e = Event{
		Time: at.UTC(), Region: cells["awsRegion"], Name: cells["eventName"],
		Who: cells["userIdentity.arn"], Address: cells["sourceIPAddress"],
		Key: cells["requestParameters.key"], Named: cells["requestParameters.versionId"], Made: cells["responseElements.x-amz-version-id"],
		Point: strings.Contains(cells["requestParameters.Host"], ".accesspoint.s3-global."), Error: cells["errorCode"],
	}
	if e.Who == "" {
		e.Who = cells["userIdentity.invokedBy"]
	}
	member := o.Config.Member(o.Account, e.Region)
	for _, session := range []string{o.Config.FunctionName(), o.Config.ReconcileSession()} {
		e.Own = e.Own || e.Who == replicaset.SessionARN(member.RoleARN(), session)
	}
	e.Operator = e.Who == replicaset.SessionARN(member.RoleARN(), o.Config.OperatorSession())
	return e, true
}
