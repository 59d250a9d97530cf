package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func askRevertDrift(_ context.Context, w *world) (string, bool, error) {
	answer, asked := w.seen["revert-drift"].(string)
	if !asked {
		return "", false, errNotAsked
	}
	return answer, answer == "yes", nil
}

// onFailureMembers are the members of an on-failure record as AWS documents
// them.
const onFailureMembers = "requestContext, requestPayload, responseContext, responsePayload, timestamp, version"

// askEventVersion finds S3's event in the dead letter of the redrive.
func askEventVersion(_ context.Context, w *world) (string, bool, error) {
	body, _ := w.seen["on-failure"].(string)
	if body == "" {
		return "", false, errNotAsked
	}
	var letter struct {
		RequestPayload struct {
			Records []struct{ Sns struct{ Message string } }
		} `json:"requestPayload"`
	}
	var event struct {
		Records []struct {
			EventVersion string `json:"eventVersion"`
		}
	}
	if err := json.Unmarshal([]byte(body), &letter); err != nil || len(letter.RequestPayload.Records) == 0 {
		return "a dead letter without an event: " + shorten(body), false, err
	}
	if err := json.Unmarshal([]byte(letter.RequestPayload.Records[0].Sns.Message), &event); err != nil || len(event.Records) == 0 {
		return "no event: " + shorten(body), false, err
	}
	v := event.Records[0].EventVersion
	return v, strings.HasPrefix(v, "2."), nil
}

func askOnFailureRecord(_ context.Context, w *world) (string, bool, error) {
	body, _ := w.seen["on-failure"].(string)
	if body == "" {
		return "", false, errNotAsked
	}
	var letter map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &letter) != nil {
		return shorten(body), false, nil //nolint:nilerr // the answer is what was seen
	}
	names := strings.Join(slices.Sorted(maps.Keys(letter)), ", ")
	// Without an attempt there is no response to tell of.
	return names, names == onFailureMembers || names == "requestContext, requestPayload, timestamp, version", nil
}

func askUndelivered(_ context.Context, w *world) (string, bool, error) {
	body, _ := w.seen["undelivered"].(string)
	if body == "" {
		return "", false, errNotAsked
	}
	attributes, _ := w.seen["undelivered-attributes"].(map[string]sqstypes.MessageAttributeValue)
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &members) != nil {
		return shorten(body), false, nil //nolint:nilerr // the answer is what was seen
	}
	names := slices.Sorted(maps.Keys(members))
	answer := "body with " + strings.Join(names, ", ")
	if len(attributes) > 0 {
		answer += "; attributes " + strings.Join(slices.Sorted(maps.Keys(attributes)), ", ")
	}
	return answer, slices.Contains(names, "Records") || slices.Contains(names, "Message"), nil
}

// askMixedRecords publishes a message with a replica's record and an upload's,
// and looks whether the upload's object is copied again to a Region that lost it.
func askMixedRecords(ctx context.Context, w *world) (string, bool, error) {
	const key = "mixed/one"
	from, region := w.regions[0], w.regions[1]
	role, err := w.clients[region].iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(w.member(region).RoleName())})
	if err != nil {
		return "", false, err
	}
	version, err := w.put(ctx, from, key, text("mixed"))
	if err != nil {
		return "", false, err
	}
	if err := w.arrives(ctx, key); err != nil {
		return "", false, err
	}
	if _, err := w.forget(ctx, region, key); err != nil {
		return "", false, err
	}
	record := func(principal string) map[string]any {
		return map[string]any{
			"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": from,
			"eventTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			"eventName": "ObjectCreated:Put", "userIdentity": map[string]any{"principalId": principal},
			"s3": map[string]any{
				"bucket": map[string]any{"name": w.bucket(from), "arn": w.member(from).BucketARN()},
				"object": map[string]any{
					"key":       url.QueryEscape(key),
					"size":      5,
					"eTag":      "x",
					"versionId": version,
					"sequencer": "0055AED6DCD90281E5",
				},
			},
		}
	}
	replica := "AWS:" + aws.ToString(role.Role.RoleId) + ":" + w.o.set.FunctionName()
	message, err := json.Marshal(map[string]any{"Records": []any{record(replica), record("AWS:AIDASUITE")}})
	if err != nil {
		return "", false, err
	}
	_, err = w.clients[from].sns.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(
			w.member(from).TopicARN(),
		), Message: aws.String(string(message)), Subject: aws.String("Amazon S3 Notification"),
	})
	if err != nil {
		return "", false, fmt.Errorf("%w: the topic does not take it from an operator: %w", errNotAsked, err)
	}
	err = poll(ctx, time.Second, 30*time.Second, func(ctx context.Context) (bool, string, error) {
		found, err := w.head(ctx, region, key)
		return found != nil, "it was dropped", err
	})
	if ctx.Err() != nil {
		return "", false, err
	}
	if err != nil {
		if _, putBack := w.s3fanout(ctx, "backfill", "--key", key); putBack != nil {
			return "", false, putBack
		}
		return "no, it is dropped with the upload in it", false, nil
	}
	return "yes, it is delivered", true, nil
}

// askInvocations compares the functions' invocations, as CloudWatch counts them
// some minutes later, with the uploads of the step copies: the other steps make
// more of them than they have uploads, by redriving, so that bounds are what can
// be asked.
func askInvocations(ctx context.Context, w *world) (string, bool, error) {
	others := len(w.regions) - 1
	// A function that fails is invoked twice more, and redriven; the suite does
	// that fewer times than this.
	const more = 20
	least, most := float64(w.uploads*others)*0.9, float64(w.uploads*others+more)
	total := 0.0
	err := poll(ctx, 10*time.Second, w.metricsLimit(), func(ctx context.Context) (bool, string, error) {
		total = 0
		for _, region := range w.regions {
			out, err := w.clients[region].cloudwatch.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(w.began.Add(-time.Minute)), EndTime: aws.Time(time.Now().Add(time.Minute)),
				MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("n"), MetricStat: &cwtypes.MetricStat{
					Period: aws.Int32(60), Stat: aws.String("Sum"), Metric: &cwtypes.Metric{
						Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Invocations"),
						Dimensions: []cwtypes.Dimension{{Name: aws.String("FunctionName"), Value: aws.String(w.o.set.FunctionName())}},
					},
				}}},
			})
			if err != nil {
				return false, "", fmt.Errorf("count the invocations in %s: %w", region, err)
			}
			for _, r := range out.MetricDataResults {
				for _, v := range r.Values {
					total += v
				}
			}
		}
		return total >= least, fmt.Sprintf("%.0f invocations are counted, at least %.0f are expected", total, least), nil
	})
	if ctx.Err() != nil {
		return "", false, err
	}
	answer := fmt.Sprintf("%.0f invocations for %d uploads and %d other Regions", total, w.uploads, others)
	return answer, err == nil && total <= most, nil
}

// metricsLimit is how long CloudWatch may take.
func (w *world) metricsLimit() time.Duration {
	if w.o.target == accountTarget {
		return 8 * time.Minute
	}
	return 20 * time.Second
}

// shorten is a text for a table.
func shorten(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
