package redrive

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/replicaset"
)

// errNotOurs marks a dead letter that the replica set has no function for, and
// errMisplaced one that no part of the replica set sends to the queue it is in.
var (
	errNotOurs   = errors.New("not of this replica set")
	errMisplaced = errors.New("in the wrong queue")
)

// queueLocation is where a queue is: what the ARNs in its dead letters are compared
// with.
type queueLocation struct {
	region  string
	account string
}

// route decides which functions a dead letter was meant for. If needTopic is set only
// the topic's subscriptions can tell, and routeSubscription has to be asked with them.
// An error wraps errNotOurs or errMisplaced.
//
// A function's failures go to its own Region's queue and nowhere else. A dead letter
// that says otherwise is not followed into the other Region: whoever can write to one
// queue would have the functions of all of them invoked.
func route(l deadletter.Letter, queue queueLocation, config replicaset.Config) (functions []Function, needTopic bool, err error) {
	switch l.Kind {
	case deadletter.OnFailure:
		f, err := member(l.FunctionARN, queue, config)
		if err == nil && f.Region != queue.region {
			err = wrongQueue("function", f.Region, "its failed events go")
		}
		if err != nil {
			return nil, false, err
		}
		return []Function{f}, false, nil
	case deadletter.FunctionQueue:
		return []Function{{Region: queue.region, Name: config.FunctionName()}}, false, nil
	default:
		topic, err := arn.Parse(l.TopicARN)
		if err != nil || topic.Service != "sns" || topic.Resource != config.TopicName() ||
			topic.AccountID != queue.account || !config.Contains(topic.Region) {
			return nil, false, fmt.Errorf("%w: the topic is %s", errNotOurs, deadletter.Line(l.TopicARN))
		}
		// A subscription and its dead-letter queue are in one Region.
		if topic.Region != queue.region {
			return nil, false, wrongQueue("topic", topic.Region, "what it cannot deliver goes")
		}
		return nil, true, nil
	}
}

// wrongQueue says that only the Region is wrong.
func wrongQueue(what, region, goes string) error {
	return fmt.Errorf("%w: the %s is this replica set's in %s, and %s to the queue there", errMisplaced, what, region, goes)
}

// routeSubscription decides where a dead letter of a subscription's queue belongs,
// given the function that each subscription of the topic delivers to. A subscription
// that is gone cannot say whom it served; then the dead letter is for every function
// that the topic serves, as copying what exists is harmless.
func routeSubscription(
	l deadletter.Letter, endpoints map[string]string, queue queueLocation, config replicaset.Config,
) ([]Function, error) {
	if endpoint, ok := endpoints[l.SubscriptionARN]; ok && l.SubscriptionARN != "" {
		f, err := member(endpoint, queue, config)
		if err != nil {
			return nil, err
		}
		return []Function{f}, nil
	}
	var functions []Function
	for _, region := range config.Others(queue.region) {
		functions = append(functions, Function{Region: region, Name: config.FunctionName()})
	}
	return functions, nil
}

// member checks that an ARN is that of one of the replica set's functions.
func member(functionARN string, queue queueLocation, config replicaset.Config) (Function, error) {
	a, err := arn.Parse(functionARN)
	name, isFunction := strings.CutPrefix(a.Resource, "function:")
	name, _, _ = strings.Cut(name, ":") // a version or an alias
	if err != nil || !isFunction || a.Service != "lambda" || name != config.FunctionName() ||
		a.AccountID != queue.account || !config.Contains(a.Region) {
		return Function{}, fmt.Errorf("%w: the function is %s", errNotOurs, deadletter.Line(functionARN))
	}
	return Function{Region: a.Region, Name: name}, nil
}
