package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
)

// accountRun is a real account, with the operator's credentials.
type accountRun struct{ cdk }

func (a *accountRun) describe() string { return "AWS" }

func (a *accountRun) start(ctx context.Context) error { return a.synth(ctx) }

func (a *accountRun) close() error { return nil }

// destroy tries again: a deployment that was interrupted can be busy for a
// while.
func (a *accountRun) destroy(ctx context.Context) error {
	return poll(ctx, 30*time.Second, 15*time.Minute, func(ctx context.Context) (bool, string, error) {
		if err := a.cdk.destroy(ctx); err != nil {
			return false, err.Error(), nil //nolint:nilerr // not yet
		}
		return true, "", nil
	})
}

func (a *accountRun) config(ctx context.Context, region string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithRegion(region),
		config.WithAPIOptions([]func(*middleware.Stack) error{requestbody.Keep}))
}

func (a *accountRun) differences() []difference { return nil }
