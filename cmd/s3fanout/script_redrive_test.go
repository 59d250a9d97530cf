package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// awaitDeadLetters: deadletters REGION VISIBLE HELD.
func awaitDeadLetters(ts *testscript.TestScript, _ bool, args []string) {
	state, _ := inSandbox(ts, args[0])
	client := sqs.New(sqs.Options{
		Region: args[0], BaseEndpoint: aws.String(state.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(state.AccessKeyID, state.SecretAccessKey, ""),
	})
	eventually(ts, func() string {
		out, err := client.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
			QueueUrl:       aws.String(state.Regions[args[0]].DeadLetterQueueURL),
			AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		ts.Check(err)
		visible, held := out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]
		if visible == args[1] && held == args[2] {
			return ""
		}
		return fmt.Sprintf("letters in %s: %s visible and %s held, want %s and %s", args[0], visible, held, args[1], args[2])
	})
}
