package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/sandbox/snapshot"
)

// openRedrive is the contest of replaying dead letters with invoking the
// function only.
func openRedrive(_ context.Context, e env) (contest, error) {
	const bare = "bare Invoke"
	if e.letters == 0 {
		e.letters = 10_000
		if e.distant() {
			e.letters = 2_000
		}
	}
	templates, err := os.MkdirTemp(e.dir, "redrive")
	if err != nil {
		return contest{}, err
	}
	if err := withoutMesh(templates); err != nil {
		return contest{}, err
	}
	rate := func(replay func(context.Context, *world, [][]byte) error) func(context.Context, int) (sample, error) {
		return func(ctx context.Context, round int) (sample, error) {
			return replayAll(ctx, e, templates, round, replay)
		}
	}
	about := fmt.Sprintf("%d dead letters, beside invoking the same function with the same events from memory; %d functions at once",
		e.letters, redrive.DefaultParallel)
	if e.distant() {
		about += ", from their Region over a network like AWS's"
	}
	return contest{
		name: "redrive", title: "Replaying dead letters", rounds: 2,
		about:   about + ".",
		metrics: []metric{{"rate", "replaying", "dead letters/s", oursToTheirs}},
		targets: []target{{metric: "rate", against: []string{bare}, atLeast: 0.95}},
		contestants: []contestant{
			{name: "s3fanout redrive", run: rate(func(ctx context.Context, w *world, _ [][]byte) error {
				return w.redrive(ctx, e.letters)
			})},
			{name: bare, run: rate(func(ctx context.Context, w *world, payloads [][]byte) error { return w.invokeEach(ctx, payloads) })},
		},
	}, nil
}

// replayAll measures one run.
func replayAll(
	ctx context.Context, e env, templates string, round int, replay func(context.Context, *world, [][]byte) error,
) (_ sample, err error) {
	w, err := startWorld(ctx, e, templates, round)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	objects, err := w.fill(ctx, e.letters)
	if err != nil {
		return nil, err
	}
	source := origin{w.bucket(sourceRegion), w.state.Regions[sourceRegion].TopicARN}
	payloads := make([][]byte, len(objects))
	for i, o := range objects {
		if payloads[i], err = payload(source, o, objectBytes); err != nil {
			return nil, err
		}
	}
	if err := w.sendLetters(ctx, payloads); err != nil {
		return nil, err
	}
	if err := w.settled(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := replay(ctx, w, payloads); err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	return sample{"rate": float64(e.letters) / took}, w.allCopied(ctx, place{targetRegion, ""}, e.letters)
}

// redrive replays all dead letters of the target's Region.
func (w *world) redrive(ctx context.Context, letters int) error {
	set, err := snapshot.Config()
	if err != nil {
		return err
	}
	report, err := redrive.Run(ctx, redrive.Options{
		Config: set, Clients: redrive.NewClients(w.config(sourceRegion), set.Regions, 0), Regions: []string{targetRegion},
	}, redrive.Observer{})
	if err != nil {
		return err
	}
	if n := report.Regions[0].Replayed; n != letters || report.Left() > 0 {
		return fmt.Errorf("%d letters were replayed and %d left, of %d: %w", n, report.Left(), letters, report.Err())
	}
	return nil
}

// invokeEach invokes the target Region's function once for each payload.
func (w *world) invokeEach(ctx context.Context, payloads [][]byte) error {
	client := lambda.NewFromConfig(w.config(targetRegion), func(o *lambda.Options) {
		o.HTTPClient = awsapi.HTTPClient(w.config(targetRegion), time.Minute, redrive.DefaultParallel)
	})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(redrive.DefaultParallel)
	for _, payload := range payloads {
		g.Go(func() error {
			out, err := client.Invoke(ctx, &lambda.InvokeInput{
				FunctionName: aws.String(w.state.Regions[targetRegion].FunctionName), Payload: payload,
			})
			if err == nil && out.FunctionError != nil {
				err = fmt.Errorf("the function failed: %s", out.Payload)
			}
			return err
		})
	}
	return g.Wait()
}

// sendLetters puts a dead letter for each payload into the target Region's queue, as
// the function's role: the queue takes them from nobody else.
func (w *world) sendLetters(ctx context.Context, payloads [][]byte) error {
	set, err := snapshot.Config()
	if err != nil {
		return err
	}
	region, config := w.state.Regions[targetRegion], w.config(targetRegion)
	config.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(config),
		set.Member(w.state.AccountID, targetRegion).RoleARN(),
		func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = set.OperatorSession() }))
	client := sqs.NewFromConfig(config)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.atOnce())
	for i, payload := range payloads {
		g.Go(func() error {
			letter, err := json.Marshal(map[string]any{
				"version": "1.0", "timestamp": time.Now().UTC(),
				"requestContext": map[string]any{
					"requestId": "request-" + strconv.Itoa(i), "functionArn": region.FunctionARN + ":$LATEST",
					"condition": "RetriesExhausted", "approximateInvokeCount": 3,
				},
				"requestPayload":  json.RawMessage(payload),
				"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
				"responsePayload": map[string]any{"errorMessage": "retryable: SlowDown", "errorType": "ReplicationError"},
			})
			if err == nil {
				_, err = client.SendMessage(ctx, &sqs.SendMessageInput{
					QueueUrl: aws.String(region.DeadLetterQueueURL), MessageBody: aws.String(string(letter)),
				})
			}
			return err
		})
	}
	return g.Wait()
}
