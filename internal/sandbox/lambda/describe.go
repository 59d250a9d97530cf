package lambda

import (
	"encoding/json"
	"net/http"
	"time"

	"s3fanout/internal/sandbox/iam"
)

// configuration is a function's configuration as the API shows it.
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Description      string
	Role             string
	Runtime          string
	Handler          string
	Timeout          int
	MemorySize       int
	LastModified     string
	Version          string
	PackageType      string
	State            string
	LastUpdateStatus string
	Architectures    []string
	Environment      *variables        `json:",omitempty"`
	DeadLetterConfig *deadLetterConfig `json:",omitempty"`
	LoggingConfig    loggingConfig
	TracingConfig    tracingConfig
}

type variables struct{ Variables map[string]string }

type deadLetterConfig struct{ TargetArn string }

type tracingConfig struct{ Mode string }

type loggingConfig struct {
	LogFormat, LogGroup string
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
}

func (f *function) describe() configuration {
	set := f.current()
	c := configuration{
		FunctionName: f.name, FunctionArn: f.arn, Description: set.Description, Role: set.RoleARN,
		Runtime: set.Runtime, Handler: set.Handler,
		Timeout: int(set.Timeout / time.Second), MemorySize: set.MemoryMB, Version: latest,
		LastModified: set.modified.UTC().Format("2006-01-02T15:04:05.000+0000"),
		PackageType:  "Zip", State: "Active", LastUpdateStatus: "Successful",
		Architectures: set.Architectures,
		LoggingConfig: loggingConfig{set.LogFormat, set.LogGroup, set.ApplicationLogLevel, set.SystemLogLevel},
		TracingConfig: tracingConfig{Mode: set.TracingMode},
	}
	if len(set.Environment) > 0 {
		c.Environment = &variables{set.Environment}
	}
	if set.DeadLetterTargetARN != "" {
		c.DeadLetterConfig = &deadLetterConfig{set.DeadLetterTargetARN}
	}
	return c
}

func (s *Service) serveGetFunction(w http.ResponseWriter, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:GetFunction", functionARN)
	if err != nil {
		return err
	}
	answer := struct {
		Configuration configuration
		Concurrency   *concurrency `json:",omitempty"`
	}{Configuration: f.describe()}
	if limit := f.current().ReservedConcurrency; limit != nil {
		answer.Concurrency = &concurrency{limit}
	}
	return json.NewEncoder(w).Encode(answer)
}

// concurrency is a function's reserved concurrency; nil if it has none.
type concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

func (s *Service) serveGetConcurrency(w http.ResponseWriter, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:GetFunctionConcurrency", functionARN)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(concurrency{f.current().ReservedConcurrency})
}

func (s *Service) serveGetRecursionConfig(w http.ResponseWriter, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:GetFunctionRecursionConfig", functionARN)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(struct{ RecursiveLoop string }{f.current().RecursiveLoop})
}

func (s *Service) serveGetConfiguration(w http.ResponseWriter, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:GetFunctionConfiguration", functionARN)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(f.describe())
}

func (s *Service) serveGetPolicy(w http.ResponseWriter, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:GetPolicy", functionARN)
	if err != nil {
		return err
	}
	f.mu.Lock()
	statements := f.statements
	f.mu.Unlock()
	if len(statements) == 0 {
		return &Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "The resource you requested does not exist."}
	}
	raw, err := policyJSON(statements)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(map[string]string{"Policy": string(raw)})
}

func (s *Service) serveGetEventInvokeConfig(w http.ResponseWriter, caller iam.Caller, functionARN string) error {
	f, err := s.authorize(caller, "lambda:GetFunctionEventInvokeConfig", functionARN)
	if err != nil {
		return err
	}
	f.mu.Lock()
	c, configured := f.invoke, f.configured
	f.mu.Unlock()
	if !configured {
		return errNotFound("The function's event invoke configuration", f.arn)
	}
	type destination struct{ Destination string }
	type destinations struct {
		OnFailure *destination `json:",omitempty"`
	}
	answer := struct {
		FunctionArn              string
		MaximumRetryAttempts     int
		MaximumEventAgeInSeconds int
		DestinationConfig        destinations
	}{
		FunctionArn: f.arn + ":" + latest, MaximumRetryAttempts: *c.MaximumRetryAttempts,
		MaximumEventAgeInSeconds: int(c.MaximumEventAge / time.Second),
	}
	if c.OnFailure != "" {
		answer.DestinationConfig.OnFailure = &destination{c.OnFailure}
	}
	return json.NewEncoder(w).Encode(answer)
}
