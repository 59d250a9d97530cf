package pause

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/replicaset"
)

// ToBePaused returns by Region the functions that write into the Region's bucket:
// the replicator, and after it the one that repairs on a schedule, if the set has
// it.
func ToBePaused(config aws.Config, set replicaset.Config, account string, regions []string) map[string][]Function {
	return newFunctions(config, set, account, regions, set.Reconcile != nil && set.Reconcile.Copy)
}

// ToBeResumed is ToBePaused, and the one that compares on a schedule also if it
// repairs no more: a deployment that takes its repairs away leaves it stopped.
func ToBeResumed(config aws.Config, set replicaset.Config, account string, regions []string) map[string][]Function {
	return newFunctions(config, set, account, regions, set.Reconcile != nil)
}

func newFunctions(config aws.Config, set replicaset.Config, account string, regions []string, reconciler bool) map[string][]Function {
	functions := map[string][]Function{}
	http := awsapi.HTTPClient(config, awsapi.RequestTime, len(regions))
	for _, region := range regions {
		client := lambda.NewFromConfig(config, func(o *lambda.Options) { o.Region, o.HTTPClient = region, http })
		member := set.Member(account, region)
		functions[region] = []Function{{
			Region: region, Name: set.FunctionName(), ARN: member.FunctionARN(), Configured: reserved(set), Lambda: client,
		}}
		if reconciler {
			functions[region] = append(functions[region], Function{
				Region: region, Name: set.ReconcilerName(), ARN: member.ReconcilerARN(),
				Configured: aws.Int(set.Reconcile.AtOnce()), Lambda: client,
			})
		}
	}
	return functions
}

// reserved is what the configuration gives the replicator.
func reserved(set replicaset.Config) *int {
	if set.ReservedConcurrency == 0 {
		return nil
	}
	return &set.ReservedConcurrency
}
