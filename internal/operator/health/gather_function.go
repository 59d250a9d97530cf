package health

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"s3fanout/internal/operator/pause"
)

func (g gatherer) function(ctx context.Context) Look[Function] {
	name := g.facts.Set.FunctionName()
	what := "function " + name
	out, err := g.clients.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return failed[Function](g.region, what, err)
	}
	f := Function{
		State: string(out.State), StateReason: aws.ToString(out.StateReason), UpdateStatus: string(out.LastUpdateStatus),
		RoleARN:        aws.ToString(out.Role),
		TimeoutSeconds: int(aws.ToInt32(out.Timeout)), MemoryMB: int(aws.ToInt32(out.MemorySize)),
	}
	if len(out.Architectures) > 0 {
		f.Architecture = string(out.Architectures[0])
	}
	if out.Environment != nil {
		f.Environment = out.Environment.Variables
	}
	if out.TracingConfig != nil {
		f.Tracing = string(out.TracingConfig.Mode)
	}
	f.Logging = newLogging(out.LoggingConfig)
	if out.DeadLetterConfig != nil {
		f.DeadLettersTo = aws.ToString(out.DeadLetterConfig.TargetArn)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		reserved := g.reserved(ctx, name, what)
		if f.Reserved = reserved; isZero(reserved) {
			f.Paused = g.paused(ctx, what)
		}
	})
	wait.Go(func() { f.Failures = g.failures(ctx, name, what) })
	wait.Go(func() {
		if policy, err := g.clients.Lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &name}); err != nil {
			f.Policy = failed[string](g.region, what, err)
		} else {
			f.Policy = found(aws.ToString(policy.Policy))
		}
	})
	wait.Wait()
	return found(f)
}

func newLogging(l *types.LoggingConfig) Logging {
	if l == nil {
		return Logging{}
	}
	return Logging{
		Format: string(l.LogFormat), Level: string(l.ApplicationLogLevel), System: string(l.SystemLogLevel),
		Group: aws.ToString(l.LogGroup),
	}
}

func (g gatherer) reserved(ctx context.Context, name, what string) Look[int] {
	out, err := g.clients.Lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
	switch {
	case err != nil:
		return failed[int](g.region, what, err)
	case out.ReservedConcurrentExecutions == nil:
		return Look[int]{State: Absent}
	default:
		return found(int(*out.ReservedConcurrentExecutions))
	}
}

// stopped says that Lambda gives the function no event.
func (f Function) stopped() bool { return isZero(f.Reserved) }

func isZero(reserved Look[int]) bool { return reserved.State == Found && reserved.Value == 0 }

// paused asks whether the function was stopped by s3fanout pause.
func (g gatherer) paused(ctx context.Context, what string) Look[Paused] {
	memory, _, err := pause.Remembered(ctx, g.clients.Lambda, g.member().FunctionARN())
	switch {
	case err != nil:
		return failed[Paused](g.region, what, err)
	case memory == nil:
		return Look[Paused]{State: Absent}
	}
	return found(Paused{Since: memory.Since, For: time.Since(memory.Since)})
}

func (g gatherer) failures(ctx context.Context, name, what string) Look[Failures] {
	out, err := g.clients.Lambda.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &name})
	if err != nil {
		return failed[Failures](g.region, what, err)
	}
	f := Failures{Retries: wantRetries, MaxAgeSeconds: wantMaxAgeSeconds} // Lambda's defaults
	if out.MaximumRetryAttempts != nil {
		f.Retries = int(*out.MaximumRetryAttempts)
	}
	if out.MaximumEventAgeInSeconds != nil {
		f.MaxAgeSeconds = int(*out.MaximumEventAgeInSeconds)
	}
	if d := out.DestinationConfig; d != nil && d.OnFailure != nil {
		f.Destination = aws.ToString(d.OnFailure.Destination)
	}
	return found(f)
}

func (g gatherer) role(ctx context.Context, name string) Look[Role] {
	what := "role " + name
	out, err := g.clients.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return failed[Role](g.region, what, err)
	}
	r := Role{ID: aws.ToString(out.Role.RoleId), Trust: unescaped(out.Role.AssumeRolePolicyDocument)}
	if out.Role.PermissionsBoundary != nil {
		r.Boundary = aws.ToString(out.Role.PermissionsBoundary.PermissionsBoundaryArn)
	}
	r.Policies = g.inlinePolicies(ctx, name, what)
	r.Attached = g.attachedPolicies(ctx, name, what)
	return found(r)
}

func (g gatherer) inlinePolicies(ctx context.Context, name, what string) Look[[]string] {
	var documents []string
	pages := iam.NewListRolePoliciesPaginator(g.clients.IAM, &iam.ListRolePoliciesInput{RoleName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failed[[]string](g.region, what, err)
		}
		for _, policy := range page.PolicyNames {
			out, err := g.clients.IAM.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: aws.String(policy)})
			if err != nil {
				return failed[[]string](g.region, what, err)
			}
			documents = append(documents, unescaped(out.PolicyDocument))
		}
	}
	return found(documents)
}

func (g gatherer) attachedPolicies(ctx context.Context, name, what string) Look[[]string] {
	var names []string
	pages := iam.NewListAttachedRolePoliciesPaginator(g.clients.IAM, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failed[[]string](g.region, what, err)
		}
		for _, policy := range page.AttachedPolicies {
			names = append(names, aws.ToString(policy.PolicyName))
		}
	}
	return found(names)
}

// unescaped is a policy document as IAM's API tells it, URL-encoded
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html).
func unescaped(document *string) string {
	text, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return aws.ToString(document) // then it is not readable as a policy either
	}
	return text
}
