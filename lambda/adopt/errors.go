package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/printable"
)

const (
	// patience is for how long refusals are tried again that a role or a topic's
	// policy made a moment ago can cause: neither is known everywhere at once
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).
	patience = 40 * time.Second
	pause    = time.Second
	// answerTimeout bounds the sending of an answer.
	answerTimeout = 10 * time.Second
	// maxReason, in characters, keeps an answer under the 4,096 bytes that
	// CloudFormation takes.
	maxReason = 900
)

// persist repeats what S3 refuses, for as long as the refusal may be that
// something new is not known everywhere yet.
func (w work) persist(ctx context.Context, do func() error) error {
	for began := time.Now(); ; {
		err := do()
		passing := slices.Contains([]string{"AccessDenied", "InvalidArgument", "OperationAborted"}, errorcode.Of(err))
		if err == nil || !passing || time.Since(began) > patience {
			return err
		}
		if smithytime.SleepWithContext(ctx, pause) != nil {
			return err // says more than that the time is up
		}
	}
}

// explain says what to do about an error of S3.
func (w work) explain(err error) error {
	if region, elsewhere := w.elsewhere(err); elsewhere {
		return fmt.Errorf("bucket %s is in %s, not in %s; name it for its own Region in buckets", w.Bucket, region, w.region)
	}
	switch code := errorcode.Of(err); {
	case err == nil || isRefusal(err):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w; S3 did not answer in time: deploy again", err)
	case code == "NoSuchBucket":
		return fmt.Errorf("bucket %s does not exist; make it, or leave it out of buckets to have one made", w.Bucket)
	case code == "AccessDenied":
		return fmt.Errorf(
			"%w; the bucket belongs to another account than %s, or its policy or one of the organization denies the role: "+
				"s3fanout adopt --check says which",
			err,
			w.Account,
		)
	case code == "InvalidArgument":
		return fmt.Errorf("%w; a destination in the bucket's notifications is gone or does not let S3 reach it: "+
			"aws s3api get-bucket-notification-configuration --region %s --bucket %s lists them", err, w.region, w.Bucket)
	}
	return err
}

// elsewhere says in which Region a bucket is that S3 sent the request on to.
func (w work) elsewhere(err error) (region string, elsewhere bool) {
	status := errorcode.Status(err)
	if status != http.StatusMovedPermanently && status != http.StatusBadRequest {
		return "", false
	}
	region = errorcode.Response(err).Header.Get("X-Amz-Bucket-Region")
	return region, region != "" && region != w.region
}

// oneLine is the error as one line that fits in an answer.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(printable.Line(err.Error(), maxReason))
}

// discreet keeps the address of an answer, with which anybody could give one, out
// of the error of an answer that could not be sent, and so out of the logs.
func discreet(f cfn.CustomResourceLambdaFunction) cfn.CustomResourceLambdaFunction {
	return func(ctx context.Context, event cfn.Event) (string, error) {
		_, err := f(ctx, event)
		var address *url.Error
		if errors.As(err, &address) {
			err = address.Err
		}
		if err != nil {
			err = fmt.Errorf("send the answer to CloudFormation: %w", err)
		}
		return "", err
	}
}
