package redrive

import (
	"errors"
	"fmt"
	"strings"

	"s3fanout/internal/deadletter"
	"s3fanout/internal/replicaset"
)

// errNotOurs marks a letter that the replica set has no function for.
var errNotOurs = errors.New("not of this replica set")

// place is where a queue is: what the ARNs in its letters are compared with.
type place struct {
	region  string
	account string
}

// route decides which functions a letter was meant for. If needTopic is set
// only the topic's subscriptions can tell, and routeSubscription has to be
// asked with them. An error wraps errNotOurs.
func route(l deadletter.Letter, queue place, config replicaset.Config) (functions []Function, needTopic bool, err error) {
	switch l.Kind {
	case deadletter.OnFailure:
		f, err := member(l.FunctionARN, queue, config)
		if err != nil {
			return nil, false, err
		}
		return []Function{f}, false, nil
	case deadletter.FunctionQueue:
		return []Function{{Region: queue.region, Name: config.FunctionName()}}, false, nil
	default:
		topic, ok := parseARN(l.TopicARN)
		// A subscription and its dead-letter queue are in one Region.
		if !ok || topic.service != "sns" || topic.region != queue.region || topic.account != queue.account || topic.resource != config.TopicName() {
			return nil, false, fmt.Errorf("%w: the topic is %s", errNotOurs, deadletter.Line(l.TopicARN))
		}
		return nil, true, nil
	}
}

// routeSubscription decides where a letter of a subscription's queue belongs,
// given the function that each subscription of the topic delivers to. A
// subscription that is gone cannot say whom it served; then the letter is for
// every function that the topic serves, as copying what exists is harmless.
func routeSubscription(l deadletter.Letter, endpoints map[string]string, queue place, config replicaset.Config) ([]Function, error) {
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
func member(functionARN string, queue place, config replicaset.Config) (Function, error) {
	a, ok := parseARN(functionARN)
	name, isFunction := strings.CutPrefix(a.resource, "function:")
	name, _, _ = strings.Cut(name, ":") // a version or an alias
	if !ok || !isFunction || a.service != "lambda" || a.account != queue.account || name != config.FunctionName() || !config.Contains(a.region) {
		return Function{}, fmt.Errorf("%w: the function is %s", errNotOurs, deadletter.Line(functionARN))
	}
	return Function{Region: a.region, Name: name}, nil
}

type arn struct{ service, region, account, resource string }

func parseARN(s string) (arn, bool) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" {
		return arn{}, false
	}
	return arn{service: p[2], region: p[3], account: p[4], resource: p[5]}, true
}
