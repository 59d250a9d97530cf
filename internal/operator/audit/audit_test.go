package audit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/replicaset"
)

const account = "111122223333"

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func set() replicaset.Config {
	return replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, AuditTrail: &replicaset.AuditTrail{RetentionDays: 30},
	}
}

// logs answers with one status after the other, and with the rows last.
type logs struct {
	statuses []types.QueryStatus
	rows     [][]types.ResultField
	fails    error
	asked    *cloudwatchlogs.StartQueryInput
	queries  int
	// deletions are the rows of the second query.
	deletions [][]types.ResultField
	polls     int
}

func (l *logs) StartQuery(
	_ context.Context, in *cloudwatchlogs.StartQueryInput, _ ...func(*cloudwatchlogs.Options),
) (*cloudwatchlogs.StartQueryOutput, error) {
	l.asked = in
	if l.queries++; l.queries == 2 {
		l.rows = l.deletions
	}
	return &cloudwatchlogs.StartQueryOutput{QueryId: aws.String("q")}, l.fails
}

func (l *logs) GetQueryResults(
	context.Context, *cloudwatchlogs.GetQueryResultsInput, ...func(*cloudwatchlogs.Options),
) (*cloudwatchlogs.GetQueryResultsOutput, error) {
	status := l.statuses[min(l.polls, len(l.statuses)-1)]
	l.polls++
	return &cloudwatchlogs.GetQueryResultsOutput{Status: status, Results: l.rows}, nil
}

// row is an event's cells, in pairs.
func row(pairs ...string) (cells []types.ResultField) {
	for i := 0; i < len(pairs); i += 2 {
		cells = append(cells, types.ResultField{Field: &pairs[i], Value: &pairs[i+1]})
	}
	return cells
}

func TestAsk(t *testing.T) {
	const complete, running = types.QueryStatusComplete, types.QueryStatusRunning
	whole := row("eventTime", "2026-11-29T11:00:00Z", "awsRegion", "eu-west-1", "eventName", "PutObject", "userIdentity.arn",
		"arn:aws:iam::111122223333:user/jo",
		"sourceIPAddress", "192.0.2.1", "requestParameters.key", "k", "requestParameters.Host",
		"x.mrap.accesspoint.s3-global.amazonaws.com",
		"responseElements.x-amz-version-id", "v1")
	for _, tt := range []struct {
		what  string
		logs  logs
		since time.Time
		want  string // the beginning of the error; "" for one event
		from  time.Time
	}{
		{"at once", logs{statuses: []types.QueryStatus{complete}, rows: [][]types.ResultField{whole}}, time.Time{}, "",
			noon.AddDate(0, 0, -30)},
		{"after a while",
			logs{statuses: []types.QueryStatus{types.QueryStatusScheduled, running, running, running, complete},
				rows: [][]types.ResultField{whole}}, noon.Add(-2 * time.Hour), "", noon.Add(-3 * time.Hour)},
		{"older than the trail keeps", logs{statuses: []types.QueryStatus{complete}, rows: [][]types.ResultField{whole}},
			noon.AddDate(-1, 0, 0), "", noon.AddDate(0, 0, -30)},
		{"from when it was said", logs{statuses: []types.QueryStatus{complete}, rows: [][]types.ResultField{whole}},
			noon.Add(-2 * time.Hour), "", noon.AddDate(0, 0, -7)},
		{"never", logs{statuses: []types.QueryStatus{running}}, time.Time{},
			"region us-east-1: log group media-audit: the query has not come to its end after 2m0s", noon.AddDate(0, 0, -30)},
		{"failed", logs{statuses: []types.QueryStatus{running, types.QueryStatusFailed}}, time.Time{},
			"region us-east-1: log group media-audit: the query has not come to its end: CloudWatch Logs says that it is Failed",
			noon.AddDate(0, 0, -30)},
		{"not deployed", logs{fails: &smithy.GenericAPIError{Code: "ResourceNotFoundException"}}, time.Time{},
			"region us-east-1: log group media-audit does not exist; deploy the stacks", noon.AddDate(0, 0, -30)},
		{"denied",
			logs{
				fails: &smithy.OperationError{
					ServiceID: "CloudWatch Logs", OperationName: "StartQuery", Err: &smithy.GenericAPIError{Code: "AccessDeniedException"},
				},
			}, time.Time{}, "region us-east-1: logs:StartQuery on log group media-audit is denied", noon.AddDate(0, 0, -30)},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := Options{Config: set(), Account: account, Key: "k", Logs: &tt.logs, Since: tt.since, Now: noon}
			if tt.what == "from when it was said" {
				o.From = tt.from
			}
			trail := Ask(t.Context(), o)
			if !trail.From.Equal(tt.from) || *tt.logs.asked.StartTime != tt.from.Unix() || *tt.logs.asked.EndTime != noon.Unix() {
				t.Errorf("%s: asked from %s", tt.what, trail.From)
			}
			if tt.want != "" {
				if trail.Err == nil || !strings.HasPrefix(trail.Err.Error(), tt.want) || len(trail.Events) > 0 {
					t.Errorf("%s: got %v, want %s", tt.what, trail.Err, tt.want)
				}
				if tt.what == "denied" && !errors.Is(trail.Err, awsapi.ErrDenied) {
					t.Errorf("%v is not ErrDenied", trail.Err)
				}
				return
			}
			want := Event{
				Time: noon.Add(-time.Hour), Region: "eu-west-1", Name: "PutObject", Who: "arn:aws:iam::111122223333:user/jo",
				Address: "192.0.2.1", Key: "k", Made: "v1", Point: true,
			}
			if trail.Err != nil || len(trail.Events) != 1 || trail.Events[0] != want {
				t.Errorf("%s: %v, %+v", tt.what, trail.Err, trail.Events)
			}
		})
	}
}

// A query with a pattern in the place of the key answers with other keys too: they are
// not this one's.
func TestAskLeavesOtherKeysOut(t *testing.T) {
	event := func(key, name string) []types.ResultField {
		return row("eventTime", "2026-11-29T11:00:00Z", "awsRegion", "eu-west-1", "eventName", name, "requestParameters.key", key)
	}
	l := &logs{statuses: []types.QueryStatus{types.QueryStatusComplete}, rows: [][]types.ResultField{
		event(`a"b`, "PutObject"), event("a'b", "PutObject"), event("", "DeleteObjects"),
		row("eventName", "PutObject", "requestParameters.key", `a"b`)}}
	trail := Ask(t.Context(), Options{Config: set(), Account: account, Key: `a"b`, Logs: l, Now: noon})
	if len(trail.Events) != 1 || trail.Events[0].Key != `a"b` || l.queries != 1 {
		t.Errorf("%+v", trail.Events)
	}
}

// Deletions of several keys are asked for apart, at the times of the markers of which no
// event of the key tells: others' are many, and would leave no room for the key's.
func TestAskForDeletionsOfSeveralKeys(t *testing.T) {
	at := func(ago time.Duration) string { return noon.Add(-ago).Format(time.RFC3339) }
	deletions := [][]types.ResultField{}
	for range replicaset.AuditRows {
		deletions = append(deletions,
			row("eventTime", at(time.Hour), "awsRegion", "eu-west-1", "eventName", "DeleteObjects", "userIdentity.arn", "ann"))
	}
	l := &logs{statuses: []types.QueryStatus{types.QueryStatusComplete}, deletions: deletions, rows: [][]types.ResultField{
		row("eventTime", at(2*time.Hour), "awsRegion", "us-east-1", "eventName", "DeleteObject", "requestParameters.key", "k",
			"responseElements.x-amz-version-id", "m1")}}
	versions := []Version{
		{"us-east-1", "m1", true, noon.Add(-2 * time.Hour)}, {"eu-west-1", "m2", true, noon.Add(-time.Hour)},
		{"eu-west-1", "m0", true, noon.AddDate(0, 0, -31)}, {"eu-west-1", "v1", false, noon.Add(-3 * time.Hour)}}
	trail := Ask(t.Context(), Options{Config: set(), Account: account, Key: "k", Logs: l, Versions: versions, Now: noon})
	if trail.Err != nil || l.queries != 2 || trail.Cut || !trail.DeletionsCut {
		t.Errorf("%d queries, cut %t and %t, %v", l.queries, trail.Cut, trail.DeletionsCut, trail.Err)
	}
	from, to := noon.Add(-time.Hour-apart), noon.Add(-time.Hour+apart+Arrival)
	if *l.asked.StartTime != from.Unix() || *l.asked.EndTime != to.Unix() {
		t.Errorf("deletions asked from %d to %d, want %s to %s", *l.asked.StartTime, *l.asked.EndTime, from, to)
	}
	want := `eventTime in ["2026-11-29T10:59:58Z", "2026-11-29T10:59:59Z", "2026-11-29T11:00:00Z", "2026-11-29T11:00:01Z", ` +
		`"2026-11-29T11:00:02Z"]`
	if !strings.Contains(*l.asked.QueryString, want) {
		t.Errorf("deletions asked with\n%s\nwant %s", *l.asked.QueryString, want)
	}
	if e, _, ok := trail.By(versions[0]); !ok || e.Key != "k" {
		t.Errorf("the key's own event is not there: %+v", e)
	}
	if e, certain, ok := trail.By(versions[1]); !ok || certain || e.Who != "ann" {
		t.Errorf("the deletion is not there: %+v", e)
	}
	l = &logs{statuses: l.statuses}
	if Ask(t.Context(), Options{Config: set(), Account: account, Key: "k", Logs: l, Versions: versions[3:], Now: noon}); l.queries != 1 {
		t.Errorf("%d queries of a key without markers", l.queries)
	}
}

// Sessions of the functions are told from those that others have in the same roles.
func TestAskKnowsTheFunctions(t *testing.T) {
	for who, want := range map[string][2]bool{
		"arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator":           {true, false},
		"arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator-reconcile": {true, false},
		"arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator-operator":  {false, true},
		"arn:aws:sts::111122223333:assumed-role/media-replicator-us-east-1/media-replicator":           {false, false}, // another Region's
		"arn:aws:sts::111122223333:assumed-role/other/media-replicator":                                {false, false},
		"": {false, false},
	} {
		e, ok := read(row("eventTime", "2026-11-29T11:00:00Z", "awsRegion", "eu-west-1", "userIdentity.arn", who),
			Options{Config: set(), Account: account})
		if !ok || e.Own != want[0] || e.Operator != want[1] {
			t.Errorf("%s: own %t, operator %t, want %v", who, e.Own, e.Operator, want)
		}
	}
}

func TestBy(t *testing.T) {
	trail := Trail{To: noon, Events: []Event{
		{Time: noon.Add(-60 * time.Minute), Region: "us-east-1", Name: "PutObject", Key: "k", Made: "v1", Who: "jo"},
		{Time: noon.Add(-50 * time.Minute), Region: "eu-west-1", Name: "DeleteObjects", Who: "ann"},
		{Time: noon.Add(-40 * time.Minute), Region: "us-east-1", Name: "DeleteObject", Key: "k", Named: "v1", Made: "v1", Who: "bob"},
		{Time: noon.Add(-39 * time.Minute), Region: "us-east-1", Name: "PutObjectTagging", Key: "k", Made: "v2", Who: "tim"},
		{Time: noon.Add(-38 * time.Minute), Region: "us-east-1", Name: "RestoreObject", Key: "k", Made: "v2", Who: "tim"},
		{Time: noon.Add(-37 * time.Minute), Region: "us-east-1", Name: "PostObject", Key: "k", Made: "v3", Who: "max"},
		{Time: noon.Add(-36 * time.Minute), Region: "us-east-1", Name: "CompleteMultipartUpload", Key: "k", Made: "v4", Who: "kim"},
		{Time: noon.Add(-35 * time.Minute), Region: "us-east-1", Name: "DeleteObject", Key: "k", Made: "m2", Who: "zoe"},
		{Time: noon.Add(-30 * time.Minute), Region: "us-east-1", Name: "DeleteObjects", Who: "eve", Error: "AccessDenied"},
	}}
	marker := func(region, id string, ago time.Duration) Version { return Version{region, id, true, noon.Add(-ago)} }
	for _, tt := range []struct {
		what    string
		of      Version
		who     string // "" for nobody
		certain bool
	}{
		{"a version", Version{"us-east-1", "v1", false, noon.Add(-time.Hour)}, "jo", true},
		{"a version that was tagged", Version{"us-east-1", "v2", false, noon.Add(-time.Hour)}, "", false},
		{"a form's upload", Version{"us-east-1", "v3", false, noon.Add(-37 * time.Minute)}, "max", true},
		{"an upload in parts", Version{"us-east-1", "v4", false, noon.Add(-36 * time.Minute)}, "kim", true},
		{"a marker of one key's deletion", marker("us-east-1", "m2", 35*time.Minute), "zoe", true},
		{"a version by the name of a deletion's", Version{"us-east-1", "m2", false, noon.Add(-35 * time.Minute)}, "", false},
		{"another Region's version of that name", Version{"eu-west-1", "v1", false, noon.Add(-time.Hour)}, "", false},
		{"a marker of several keys' deletion", marker("eu-west-1", "m1", 50*time.Minute+time.Second), "ann", false},
		{"a marker of another time", marker("eu-west-1", "m1", 45*time.Minute), "", false},
		{"a marker in another Region", marker("us-east-1", "m1", 50*time.Minute), "", false},
		{"a marker where a deletion was refused", marker("us-east-1", "m1", 30*time.Minute), "", false},
		{"a version where keys were deleted", Version{"eu-west-1", "v2", false, noon.Add(-50 * time.Minute)}, "", false},
	} {
		e, certain, ok := trail.By(tt.of)
		if ok != (tt.who != "") || e.Who != tt.who || certain != tt.certain {
			t.Errorf("%s: %+v, certain %t, %t", tt.what, e, certain, ok)
		}
	}
	about := trail.About([]Version{marker("eu-west-1", "m1", 50*time.Minute)})
	if len(about) != 8 || about[1].Who != "ann" {
		t.Errorf("about: %+v", about)
	}
	if about := trail.About(nil); len(about) != 7 {
		t.Errorf("about, without a marker: %+v", about)
	}
	for _, tt := range []struct {
		what  string
		trail Trail
		of    []Version
		want  string
	}{
		{"all known", trail, []Version{{"us-east-1", "v1", false, noon.Add(-time.Hour)}}, ""},
		{"just now", trail, []Version{{"us-east-1", "v9", false, noon.Add(-time.Minute)}, {"us-east-1", "v8", false, noon.Add(-time.Hour)}},
			"events arrive after about five minutes"},
		{"old", trail, []Version{{"us-east-1", "v9", false, noon.Add(-time.Hour)}}, "what has no event was written by the functions"},
		{"old, with the functions'", Trail{To: noon, OwnWrites: true}, []Version{{"us-east-1", "v9", false, noon.Add(-time.Hour)}},
			"what has no event was written before the trail was there"},
		{"too many", Trail{To: noon, Cut: true}, nil, "this key has more events"},
		{"too many of others", Trail{To: noon, DeletionsCut: true}, nil, "there are more deletions of several keys"},
	} {
		if got := tt.trail.Note(tt.of); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
}
