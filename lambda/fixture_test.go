package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

func config() functionenv.Config {
	return functionenv.Config{
		Target: replicaset.Member{Set: "media", Region: "eu-west-1", Account: "111122223333", Bucket: "media-eu"},
		Sources: replicaset.Members{
			{Set: "media", Region: "ap-south-1", Account: "111122223333", Bucket: "media-ap"},
			{Set: "media", Region: "us-east-1", Account: "111122223333", Bucket: "media-us"},
		},
		FunctionName: "media-replicator",
		Role:         "arn:aws:iam::111122223333:role/media-replicator-eu-west-1",
	}
}

// s3Record is one record of an S3 event.
func s3Record(region, bucket, key, principal string) string {
	return fmt.Sprintf(`{"eventSource":"aws:s3","awsRegion":%q,"eventTime":"2026-11-20T09:59:58.500Z","eventName":"ObjectCreated:Put",`+
		`"userIdentity":{"principalId":%q},"s3":{"bucket":{"name":%q},"object":{"key":%q,"size":7,"versionId":"v1","eTag":"e1","sequencer":"01"}}}`,
		region, principal, bucket, key)
}

func upload(key string) string { return s3Record("us-east-1", "media-us", key, "AWS:AIDAEXAMPLE") }

func message(records ...string) string { return `{"Records":[` + strings.Join(records, ",") + `]}` }

func payload(t *testing.T, messages ...string) []byte {
	t.Helper()
	type record struct {
		EventSource string
		Sns         map[string]string
	}
	var in struct{ Records []record }
	for i, m := range messages {
		in.Records = append(in.Records, record{"aws:sns", map[string]string{"MessageId": fmt.Sprintf("m-%d", i), "Message": m}})
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
