// Command hello is the least that a Go function on Lambda can be. Benchmarks
// compare s3fanout's start with its.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context, json.RawMessage) (string, error) { return "hello", nil })
}
