package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/aws/contents"
	"s3fanout/internal/replicaset"
)

// snsInvokesOnce is the id of a difference: SNS runs the function once and
// forgets what fails, instead of invoking it asynchronously.
const snsInvokesOnce = "sns-invokes-once"

// conditionIgnored is the id of a difference: a copy is made whatever its
// condition says.
const conditionIgnored = "condition-ignored"

func (w *world) has(difference string) bool {
	for _, d := range w.target.differences() {
		if d.id == difference {
			return true
		}
	}
	return false
}

// stopped stops a Region's function by a reserved concurrency of 0 while f
// runs.
func (w *world) stopped(ctx context.Context, region string, f func() error) (err error) {
	name := aws.String(w.o.set.FunctionName())
	c := w.clients[region].lambda
	if _, err := c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name,
		ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		return fmt.Errorf("stop the function in %s: %w", region, err)
	}
	defer func() {
		after := context.WithoutCancel(ctx)
		if n := w.o.set.ReservedConcurrency; n > 0 {
			_, e := c.PutFunctionConcurrency(after, &lambda.PutFunctionConcurrencyInput{FunctionName: name,
				ReservedConcurrentExecutions: aws.Int32(int32(n))}) //nolint:gosec // validated
			err = errors.Join(err, e)
			return
		}
		_, e := c.DeleteFunctionConcurrency(after, &lambda.DeleteFunctionConcurrencyInput{FunctionName: name})
		err = errors.Join(err, e)
	}()
	return f()
}

// failedEvent uploads an object while a Region's function is stopped and returns
// the dead letter that comes of it.
func (w *world) failedEvent(ctx context.Context, from, region, key string) (m sqstypes.Message, err error) {
	err = w.stopped(ctx, region, func() error {
		version, err := w.put(ctx, from, key, text("failed "+key))
		if err != nil {
			return err
		}
		if w.has(snsInvokesOnce) {
			if err := w.invokeAsSNS(ctx, from, region, key, version); err != nil {
				return err
			}
		}
		m, err = w.letter(ctx, region)
		return err
	})
	return m, err
}

// invokeAsSNS invokes a Region's function asynchronously with the event of an
// upload, as SNS does on AWS.
func (w *world) invokeAsSNS(ctx context.Context, from, region, key, version string) error {
	head, err := w.head(ctx, from, key)
	if err != nil {
		return err
	}
	record := map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": from, "eventTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"eventName": "ObjectCreated:Put", "userIdentity": map[string]any{"principalId": "AWS:suite"},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "bucket": map[string]any{"name": w.bucket(from), "arn": w.member(from).BucketARN()},
			"object": map[string]any{
				"key": url.QueryEscape(key), "size": aws.ToInt64(head.ContentLength), "eTag": contents.TrimETag(aws.ToString(head.ETag)),
				"versionId": version, "sequencer": "0055AED6DCD90281E5",
			},
		},
	}
	message, err := json.Marshal(map[string]any{"Records": []any{record}})
	if err != nil {
		return err
	}
	topic := w.member(from).TopicARN()
	payload, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": topic + ":suite",
		"Sns": map[string]any{
			"Type": "Notification", "MessageId": "suite", "TopicArn": topic,
			"Subject": "Amazon S3 Notification", "Message": string(message),
			"Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "MessageAttributes": map[string]any{},
		},
	}}})
	if err != nil {
		return err
	}
	_, err = w.clients[region].lambda.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(w.o.set.FunctionName()), InvocationType: lambdatypes.InvocationTypeEvent, Payload: payload,
	})
	return err
}

func redrive(ctx context.Context, w *world) (string, error) {
	const key = "redriven/one"
	from, region := w.regions[0], w.regions[1]
	m, err := w.failedEvent(ctx, from, region, key)
	if err != nil {
		return "", err
	}
	w.seen["on-failure"] = aws.ToString(m.Body)
	if err := w.redrive(ctx, region); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, key); err != nil {
		return "", err
	}
	got, err := w.read(ctx, region, key)
	if err == nil && string(got) != "failed "+key {
		err = fmt.Errorf("%s has %q", region, got)
	}
	return "in " + region, err
}

// redriveGone destroys the version that a failed event names.
func redriveGone(ctx context.Context, w *world) (string, error) {
	const key = "gone/one"
	from, region := w.regions[0], w.regions[1]
	if _, err := w.failedEvent(ctx, from, region, key); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, key, w.others(from, region)...); err != nil {
		return "", err
	}
	if err := w.forgetEverywhere(ctx, key); err != nil {
		return "", err
	}
	if err := w.redrive(ctx, region); err != nil {
		return "", err
	}
	found, err := w.head(ctx, region, key)
	if err == nil && found != nil {
		err = fmt.Errorf("%s has %s", region, key)
	}
	return "", err
}

// others are the Regions but those named.
func (w *world) others(not ...string) []string {
	var list []string
	for _, region := range w.regions {
		named := false
		for _, n := range not {
			named = named || n == region
		}
		if !named {
			list = append(list, region)
		}
	}
	return list
}

// undelivered takes one topic's permission to invoke a function away.
func undelivered(ctx context.Context, w *world) (note string, err error) {
	from, region := w.regions[0], w.regions[1]
	name := aws.String(w.o.set.FunctionName())
	c := w.clients[region].lambda
	statement, err := w.statementFor(ctx, region, w.member(from).TopicARN())
	if err != nil {
		return "", err
	}
	if _, err := c.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name,
		StatementId: aws.String(statement.Sid)}); err != nil {
		return "", err
	}
	m, key, err := w.undeliverable(ctx, from, region)
	if repairing := w.repairPermission(context.WithoutCancel(ctx), region, statement); err == nil {
		err = repairing
	}
	if err != nil {
		return "", err
	}
	w.seen["undelivered"] = aws.ToString(m.Body)
	w.seen["undelivered-attributes"] = m.MessageAttributes
	if err := w.redrive(ctx, from); err != nil {
		return "", err
	}
	return "in " + from, w.arrives(ctx, key)
}

// undeliverable uploads until SNS gives a delivery up: it can take a moment
// until a removed permission counts. A subscription's dead letters are in the topic's
// Region.
func (w *world) undeliverable(ctx context.Context, from, region string) (m sqstypes.Message, key string, err error) {
	const tries = 5
	for i := range tries {
		key = fmt.Sprintf("undelivered/%d", i)
		if _, err := w.put(ctx, from, key, text("undelivered")); err != nil {
			return m, key, err
		}
		arrived := false
		err := poll(ctx, time.Second, arrival, func(ctx context.Context) (bool, string, error) {
			n, err := w.letters(ctx, from)
			if err != nil || n > 0 {
				return n > 0, "", err
			}
			found, err := w.head(ctx, region, key)
			arrived = found != nil
			return arrived, "neither a dead letter in " + from + " nor a replica in " + region, err
		})
		if err != nil {
			return m, key, err
		}
		if !arrived {
			m, err = w.letter(ctx, from)
			return m, key, err
		}
	}
	return m, key, fmt.Errorf("SNS delivered %d uploads to the function in %s without a permission", tries, region)
}

// repairPermission has the deployment put a permission back, and does it by hand
// if that has not helped.
func (w *world) repairPermission(ctx context.Context, region string, s statement) error {
	failed := w.target.repair(ctx, region)
	_, err := w.statementFor(ctx, region, s.topic)
	w.seen["revert-drift"] = "yes"
	switch {
	case err == nil && failed == nil:
		return nil
	case err == nil:
		w.seen["revert-drift"] = "it is back, but: " + failed.Error()
		return nil
	case failed != nil:
		w.seen["revert-drift"] = "no: " + failed.Error()
	default:
		w.seen["revert-drift"] = "no, it had to be put back by hand"
	}
	_, err = w.clients[region].lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: aws.String(w.o.set.FunctionName()), StatementId: aws.String(s.Sid), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String(replicaset.SNSPrincipal(w.regions[0], region)), SourceArn: aws.String(s.topic),
	})
	return err
}

// statement is a statement of a function's policy that lets a topic invoke it.
type statement struct {
	Sid       string
	Condition map[string]map[string]any
	topic     string
}

// statementFor finds the statement that lets a topic invoke a Region's
// function.
func (w *world) statementFor(ctx context.Context, region, topic string) (statement, error) {
	policy, err := w.clients[region].lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String(w.o.set.FunctionName())})
	if err != nil {
		return statement{}, err
	}
	var d struct{ Statement []statement }
	if err := json.Unmarshal([]byte(aws.ToString(policy.Policy)), &d); err != nil {
		return statement{}, fmt.Errorf("read the function's policy: %w", err)
	}
	for _, s := range d.Statement {
		for _, values := range s.Condition {
			for _, value := range values {
				if value == topic {
					s.topic = topic
					return s, nil
				}
			}
		}
	}
	return statement{}, fmt.Errorf("no statement lets %s invoke the function in %s", topic, region)
}
