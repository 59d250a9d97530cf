package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/fault"
)

// A probe does what needs one permission, and says what went wrong: "" if
// nothing did. On the templates as they are, every probe says "".
type probe func(w *world, name string) (trouble string)

// probes has one probe for every action that the role is granted. An action
// without a probe fails TestEveryRoleActionIsNeeded.
func probes() map[string]probe {
	return map[string]probe{
		"s3:PutObject":                replicates(object{body: "plain"}),
		"s3:PutObjectTagging":         replicates(object{body: "tagged", tags: "a=b"}),
		"s3:GetObjectVersion":         replicates(object{body: "plain"}),
		"s3:GetObjectVersionTagging":  replicates(object{body: "tagged", tags: "a=b"}),
		"s3:GetObject":                recognisesEcho,
		"s3:ListBucket":               acceptsGoneSource,
		"s3:ListBucket of the target": copiesMissingEcho,
		"s3:ListMultipartUploadParts": continuesUpload,
		"s3:AbortMultipartUpload":     givesUpUpload,
		"lambda:InvokeFunction":       handsOver,
		"logs:CreateLogStream":        logs,
		"logs:PutLogEvents":           logs,
	}
}

func replicates(o object) probe {
	return func(w *world, name string) string {
		o.key = name
		w.upload(w.regions[0], o)
		w.settle()
		for _, region := range w.regions[1:] {
			if _, ok := w.read(region, name); !ok {
				return fmt.Sprintf("missing in %s; dead letters: %s", region, w.letters(region))
			}
		}
		return ""
	}
}

// recognisesEcho delivers an echo that the filter would have dropped.
func recognisesEcho(w *world, name string) string {
	w.upload(w.regions[0], object{key: name, body: "echoed"})
	w.settle()
	return w.invoke(w.regions[1], w.echo(w.regions[0], name))
}

// copiesMissingEcho delivers an echo of an object that the target lacks: the
// HEAD has to be answered with 404, not with 403.
func copiesMissingEcho(w *world, name string) string {
	w.upload(w.regions[0], object{key: name, body: "echoed"})
	w.settle()
	target := w.regions[1]
	versions, err := w.s3(target).ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(w.bucket(target)), Prefix: aws.String(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range versions.Versions {
		_, err := w.s3(target).DeleteObject(w.t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String(w.bucket(target)), Key: v.Key, VersionId: v.VersionId,
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.wantMissing(target, name)
	if trouble := w.invoke(target, w.echo(w.regions[0], name)); trouble != "" {
		return trouble
	}
	w.wantIn(target, object{key: name, body: "echoed"})
	return ""
}

func acceptsGoneSource(w *world, name string) string {
	home := w.regions[0]
	w.fault(home, fault.Delay, 1, 0)
	version := w.upload(home, object{key: name, body: "gone soon"})
	_, err := w.s3(home).DeleteObject(w.t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(w.bucket(home)), Key: aws.String(name), VersionId: aws.String(version),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	w.fault(home, fault.Delay, 0, 0)
	return strings.Join(w.letters(w.regions[1]), "\n")
}

func logs(w *world, name string) string {
	w.upload(w.regions[0], object{key: name, body: "logged"})
	w.settle()
	if w.logLines(w.regions[1], name) != "" {
		return ""
	}
	return "the function's log says nothing of the key"
}

// echo is what a function gets for the event of a replica, when no filter
// drops it.
func (w *world) echo(region, key string) []byte {
	w.t.Helper()
	head, err := w.s3(region).HeadObject(w.t.Context(), &s3.HeadObjectInput{Bucket: aws.String(w.bucket(region)), Key: aws.String(key)})
	if err != nil {
		w.t.Fatal(err)
	}
	event := map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": region, "eventTime": "2026-11-20T12:00:00.000Z",
		"eventName":    "ObjectCreated:Copy",
		"userIdentity": map[string]string{"principalId": "AWS:AROAEXAMPLEEXAMPLE00:" + w.state.Regions[region].FunctionName},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0",
			"bucket":          map[string]string{"name": w.bucket(region), "arn": "arn:aws:s3:::" + w.bucket(region)},
			"object": map[string]any{
				"key": key, "size": aws.ToInt64(head.ContentLength), "eTag": strings.Trim(aws.ToString(head.ETag), `"`),
				"versionId": aws.ToString(head.VersionId), "sequencer": "0055AED6DCD90281E5",
			},
		},
	}}}
	message, err := json.Marshal(event)
	if err != nil {
		w.t.Fatal(err)
	}
	payload, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": w.state.Regions[region].TopicARN + ":echo",
		"Sns": map[string]any{
			"Type": "Notification", "MessageId": "echo", "TopicArn": w.state.Regions[region].TopicARN,
			"Message": string(message), "Timestamp": "2026-11-20T12:00:00.000Z",
		},
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return payload
}

func TestProbesFindNothingWrongWithTheTemplates(t *testing.T) {
	a := editable(t, threeRegions(t))
	a.edit("*", inSmallSteps)
	w := start(t, a.files)
	for action, p := range probes() {
		if trouble := p(w, "probe of "+action); trouble != "" {
			t.Errorf("%s: %s", action, trouble)
		}
	}
}

// Every action that the role is granted is needed: taken away, its probe
// fails, or the templates do not even deploy.
func TestEveryRoleActionIsNeeded(t *testing.T) {
	granted := map[string]bool{}
	roleStatementsOf(t, func(s map[string]any) {
		for _, action := range actions(s) {
			granted[action] = true
		}
	})
	if len(granted) == 0 {
		t.Fatal("the role is granted nothing: the test looks in the wrong place")
	}
	for action := range granted {
		t.Run(action, func(t *testing.T) {
			a := editable(t, threeRegions(t))
			a.edit("*", inSmallSteps)
			a.edit("*", func(resources map[string]any) int { return removeAction(resources, action) })
			w, err := tryStart(t, a.files)
			if action == "sqs:SendMessage" {
				// Lambda checks this one when the destination is configured.
				if err == nil || !strings.Contains(err.Error(), "does not have permissions to call SendMessage") {
					t.Fatalf("deployed without %s: %v, want an error that says so", action, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p, ok := probes()[action]
			if !ok {
				t.Fatalf("the role is granted %s, and no probe shows that it is needed", action)
			}
			trouble := p(w, "probed")
			if trouble == "" {
				t.Fatalf("without %s nothing fails", action)
			}
			if strings.HasPrefix(action, "s3:") && !strings.Contains(trouble, "AccessDenied") && !strings.Contains(trouble, "Forbidden") {
				t.Errorf("without %s: %s; want it to say that access is denied", action, trouble)
			}
		})
	}
}

// Telling a missing object from a forbidden one takes s3:ListBucket on the
// target as well as on the sources.
func TestListBucketIsNeededOnTheTarget(t *testing.T) {
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-*[0-9]", func(resources map[string]any) (removed int) {
		target := ""
		ofType(resources, "AWS::S3::Bucket", func(_ string, p map[string]any) { target = fmt.Sprint(p["BucketName"]) })
		roleStatements(resources, func(s map[string]any) {
			buckets, ok := s["Resource"].([]any)
			if !ok || !slices.Contains(actions(s), "s3:ListBucket") {
				return
			}
			s["Resource"] = slices.DeleteFunc(buckets, func(bucket any) bool {
				own := strings.ReplaceAll(fmt.Sprint(bucket), "arn:aws:s3:::", "") == target
				if own {
					removed++
				}
				return own
			})
		})
		return removed
	})
	w := start(t, a.files)
	const probed = "s3:ListBucket of the target"
	if trouble := probes()[probed](w, "probed"); !strings.Contains(trouble, "Forbidden") {
		t.Errorf("without %s: %q, want it forbidden", probed, trouble)
	}
}

// Without the queue policy's one statement for SNS, what SNS cannot deliver is
// lost.
func TestQueuePolicyStatementIsNeeded(t *testing.T) {
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", without("AWS::Lambda::Permission"))
	a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
		return ofType(resources, "AWS::SQS::QueuePolicy", func(_ string, p map[string]any) {
			for _, s := range statements(p) {
				if s["Effect"] == "Allow" {
					s["Action"] = "sqs:ReceiveMessage"
				}
			}
		})
	})
	w := start(t, a.files)
	w.upload("us-east-1", object{key: "key", body: "body"})
	w.settle()
	if got := w.sandbox.Stats().Regions["us-east-1"].SNS; got.Undeliverable != 1 || got.Lost != 1 {
		t.Errorf("%+v, want one delivery given up and lost", got)
	}
}

func roleStatementsOf(t *testing.T, visit func(map[string]any)) {
	t.Helper()
	editable(t, threeRegions(t)).edit("*", func(resources map[string]any) int {
		roleStatements(resources, visit)
		return 1
	})
}

func removeAction(resources map[string]any, action string) (removed int) {
	roleStatements(resources, func(s map[string]any) {
		kept := []any{}
		for _, a := range actions(s) {
			if a == action {
				removed++
			} else {
				kept = append(kept, a)
			}
		}
		if len(kept) == 0 { // a statement needs an action
			kept = append(kept, "s3:GetBucketTagging")
		}
		s["Action"] = kept
	})
	return removed
}

func TestMissingSubscriptionIsNoticed(t *testing.T) {
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

func TestMissingQueuePolicyLosesUndeliverableMessages(t *testing.T) {
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-eu-west-1", without("AWS::Lambda::Permission"))
	a.edit("s3fanout-us-east-1", without("AWS::SQS::QueuePolicy"))
	w := start(t, a.files)
	w.upload("us-east-1", object{key: "key", body: "body"})
	w.settle()
	w.wantMissing("eu-west-1", "key")
	w.wantLetters("us-east-1", 0)
	if got := w.sandbox.Stats().Regions["us-east-1"].SNS; got.Undeliverable != 1 || got.Lost != 1 {
		t.Errorf("%+v, want one delivery given up and lost", got)
	}
}

func TestMissingMeshStackIsNoticed(t *testing.T) {
	a := editable(t, threeRegions(t))
	a.remove("s3fanout-us-east-1-mesh")
	w := start(t, a.files)
	w.upload("us-east-1", object{key: "key", body: "body"})
	w.settle()
	w.wantMissing("eu-west-1", "key")
	w.wantMissing("ap-northeast-1", "key")
}

func TestMissingNotificationIsNoticed(t *testing.T) {
	a := editable(t, threeRegions(t))
	a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
		return ofType(resources, "AWS::S3::Bucket", func(_ string, p map[string]any) { delete(p, "NotificationConfiguration") })
	})
	w := start(t, a.files)
	w.upload("us-east-1", object{key: "key", body: "body"})
	w.settle()
	w.wantMissing("eu-west-1", "key")
	w.wantMissing("ap-northeast-1", "key")
}

// Without the on-failure destination, an event that is given up is lost.
func TestMissingDestinationLosesFailedEvents(t *testing.T) {
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
	for _, c := range []struct {
		name   string
		change func(a *assembly)
		want   string
	}{
		{"no topic policy", func(a *assembly) {
			a.edit("s3fanout-us-east-1", without("AWS::SNS::TopicPolicy"))
		}, "unable to validate the following destination configurations"},
		{"topic policy without its statement for S3", func(a *assembly) {
			a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
				return ofType(resources, "AWS::SNS::TopicPolicy", func(_ string, p map[string]any) {
					for _, s := range statements(p) {
						if s["Effect"] == "Allow" {
							s["Action"] = "sns:Subscribe"
						}
					}
				})
			})
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
				resources["Table"] = map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{}}
				return 1
			})
		}, "AWS::DynamoDB::Table"},
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

// Without the filter the echoes wake functions, which cost a HEAD each; the
// loop still ends there.
func TestWithoutEchoFilterCopiesEndAndCostHeads(t *testing.T) {
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
	if n := got.requests["HeadObject"]; n != 4 {
		t.Errorf("%d HEADs, want one for each echo delivered", n)
	}
	// An echo that overtakes the upload's own delivery finds nothing, and copies.
	if n := got.requests["CopyObject"]; n < 2 || n > 4 {
		t.Errorf("%d CopyObject, want 2, and one more at most where an echo came first", n)
	}
	for _, region := range w.regions {
		if n := w.versions(region, "key"); n != 1 {
			t.Errorf("%s: %d versions, want 1", region, n)
		}
	}

	// Once the replicas are there, an echo costs one HEAD and nothing else.
	before := w.cost().requests
	if trouble := w.invoke(w.regions[1], w.echo(w.regions[0], "key")); trouble != "" {
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
