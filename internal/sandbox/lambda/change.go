package lambda

import (
	"fmt"
	"slices"
)

// UpdateFunction gives a function another configuration and, as another
// configuration or other code do on AWS, new execution environments: those that
// are idle end, those that are busy finish what they do and end then. The
// program is read anew by each. Events that wait for a retry meet the new
// configuration. Errors are CreateFunction's; then nothing is changed. The name
// stays as it is.
func (s *Service) UpdateFunction(functionARN string, c FunctionConfig) error {
	fail := func(err error) error { return fmt.Errorf("update function %s: %w", functionARN, err) }
	f, err := s.function(functionARN)
	if err != nil {
		return fail(err)
	}
	if c.Name != f.name {
		return fail(invalid("a function's name stays: %s, not %s", f.name, c.Name))
	}
	set, err := s.configure(f.region, c)
	if err != nil {
		return fail(err)
	}
	if err := s.checkReserved(f.region, f.arn, c.ReservedConcurrency); err != nil {
		return fail(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retag(f.settings.Tags, c.Tags)
	f.settings = set
	f.endIdle()
	f.wake()
	return nil
}

// DeleteFunction removes a function, if there is one of that ARN, with its
// policy and its configuration for asynchronous events. Invocations that run
// come to their end. Events that wait for an attempt are lost, and counted so;
// AWS does not say what becomes of them.
func (s *Service) DeleteFunction(functionARN string) {
	s.mu.Lock()
	f := s.functions[functionARN]
	delete(s.functions, functionARN)
	s.mu.Unlock()
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settings = &settings{FunctionConfig: f.settings.FunctionConfig, role: f.settings.role, modified: f.settings.modified, epoch: new(int)}
	close(f.deleted)
	f.endIdle()
}

// endIdle ends the processes that do nothing. f.mu is held.
func (f *function) endIdle() {
	for _, e := range f.idle {
		e.idle.Stop()
		e.kill()
	}
	f.idle = nil
}

// RemovePermission removes a statement of a function's resource policy, if the
// function and the statement are there.
func (s *Service) RemovePermission(functionARN, statementID string) error {
	f, err := s.function(functionARN)
	if err != nil {
		return nil // with the function went its policy
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(f.statements), func(st statement) bool { return st.Sid == statementID })
	if err := f.setStatements(left); err != nil {
		return fmt.Errorf("remove permission %s from %s: %w", statementID, functionARN, err)
	}
	return nil
}

// HasPermission tells whether a function's resource policy has a statement. The
// error is that there is no such function.
func (s *Service) HasPermission(functionARN, statementID string) (bool, error) {
	f, err := s.function(functionARN)
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.statements, func(st statement) bool { return st.Sid == statementID }), nil
}

// ReservedConcurrency returns a function's; nil if it has none. The error is
// that there is no such function.
func (s *Service) ReservedConcurrency(functionARN string) (*int, error) {
	f, err := s.function(functionARN)
	if err != nil {
		return nil, err
	}
	return f.current().ReservedConcurrency, nil
}

// setConcurrency changes the reserved concurrency; nil for none. Execution
// environments stay, as on AWS.
func (f *function) setConcurrency(limit *int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set := *f.settings
	set.ReservedConcurrency = limit
	f.settings = &set
	f.wake()
}

// DeleteEventInvokeConfig returns a function, if it is there, to Lambda's
// defaults for asynchronous events.
func (s *Service) DeleteEventInvokeConfig(functionARN string) {
	f, err := s.function(functionARN)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.invoke, f.configured = EventInvokeConfig{}.withDefaults(), false
}
