package scheduler

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
)

const (
	pathPrefix = "/schedules/"
	maxBody    = 1 << 20
)

// apiError is an error as Scheduler answers it (AWS REST JSON).
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// ServeAPI answers a request that is already authenticated as caller, in the
// Region of its signature. It authorizes it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	answer, err := s.serve(w, r, region, caller)
	status := http.StatusOK
	if err != nil {
		var e *apiError
		if !errors.As(err, &e) {
			e = &apiError{http.StatusInternalServerError, "InternalServerException", err.Error()}
		}
		status, answer = e.status, map[string]string{"Message": e.message}
		w.Header().Set("x-amzn-ErrorType", e.code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-amzn-RequestId", uuid.NewString())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client has gone if this fails
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) (any, error) {
	escaped, isSchedule := strings.CutPrefix(r.URL.EscapedPath(), pathPrefix)
	name, err := url.PathUnescape(escaped)
	action := map[string]string{http.MethodGet: "GetSchedule", http.MethodPut: "UpdateSchedule"}[r.Method]
	if !isSchedule || err != nil || strings.Contains(escaped, "/") || action == "" {
		return nil, &apiError{http.StatusNotFound, "UnknownOperationException",
			fmt.Sprintf("The sandbox's Scheduler has no %s %s; it has GetSchedule and UpdateSchedule.", r.Method, r.URL.Path)}
	}
	arn := s.arn(region, name)
	if err := iam.Authorize(iam.Request{Caller: caller, Action: "scheduler:" + action, Resource: arn}); err != nil {
		return nil, &apiError{http.StatusForbidden, "AccessDeniedException", err.Error()}
	}
	s.mu.Lock()
	held := s.schedules[arn]
	s.mu.Unlock()
	group := r.URL.Query().Get("groupName")
	if held == nil || group != "" && group != defaultGroup {
		return nil, &apiError{http.StatusNotFound, "ResourceNotFoundException", fmt.Sprintf("Schedule %s does not exist.", name)}
	}
	if action == "GetSchedule" {
		return s.describe(arn, held), nil
	}
	changed, err := readUpdate(w, r, name)
	if err != nil {
		return nil, err
	}
	if err := s.Update(region, changed); err != nil {
		return nil, &apiError{http.StatusBadRequest, "ValidationException", err.Error()}
	}
	return map[string]string{"ScheduleArn": arn}, nil
}

func (s *Service) describe(arn string, r *running) map[string]any {
	target := map[string]any{"Arn": r.TargetARN, "RoleArn": r.RoleARN, "Input": r.Input, "RetryPolicy": map[string]int{
		"MaximumRetryAttempts": r.Retries, "MaximumEventAgeInSeconds": int(r.MaximumAge / time.Second)}}
	return map[string]any{
		"Arn": arn, "Name": r.Name, "GroupName": defaultGroup, "Description": r.Description, "State": r.State,
		"ScheduleExpression": r.Expression, "ScheduleExpressionTimezone": "UTC", "FlexibleTimeWindow": map[string]string{"Mode": "OFF"},
		"Target": target, "CreationDate": float64(r.made.Unix()), "LastModificationDate": float64(r.made.Unix()),
	}
}

// Update's request replaces all of a schedule, as on AWS.
type updateRequest struct {
	ClientToken, Description, GroupName, State     string
	ScheduleExpression, ScheduleExpressionTimezone string
	FlexibleTimeWindow                             struct{ Mode string }
	Target                                         struct {
		Arn, RoleArn, Input string
		RetryPolicy         struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds int }
	}
}

func readUpdate(w http.ResponseWriter, r *http.Request, name string) (Schedule, error) {
	var in updateRequest
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return Schedule{}, &apiError{
			http.StatusBadRequest,
			"ValidationException",
			"The sandbox's Scheduler does not take it: " + err.Error(),
		}
	}
	for _, only := range []struct{ what, have, want string }{
		{"GroupName", in.GroupName, defaultGroup}, {"ScheduleExpressionTimezone", in.ScheduleExpressionTimezone, "UTC"},
		{"FlexibleTimeWindow.Mode", in.FlexibleTimeWindow.Mode, "OFF"},
	} {
		if only.have != "" && only.have != only.want {
			return Schedule{}, &apiError{http.StatusBadRequest, "ValidationException",
				fmt.Sprintf("The sandbox's Scheduler has no %s %q; it has %s.", only.what, only.have, only.want)}
		}
	}
	return Schedule{
		Name: name, Description: in.Description, Expression: in.ScheduleExpression, State: in.State,
		TargetARN: in.Target.Arn, RoleARN: in.Target.RoleArn, Input: in.Target.Input,
		Retries:    in.Target.RetryPolicy.MaximumRetryAttempts,
		MaximumAge: time.Duration(in.Target.RetryPolicy.MaximumEventAgeInSeconds) * time.Second,
	}, nil
}
