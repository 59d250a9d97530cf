package main

import (
	"context"
	"runtime"
	"strconv"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
)

// wholeProcessor is how much memory, in MB, a function has that is given the
// time of one processor; less memory means less of it, in proportion
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const wholeProcessor = 1769

// sharesProcessor reports whether the function has less than one processor's
// time. Whoever sets GOMAXPROCS knows better.
func sharesProcessor(getenv func(string) string) bool {
	memory, err := strconv.Atoi(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	return err == nil && memory < wholeProcessor && getenv("GOMAXPROCS") == ""
}

// onOneProcessor has invocations, though not the start before them, run on one
// processor. Lambda shows two even to a function that has a seventh of one: Go
// would have threads of both wake each other for each of the few microseconds
// between two waits, and that is taken from the one share.
type onOneProcessor struct {
	lambda.Handler
	once sync.Once
}

func (o *onOneProcessor) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	o.once.Do(func() { runtime.GOMAXPROCS(1) })
	return o.Handler.Invoke(ctx, payload)
}
