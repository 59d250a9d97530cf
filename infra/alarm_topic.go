package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// alarmTopic is the ARN of what is notified when an alarm begins and ends: the
// configuration's own topic, or one that is made here and sends mail. It is nil
// if alarms are only shown.
func (s site) alarmTopic(scope constructs.Construct) *string {
	switch {
	case s.AlarmTopicARN != "":
		return jsii.String(s.AlarmTopic(s.Account, s.Region))
	case s.AlarmEmail != "":
		return newAlarmTopic(scope, s)
	}
	return nil
}

// newAlarmTopic makes a topic that only this account's alarms publish to
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
// It carries alarms' names and descriptions, none of which is secret, and is
// not encrypted with a key of the customer's: alarms have to arrive also when
// such a key is what is wrong.
func newAlarmTopic(scope constructs.Construct, here site) *string {
	this := constructs.NewConstruct(scope, jsii.String("Topic"))
	topic := awssns.NewCfnTopic(this, jsii.String("Default"), &awssns.CfnTopicProps{
		TopicName: jsii.String(here.AlarmTopicName()),
	})
	awssns.NewCfnTopicPolicy(this, jsii.String("Policy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{topic.Ref()},
		PolicyDocument: policyDocument(
			statement{
				sid:       "AlarmsPublish",
				principal: service("cloudwatch.amazonaws.com"),
				actions:   []string{"sns:Publish"},
				resources: []string{*topic.Ref()},
				condition: map[string]any{
					"ArnLike":      map[string]any{"aws:SourceArn": here.ARN("cloudwatch", "alarm:"+here.Name+"-*")},
					"StringEquals": map[string]any{"aws:SourceAccount": here.Account},
				},
			},
			tlsOnly("sns:Publish", *topic.Ref()),
		),
	})
	awssns.NewCfnSubscription(this, jsii.String("Mail"), &awssns.CfnSubscriptionProps{
		TopicArn: topic.Ref(),
		Protocol: jsii.String("email"),
		Endpoint: jsii.String(here.AlarmEmail),
	})
	return topic.Ref()
}
