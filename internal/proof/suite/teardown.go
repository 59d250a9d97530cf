package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// mayDelete says whether a bucket is this run's: its name is the one that the
// random name makes for the account and Region, and nothing else.
func mayDelete(o options, account, region, bucket string) bool {
	return smokeName.MatchString(o.name) && o.set.Name == o.name &&
		strings.HasPrefix(bucket, o.name+"-") && bucket == o.set.Member(account, region).Bucket
}

// emptyAndDelete removes what a stack retains: the objects of this run's
// buckets, their unfinished uploads and the buckets. It returns a line for the
// report.
func (w *world) emptyAndDelete(ctx context.Context) (string, error) {
	versions, uploads := 0, 0
	for _, region := range w.regions {
		bucket := w.bucket(region)
		if !mayDelete(w.o, w.account, region, bucket) {
			return "", fmt.Errorf("the bucket %s is not this run's; it stays", bucket)
		}
		c := w.clients[region].s3
		if _, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket}); status(err) == http.StatusNotFound {
			continue
		} else if err != nil {
			return "", fmt.Errorf("look at the bucket %s: %w", bucket, err)
		}
		n, err := w.forget(ctx, region, "")
		versions += n
		if err != nil {
			return "", err
		}
		n, err = abortUploads(ctx, c, bucket)
		uploads += n
		if err != nil {
			return "", err
		}
		if _, err := c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
			return "", fmt.Errorf("delete the bucket %s: %w", bucket, err)
		}
	}
	return fmt.Sprintf("%d versions, %d unfinished uploads and %d buckets", versions, uploads, len(w.regions)), nil
}

func abortUploads(ctx context.Context, c *s3.Client, bucket string) (n int, err error) {
	pages := s3.NewListMultipartUploadsPaginator(c, &s3.ListMultipartUploadsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("list the uploads in %s: %w", bucket, err)
		}
		for _, u := range page.Uploads {
			if _, err := c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
				Bucket: &bucket, Key: u.Key, UploadId: u.UploadId,
			}); err != nil {
				return n, fmt.Errorf("abort an upload in %s: %w", bucket, err)
			}
			n++
		}
	}
	return n, nil
}

// nothingLeft asks for everything that a deployment makes under the run's name.
func (w *world) nothingLeft(ctx context.Context) (string, error) {
	asked := 0
	var left []string
	for _, region := range w.regions {
		c := w.clients[region]
		names := map[string]func(context.Context) error{
			"bucket " + w.bucket(region): func(ctx context.Context) error {
				_, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(w.bucket(region))})
				return err
			},
			"function " + w.o.set.FunctionName(): func(ctx context.Context) error {
				_, err := c.lambda.GetFunctionConfiguration(ctx,
					&lambda.GetFunctionConfigurationInput{FunctionName: aws.String(w.o.set.FunctionName())})
				return err
			},
			"topic " + w.member(region).TopicARN(): func(ctx context.Context) error {
				_, err := c.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(w.member(region).TopicARN())})
				return err
			},
			"queue " + w.o.set.QueueName(): func(ctx context.Context) error {
				_, err := c.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(w.o.set.QueueName())})
				return err
			},
			"role " + w.member(region).RoleName(): func(ctx context.Context) error {
				_, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(w.member(region).RoleName())})
				return err
			},
			"alarms " + w.o.name + "-*": func(ctx context.Context) error {
				out, err := c.cloudwatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String(w.o.name + "-")})
				if err == nil && len(out.MetricAlarms)+len(out.CompositeAlarms) == 0 {
					err = errNone
				}
				return err
			},
		}
		for what, ask := range names {
			asked++
			// A queue can be found for a minute after it was deleted.
			err := poll(ctx, 2*time.Second, 90*time.Second, func(ctx context.Context) (bool, string, error) {
				err := ask(ctx)
				if gone(err) {
					return true, "", nil
				}
				return false, "it is there", err
			})
			if ctx.Err() != nil {
				return "", err
			}
			if err != nil {
				left = append(left, what+" in "+region+" ("+err.Error()+")")
			}
		}
	}
	if len(left) > 0 {
		return "", fmt.Errorf("left over: %s", strings.Join(left, "; "))
	}
	return fmt.Sprintf("%d names asked for, none there", asked), nil
}

// errNone says that a list is empty.
var errNone = errors.New("there are none")

// gone tells AWS's ways to say that something does not exist.
func gone(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, errNone) || status(err) == http.StatusNotFound {
		return true
	}
	switch code(err) {
	case "NotFound", "NoSuchEntity", "NoSuchBucket", "ResourceNotFoundException", "QueueDoesNotExist",
		"AWS.SimpleQueueService.NonExistentQueue":
		return true
	}
	return false
}

// teardown destroys the stacks and removes what they retain, whatever happened
// before: it does not end with ctx, but after a time of its own.
func teardown(ctx context.Context, t target, w *world) (list []result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Minute)
	defer cancel()
	for _, s := range []step{
		{"destroy", "the stacks are destroyed", func(ctx context.Context, _ *world) (string, error) { return "", t.destroy(ctx) }},
		{"empty", "the buckets that they retain are emptied and deleted", func(ctx context.Context, w *world) (string,
			error) {
			return w.emptyAndDelete(ctx)
		}},
		{"nothing-left", "nothing of this run is left", func(ctx context.Context, w *world) (string, error) { return w.nothingLeft(ctx) }},
	} {
		if w == nil && s.id != "destroy" {
			list = append(list, result{id: s.id, what: s.what, status: failed,
				note: "the account is not known; look for names that begin with the run's"})
			continue
		}
		list = append(list, try(ctx, w, s))
	}
	return list
}

// try runs a step.
func try(ctx context.Context, w *world, s step) result {
	began := time.Now()
	note, err := s.run(ctx, w)
	r := result{id: s.id, what: s.what, status: passed, note: note, took: since(began)}
	if err != nil {
		r.status, r.note = failed, err.Error()
		if errors.Is(err, context.Canceled) {
			r.note = "interrupted"
		}
	}
	return r
}
