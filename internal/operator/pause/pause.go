// Package pause stops a function on purpose, and lets it go on.
//
// A paused function has the reserved concurrency 0. Lambda gives it no event then:
// new ones go straight to the on-failure destination, without a try
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html),
// and what is running comes to its end. So nothing is lost for as long as the queue
// there keeps it, and a redrive brings it afterwards. Deleting the function's
// subscriptions instead would lose what is announced meanwhile; a filter of theirs
// takes up to 15 minutes to change, and drops.
//
// What the reserved concurrency was before is kept in a tag of the function, which
// is written before anything is changed and removed last. So a command that was
// interrupted at any point can be run again, and running it twice is harmless.
package pause

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
)

// Lambda is the part of *lambda.Client that is used.
type Lambda interface {
	GetFunctionConcurrency(
		context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options),
	) (*lambda.GetFunctionConcurrencyOutput, error)
	PutFunctionConcurrency(
		context.Context, *lambda.PutFunctionConcurrencyInput, ...func(*lambda.Options),
	) (*lambda.PutFunctionConcurrencyOutput, error)
	DeleteFunctionConcurrency(
		context.Context, *lambda.DeleteFunctionConcurrencyInput, ...func(*lambda.Options),
	) (*lambda.DeleteFunctionConcurrencyOutput, error)
	ListTags(context.Context, *lambda.ListTagsInput, ...func(*lambda.Options)) (*lambda.ListTagsOutput, error)
	TagResource(context.Context, *lambda.TagResourceInput, ...func(*lambda.Options)) (*lambda.TagResourceOutput, error)
	UntagResource(context.Context, *lambda.UntagResourceInput, ...func(*lambda.Options)) (*lambda.UntagResourceOutput, error)
}

// Function is one that can be paused.
type Function struct {
	Region, Name, ARN string
	// Configured is the reserved concurrency that the deployment gives it, nil for
	// none. It is what a function goes on with that was stopped in another way.
	Configured *int
	Lambda     Lambda
}

// State is how a function stands.
type State struct {
	Reserved *int    // reserved concurrency, nil for none
	Memory   *Memory // of the pause; nil if it has no tag, or not one of ours
	Tagged   bool    // it has the tag
}

// Stopped says that Lambda gives the function no event.
func (s State) Stopped() bool { return s.Reserved != nil && *s.Reserved == 0 }

// Change is what is done to a function, in the order of the fields. Its zero value
// changes nothing.
type Change struct {
	Remember *Memory // tag it
	Reserve  bool    // set the reserved concurrency to Reserved
	Reserved *int    // nil takes it away
	Forget   bool    // remove the tag
}

// Nothing says that the function is as it should be.
func (c Change) Nothing() bool { return c == Change{} }

// ToPause is what pauses a function that stands so. One that was stopped otherwise
// is taken over as paused from now on.
func ToPause(s State, configured *int, now time.Time) Change {
	memory := Memory{Since: now.UTC().Truncate(time.Second), Reserved: s.Reserved}
	switch {
	case s.Stopped() && s.Memory != nil:
		return Change{}
	case s.Stopped():
		memory.Reserved = configured
		return Change{Remember: &memory}
	}
	zero := 0
	return Change{Remember: &memory, Reserve: true, Reserved: &zero}
}

// ToResume is what lets a function go on that stands so.
func ToResume(s State, configured *int) Change {
	switch {
	case !s.Stopped():
		return Change{Forget: s.Tagged}
	case s.Memory != nil:
		configured = s.Memory.Reserved
	}
	return Change{Reserve: true, Reserved: configured, Forget: s.Tagged}
}

// Look asks how the function stands.
func (f Function) Look(ctx context.Context) (State, error) {
	out, err := f.Lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &f.Name})
	if err != nil {
		return State{}, f.explain(err)
	}
	var s State
	if out.ReservedConcurrentExecutions != nil {
		s.Reserved = aws.Int(int(*out.ReservedConcurrentExecutions))
	}
	s.Memory, s.Tagged, err = Remembered(ctx, f.Lambda, f.ARN)
	if err != nil {
		return State{}, f.explain(err)
	}
	return s, nil
}

// TagLister is what is asked for a function's tags.
type TagLister interface {
	ListTags(context.Context, *lambda.ListTagsInput, ...func(*lambda.Options)) (*lambda.ListTagsOutput, error)
}

// Remembered reads the tag of a function, nil if it has none or not one of ours.
func Remembered(ctx context.Context, client TagLister, functionARN string) (memory *Memory, tagged bool, err error) {
	out, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: &functionARN})
	if err != nil {
		return nil, false, err
	}
	value, tagged := out.Tags[TagKey]
	if m, err := ParseMemory(value); err == nil {
		return &m, true, nil
	}
	return nil, tagged, nil
}

// Apply does what a Change says. It can be applied again after an error.
func (f Function) Apply(ctx context.Context, c Change) error {
	if c.Remember != nil {
		_, err := f.Lambda.TagResource(ctx, &lambda.TagResourceInput{
			Resource: &f.ARN, Tags: map[string]string{TagKey: c.Remember.String()},
		})
		if err != nil {
			return f.explain(err)
		}
	}
	if c.Reserve {
		if err := f.reserve(ctx, c.Reserved); err != nil {
			// What it had may have been given to others meanwhile.
			if errorcode.Of(err) == "InvalidParameterValueException" && c.Reserved != nil && *c.Reserved > 0 {
				return fmt.Errorf("%w; it stays paused: leave it a reserved concurrency of %d in the account, "+
					"or have AWS raise the account's, then resume it again", f.explain(err), *c.Reserved)
			}
			return f.explain(err)
		}
	}
	if c.Forget {
		if _, err := f.Lambda.UntagResource(ctx, &lambda.UntagResourceInput{Resource: &f.ARN, TagKeys: []string{TagKey}}); err != nil {
			return f.explain(err)
		}
	}
	return nil
}

func (f Function) reserve(ctx context.Context, reserved *int) error {
	if reserved == nil {
		_, err := f.Lambda.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &f.Name})
		return err
	}
	_, err := f.Lambda.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName:                 &f.Name,
		ReservedConcurrentExecutions: aws.Int32(int32(*reserved)), //nolint:gosec // Lambda's own number, or a validated one
	})
	return err
}

func (f Function) explain(err error) error {
	return awsapi.Explain(f.Region, "function "+f.Name, err)
}
