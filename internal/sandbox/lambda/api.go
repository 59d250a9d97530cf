package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

// Each of Lambda's operations keeps the version of the API that it came with.
const (
	apiPrefix         = "/2015-03-31/functions/"
	eventConfigPrefix = "/2019-09-25/functions/"
	concurrencyPrefix = "/2019-09-30/functions/"
	recursionPrefix   = "/2024-08-31/functions/"

	reservationPrefix = "/2017-10-31/functions/" // to change what concurrencyPrefix tells
)

// ServeAPI answers a request of Lambda's REST API that is already
// authenticated as caller, in the Region of its signature: Invoke,
// GetFunction, GetFunctionConfiguration, GetPolicy,
// GetFunctionEventInvokeConfig, GetFunctionConcurrency,
// GetFunctionRecursionConfig, RemovePermission, PutFunctionConcurrency,
// DeleteFunctionConcurrency, ListTags, TagResource and UntagResource. It authorizes
// it.
func (s *Service) ServeAPI(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) {
	w.Header().Set("x-amzn-RequestId", newRequestID())
	w.Header().Set("Content-Type", "application/json")
	if err := s.serve(w, r, region, caller); err != nil {
		writeError(w, err)
	}
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) error {
	if strings.HasPrefix(r.URL.Path, tagsPrefix) {
		return s.serveTags(w, r, region, caller)
	}
	prefix := apiPrefix
	for _, other := range []string{eventConfigPrefix, concurrencyPrefix, recursionPrefix, reservationPrefix} {
		if strings.HasPrefix(r.URL.Path, other) {
			prefix = other
		}
	}
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	escaped, operation, _ := strings.Cut(rest, "/")
	operation, statement, _ := strings.Cut(operation, "/")
	name, err := url.PathUnescape(escaped)
	route := r.Method + " " + prefix + "{FunctionName}/" + operation
	if statement != "" {
		route += "/{StatementId}"
	}
	if !ok || err != nil || name == "" {
		return &Error{
			Status:  http.StatusNotImplemented,
			Code:    "NotImplemented",
			Message: "The sandbox's Lambda has no operation " + r.Method + " " + r.URL.Path + ".",
		}
	}
	if err := checkQuery(r.URL.Query()); err != nil {
		return err
	}
	functionARN, err := s.resolve(region, name)
	if err != nil {
		return err
	}
	switch route {
	case "POST " + apiPrefix + "{FunctionName}/invocations":
		return s.serveInvoke(w, r, caller, functionARN)
	case "GET " + apiPrefix + "{FunctionName}/":
		return s.serveGetFunction(w, caller, functionARN)
	case "GET " + apiPrefix + "{FunctionName}/configuration":
		return s.serveGetConfiguration(w, caller, functionARN)
	case "GET " + apiPrefix + "{FunctionName}/policy":
		return s.serveGetPolicy(w, caller, functionARN)
	case "GET " + eventConfigPrefix + "{FunctionName}/event-invoke-config":
		return s.serveGetEventInvokeConfig(w, caller, functionARN)
	case "GET " + concurrencyPrefix + "{FunctionName}/concurrency":
		return s.serveGetConcurrency(w, caller, functionARN)
	case "GET " + recursionPrefix + "{FunctionName}/recursion-config":
		return s.serveGetRecursionConfig(w, caller, functionARN)
	case "DELETE " + apiPrefix + "{FunctionName}/policy/{StatementId}":
		return s.serveRemovePermission(w, caller, functionARN, statement)
	case "PUT " + reservationPrefix + "{FunctionName}/concurrency":
		return s.servePutConcurrency(w, r, caller, functionARN)
	case "DELETE " + reservationPrefix + "{FunctionName}/concurrency":
		return s.serveDeleteConcurrency(w, caller, functionARN)
	}
	// What else changes a function only templates do here. Without the permission it is
	// denied first, as on AWS.
	if action := changes()[route]; action != "" {
		if _, err := s.authorize(caller, action, functionARN); err != nil {
			return err
		}
	}
	return &Error{
		Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: fmt.Sprintf(
			"The sandbox's Lambda has no operation %s; it has Invoke, GetFunction, GetFunctionConfiguration, GetPolicy, "+
				"GetFunctionEventInvokeConfig, GetFunctionConcurrency, GetFunctionRecursionConfig, RemovePermission, "+
				"PutFunctionConcurrency, DeleteFunctionConcurrency, ListTags, TagResource and UntagResource.",
			route,
		),
	}
}

// changes are the other requests that change a function, with the action that each
// takes (https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html).
func changes() map[string]string {
	return map[string]string{
		"POST " + apiPrefix + "{FunctionName}/policy":                     "lambda:AddPermission",
		"DELETE " + apiPrefix + "{FunctionName}/":                         "lambda:DeleteFunction",
		"PUT " + apiPrefix + "{FunctionName}/code":                        "lambda:UpdateFunctionCode",
		"PUT " + apiPrefix + "{FunctionName}/configuration":               "lambda:UpdateFunctionConfiguration",
		"PUT " + eventConfigPrefix + "{FunctionName}/event-invoke-config": "lambda:PutFunctionEventInvokeConfig",
	}
}

// checkQuery refuses parameters that the sandbox does not know. There is one
// version of a function, so that one qualifier is right.
func checkQuery(q url.Values) error {
	for name, values := range q {
		if name != "Qualifier" {
			return invalid("The sandbox's Lambda does not support the parameter %s.", name)
		}
		if values[0] != latest {
			return errNotFound("Function version", values[0])
		}
	}
	return nil
}

// resolve makes the ARN of a function of the request's Region from its name,
// its ARN or "<account>:function:<name>".
func (s *Service) resolve(region, name string) (string, error) {
	prefix := fmt.Sprintf("arn:%s:lambda:%s:%s:function:", s.cfg.Partition, region, s.cfg.AccountID)
	if strings.HasPrefix(name, "arn:") {
		if !strings.HasPrefix(name, prefix) {
			return "", errNotFound("Function", name)
		}
		return name, nil
	}
	if _, rest, ok := strings.Cut(name, ":function:"); ok {
		if !strings.HasPrefix(name, s.cfg.AccountID+":") {
			return "", errNotFound("Function", name)
		}
		name = rest
	}
	return prefix + name, nil
}

func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request, caller iam.Caller, functionARN string) error {
	for _, h := range []string{"X-Amz-Client-Context", "X-Amz-Tenant-Id", "X-Amz-Durable-Execution-Name"} {
		if r.Header.Get(h) != "" {
			return invalid("The sandbox's Lambda does not support the header %s.", h)
		}
	}
	if t := r.Header.Get("X-Amz-Log-Type"); t != "" && t != "None" {
		return invalid("The sandbox's Lambda does not support the log type %s; the function's output goes to a file.", t)
	}
	kind := r.Header.Get("X-Amz-Invocation-Type")
	limit := maxSyncPayload
	if kind == "Event" {
		limit = maxAsyncPayload
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return fmt.Errorf("read the payload: %w", err)
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	chain := parseLineage(r.Header.Get(traceHeader))
	switch kind {
	case "", "RequestResponse":
		result, err := s.invoke(r.Context(), caller, functionARN, payload, chain)
		if err != nil {
			return err
		}
		w.Header().Set("x-amzn-RequestId", result.RequestID)
		w.Header().Set("X-Amz-Executed-Version", result.ExecutedVersion)
		if result.FunctionError != "" {
			w.Header().Set("X-Amz-Function-Error", result.FunctionError)
		}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(result.Payload) // the client has gone if this fails
	case "Event":
		if err := s.invokeAsync(r.Context(), caller, functionARN, payload, chain); err != nil {
			return err
		}
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		if _, err := s.authorize(caller, "lambda:InvokeFunction", functionARN); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		return invalid("InvocationType %q is not one of Event, RequestResponse and DryRun", kind)
	}
	return nil
}

func writeError(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: err.Error(), cause: err}
	}
	fault := "User"
	if e.Status >= http.StatusInternalServerError {
		fault = "Server"
	}
	w.Header().Set("x-amzn-ErrorType", e.Code)
	w.WriteHeader(e.Status)
	body := map[string]string{"Type": fault, "Message": e.Message}
	if e.Reason != "" {
		body["Reason"] = e.Reason
	}
	_ = json.NewEncoder(w).Encode(body)
}
