package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"s3fanout/internal/sandbox/fault"
)

// resetWait is how long events may take that are under way: what they copied later
// would be left over.
const resetWait = 10 * time.Second

// Reset switches all faults off, waits for what is under way, and removes all that was
// uploaded, copied or given up.
func (p *playground) Reset(ctx context.Context) error {
	for _, f := range p.sandbox.Stats().Faults {
		if err := p.sandbox.SetFault(fault.Fault{Region: f.Region, Kind: f.Kind}); err != nil {
			return err
		}
	}
	settling, cancel := context.WithTimeout(ctx, resetWait)
	defer cancel()
	if err := p.sandbox.Settled(settling); err != nil {
		return fmt.Errorf("%w; try again when they have ended", err)
	}
	p.sandbox.ReleaseLetters() // or those that somebody holds would stay
	regions, ctx := errgroup.WithContext(ctx)
	for _, region := range p.set.Regions {
		regions.Go(func() error { return p.empty(ctx, region) })
	}
	if err := regions.Wait(); err != nil {
		return err
	}
	p.trace.Clear()
	return nil
}

// empty removes a Region's objects and dead letters.
func (p *playground) empty(ctx context.Context, region string) error {
	bucket := aws.String(p.set.Member(p.account, region).Bucket)
	client := p.s3(region, 1)
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		gone := make([]types.ObjectIdentifier, 0, len(page.Versions)+len(page.DeleteMarkers))
		for _, v := range page.Versions {
			gone = append(gone, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			gone = append(gone, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		if len(gone) == 0 {
			continue
		}
		out, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: bucket, Delete: &types.Delete{Objects: gone, Quiet: aws.Bool(true)},
		})
		if err != nil {
			return err
		}
		if len(out.Errors) > 0 {
			return fmt.Errorf("%s was not deleted: %s", aws.ToString(out.Errors[0].Key), aws.ToString(out.Errors[0].Message))
		}
	}
	return p.emptyQueue(ctx, region)
}

// emptyQueue deletes a Region's dead letters one by one: SQS purges a queue once a
// minute at most.
func (p *playground) emptyQueue(ctx context.Context, region string) error {
	client := sqs.NewFromConfig(p.config, func(o *sqs.Options) { o.Region = region })
	queue := aws.String(p.sandbox.State().Regions[region].DeadLetterQueueURL)
	for {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue, MaxNumberOfMessages: 10})
		if err != nil || len(out.Messages) == 0 {
			return err
		}
		for _, m := range out.Messages {
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
	}
}
