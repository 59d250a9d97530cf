package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/sandbox/fault"
)

// healthReport is what doctor and status both write.
type healthReport struct {
	Regions []struct {
		Region string
		Parts  map[string]string
	}
	Findings []struct{ Check, Region, Severity, What, Means, Fix string }
}

// failing returns "REGION CHECK" of each finding that failed or is unknown, in order
// and once each.
func (r healthReport) failing() []string {
	var list []string
	for _, f := range r.Findings {
		if f.Severity == "failed" || f.Severity == "unknown" {
			list = append(list, f.Region+" "+f.Check)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// health runs doctor or status and returns its exit code and its report.
func (w *world) health(command string) (int, healthReport) {
	w.t.Helper()
	return w.healthOf(command, filepath.Join(build.root, "cdk.json"))
}

// healthOf is health with another configuration.
func (w *world) healthOf(command, config string) (int, healthReport) {
	w.t.Helper()
	code, stdout, stderr := w.command(command, "--config", config, "--output", "json")
	var report healthReport
	if err := json.Unmarshal(stdout, &report); err != nil {
		w.t.Fatalf("%s: exit %d, %v\n%s%s", command, code, err, stdout, stderr)
	}
	return code, report
}

// command runs the command with the world's credentials.
func (w *world) command(args ...string) (code int, stdout, stderr []byte) {
	w.t.Helper()
	cmd := w.prepare(args...)
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.Bytes(), notes.Bytes()
}

// prepare makes the command with the world's credentials.
func (w *world) prepare(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(w.t.Context(), build.command, args...)
	cmd.Dir = build.root
	cmd.Env = append([]string{
		"AWS_ENDPOINT_URL=" + w.state.Endpoint,
		"AWS_ACCESS_KEY_ID=" + w.state.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + w.state.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + w.session,
	}, w.env...)
	return cmd
}

// wantHealth checks what doctor and status find, "REGION CHECK" each.
func (w *world) wantHealth(want ...string) healthReport {
	w.t.Helper()
	return w.wantHealthOf(filepath.Join(build.root, "cdk.json"), want)
}

// wantHealthOf is wantHealth with another configuration.
func (w *world) wantHealthOf(config string, want []string) healthReport {
	w.t.Helper()
	slices.Sort(want)
	wantCode := 0
	if len(want) > 0 {
		wantCode = 3
	}
	var report healthReport
	for _, command := range []string{"status", "doctor"} {
		var code int
		code, report = w.healthOf(command, config)
		if got := report.failing(); code != wantCode || !slices.Equal(got, want) {
			w.t.Errorf("%s: exit %d and %q, want %d and %q; all findings: %+v", command, code, got, wantCode, want, report.Findings)
		}
	}
	return report
}

// No false alarms: of the templates as they are, nothing is found, after
// deployment and after use, with three Regions and with five.
func TestDoctorFindsAHealthySetHealthy(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	if report := w.wantHealth(); len(report.Findings) != 0 {
		t.Errorf("findings %+v, want none at all", report.Findings)
	}
	w.inEveryRegion(func(region string) object { return object{key: "from " + region, body: "body"} })
	w.settle()
	report := w.wantHealth()
	for _, r := range report.Regions {
		for part, state := range r.Parts {
			if state != "ok" {
				t.Errorf("%s: %s is %s", r.Region, part, state)
			}
		}
	}
	if len(report.Regions) != 3 {
		t.Errorf("%d Regions in the report, want 3", len(report.Regions))
	}
}

func TestDoctorFindsFiveRegionsHealthy(t *testing.T) {
	t.Parallel()
	w := start(t, fiveRegions(t))
	config := filepath.Join(t.TempDir(), "cdk.json")
	text := `{"context":{"s3fanout":{"name":"five","regions":["us-east-1","us-west-2","eu-west-1","eu-central-1","ap-northeast-1"]}}}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"doctor", "status"} {
		if code, stdout, stderr := w.command(command, "--config", config); code != 0 {
			t.Errorf("%s: exit %d\n%s%s", command, code, stdout, stderr)
		}
	}
}

// editOf changes the properties of every resource of a type.
func editOf(resourceType string, change func(p map[string]any)) func(map[string]any) int {
	return func(resources map[string]any) int {
		return ofType(resources, resourceType, func(_ string, p map[string]any) { change(p) })
	}
}

// Every sabotage of the deployment that replication alone would not report is
// named, with its Region and its part, and nothing else is.
func TestDoctorNamesEverySabotage(t *testing.T) {
	t.Parallel()
	const us, eu = "s3fanout-us-east-1", "s3fanout-eu-west-1"
	for _, c := range []struct {
		name     string
		sabotage func(a *assembly)
		want     []string
	}{
		{"a subscription missing", func(a *assembly) {
			a.edit(us+"-mesh", func(resources map[string]any) (removed int) {
				ofType(resources, "AWS::SNS::Subscription", func(id string, p map[string]any) {
					if strings.Contains(fmt.Sprint(p["Endpoint"]), "eu-west-1") {
						delete(resources, id)
						removed++
					}
				})
				return removed
			})
		}, []string{"us-east-1 subscription"}},
		{"no mesh stack", func(a *assembly) { a.remove(us + "-mesh") }, []string{"us-east-1 subscription"}},
		{"no permission to invoke", func(a *assembly) { a.edit(eu, without("AWS::Lambda::Permission")) },
			[]string{"eu-west-1 function-permission"}},
		{"no queue policy", func(a *assembly) { a.edit(us, without("AWS::SQS::QueuePolicy")) }, []string{"us-east-1 queue-policy"}},
		{"queue policy without SNS", func(a *assembly) {
			a.edit(us, withoutAllow("AWS::SQS::QueuePolicy", "sqs:ReceiveMessage"))
		}, []string{"us-east-1 queue-policy"}},
		{"no notification", func(a *assembly) {
			a.edit(us, editOf("AWS::S3::Bucket", func(p map[string]any) { delete(p, "NotificationConfiguration") }))
		}, []string{"us-east-1 bucket-notification"}},
		{"no on-failure destination", func(a *assembly) {
			a.edit(eu, without("AWS::Lambda::EventInvokeConfig"))
		}, []string{"eu-west-1 function-failures"}},
		{"no echo filter", func(a *assembly) {
			a.edit("*-mesh", editOf("AWS::SNS::Subscription", func(p map[string]any) {
				delete(p, "FilterPolicy")
				delete(p, "FilterPolicyScope")
			}))
		},
			[]string{
				"us-east-1 subscription-echo-filter", "eu-west-1 subscription-echo-filter",
				"ap-northeast-1 subscription-echo-filter",
			}},
		{"echo filter of another role", func(a *assembly) {
			a.edit(us+"-mesh", editOf("AWS::SNS::Subscription", func(p map[string]any) {
				p["FilterPolicy"] = map[string]any{"Records": map[string]any{"userIdentity": map[string]any{
					"principalId": []any{map[string]any{"anything-but": map[string]any{"prefix": "AWS:AROAGONE:"}}},
				}}}
			}))
		}, []string{"us-east-1 subscription-echo-filter"}},
		{"a filter that drops uploads", func(a *assembly) {
			a.edit(us+"-mesh", editOf("AWS::SNS::Subscription", func(p map[string]any) {
				p["FilterPolicy"] = map[string]any{"Records": map[string]any{"eventName": []any{"ObjectCreated:Copy"}}}
			}))
		}, []string{"us-east-1 subscription-filter"}},
		{"undelivered goes nowhere", func(a *assembly) {
			a.edit(eu+"-mesh", editOf("AWS::SNS::Subscription", func(p map[string]any) { delete(p, "RedrivePolicy") }))
		}, []string{"eu-west-1 subscription-dead-letters"}},
		{"a queue by another name", func(a *assembly) {
			a.edit(eu, editOf("AWS::SQS::Queue", func(p map[string]any) { p["QueueName"] = "elsewhere" }))
			a.edit(eu+"-mesh", editOf("AWS::SNS::Subscription", func(p map[string]any) { delete(p, "RedrivePolicy") }))
			a.edit(eu, without("AWS::Lambda::EventInvokeConfig"))
		}, []string{"eu-west-1 queue", "eu-west-1 subscription-dead-letters", "eu-west-1 function-failures"}},
		{"a source forgotten", func(a *assembly) {
			a.edit(eu, editOf("AWS::Lambda::Function", func(p map[string]any) {
				variables := p["Environment"].(map[string]any)["Variables"].(map[string]any)
				variables["S3FANOUT_SOURCE_BUCKETS"] = "us-east-1=s3fanout-123456789012-us-east-1"
			}))
		}, []string{"eu-west-1 function-environment"}},
		{"the Region's own function subscribed", func(a *assembly) {
			a.edit(eu+"-mesh", func(resources map[string]any) int {
				return ofTypeOnce(resources, "AWS::SNS::Subscription", func(p map[string]any) {
					copied := map[string]any{}
					for k, v := range p {
						copied[k] = v
					}
					copied["Endpoint"] = "arn:aws:lambda:eu-west-1:123456789012:function:s3fanout-replicator"
					resources["Own"] = map[string]any{"Type": "AWS::SNS::Subscription", "Properties": copied}
				})
			})
		}, []string{"eu-west-1 subscription-own-function"}},
		{"never versioned", func(a *assembly) {
			a.edit(eu, editOf("AWS::S3::Bucket", func(p map[string]any) { delete(p, "VersioningConfiguration") }))
		}, []string{"eu-west-1 bucket-versioning"}},
		{"a bucket by another name", func(a *assembly) {
			a.edit(eu, editOf("AWS::S3::Bucket", func(p map[string]any) {
				p["BucketName"] = "elsewhere"
				delete(p, "NotificationConfiguration")
			}))
			a.edit(eu, without("AWS::S3::BucketPolicy"))
		}, []string{"eu-west-1 bucket"}},
		{"uploads in parts not announced", func(a *assembly) {
			a.edit(us, editOf("AWS::S3::Bucket", func(p map[string]any) {
				topics := p["NotificationConfiguration"].(map[string]any)["TopicConfigurations"].([]any)
				topics[0].(map[string]any)["Event"] = "s3:ObjectCreated:Put"
			}))
		}, []string{"us-east-1 bucket-notification"}},
		{"a permission for another topic", func(a *assembly) {
			a.edit(eu, func(resources map[string]any) int {
				return ofTypeOnce(resources, "AWS::Lambda::Permission", func(p map[string]any) {
					p["SourceArn"] = "arn:aws:sns:us-west-2:123456789012:s3fanout-object-created"
				})
			})
		}, []string{"eu-west-1 function-permission"}},
		{"a permission for another service", func(a *assembly) {
			a.edit(eu, editOf("AWS::Lambda::Permission", func(p map[string]any) { p["Principal"] = "events.amazonaws.com" }))
		}, []string{"eu-west-1 function-permission"}},
		{"another bucket to write to", func(a *assembly) {
			a.edit(eu, editOf("AWS::Lambda::Function", func(p map[string]any) {
				variables := p["Environment"].(map[string]any)["Variables"].(map[string]any)
				variables["S3FANOUT_TARGET_BUCKET"] = "s3fanout-123456789012-us-east-1"
			}))
		}, []string{"eu-west-1 function-environment"}},
		{"a function switched off", func(a *assembly) {
			a.edit(eu, editOf("AWS::Lambda::Function", func(p map[string]any) { p["ReservedConcurrentExecutions"] = 0 }))
		}, []string{"eu-west-1 function-concurrency"}},
		{"no permission to list the target", func(a *assembly) {
			a.edit(eu, func(resources map[string]any) (removed int) {
				roleStatements(resources, func(s map[string]any) {
					if buckets, ok := s["Resource"].([]any); ok && slices.Contains(actions(s), "s3:ListBucket") {
						s["Resource"] = slices.DeleteFunc(buckets, func(b any) bool {
							return strings.Contains(fmt.Sprint(b), "-eu-west-1")
						})
						removed++
					}
				})
				return removed
			})
		}, []string{"eu-west-1 role-permissions"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := editable(t, threeRegions(t))
			c.sabotage(a)
			start(t, a.files).wantHealth(c.want...)
		})
	}
}

// ofTypeOnce is ofType for one resource of the type.
func ofTypeOnce(resources map[string]any, resourceType string, change func(p map[string]any)) int {
	done := 0
	ofType(resources, resourceType, func(_ string, p map[string]any) {
		if done == 0 {
			change(p)
			done++
		}
	})
	return done
}

// Each action of the role that is taken away is named.
func TestDoctorNamesEveryMissingAction(t *testing.T) {
	t.Parallel()
	granted := map[string]bool{}
	roleStatementsOf(t, func(s map[string]any) {
		for _, action := range actions(s) {
			granted[action] = true
		}
	})
	if len(granted) < 10 {
		t.Fatalf("the role is granted %v: the test looks in the wrong place", granted)
	}
	for action := range granted {
		t.Run(action, func(t *testing.T) {
			a := editable(t, threeRegions(t))
			a.edit("s3fanout-eu-west-1", func(resources map[string]any) int { return removeAction(resources, action) })
			want := []string{"eu-west-1 role-permissions"}
			if action == "sqs:SendMessage" { // Lambda refuses the destination without it
				a.edit("s3fanout-eu-west-1", without("AWS::Lambda::EventInvokeConfig"))
				want = append(want, "eu-west-1 function-failures")
			}
			report := start(t, a.files).wantHealth(want...)
			named := false
			for _, f := range report.Findings {
				named = named || strings.Contains(f.What, action+" on arn:")
			}
			if !named {
				t.Errorf("findings %+v do not name %s", report.Findings, action)
			}
		})
	}
}

// A dead letter is a finding with the command that replays it, until it is
// replayed.
func TestDoctorNamesDeadLetters(t *testing.T) {
	t.Parallel()
	w := start(t, threeRegions(t))
	w.fault("eu-west-1", fault.LambdaCrash, 1, 0)
	w.upload("us-east-1", object{key: "key", body: "body"})
	w.settle()
	report := w.wantHealth("eu-west-1 dead-letters")
	if fix := report.Findings[0].Fix; !strings.Contains(fix, "s3fanout redrive --region eu-west-1") {
		t.Errorf("fix %q, want the command", fix)
	}
	w.fault("eu-west-1", fault.LambdaCrash, 0, 0)
	if code, out := w.redrive(); code != 0 {
		t.Fatalf("redrive: exit %d\n%s", code, out)
	}
	w.settle()
	w.wantHealth()
}
