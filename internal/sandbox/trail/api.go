package trail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/trail/insights"
)

const (
	maxBody  = 1 << 20
	maxQuery = 10_000 // characters
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
	maxGroups = 50
)

// The prefixes of what X-Amz-Target names.
const (
	logsTarget  = "Logs_20140328."
	trailTarget = "CloudTrail_20131101."
)

type apiError struct{ code, message string }

func (e *apiError) Error() string { return e.code + ": " + e.message }

// query is one that was started. It runs when its results are asked for the first
// time, which is answered as if it went on.
type query struct {
	parsed    insights.Query
	groups    []string
	from, to  time.Time
	asked     bool
	cancelled bool
}

// ServeAPI answers a request to CloudWatch Logs or CloudTrail that is already
// authenticated as caller, in the Region of its signature. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	status := http.StatusOK
	answer, err := s.serve(w, r, region, caller)
	if err != nil {
		var e *apiError
		var denied *iam.DeniedError
		switch {
		case errors.As(err, &denied):
			e = &apiError{"AccessDeniedException", denied.Answer()}
		case !errors.As(err, &e):
			e = &apiError{"InvalidParameterException", err.Error()}
		}
		status, answer = http.StatusBadRequest, map[string]string{"__type": e.code, "message": e.message}
		w.Header().Set("x-amzn-ErrorType", e.code)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // answers are strings and numbers
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone if this fails
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	target := r.Header.Get("X-Amz-Target")
	operations := map[string]func(region string, caller iam.Caller, body []byte) (any, error){
		logsTarget + "StartQuery": s.startQuery, logsTarget + "GetQueryResults": s.queryResults, logsTarget + "StopQuery": s.stopQuery,
		trailTarget + "ListTrails": s.listTrails, trailTarget + "GetTrail": s.getTrail, trailTarget + "GetTrailStatus": s.getStatus,
		trailTarget + "GetEventSelectors": s.getSelectors,
		trailTarget + "StartLogging":      s.setLogging(true), trailTarget + "StopLogging": s.setLogging(false),
		trailTarget + "PutEventSelectors": s.putSelectors,
	}
	operation, ok := operations[target]
	if !ok {
		return nil, &apiError{
			"UnknownOperationException",
			fmt.Sprintf("The sandbox has no operation %q; of CloudWatch Logs it has StartQuery, GetQueryResults "+
				"and StopQuery, of CloudTrail ListTrails, GetTrail, GetTrailStatus, GetEventSelectors, PutEventSelectors, "+
				"StartLogging and StopLogging.", target),
		}
	}
	return operation(region, caller, body)
}

func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return &apiError{"SerializationException", "The sandbox does not take it: " + err.Error()}
	}
	return nil
}

func (s *Service) startQuery(region string, caller iam.Caller, body []byte) (any, error) {
	var in struct {
		LogGroupName               string
		LogGroupNames              []string
		StartTime, EndTime         int64
		QueryString, QueryLanguage string
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if in.LogGroupName != "" {
		in.LogGroupNames = append(in.LogGroupNames, in.LogGroupName)
	}
	if n := len(in.LogGroupNames); n == 0 || n > maxGroups {
		return nil, fmt.Errorf("%d log groups; give 1 to %d", n, maxGroups)
	}
	if in.QueryLanguage != "" && in.QueryLanguage != "CWLI" {
		return nil, fmt.Errorf("the sandbox knows the query language CWLI alone, not %q", in.QueryLanguage)
	}
	if len(in.QueryString) > maxQuery || in.EndTime < in.StartTime {
		return nil, fmt.Errorf("the query has more than %d characters, or ends before it starts", maxQuery)
	}
	q := &query{from: time.Unix(in.StartTime, 0), to: time.Unix(in.EndTime+1, 0)} // both seconds are included
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range in.LogGroupNames {
		group := s.groupARN(region, name)
		if err := iam.Authorize(iam.Request{Caller: caller, Action: "logs:StartQuery", Resource: group + ":log-stream:"}); err != nil {
			return nil, err
		}
		if s.groups[group] == nil {
			return nil, &apiError{"ResourceNotFoundException", fmt.Sprintf("Log group '%s' does not exist for account ID '%s'; "+
				"the sandbox's CloudWatch Logs has the log groups of trails alone", name, s.config.AccountID)}
		}
		q.groups = append(q.groups, group)
	}
	var err error
	if q.parsed, err = insights.Parse(in.QueryString); err != nil {
		return nil, &apiError{"MalformedQueryException", err.Error()}
	}
	id := uuid.NewString()
	s.queries[id] = q
	return map[string]string{"queryId": id}, nil
}

// queryOf finds the query that a request names, for an action that the caller may do.
// s.mu is held.
func (s *Service) queryOf(caller iam.Caller, action string, body []byte) (*query, error) {
	var in struct{ QueryID string }
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if err := iam.Authorize(iam.Request{Caller: caller, Action: action, Resource: "*"}); err != nil {
		return nil, err
	}
	if q, ok := s.queries[in.QueryID]; ok {
		return q, nil
	}
	return nil, &apiError{"ResourceNotFoundException", "The query " + in.QueryID + " does not exist."}
}

func (s *Service) queryResults(_ string, caller iam.Caller, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queryOf(caller, "logs:GetQueryResults", body)
	if err != nil {
		return nil, err
	}
	type cell struct {
		Field string `json:"field"`
		Value string `json:"value"`
	}
	rows, status := [][]cell{}, "Complete"
	var scanned int
	switch {
	case q.cancelled:
		status = "Cancelled"
	case !q.asked:
		q.asked, status = true, "Running"
	default:
		var events []insights.Event
		for _, group := range q.groups {
			for _, e := range s.groups[group] {
				if !e.Time.Before(q.from) && e.Time.Before(q.to) {
					events = append(events, e)
				}
			}
		}
		scanned = len(events)
		for _, found := range q.parsed.Run(events) {
			row := []cell{}
			for _, c := range found {
				row = append(row, cell(c))
			}
			rows = append(rows, row)
		}
	}
	return map[string]any{
		"status": status, "results": rows, "queryLanguage": "CWLI",
		"statistics": map[string]any{"recordsMatched": len(rows), "recordsScanned": scanned, "bytesScanned": 0},
	}, nil
}

func (s *Service) stopQuery(_ string, caller iam.Caller, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queryOf(caller, "logs:StopQuery", body)
	if err != nil {
		return nil, err
	}
	q.cancelled = true
	return map[string]bool{"success": true}, nil
}

// trailOf finds the trail that a request names by its ARN, or by its name in its home
// Region, for an action that the caller may do.
func (s *Service) trailOf(region, named, action string, caller iam.Caller) (*Trail, error) {
	arn := named
	if !strings.HasPrefix(arn, "arn:") {
		arn = fmt.Sprintf("arn:%s:cloudtrail:%s:%s:trail/%s", s.config.Partition, region, s.config.AccountID, named)
	}
	if err := iam.Authorize(iam.Request{Caller: caller, Action: "cloudtrail:" + action, Resource: arn}); err != nil {
		return nil, err
	}
	if t := s.find(arn); t != nil {
		return t, nil
	}
	return nil, &apiError{"TrailNotFoundException", fmt.Sprintf("Unknown trail: %s for the user: %s", arn, s.config.AccountID)}
}

// listTrails lists those of all Regions, on one page.
func (s *Service) listTrails(_ string, caller iam.Caller, body []byte) (any, error) {
	if err := decode(body, &struct{}{}); err != nil {
		return nil, err
	}
	if err := iam.Authorize(iam.Request{Caller: caller, Action: "cloudtrail:ListTrails", Resource: "*"}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	trails := []map[string]string{}
	for _, t := range s.trails {
		trails = append(trails, map[string]string{"Name": t.Name, "TrailARN": t.ARN, "HomeRegion": t.Region})
	}
	return map[string]any{"Trails": trails}, nil
}

func (s *Service) getTrail(region string, caller iam.Caller, body []byte) (any, error) {
	var in struct{ Name string }
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.trailOf(region, in.Name, "GetTrail", caller)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Trail": map[string]any{
		"Name": t.Name, "TrailARN": t.ARN, "HomeRegion": t.Region, "S3BucketName": t.Bucket, "IsMultiRegionTrail": t.MultiRegion,
		"IncludeGlobalServiceEvents": t.GlobalEvents, "LogFileValidationEnabled": t.Validated, "CloudWatchLogsLogGroupArn": t.LogGroupARN,
		"CloudWatchLogsRoleArn": t.RoleARN, "HasCustomEventSelectors": true, "IsOrganizationTrail": false,
	}}, nil
}

func (s *Service) getStatus(region string, caller iam.Caller, body []byte) (any, error) {
	var in struct{ Name string }
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.trailOf(region, in.Name, "GetTrailStatus", caller)
	if err != nil {
		return nil, err
	}
	return map[string]any{"IsLogging": t.Logging}, nil
}

func (s *Service) getSelectors(region string, caller iam.Caller, body []byte) (any, error) {
	var in struct{ TrailName string }
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.trailOf(region, in.TrailName, "GetEventSelectors", caller)
	if err != nil {
		return nil, err
	}
	return map[string]any{"TrailARN": t.ARN, "AdvancedEventSelectors": t.Selectors}, nil
}

func (s *Service) putSelectors(region string, caller iam.Caller, body []byte) (any, error) {
	var in struct {
		TrailName              string
		AdvancedEventSelectors []Selector
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.trailOf(region, in.TrailName, "PutEventSelectors", caller)
	if err != nil {
		return nil, err
	}
	if err := checkSelectors(in.AdvancedEventSelectors); err != nil {
		return nil, err
	}
	t.Selectors = slices.Clone(in.AdvancedEventSelectors)
	return map[string]any{"TrailARN": t.ARN, "AdvancedEventSelectors": t.Selectors}, nil
}

func (s *Service) setLogging(on bool) func(string, iam.Caller, []byte) (any, error) {
	action := map[bool]string{true: "StartLogging", false: "StopLogging"}[on]
	return func(region string, caller iam.Caller, body []byte) (any, error) {
		var in struct{ Name string }
		if err := decode(body, &in); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		t, err := s.trailOf(region, in.Name, action, caller)
		if err != nil {
			return nil, err
		}
		t.Logging = on
		return map[string]string{}, nil
	}
}

// trimStreams is the ARN of a log group without the ":*" that stands for its streams.
func trimStreams(arn string) (string, bool) { return strings.CutSuffix(arn, ":*") }
