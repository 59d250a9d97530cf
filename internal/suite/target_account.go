package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/requestbody"
)

// accountRun is a real account, with the operator's credentials.
type accountRun struct{ cdk }

func (a *accountRun) describe() string { return "AWS" }

func (a *accountRun) start(ctx context.Context) error { return a.synth(ctx) }

func (a *accountRun) close() error { return nil }

func (a *accountRun) config(ctx context.Context, region string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithRegion(region),
		config.WithAPIOptions([]func(*middleware.Stack) error{requestbody.Keep}))
}

func (a *accountRun) differences() []difference { return nil }
