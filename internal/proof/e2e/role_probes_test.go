package e2e

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox/iam"
)

// begins begins a session of a role, as a backfill does; change adds to the
// request, if it is not nil.
func begins(change func(*sts.AssumeRoleInput)) probe {
	return func(w *world, _ string) string {
		set := carefulSet()
		in := &sts.AssumeRoleInput{
			RoleArn: aws.String(set.Member(w.state.AccountID, w.regions[1]).RoleARN()), RoleSessionName: aws.String(set.OperatorSession()),
		}
		if change != nil {
			change(in)
		}
		if _, err := sts.NewFromConfig(w.administrator().in(here)).AssumeRole(w.t.Context(), in); err != nil {
			return err.Error()
		}
		return ""
	}
}

// runsTask has a function pass a task of a job on, as a job does that copies
// current versions. No filter matches the object, so that nothing else copies
// it.
func runsTask(o object) probe {
	return func(w *world, name string) string {
		from, to := w.regions[0], w.regions[1]
		o.key = "unannounced/" + name
		w.upload(from, o)
		task := batchTask{Key: url.QueryEscape(o.key), Bucket: w.bucket(from)}
		if code, text := w.batch(from, map[string]string{"targetRegion": to, "version": "current"}, task); code != "Succeeded" {
			return text
		}
		w.wantIn(to, o)
		return ""
	}
}

// asJob does something with the credentials of a Region's jobs.
func asJob(do func(w *world, config aws.Config, name string) error) probe {
	return func(w *world, name string) string {
		region := w.regions[0]
		job := w.mustAssume(carefulSet().Member(w.state.AccountID, region).JobRoleARN(), "job")
		if err := do(w, job.in(region), name); err != nil {
			return err.Error()
		}
		return ""
	}
}

func invokesFunction(w *world, config aws.Config, _ string) error {
	_, err := lambda.NewFromConfig(config).Invoke(w.t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(w.state.Regions[config.Region].FunctionName), Payload: []byte(`{}`),
	})
	return err
}

// listsObjects asks S3 to list the objects of a job. The sandbox does not do
// it, but says so only to who may.
func listsObjects(w *world, config aws.Config, _ string) error {
	_, err := s3.NewFromConfig(config).PutBucketInventoryConfiguration(w.t.Context(), &s3.PutBucketInventoryConfigurationInput{
		Bucket: aws.String(w.bucket(config.Region)), Id: aws.String("job"), InventoryConfiguration: &types.InventoryConfiguration{
			Id: aws.String("job"), IsEnabled: aws.Bool(true), IncludedObjectVersions: types.InventoryIncludedObjectVersionsCurrent,
			Schedule: &types.InventorySchedule{Frequency: types.InventoryFrequencyDaily},
			Destination: &types.InventoryDestination{
				S3BucketDestination: &types.InventoryS3BucketDestination{
					Bucket: aws.String("arn:aws:s3:::" + w.bucket(config.Region)), Format: types.InventoryFormatCsv,
				},
			},
		},
	})
	if err != nil && !accessDenied(err) && strings.Contains(err.Error(), "NotImplemented") {
		return nil
	}
	return err
}

func reportKey(name string) *string {
	return aws.String(replicaset.ReportPrefix + "/" + url.PathEscape(name))
}

func writesReport(w *world, config aws.Config, name string) error {
	_, err := s3.NewFromConfig(config).PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(w.bucket(config.Region)), Key: reportKey(name), Body: strings.NewReader("report"),
	})
	return err
}

func writesReportInParts(w *world, config aws.Config, name string) error {
	ctx, client, bucket, key := w.t.Context(), s3.NewFromConfig(config), aws.String(w.bucket(config.Region)), reportKey(name)
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		return err
	}
	part, err := client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("report"),
	})
	if err != nil {
		return err
	}
	_, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{
			Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1), ChecksumCRC32: part.ChecksumCRC32}},
		},
	})
	return err
}

// refusesForgedLetters sends a dead letter as the account's administrator.
func refusesForgedLetters(w *world, _ string) string {
	region := w.regions[0]
	_, err := sqs.NewFromConfig(w.config(region)).SendMessage(w.t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(w.state.Regions[region].DeadLetterQueueURL), MessageBody: aws.String("forged"),
	})
	switch {
	case err == nil:
		return "the queue took a letter of the administrator's"
	case !accessDenied(err):
		return err.Error()
	}
	return ""
}

// keepsUndelivered finds that what SNS cannot deliver is a dead letter. With
// all grants everything is delivered, and nothing can be lost.
func keepsUndelivered(w *world, name string) string {
	home := w.regions[0]
	w.upload(home, object{key: name, body: "undelivered"})
	w.settle()
	if lost := w.sandbox.Stats().Regions[home].SNS.Lost; lost > 0 {
		return fmt.Sprintf("%d messages lost", lost)
	}
	return ""
}

// deployed asks the policies, as deployed, for a request that they allow, of a
// kind that nobody makes in the sandbox.
func (w *world) deployed(kind string, tls bool) error {
	region := w.regions[0]
	set, account := carefulSet(), w.state.AccountID
	member := set.Member(account, region)
	bucket, topic, queue := member.BucketARN(), member.TopicARN(), member.QueueARN()
	alarms := "arn:aws:sns:" + region + ":" + account + ":" + set.AlarmTopicName()
	alarm := "arn:aws:cloudwatch:" + region + ":" + account + ":alarm:careful-dead-letters"
	asked := map[string]iam.Request{
		"topic": {
			Caller: iam.Caller{Service: "s3.amazonaws.com", SourceARN: bucket, SourceAccount: account}, Action: "sns:Publish",
			Resource: topic,
		},
		"alarm topic": {
			Caller: iam.Caller{Service: "cloudwatch.amazonaws.com", SourceARN: alarm, SourceAccount: account}, Action: "sns:Publish",
			Resource: alarms,
		},
		"queue": {
			Caller: iam.Caller{Service: "sns.amazonaws.com", SourceARN: topic, SourceAccount: account}, Action: "sqs:SendMessage",
			Resource: queue,
		},
		"bucket": {
			Caller: iam.Caller{ARN: "arn:aws:iam::" + account + ":user/administrator", AccountID: account}, Action: "s3:GetObject",
			Resource: bucket + "/k",
		},
	}[kind]
	asked.ResourcePolicy = w.policies(region)[strings.TrimSuffix(asked.Resource, "/k")]
	asked.Context = map[string]string{"aws:SecureTransport": fmt.Sprint(tls)}
	return iam.Authorize(asked)
}

// takesAlarms has CloudWatch publish an alarm.
func takesAlarms(w *world, _ string) string {
	if err := w.deployed("alarm topic", true); err != nil {
		return err.Error()
	}
	return ""
}

// refusesPlainHTTP makes a request without TLS that would be allowed with it.
// The sandbox stands for HTTPS, and takes no other requests.
func refusesPlainHTTP(kind string) probe {
	return func(w *world, _ string) string {
		if err := w.deployed(kind, true); err != nil {
			return "denied with TLS: " + err.Error()
		}
		if w.deployed(kind, false) == nil {
			return "allowed without TLS"
		}
		return ""
	}
}
