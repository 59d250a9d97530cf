package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/sandbox"
)

// sandboxRun is the sandbox, in this process.
type sandboxRun struct {
	cdk
	sb *sandbox.Sandbox
}

func (s *sandboxRun) describe() string { return "the sandbox of this checkout" }

// start synthesizes the templates.
func (s *sandboxRun) start(ctx context.Context) error { return s.synth(ctx) }

func (s *sandboxRun) deploy(ctx context.Context) (err error) {
	s.sb, err = sandbox.Start(ctx, sandbox.Config{
		Assembly: os.DirFS(s.assembly()), Function: s.o.function, RetryWait: 100 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	return err
}

func (s *sandboxRun) repair(ctx context.Context, _ string) error {
	_, err := s.sb.Update(ctx, os.DirFS(s.assembly()))
	return err
}

func (s *sandboxRun) destroy(ctx context.Context) error {
	_, err := s.sb.Destroy(ctx)
	return err
}

func (s *sandboxRun) close() error {
	if s.sb == nil {
		return nil
	}
	return s.sb.Close()
}

func (s *sandboxRun) config(_ context.Context, region string) (aws.Config, error) {
	if s.sb == nil {
		return aws.Config{}, errors.New("the sandbox does not run")
	}
	st := s.sb.State()
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(st.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(st.AccessKeyID, st.SecretAccessKey, ""),
		APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
	}, nil
}

func (s *sandboxRun) env() []string {
	st := s.sb.State()
	return append(os.Environ(), "AWS_ENDPOINT_URL="+st.Endpoint, "AWS_ACCESS_KEY_ID="+st.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+st.SecretAccessKey, "AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_REGION=")
}

// deliveries counts the events that functions were given.
func (s *sandboxRun) deliveries() (n int, err error) { //nolint:unparam // the emulator has a log to read
	for _, r := range s.sb.Stats().Regions {
		n += int(r.SNS.Delivered)
	}
	return n, nil
}

func (s *sandboxRun) differences() []difference { return nil }
