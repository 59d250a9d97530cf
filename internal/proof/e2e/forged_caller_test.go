package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"s3fanout/internal/sandbox/iam"
)

// A topic outside of the set that somebody has subscribed to a function does
// not wake it, whatever its messages say.
func TestForeignTopicsMayNotInvoke(t *testing.T) {
	t.Parallel()
	s, genuine := apart(t)
	client := sns.NewFromConfig(s.administrator().in(here))
	for _, region := range []string{here, there} {
		if _, err := client.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: aws.String(outsideTopic), Protocol: aws.String("lambda"), Endpoint: aws.String(s.state.Regions[region].FunctionARN),
		}); err != nil {
			t.Fatal(err)
		}
	}
	before := s.cost()
	if _, err := client.Publish(t.Context(), &sns.PublishInput{
		TopicArn: aws.String(outsideTopic), Message: aws.String(string(forgery(genuine))),
	}); err != nil {
		t.Fatal(err)
	}
	s.settle()
	after := s.cost()
	if after.invocations != before.invocations || after.undeliverable != before.undeliverable+2 {
		t.Errorf("from %+v to %+v, want no invocation and both deliveries given up", before, after)
	}
	s.wantMissing(here, genuine.key)
}

// policies are what the services say of the resource policies in a Region.
func (w *world) policies(region string) map[string]*iam.Document {
	w.t.Helper()
	admin, r := w.administrator().in(region), w.state.Regions[region]
	texts := map[string]string{}
	topic, err := sns.NewFromConfig(admin).GetTopicAttributes(w.t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(r.TopicARN)})
	if err != nil {
		w.t.Fatal(err)
	}
	texts[r.TopicARN] = topic.Attributes["Policy"]
	alarms := strings.TrimSuffix(r.TopicARN, "-object-created") + "-alarms"
	if out, err := sns.NewFromConfig(admin).GetTopicAttributes(w.t.Context(), &sns.GetTopicAttributesInput{
		TopicArn: aws.String(alarms),
	}); err == nil {
		texts[alarms] = out.Attributes["Policy"]
	}
	queue, err := sqs.NewFromConfig(admin).GetQueueAttributes(w.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(r.DeadLetterQueueURL), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	texts[queue.Attributes["QueueArn"]] = queue.Attributes["Policy"]
	function, err := lambda.NewFromConfig(admin).GetPolicy(w.t.Context(), &lambda.GetPolicyInput{FunctionName: aws.String(r.FunctionName)})
	if err != nil {
		w.t.Fatal(err)
	}
	texts[r.FunctionARN] = aws.ToString(function.Policy)
	bucket, err := s3.NewFromConfig(admin).GetBucketPolicy(w.t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(r.Bucket)})
	if err != nil {
		w.t.Fatal(err)
	}
	texts["arn:aws:s3:::"+r.Bucket] = aws.ToString(bucket.Policy)
	documents := map[string]*iam.Document{}
	for arn, text := range texts {
		if documents[arn], err = iam.ParseDocument([]byte(text)); err != nil {
			w.t.Fatalf("%s: %v", arn, err)
		}
	}
	return documents
}

// The resource policies, as deployed, let in whom replication needs and nobody
// else. The sandbox has one account, so other accounts' callers are put to the
// policies themselves.
func TestResourcePoliciesLetNobodyElseIn(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	policies := w.policies(here)
	const account, other = "123456789012", "999999999999"
	set := defaultSet()
	topic := func(region, account string) string { return set.Member(account, region).TopicARN() }
	member := set.Member(account, here)
	bucket, queue, function := member.BucketARN(), member.QueueARN(), member.FunctionARN()
	service := func(name, source, account string) iam.Caller {
		return iam.Caller{Service: name + ".amazonaws.com", SourceARN: source, SourceAccount: account}
	}
	// Its own account lets it do everything: both have to agree.
	foreign := iam.Caller{ARN: "arn:aws:iam::" + other + ":user/admin", AccountID: other}
	administrator := iam.Caller{ARN: "arn:aws:iam::" + account + ":user/administrator", AccountID: account}
	sending := func(name string) iam.Caller {
		store := iam.NewStore("aws", account)
		trust, err := iam.ParseAs(iam.TrustPolicy,
			[]byte(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		role, err := store.CreateRole(iam.RoleConfig{Name: name, Trust: trust})
		if err != nil {
			t.Fatal(err)
		}
		all, err := iam.ParseAs(iam.IdentityPolicy, []byte(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		role.PutPolicy("all", all)
		_, caller, err := store.AssumeRoleForService(role.ARN, "session", "lambda.amazonaws.com", "")
		if err != nil {
			t.Fatal(err)
		}
		return caller
	}
	ownRole, remoteRole, anyRole := sending(member.RoleName()), sending(set.Member(account, there).RoleName()), sending("any")
	for _, c := range []struct {
		what     string
		caller   iam.Caller
		action   string
		resource string
		allowed  bool
	}{
		{"S3 for the Region's bucket", service("s3", bucket, account), "sns:Publish", topic(here, account), true},
		{"S3 for the Region's bucket, once it is another account's", service("s3", bucket, other), "sns:Publish",
			topic(here, account), false},
		{"S3 for a bucket outside of the set", service("s3", "arn:aws:s3:::"+outsideBucket, account), "sns:Publish",
			topic(here, account), false},
		{"S3 for another Region's bucket", service("s3", set.Member(account, there).BucketARN(), account), "sns:Publish",
			topic(here, account), false},
		{"another service for the Region's bucket", service("events", bucket, account), "sns:Publish", topic(here, account), false},
		{"another account's administrator", foreign, "sns:Publish", topic(here, account), false},
		{"another account's administrator", foreign, "sns:Subscribe", topic(here, account), false},

		{"SNS for the Region's topic", service("sns", topic(here, account), account), "sqs:SendMessage", queue, true},
		{"SNS for another Region's topic", service("sns", topic(there, account), account), "sqs:SendMessage", queue, false},
		{"SNS for a topic outside of the set", service("sns", outsideTopic, account), "sqs:SendMessage", queue, false},
		{"SNS for another account's topic of the same name", service("sns", topic(here, other), other), "sqs:SendMessage", queue, false},
		{"the function's role", ownRole, "sqs:SendMessage", queue, true},
		{"the function's role of another Region", remoteRole, "sqs:SendMessage", queue, false},
		{"the account's administrator", administrator, "sqs:SendMessage", queue, false},
		// and so SetQueueAttributes: he can change the policy
		{"the account's administrator", administrator, "sqs:ReceiveMessage", queue, true},
		{"a role that may do everything", anyRole, "sqs:SendMessage", queue, false},
		{"another service", service("events", "arn:aws:events:us-east-1:"+account+":rule/s3fanout", account), "sqs:SendMessage",
			queue, false},
		{"S3 for the Region's bucket", service("s3", bucket, account), "sqs:SendMessage", queue, false},
		{"SNS to read", service("sns", topic(here, account), account), "sqs:ReceiveMessage", queue, false},
		{"another account's administrator", foreign, "sqs:SendMessage", queue, false},
		{"another account's administrator", foreign, "sqs:ReceiveMessage", queue, false},

		{"SNS for another Region's topic", service("sns", topic(there, account), account), "lambda:InvokeFunction", function, true},
		{"SNS for the function's own Region's topic", service("sns", topic(here, account), account), "lambda:InvokeFunction",
			function, false},
		{"SNS for a topic outside of the set", service("sns", outsideTopic, account), "lambda:InvokeFunction", function, false},
		{"SNS for another account's topic of the same name", service("sns", topic(there, other), other), "lambda:InvokeFunction",
			function, false},
		{"SNS for a topic in a Region outside of the set", service("sns", topic("us-west-2", account), account), "lambda:InvokeFunction",
			function, false},
		{"S3 at once", service("s3", bucket, account), "lambda:InvokeFunction", function, false},
		{"another account's administrator", foreign, "lambda:InvokeFunction", function, false},

		{"another account's administrator", foreign, "s3:GetObject", bucket + "/k", false},
		{"another account's administrator", foreign, "s3:PutObject", bucket + "/k", false},
		{"a service for another account", service("logging.s3", "", other), "s3:PutObject", bucket + "/k", false},
	} {
		policy := policies[strings.TrimSuffix(c.resource, "/k")]
		if policy == nil {
			t.Fatalf("%s has no policy", c.resource)
		}
		err := iam.Authorize(iam.Request{
			Caller: c.caller, Action: c.action, Resource: c.resource, ResourceAccount: account, ResourcePolicy: policy,
			Context: map[string]string{"aws:SecureTransport": "true"},
		})
		if (err == nil) != c.allowed {
			t.Errorf("%s: %s: %v, want allowed %t", c.what, c.action, err, c.allowed)
		}
		if c.action[:6] == "lambda" {
			continue // Lambda takes no plain HTTP: its permissions say nothing of it
		}
		if iam.Authorize(iam.Request{
			Caller: c.caller, Action: c.action, Resource: c.resource, ResourceAccount: account, ResourcePolicy: policy,
			Context: map[string]string{"aws:SecureTransport": "false"},
		}) == nil {
			t.Errorf("%s: %s is allowed without TLS", c.what, c.action)
		}
	}
}

// A role of the account that has no permission gets none from the replica set.
func TestStrangersMayDoNothing(t *testing.T) {
	t.Parallel()
	s := newScene(withOutside(t, threeRegions(t)))
	stranger := s.mustAssume(strangerRole, "stranger")
	config, r := stranger.in(here), s.state.Regions[here]
	before := s.contents()
	for what, try := range map[string]func() error{
		"publish": func() error {
			_, err := sns.NewFromConfig(config).Publish(t.Context(), &sns.PublishInput{
				TopicArn: aws.String(r.TopicARN), Message: aws.String("forged"),
			})
			return err
		},
		"subscribe": func() error {
			_, err := sns.NewFromConfig(config).Subscribe(t.Context(), &sns.SubscribeInput{
				TopicArn: aws.String(r.TopicARN), Protocol: aws.String("lambda"), Endpoint: aws.String(r.FunctionARN),
			})
			return err
		},
		"send": func() error {
			_, err := sqs.NewFromConfig(config).SendMessage(t.Context(), &sqs.SendMessageInput{
				QueueUrl: aws.String(r.DeadLetterQueueURL), MessageBody: aws.String("forged"),
			})
			return err
		},
		"receive": func() error {
			_, err := sqs.NewFromConfig(config).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: aws.String(r.DeadLetterQueueURL),
			})
			return err
		},
		"invoke": func() error {
			_, err := lambda.NewFromConfig(config).Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: aws.String(r.FunctionName), Payload: []byte(`{}`),
			})
			return err
		},
		"read": func() error {
			_, err := s3.NewFromConfig(config).GetObject(t.Context(), &s3.GetObjectInput{
				Bucket: aws.String(r.Bucket), Key: aws.String("kept"),
			})
			return err
		},
		"write": func() error {
			_, err := s3.NewFromConfig(config).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(r.Bucket), Key: aws.String("new"), Body: strings.NewReader("forged"),
			})
			return err
		},
		"list": func() error {
			_, err := s3.NewFromConfig(config).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(r.Bucket)})
			return err
		},
	} {
		if err := try(); !accessDenied(err) {
			t.Errorf("%s: %v, want it denied", what, err)
		}
	}
	s.settle()
	if after := s.contents(); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("the buckets had\n%s\nand now have\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}
