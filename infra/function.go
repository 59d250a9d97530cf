package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/function/functionenv"
)

const (
	// timeoutSeconds is Lambda's maximum. S3 copies while the function waits,
	// and what is not done by then is handed over to another invocation.
	timeoutSeconds = 900
	// retries and eventAgeSeconds are Lambda's maxima for asynchronous
	// invocation. After them the event is a dead letter.
	retries         = 2
	eventAgeSeconds = 21600
)

// functionProps configure newFunction. All fields are required.
type functionProps struct {
	Site        site
	Code        Code
	RoleARN     *string
	DeadLetters awssqs.CfnQueue // receives the events that fail
}

// locationOf uploads a program with the scope's stack, and is where it will be.
func locationOf(scope constructs.Construct, code awslambda.Code) *awslambda.CfnFunction_CodeProperty {
	at := code.Bind(scope).S3Location
	return &awslambda.CfnFunction_CodeProperty{S3Bucket: at.BucketName, S3Key: at.ObjectKey}
}

// newFunction makes the function that copies the other Regions' new objects
// into the Region's bucket, and says where its failures go.
func newFunction(scope constructs.Construct, id string, props functionProps) awslambda.CfnFunction {
	here := props.Site
	this := constructs.NewConstruct(scope, jsii.String(id))
	logs := awslogs.NewCfnLogGroup(this, jsii.String("LogGroup"), &awslogs.CfnLogGroupProps{
		LogGroupName:    jsii.String(here.LogGroupName()),
		RetentionInDays: jsii.Number(here.LogRetention()),
	})
	code := props.Code(Replicator)
	function := awslambda.NewCfnFunction(this, jsii.String("Default"), &awslambda.CfnFunctionProps{
		FunctionName:  jsii.String(here.FunctionName()),
		Description:   jsii.String("Copies new objects of replica set " + here.Name + " from its other Regions into this one"),
		Runtime:       jsii.String("provided.al2023"),
		Architectures: jsii.Strings(here.Architecture()),
		Handler:       jsii.String("bootstrap"),
		Code:          locationOf(this, code),
		Role:          props.RoleARN,
		Timeout:       jsii.Number(timeoutSeconds),
		MemorySize:    jsii.Number(here.FunctionMemory()),
		// Nil leaves the function to share what the account has in the Region.
		ReservedConcurrentExecutions: optionalNumber(here.ReservedConcurrency),
		Environment: &awslambda.CfnFunction_EnvironmentProperty{
			Variables: here.environment(),
		},
		LoggingConfig: logging(logs.Ref()),
		TracingConfig: here.tracing(),
		// A replica's event ends a chain at depth two, and the function stops
		// handing a copy over to itself before Lambda would. Lambda's own guard
		// stays on, should that ever be wrong.
		RecursiveLoop: jsii.String("Terminate"),
	})
	code.BindToResource(function, nil) // for tools that run the function locally
	awslambda.NewCfnEventInvokeConfig(this, jsii.String("Failures"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             function.Ref(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumRetryAttempts:     jsii.Number(retries),
		MaximumEventAgeInSeconds: jsii.Number(eventAgeSeconds),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{
				Destination: props.DeadLetters.AttrArn(),
			},
		},
	})
	return function
}

// logging has Lambda pass on what the function writes, and nothing of its own about
// an invocation that went well, which would be a third of what is paid for logs. What
// it says about one that failed, ran out of time or of memory has the level WARN and
// is written, and so are lines without a level, which a crash leaves
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
func logging(group *string) *awslambda.CfnFunction_LoggingConfigProperty {
	return &awslambda.CfnFunction_LoggingConfigProperty{
		LogFormat:           jsii.String("JSON"),
		ApplicationLogLevel: jsii.String("INFO"),
		SystemLogLevel:      jsii.String("WARN"),
		LogGroup:            group,
	}
}

// tracing is nil unless it is asked for, which is Lambda's PassThrough: what
// others trace goes on, and nothing is sent.
func (s site) tracing() *awslambda.CfnFunction_TracingConfigProperty {
	if !s.Tracing {
		return nil
	}
	return &awslambda.CfnFunction_TracingConfigProperty{Mode: jsii.String("Active")}
}

// environment is the function's configuration in the form that the function
// reads it.
func (s site) environment() map[string]*string {
	variables := map[string]*string{}
	for name, value := range functionenv.Encode(functionenv.Of(s.Config, s.Member)) {
		variables[name] = jsii.String(value)
	}
	return variables
}
