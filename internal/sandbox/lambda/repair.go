package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"s3fanout/internal/sandbox/iam"
)

// What operators change by hand, to break a function or to repair it, is served
// here. Everything else that changes a function only templates do.

// serveRemovePermission answers RemovePermission
// (https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html).
func (s *Service) serveRemovePermission(w http.ResponseWriter, caller iam.Caller, functionARN, escaped string) error {
	f, err := s.authorize(caller, "lambda:RemovePermission", functionARN)
	if err != nil {
		return err
	}
	id, err := url.PathUnescape(escaped)
	if err != nil || id == "" {
		return invalid("StatementId %q is not one", escaped)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(f.statements), func(st statement) bool { return st.Sid == id })
	if len(left) == len(f.statements) {
		return &Error{
			Status: http.StatusNotFound, Code: "ResourceNotFoundException",
			Message: fmt.Sprintf("Statement %s is not found in resource policy.", id),
		}
	}
	if err := f.setStatements(left); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// servePutConcurrency answers PutFunctionConcurrency
// (https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html).
func (s *Service) servePutConcurrency(w http.ResponseWriter, r *http.Request, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:PutFunctionConcurrency", functionARN)
	if err != nil {
		return err
	}
	var in concurrency
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "InvalidRequestContentException",
			Message: "Could not parse request body into json: " + err.Error()}
	}
	limit := in.ReservedConcurrentExecutions
	if limit == nil || *limit < 0 {
		return invalid("ReservedConcurrentExecutions is missing or negative")
	}
	if err := s.checkReserved(f.region, f.arn, limit); err != nil {
		return err
	}
	f.setConcurrency(limit)
	return json.NewEncoder(w).Encode(in)
}

// checkReserved refuses what would leave too little to the functions of the Region
// that reserve nothing (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
// limit is for the function of this ARN, which need not be there yet.
func (s *Service) checkReserved(region, functionARN string, limit *int) error {
	if limit == nil {
		return nil
	}
	reserved := *limit
	s.mu.Lock()
	var others []*function
	for arn, f := range s.functions {
		if f.region == region && arn != functionARN {
			others = append(others, f)
		}
	}
	s.mu.Unlock()
	for _, f := range others {
		if n := f.current().ReservedConcurrency; n != nil {
			reserved += *n
		}
	}
	if reserved > accountConcurrency-minUnreserved {
		return invalid(
			"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "+
				"below its minimum value of [%d].",
			minUnreserved,
		)
	}
	return nil
}

// serveDeleteConcurrency answers DeleteFunctionConcurrency
// (https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionConcurrency.html).
func (s *Service) serveDeleteConcurrency(w http.ResponseWriter, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:DeleteFunctionConcurrency", functionARN)
	if err != nil {
		return err
	}
	f.setConcurrency(nil)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
