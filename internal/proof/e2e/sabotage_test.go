package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/fault"
)

func TestMissingSubscriptionIsNoticed(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-us-east-1-mesh", func(resources map[string]any) (removed int) {
		ofType(resources, "AWS::SNS::Subscription", func(id string, p map[string]any) {
			if strings.Contains(fmt.Sprint(p["Endpoint"]), "eu-west-1") {
				delete(resources, id)
				removed++
			}
		})
		return removed
	})
	w := start(t, a.files)
	o := object{key: "key", body: "body"}
	w.upload("us-east-1", o)
	w.settle()
	w.wantMissing("eu-west-1", "key")
	w.wantIn("ap-northeast-1", o)
}

func TestMissingLambdaPermissionIsNoticedAndNothingLost(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", without("AWS::Lambda::Permission"))
	w := start(t, a.files)
	o := object{key: "key", body: "body"}
	w.upload("us-east-1", o)
	w.settle()
	w.wantMissing("eu-west-1", "key")
	w.wantIn("ap-northeast-1", o)
	if got := w.cost().undeliverable; got != 1 {
		t.Errorf("%d deliveries given up, want 1", got)
	}
	w.wantLetters("us-east-1", 1) // the topic's Region has the subscription's dead letter
	if letters := w.letters("us-east-1"); len(letters) != 1 || !strings.Contains(letters[0], `"Type":"Notification"`) {
		t.Errorf("letters %q, want the SNS notification", letters)
	}
	// The command may invoke what SNS may not.
	if code, out := w.redrive(); code != 0 {
		t.Errorf("redrive: exit %d\n%s", code, out)
	}
	w.settle()
	w.wantEverywhere(o)
	w.wantLetters("us-east-1", 0)
}

// withoutAllow makes every Allow of a type's policies about something else.
func withoutAllow(resourceType, action string) func(map[string]any) int {
	return func(resources map[string]any) int {
		return ofType(resources, resourceType, func(_ string, p map[string]any) {
			for _, s := range statements(p) {
				if s["Effect"] == "Allow" {
					s["Action"] = action
				}
			}
		})
	}
}

// Without the queue's policy, or its statement for SNS alone, what SNS cannot
// deliver is lost.
func TestMissingQueuePolicyLosesUndeliverableMessages(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]func(map[string]any) int{
		"no policy":            without("AWS::SQS::QueuePolicy"),
		"no statement for SNS": withoutAllow("AWS::SQS::QueuePolicy", "sqs:ReceiveMessage"),
	} {
		t.Run(name, func(t *testing.T) {
			a := editable(t, threeRegions(t))
			a.edit("s3fanout-eu-west-1", without("AWS::Lambda::Permission"))
			a.edit("s3fanout-us-east-1", sabotage)
			w := start(t, a.files)
			w.upload("us-east-1", object{key: "key", body: "body"})
			w.settle()
			w.wantMissing("eu-west-1", "key")
			w.wantLetters("us-east-1", 0)
			if got := w.sandbox.Stats().Regions["us-east-1"].SNS; got.Undeliverable != 1 || got.Lost != 1 {
				t.Errorf("%+v, want one delivery given up and lost", got)
			}
		})
	}
}

// Without the mesh stack, or without the bucket's notification, nothing leaves
// the Region.
func TestMissingWayOutIsNoticed(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]func(*assembly){
		"no mesh stack": func(a *assembly) { a.remove("s3fanout-us-east-1-mesh") },
		"no notification": func(a *assembly) {
			a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
				return ofType(resources, "AWS::S3::Bucket", func(_ string, p map[string]any) { delete(p, "NotificationConfiguration") })
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := editable(t, threeRegions(t))
			sabotage(a)
			w := start(t, a.files)
			w.upload("us-east-1", object{key: "key", body: "body"})
			w.settle()
			w.wantMissing("eu-west-1", "key")
			w.wantMissing("ap-northeast-1", "key")
		})
	}
}

// Without the on-failure destination, an event that is given up is lost.
func TestMissingDestinationLosesFailedEvents(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", without("AWS::Lambda::EventInvokeConfig"))
	w := start(t, a.files)
	w.fault("eu-west-1", fault.LambdaCrash, 1, 0)
	w.upload("us-east-1", object{key: "key", body: "body"})
	w.settle()
	w.wantMissing("eu-west-1", "key")
	w.wantLetters("eu-west-1", 0)
	if got := w.sandbox.Stats().Regions["eu-west-1"].Lambda; got.Errors != 3 || got.Lost != 1 {
		t.Errorf("%+v, want three failures and the event lost", got)
	}
}

// What AWS refuses to deploy is refused here.
func TestTemplatesThatDoNotDeploy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(a *assembly)
		want   string
	}{
		{"no topic policy", func(a *assembly) {
			a.edit("s3fanout-us-east-1", without("AWS::SNS::TopicPolicy"))
		}, "unable to validate the following destination configurations"},
		{"topic policy without its statement for S3", func(a *assembly) {
			a.edit("s3fanout-us-east-1", withoutAllow("AWS::SNS::TopicPolicy", "sns:Subscribe"))
		}, "unable to validate the following destination configurations"},
		{"bucket that does not wait for the topic policy", func(a *assembly) {
			a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
				delete(resources["Bucket"].(map[string]any), "DependsOn")
				return 1
			})
		}, "unable to validate the following destination configurations"},
		{"role that Lambda may not assume", func(a *assembly) {
			a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
				return ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
					document := p["AssumeRolePolicyDocument"].(map[string]any)
					document["Statement"].([]any)[0].(map[string]any)["Principal"] = map[string]any{"Service": "ec2.amazonaws.com"}
				})
			})
		}, "cannot be assumed by Lambda"},
		{"dead-letter queue of another Region", func(a *assembly) {
			a.edit("s3fanout-us-east-1-mesh", func(resources map[string]any) int {
				return ofType(resources, "AWS::SNS::Subscription", func(_ string, p map[string]any) {
					p["RedrivePolicy"] = map[string]any{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:s3fanout-dead-letters"}
				})
			})
		}, "dead"},
		{"filter policy that SNS refuses", func(a *assembly) {
			a.edit("s3fanout-us-east-1-mesh", func(resources map[string]any) int {
				return ofType(resources, "AWS::SNS::Subscription", func(_ string, p map[string]any) {
					p["FilterPolicy"] = map[string]any{"a": []any{map[string]any{"anything-but": map[string]any{"suffix": "x"}}}}
				})
			})
		}, "suffix"},
		{"unsupported resource type", func(a *assembly) {
			a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
				resources["Cluster"] = map[string]any{"Type": "AWS::ECS::Cluster", "Properties": map[string]any{}}
				return 1
			})
		}, "AWS::ECS::Cluster"},
		{"unsupported property", func(a *assembly) {
			a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
				return ofType(resources, "AWS::SNS::Topic", func(_ string, p map[string]any) { p["FifoTopic"] = true })
			})
		}, "FifoTopic"},
		{"unknown intrinsic function", func(a *assembly) {
			a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
				return ofType(resources, "AWS::SNS::Topic", func(_ string, p map[string]any) {
					p["TopicName"] = map[string]any{"Fn::Base64": "x"}
				})
			})
		}, "Fn::Base64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := editable(t, threeRegions(t))
			c.change(a)
			_, err := tryStart(t, a.files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("deployed: %v, want an error with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has more than one line: %q", err)
			}
		})
	}
}

// Without the filter replica events wake functions, which cost a HEAD each; the
// loop still ends there.
func TestWithoutReplicaFilterCopiesEndAndCostHeads(t *testing.T) {
	t.Parallel()
	a := editable(t, threeRegions(t))
	a.edit("*-mesh", func(resources map[string]any) int {
		return ofType(resources, "AWS::SNS::Subscription", func(_ string, p map[string]any) {
			delete(p, "FilterPolicy")
			delete(p, "FilterPolicyScope")
		})
	})
	w := start(t, a.files)
	base := w.cost() // the test events, that the filter would have dropped
	o := object{key: "key", body: "body"}
	w.upload(w.regions[0], o)
	w.settle()
	w.wantEverywhere(o)
	got := w.cost()
	if n := got.invocations - base.invocations; n != 2+4 {
		t.Errorf("%d invocations, want 2 for the upload and 2 for each of 2 echoes", n)
	}
	// A replica event that overtakes the upload's own delivery finds nothing, and copies.
	copies := got.requests["CopyObject"]
	if copies < 2 || copies > 4 {
		t.Errorf("%d CopyObject, want 2, and one more at most where an echo came first", copies)
	}
	// Of two copies of a key one is refused, and looks at what is there.
	if n := got.requests["HeadObject"]; n != 4+copies-2 {
		t.Errorf("%d HEADs with %d copies, want one for each echo delivered, and for each copy that came too late", n, copies)
	}
	for _, region := range w.regions {
		if n := w.versions(region, "key"); n != 1 {
			t.Errorf("%s: %d versions, want 1", region, n)
		}
	}

	// Once the replicas are there, a replica event costs one HEAD and nothing else.
	before := w.cost().requests
	if trouble := w.invoke(w.regions[1], w.replicaEvent(w.regions[0], "key")); trouble != "" {
		t.Fatal(trouble)
	}
	after := w.cost().requests
	if after["HeadObject"] != before["HeadObject"]+1 || after["CopyObject"] != before["CopyObject"] {
		t.Errorf("an echo took the requests from %v to %v, want one more HEAD", before, after)
	}
	operations := make([]string, 0, len(after))
	for operation := range after {
		operations = append(operations, operation)
	}
	slices.Sort(operations)
	if !slices.Equal(operations, []string{"CopyObject", "HeadObject"}) {
		t.Errorf("the functions used %v, want CopyObject and HeadObject", operations)
	}
}
