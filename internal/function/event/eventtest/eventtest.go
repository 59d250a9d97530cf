// Package eventtest makes what SNS delivers to the function, for tests: uploads
// to the Region us-east-1 of the replica set of Config.
package eventtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// Config is that of the function in eu-west-1, to which the payloads are
// delivered.
func Config() functionenv.Config {
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

// Record is one record of an S3 event, of an upload of seven bytes. The key is
// as S3 encodes it.
func Record(region, bucket, key, principal string) string {
	return fmt.Sprintf(`{"eventSource":"aws:s3","awsRegion":%q,"eventTime":"2026-11-20T09:59:58.500Z","eventName":"ObjectCreated:Put",`+
		`"userIdentity":{"principalId":%q},"s3":{"bucket":{"name":%q},`+
		`"object":{"key":%q,"size":7,"versionId":"v1","eTag":"e1","sequencer":"01"}}}`,
		region, principal, bucket, key)
}

// Upload is the record of a user's upload in us-east-1.
func Upload(key string) string { return Record("us-east-1", "media-us", key, "AWS:AIDAEXAMPLE") }

// Message is the S3 event with the records.
func Message(records ...string) string { return `{"Records":[` + strings.Join(records, ",") + `]}` }

// Payload is what Lambda gives to the function when SNS delivers the messages.
func Payload(messages ...string) []byte {
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
		panic(err) // strings alone
	}
	return b
}
