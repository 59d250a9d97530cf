package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// tagsUnannounced is the id of a difference: there is no event of new tags.
const tagsUnannounced = "tags-unannounced"

// filterArrays is the id of a difference: filters of subscriptions do not work.
const filterArrays = "filter-arrays"

// differences are what this version of ministack does otherwise than AWS, as
// far as the suite meets it.
func (e *emulatorRun) differences() []difference {
	return []difference{
		{
			id: "metric-math", what: "CloudFormation refuses alarms on several metrics",
			fault: "ministack", override: "these alarms are taken out of the templates that the app has written",
		},
		{
			id: filterArrays, what: "a filter on the message's body does not look into arrays",
			fault: "ministack", override: "the subscriptions' filters are taken away after the deployment", apply: removeFilters,
			findings: []string{"subscription-echo-filter"},
		},
		{
			id: "latest-apart", what: "a function's event configuration and that of `$LATEST` are two",
			fault: "ministack", override: "the function gets the same configuration once more, without `$LATEST`",
			apply: configureUnqualified,
		},
		{
			id: "lifecycle-lost", what: "CloudFormation makes a bucket without its lifecycle rules",
			fault: "ministack", findings: []string{"bucket-unfinished-uploads"},
		},
		{
			id: snsInvokesOnce, what: "SNS runs a function once: no permission, no retry, failures are forgotten",
			fault: "ministack", override: "where an event has to fail, the suite invokes the function asynchronously with it",
			fails: []string{"undelivered"},
		},
		{
			id: "permissions-unasked", what: "a role may do everything",
			fault: "ministack",
		},
		{
			id: "drift-kept", what: "`cdk deploy --revert-drift` succeeds and changes nothing",
			fault: "ministack", override: "the suite puts the permission back by hand", answers: []string{"revert-drift"},
		},
		{
			id: conditionIgnored, what: "CopyObject ignores its conditions; the last write wins",
			fault: "ministack", fails: []string{"first-write-wins"}, answers: []string{"conditional-copy", "copy-if-match-absent"},
		},
		{
			id: tagsUnannounced, what: "S3 announces no change of tags",
			fault: "ministack", fails: []string{"retagged"},
		},
		{
			id: "record-short", what: "an on-failure record has no `version` and no `timestamp`",
			fault: "ministack", answers: []string{"on-failure-record"},
		},
		{
			id: "marker-version", what: "a copy of a delete marker's version is a 404",
			fault: "ministack", answers: []string{"copy-of-marker"},
		},
		{
			id: "whole-checksum", what: "a correct checksum of the whole object is refused",
			fault: "ministack", answers: []string{"full-object-complete"},
		},
		{
			id: "multipart-time", what: "`Last-Modified` of an object in parts is when it was completed",
			fault: "ministack", answers: []string{"multipart-time"},
		},
	}
}

// removeFilters lets every event through.
func removeFilters(ctx context.Context, w *world) error {
	for _, region := range w.regions {
		c := w.clients[region].sns
		list, err := c.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(w.member(region).TopicARN())})
		if err != nil {
			return fmt.Errorf("list the subscriptions in %s: %w", region, err)
		}
		for _, sub := range list.Subscriptions {
			_, err := c.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
				SubscriptionArn: sub.SubscriptionArn, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String("{}"),
			})
			if err != nil {
				return fmt.Errorf("take the filter of %s away: %w", aws.ToString(sub.SubscriptionArn), err)
			}
		}
	}
	return nil
}

// configureUnqualified configures the functions' events without a version.
func configureUnqualified(ctx context.Context, w *world) error {
	for _, region := range w.regions {
		c, name := w.clients[region].lambda, aws.String(w.o.set.FunctionName())
		latest, err := c.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name,
			Qualifier: aws.String("$LATEST")})
		if err != nil {
			return fmt.Errorf("read the event configuration in %s: %w", region, err)
		}
		_, err = c.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
			FunctionName: name, MaximumRetryAttempts: latest.MaximumRetryAttempts,
			MaximumEventAgeInSeconds: latest.MaximumEventAgeInSeconds,
			DestinationConfig:        &lambdatypes.DestinationConfig{OnFailure: latest.DestinationConfig.OnFailure},
		})
		if err != nil {
			return fmt.Errorf("configure the events in %s: %w", region, err)
		}
	}
	return nil
}
