// Command adopt is the function behind a custom resource of a Region's stack: it
// puts the replica set's entries into the notifications of a bucket that exists
// already, and takes them out again. It is there only where a bucket is adopted.
//
// CloudFormation invokes it when a stack is made, changed or removed, and waits
// for an answer that is put to an address in the request. Every request is
// answered, also one that fails, takes too long or ends in a panic, with one line
// that says what to do; should the answer itself be lost, Lambda repeats the
// request, and repeating one is harmless.
//
// It reads and writes the bucket's notifications and reads its versioning, and
// nothing else: everything that others have in the notifications is written back
// byte for byte, versioning is never switched on, and the bucket's policy is
// never looked at. Where S3 would refuse the entries nothing is written.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
package main

import (
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"

	"s3fanout/internal/function/client"
	"s3fanout/internal/function/logline"
)

func main() {
	client.ReadRootsOnce(os.Getenv, os.Setenv)
	// What carries the answers. By itself it would wait without end.
	http.DefaultClient.Timeout = answerTimeout
	a := &adopter{getenv: os.Getenv, log: logline.New(os.Stdout)}
	lambda.Start(discreet(cfn.LambdaWrap(a.handle)))
}
