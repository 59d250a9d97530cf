package trail

import (
	"net"
	"slices"
	"time"

	"github.com/google/uuid"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/s3"
)

// reads are the requests for objects that change nothing
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html).
func reads() []string {
	return []string{"GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging", "ListParts"}
}

// Record keeps a request that S3 has dealt with, if a trail takes it.
func (s *Service) Record(r s3.Record) {
	s.mu.Lock()
	none := len(s.trails) == 0
	s.mu.Unlock()
	if none {
		return
	}
	now := time.Now()
	s.put(now, s.event(r, now))
}

// event is the request as CloudTrail writes it
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
func (s *Service) event(r s3.Record, now time.Time) map[string]any {
	parameters := map[string]any{"bucketName": r.Bucket, "Host": r.HTTP.Host}
	object := map[string]any{"type": "AWS::S3::Object", "ARN": r.BucketARN + "/" + r.Key}
	if r.Key != "" {
		parameters["key"] = r.Key
	} else { // of many, which are not named
		object = map[string]any{"type": "AWS::S3::Object", "ARNPrefix": r.BucketARN + "/"}
	}
	resources := []any{object, map[string]any{"accountId": s.config.AccountID, "type": "AWS::S3::Bucket", "ARN": r.BucketARN}}
	if r.PointARN != "" {
		resources = append(resources, map[string]any{"accountId": s.config.AccountID, "type": "AWS::S3::AccessPoint", "ARN": r.PointARN})
	}
	for name, value := range map[string]string{"versionId": r.VersionID, "x-amz-copy-source": r.CopySource} {
		if value != "" {
			parameters[name] = value
		}
	}
	event := map[string]any{
		"eventVersion": "1.11", "eventTime": now.UTC().Format(time.RFC3339), "eventSource": "s3.amazonaws.com", "eventName": r.Operation,
		"awsRegion": r.Region, "sourceIPAddress": addressOf(r.HTTP.RemoteAddr), "userAgent": "[" + r.HTTP.UserAgent() + "]",
		"userIdentity": identity(r.Caller), "requestParameters": parameters, "responseElements": nil,
		"additionalEventData": map[string]any{"SignatureVersion": "SigV4", "AuthenticationMethod": "AuthHeader"},
		"requestID":           uuid.NewString(), "eventID": uuid.NewString(), "readOnly": slices.Contains(reads(), r.Operation),
		"resources": resources, "eventType": "AwsApiCall", "managementEvent": false, "eventCategory": "Data",
		"recipientAccountId": s.config.AccountID,
	}
	answer := map[string]any{}
	if r.MadeVersion != "" {
		answer["x-amz-version-id"] = r.MadeVersion
	}
	if r.DeleteMarker {
		answer["x-amz-delete-marker"] = "true"
	}
	if len(answer) > 0 {
		event["responseElements"] = answer
	}
	if r.ErrorCode != "" {
		event["errorCode"], event["errorMessage"] = r.ErrorCode, r.ErrorMsg
	}
	return event
}

func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

// identity is who made a request
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).
func identity(c iam.Caller) map[string]any {
	who := map[string]any{"type": "IAMUser", "principalId": c.PrincipalID, "arn": c.ARN, "accountId": c.AccountID}
	if c.Role != nil {
		who["type"] = "AssumedRole"
		who["sessionContext"] = map[string]any{"sessionIssuer": map[string]any{
			"type": "Role", "principalId": c.Role.ID, "arn": c.Role.ARN, "accountId": c.AccountID, "userName": c.Role.Name,
		}}
	}
	return who
}
