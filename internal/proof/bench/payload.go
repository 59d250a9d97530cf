package main

import (
	"encoding/json"
	"fmt"
)

// The account and the function that all contests invoke.
const (
	account      = "123456789012"
	sourceRegion = "us-east-1"
	targetRegion = "eu-west-1"
	sourceBucket = "bench-us-east-1"
	functionName = "bench-replicator"
)

// anyKeyID and anySecret are for servers that take all credentials for valid.
const (
	anyKeyID  = "AKIDEXAMPLE"
	anySecret = "any"
	anyETag   = "d41d8cd98f00b204e9800998ecf8427e"
)

// environment is a function's, with S3 at endpoint; if empty, as on AWS.
func environment(endpoint, targetBucket, keyID, secret string) []string {
	return []string{
		"AWS_REGION=" + targetRegion, "AWS_DEFAULT_REGION=" + targetRegion,
		"AWS_LAMBDA_FUNCTION_NAME=" + functionName, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_ACCESS_KEY_ID=" + keyID, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_ENDPOINT_URL=" + endpoint,
		"S3FANOUT_REPLICA_SET=bench", "S3FANOUT_ACCOUNT=" + account, "S3FANOUT_TARGET_BUCKET=" + targetBucket,
		"S3FANOUT_SOURCE_BUCKETS=" + sourceRegion + "=" + sourceBucket, "S3FANOUT_ROLE=arn:aws:iam::" + account + ":role/bench",
		// Nothing of the machine's own configuration is read.
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
	}
}

// origin is where objects are uploaded: in sourceRegion.
type origin struct{ bucket, topicARN string }

// uploaded is an object that was written.
type uploaded struct{ key, version, etag string }

// benchOrigin is that of the contests without a sandbox.
var benchOrigin = origin{sourceBucket, "arn:aws:sns:" + sourceRegion + ":" + account + ":bench-created"}

// payload is what SNS invokes a function with for one new object, with every
// member that AWS documents (https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html,
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
func payload(from origin, o uploaded, size int) ([]byte, error) {
	type object = map[string]any
	message, err := json.Marshal(object{"Records": []object{{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": sourceRegion,
		"eventTime": "2026-11-20T09:59:58.500Z", "eventName": "ObjectCreated:Put",
		"userIdentity":      object{"principalId": "AWS:AIDAJDPLRKLG7UEXAMPLE"},
		"requestParameters": object{"sourceIPAddress": "198.51.100.7"},
		"responseElements": object{
			"x-amz-request-id": "C3D13FE58DE4C810",
			"x-amz-id-2":       "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD",
		},
		"s3": object{
			"s3SchemaVersion": "1.0", "configurationId": "replicate",
			"bucket": object{
				"name": from.bucket, "ownerIdentity": object{"principalId": "A3NL1KOZZKExample"}, "arn": "arn:aws:s3:::" + from.bucket,
			},
			"object": object{"key": o.key, "size": size, "eTag": o.etag, "versionId": o.version, "sequencer": "0055AED6DCD90281E5"},
		},
	}}})
	if err != nil {
		return nil, err
	}
	topic := from.topicARN
	return json.Marshal(object{"Records": []object{{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": topic + ":21be56ed-a058-49f5-8c98-aedd2564c486",
		"Sns": object{
			"SignatureVersion": "1", "Timestamp": "2026-11-20T09:59:59.100Z",
			"Signature":         "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==",
			"SigningCertUrl":    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b1a6c5d002d285f9598aa1d9b.pem",
			"MessageId":         fmt.Sprintf("95df01b4-ee98-5cb9-9903-%012x", size),
			"Message":           string(message),
			"MessageAttributes": object{}, "Type": "Notification", "Subject": "Amazon S3 Notification",
			"UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + topic,
			"TopicArn":       topic,
		},
	}}})
}
