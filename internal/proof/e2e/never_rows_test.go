package e2e

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox"
)

const openPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// inS3 is a row that makes one request of S3 in a Region.
func inS3(what, region string, request func(scene, *s3.Client) error) never {
	return never{what: what, try: func(s scene, i identity) error { return request(s, s3.NewFromConfig(i.in(region))) }}
}

func neverInS3() []never {
	key := aws.String("kept")
	return []never{
		inS3("overwrite an object in a remote bucket", there, func(s scene, c *s3.Client) error {
			_, err := c.PutObject(s.t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(s.bucket(there)), Key: key, Body: strings.NewReader("forged"),
			})
			return err
		}),
		inS3("add an object to a remote bucket", there, func(s scene, c *s3.Client) error {
			_, err := c.PutObject(s.t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(s.bucket(there)), Key: aws.String("new"), Body: strings.NewReader("forged"),
			})
			return err
		}),
		inS3("copy into a remote bucket", there, func(s scene, c *s3.Client) error {
			_, err := c.CopyObject(s.t.Context(), &s3.CopyObjectInput{
				Bucket: aws.String(s.bucket(there)), Key: aws.String("copied"), CopySource: aws.String(s.bucket(here) + "/kept"),
			})
			return err
		}),
		inS3("begin an upload to a remote bucket", there, func(s scene, c *s3.Client) error {
			_, err := c.CreateMultipartUpload(s.t.Context(), &s3.CreateMultipartUploadInput{
				Bucket: aws.String(s.bucket(there)), Key: aws.String("new"),
			})
			return err
		}),
		inS3("abort an upload to a remote bucket", there, func(s scene, c *s3.Client) error {
			_, err := c.AbortMultipartUpload(s.t.Context(), &s3.AbortMultipartUploadInput{
				Bucket: aws.String(s.bucket(there)), Key: aws.String("unfinished"), UploadId: aws.String(s.uploads[there]),
			})
			return err
		}),
		inS3("tag an object in a remote bucket", there, func(s scene, c *s3.Client) error {
			_, err := c.PutObjectTagging(s.t.Context(), &s3.PutObjectTaggingInput{
				Bucket: aws.String(s.bucket(there)), Key: key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: key, Value: key}}},
			})
			return err
		}),
		inS3("delete an object in a remote bucket", there, deleteObject(there, false)),
		inS3("delete a version in a remote bucket", there, deleteObject(there, true)),
		inS3("delete an object in its own bucket", here, deleteObject(here, false)),
		inS3("delete a version in its own bucket", here, deleteObject(here, true)),
		inS3("delete many objects in its own bucket", here, func(s scene, c *s3.Client) error {
			out, err := c.DeleteObjects(s.t.Context(), &s3.DeleteObjectsInput{
				Bucket: aws.String(s.bucket(here)), Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: key}}},
			})
			if err == nil && len(out.Errors) > 0 { // the request succeeds, the deletions do not
				return &smithy.GenericAPIError{Code: aws.ToString(out.Errors[0].Code)}
			}
			return err
		}),
		inS3("delete the tags of an object in its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.DeleteObjectTagging(s.t.Context(), &s3.DeleteObjectTaggingInput{Bucket: aws.String(s.bucket(here)), Key: key})
			return err
		}),
		inS3("tag an old version in its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.PutObjectTagging(s.t.Context(), &s3.PutObjectTaggingInput{
				Bucket: aws.String(s.bucket(here)), Key: key, VersionId: aws.String(s.versions[here]),
				Tagging: &types.Tagging{TagSet: []types.Tag{{Key: key, Value: key}}},
			})
			return err
		}),
		inS3("read an old version in its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.GetObject(s.t.Context(), &s3.GetObjectInput{
				Bucket: aws.String(s.bucket(here)), Key: key, VersionId: aws.String(s.versions[here]),
			})
			return err
		}),
		inS3("read a source's current version, which no event names", there, func(s scene, c *s3.Client) error {
			_, err := c.GetObject(s.t.Context(), &s3.GetObjectInput{Bucket: aws.String(s.bucket(there)), Key: key})
			return err
		}),
		inS3("read a bucket outside the set", here, func(s scene, c *s3.Client) error {
			_, err := c.GetObject(s.t.Context(), &s3.GetObjectInput{Bucket: aws.String(outsideBucket), Key: key})
			return err
		}),
		inS3("copy from a bucket outside the set", here, func(s scene, c *s3.Client) error {
			_, err := c.CopyObject(s.t.Context(), &s3.CopyObjectInput{
				Bucket: aws.String(s.bucket(here)), Key: aws.String("stolen"), CopySource: aws.String(outsideBucket + "/kept"),
			})
			return err
		}),
		inS3("write to a bucket outside the set", here, func(s scene, c *s3.Client) error {
			_, err := c.PutObject(s.t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(outsideBucket), Key: aws.String("new"), Body: strings.NewReader("leaked"),
			})
			return err
		}),
		inS3("list a bucket outside the set", here, func(s scene, c *s3.Client) error {
			_, err := c.ListObjectsV2(s.t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(outsideBucket)})
			return err
		}),
		inS3("list the account's buckets", here, func(s scene, c *s3.Client) error {
			_, err := c.ListBuckets(s.t.Context(), &s3.ListBucketsInput{})
			return err
		}),
		inS3("list versions", here, func(s scene, c *s3.Client) error {
			_, err := c.ListObjectVersions(s.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(s.bucket(here))})
			return err
		}),
		inS3("list unfinished uploads", here, func(s scene, c *s3.Client) error {
			_, err := c.ListMultipartUploads(s.t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(s.bucket(here))})
			return err
		}),
		inS3("open its own bucket to everybody", here, putBucketPolicy(here)),
		inS3("open a remote bucket to everybody", there, putBucketPolicy(there)),
		inS3("take the policy off its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.DeleteBucketPolicy(s.t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(s.bucket(here))})
			return err
		}),
		inS3("suspend versions of its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.PutBucketVersioning(s.t.Context(), &s3.PutBucketVersioningInput{
				Bucket:                  aws.String(s.bucket(here)),
				VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
			})
			return err
		}),
		inS3("expire the objects of its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.PutBucketLifecycleConfiguration(s.t.Context(),
				&s3.PutBucketLifecycleConfigurationInput{Bucket: aws.String(s.bucket(here)),
					LifecycleConfiguration: &types.BucketLifecycleConfiguration{
						Rules: []types.LifecycleRule{
							{Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
								Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}},
						},
					}})
			return err
		}),
		inS3("send its own bucket's notifications elsewhere", here, func(s scene, c *s3.Client) error {
			_, err := c.PutBucketNotificationConfiguration(s.t.Context(), &s3.PutBucketNotificationConfigurationInput{
				Bucket: aws.String(s.bucket(here)), NotificationConfiguration: &types.NotificationConfiguration{},
			})
			return err
		}),
		inS3("change how its own bucket is encrypted", here, func(s scene, c *s3.Client) error {
			_, err := c.PutBucketEncryption(s.t.Context(), &s3.PutBucketEncryptionInput{Bucket: aws.String(s.bucket(here)),
				ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
					Rules: []types.ServerSideEncryptionRule{
						{
							ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
								SSEAlgorithm: types.ServerSideEncryptionAes256,
							},
						},
					},
				}})
			return err
		}),
		inS3("let the public into its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.PutPublicAccessBlock(s.t.Context(), &s3.PutPublicAccessBlockInput{
				Bucket: aws.String(s.bucket(here)), PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{},
			})
			return err
		}),
		inS3("change an object's ACL in its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.PutObjectAcl(s.t.Context(), &s3.PutObjectAclInput{
				Bucket: aws.String(s.bucket(here)), Key: key, ACL: types.ObjectCannedACLPublicRead,
			})
			return err
		}),
		inS3("delete its own bucket", here, func(s scene, c *s3.Client) error {
			_, err := c.DeleteBucket(s.t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(s.bucket(here))})
			return err
		}),
	}
}

func deleteObject(region string, version bool) func(scene, *s3.Client) error {
	return func(s scene, c *s3.Client) error {
		in := &s3.DeleteObjectInput{Bucket: aws.String(s.bucket(region)), Key: aws.String("kept")}
		if version {
			in.VersionId = aws.String(s.versions[region])
		}
		_, err := c.DeleteObject(s.t.Context(), in)
		return err
	}
}

func putBucketPolicy(region string) func(scene, *s3.Client) error {
	return func(s scene, c *s3.Client) error {
		_, err := c.PutBucketPolicy(s.t.Context(), &s3.PutBucketPolicyInput{
			Bucket: aws.String(s.bucket(region)), Policy: aws.String(openPolicy),
		})
		return err
	}
}

// toQueue is a row that makes one request of SQS.
func toQueue(what, region string, request func(scene, *sqs.Client) error) never {
	return never{what: what, try: func(s scene, i identity) error { return request(s, sqs.NewFromConfig(i.in(region))) }}
}

func forEverybody(n never) never {
	n.everybody = true
	return n
}

func toTopic(what string, request func(scene, *sns.Client) error) never {
	return never{what: what, try: func(s scene, i identity) error { return request(s, sns.NewFromConfig(i.in(here))) }}
}

func neverToMessages() []never {
	own := func(s scene) *string { return aws.String(s.state.Regions[here].DeadLetterQueueURL) }
	send := func(queue func(scene) string) func(scene, *sqs.Client) error {
		return func(s scene, c *sqs.Client) error {
			_, err := c.SendMessage(s.t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(queue(s)), MessageBody: aws.String("forged")})
			return err
		}
	}
	publish := func(topic func(scene) string) func(scene, *sns.Client) error {
		return func(s scene, c *sns.Client) error {
			_, err := c.Publish(s.t.Context(), &sns.PublishInput{TopicArn: aws.String(topic(s)), Message: aws.String("forged")})
			return err
		}
	}
	return []never{
		forEverybody(
			toQueue("send to a remote dead-letter queue", there,
				send(func(s scene) string { return s.state.Regions[there].DeadLetterQueueURL })),
		),
		toQueue("send to a queue outside the set", here, send(func(s scene) string { return s.state.Endpoint + outsideQueueURL })),
		toQueue("read dead letters", here, func(s scene, c *sqs.Client) error {
			_, err := c.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: own(s)})
			return err
		}),
		toQueue("delete a dead letter", here, func(s scene, c *sqs.Client) error {
			_, err := c.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{QueueUrl: own(s), ReceiptHandle: aws.String("guessed")})
			return err
		}),
		toQueue("hide a dead letter", here, func(s scene, c *sqs.Client) error {
			_, err := c.ChangeMessageVisibility(s.t.Context(), &sqs.ChangeMessageVisibilityInput{
				QueueUrl: own(s), ReceiptHandle: aws.String("guessed"), VisibilityTimeout: 43200,
			})
			return err
		}),
		toQueue("purge the dead-letter queue", here, func(s scene, c *sqs.Client) error {
			_, err := c.PurgeQueue(s.t.Context(), &sqs.PurgeQueueInput{QueueUrl: own(s)})
			return err
		}),
		toQueue("open the dead-letter queue to everybody", here, func(s scene, c *sqs.Client) error {
			_, err := c.SetQueueAttributes(s.t.Context(), &sqs.SetQueueAttributesInput{
				QueueUrl: own(s), Attributes: map[string]string{string(sqstypes.QueueAttributeNamePolicy): openPolicy},
			})
			return err
		}),
		toQueue("delete the dead-letter queue", here, func(s scene, c *sqs.Client) error {
			_, err := c.DeleteQueue(s.t.Context(), &sqs.DeleteQueueInput{QueueUrl: own(s)})
			return err
		}),
		toTopic("publish to its own topic", publish(func(s scene) string { return s.state.Regions[here].TopicARN })),
		toTopic("publish to a topic outside the set", publish(func(scene) string { return outsideTopic })),
		toTopic("open its own topic to everybody", func(s scene, c *sns.Client) error {
			_, err := c.SetTopicAttributes(s.t.Context(), &sns.SetTopicAttributesInput{
				TopicArn: aws.String(s.state.Regions[here].TopicARN), AttributeName: aws.String("Policy"),
				AttributeValue: aws.String(openPolicy),
			})
			return err
		}),
		toTopic("subscribe something to its own topic", func(s scene, c *sns.Client) error {
			_, err := c.Subscribe(s.t.Context(), &sns.SubscribeInput{
				TopicArn: aws.String(s.state.Regions[here].TopicARN), Protocol: aws.String("lambda"),
				Endpoint: aws.String(s.state.Regions[here].FunctionARN),
			})
			return err
		}),
	}
}

func toFunction(what, region string, request func(scene, *lambda.Client) error) never {
	return never{what: what, try: func(s scene, i identity) error { return request(s, lambda.NewFromConfig(i.in(region))) }}
}

func neverToItself() []never {
	own := func(s scene) *string { return aws.String(s.state.Regions[here].FunctionName) }
	roleName := aws.String(defaultSet().Member(sandbox.AccountID, here).RoleName())
	ofRole := func(what string, request func(scene, *iam.Client) error) never {
		return never{what: what, try: func(s scene, i identity) error { return request(s, iam.NewFromConfig(i.in(here))) }}
	}
	return []never{
		toFunction("invoke another function", there, func(s scene, c *lambda.Client) error {
			_, err := c.Invoke(s.t.Context(), &lambda.InvokeInput{
				FunctionName: aws.String(s.state.Regions[there].FunctionName), Payload: []byte(`{}`),
			})
			return err
		}),
		toFunction("read its own code and environment", here, func(s scene, c *lambda.Client) error {
			_, err := c.GetFunction(s.t.Context(), &lambda.GetFunctionInput{FunctionName: own(s)})
			return err
		}),
		toFunction("change its own code", here, func(s scene, c *lambda.Client) error {
			_, err := c.UpdateFunctionCode(s.t.Context(), &lambda.UpdateFunctionCodeInput{
				FunctionName: own(s), S3Bucket: aws.String("b"), S3Key: aws.String("k"),
			})
			return err
		}),
		toFunction("change its own configuration", here, func(s scene, c *lambda.Client) error {
			_, err := c.UpdateFunctionConfiguration(s.t.Context(), &lambda.UpdateFunctionConfigurationInput{
				FunctionName: own(s), Timeout: aws.Int32(1),
			})
			return err
		}),
		toFunction("let somebody else invoke it", here, func(s scene, c *lambda.Client) error {
			_, err := c.AddPermission(s.t.Context(), &lambda.AddPermissionInput{
				FunctionName: own(s), StatementId: aws.String("open"), Action: aws.String("lambda:InvokeFunction"),
				Principal: aws.String("*"),
			})
			return err
		}),
		ofRole("give itself permissions", func(s scene, c *iam.Client) error {
			_, err := c.PutRolePolicy(s.t.Context(), &iam.PutRolePolicyInput{
				RoleName: roleName, PolicyName: aws.String("replicate"), PolicyDocument: aws.String(openPolicy),
			})
			return err
		}),
		ofRole("change who may be it", func(s scene, c *iam.Client) error {
			_, err := c.UpdateAssumeRolePolicy(s.t.Context(), &iam.UpdateAssumeRolePolicyInput{
				RoleName: roleName, PolicyDocument: aws.String(openPolicy),
			})
			return err
		}),
		ofRole("read its own policies", func(s scene, c *iam.Client) error {
			_, err := c.GetRolePolicy(s.t.Context(), &iam.GetRolePolicyInput{RoleName: roleName, PolicyName: aws.String("replicate")})
			return err
		}),
		{what: "be another role", try: func(s scene, i identity) error {
			_, err := i.assume(s.t, strangerRole, "as-stranger")
			return err
		}},
		{what: "be the function of another Region", try: func(s scene, i identity) error {
			_, err := i.assume(s.t, defaultSet().Member(sandbox.AccountID, there).RoleARN(), defaultSet().OperatorSession())
			return err
		}},
	}
}
