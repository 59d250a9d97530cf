package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wantHealthCareful is wantHealth with the careful configuration.
func (w *world) wantHealthCareful(want ...string) healthReport {
	w.t.Helper()
	return w.wantHealthOf(filepath.Join(build.dir, "careful", "cdk.json"), want)
}

// No false alarms, with keys that the stacks make and S3 Batch Operations, as
// deployed and after use.
func TestDoctorFindsACarefulSetHealthy(t *testing.T) {
	t.Parallel()
	w := start(t, careful(t))
	w.wantHealthCareful()
	w.upload("us-east-1", object{key: "dt=2026/key", body: "body"})
	w.settle()
	report := w.wantHealthCareful()
	if len(report.Findings) != 0 {
		t.Errorf("findings %+v, want none at all", report.Findings)
	}
}

// Every action that a role of the careful templates is granted is one that
// doctor looks for, in the statement that grants it: taken away, it is named.
// With the healthy set above this holds the table of what roles need and the
// templates together.
func TestDoctorNamesEveryMissingActionOfACarefulSet(t *testing.T) {
	t.Parallel()
	const stack = "careful-eu-west-1"
	granted := map[string]map[string]bool{} // Sid -> actions
	editable(t, careful(t)).edit(stack, func(resources map[string]any) int {
		roleStatements(resources, func(s map[string]any) {
			sid := fmt.Sprint(s["Sid"])
			if granted[sid] != nil {
				t.Errorf("two statements are called %s", sid)
			}
			granted[sid] = map[string]bool{}
			for _, action := range actions(s) {
				granted[sid][action] = true
			}
		})
		return 1
	})
	for _, sid := range []string{
		"WriteReplicas", "EncryptHere", "DecryptSources", "ReadSources", "PassOn", "EncryptReports", "SendTraces",
	} {
		if len(granted[sid]) == 0 {
			t.Errorf("there is no statement %s: the test looks in the wrong place", sid)
		}
	}
	ofJobs := []string{"Invoke", "ListObjects", "WriteReports", "EncryptReports"}
	for sid, list := range granted {
		for action := range list {
			if action == "xray:PutTraceSegments" {
				continue // Lambda makes no function that traces without it
			}
			t.Run(sid+" "+action, func(t *testing.T) {
				a := editable(t, careful(t))
				a.edit(stack, ofStatement(sid, func(s map[string]any) {
					left := slices.DeleteFunc(actions(s), func(granted string) bool { return granted == action })
					if len(left) == 0 { // a statement needs an action
						left = []string{"s3:GetBucketTagging"}
					}
					s["Action"] = left
				}))
				want := []string{"eu-west-1 role-permissions"}
				if slices.Contains(ofJobs, sid) {
					want = []string{"eu-west-1 batch-role-permissions"}
				}
				if sid == "SendTraces" { // objects are copied without: a warning
					want = nil
				}
				if action == "sqs:SendMessage" { // Lambda refuses the destination without it
					a.edit(stack, without("AWS::Lambda::EventInvokeConfig"))
					want = append(want, "eu-west-1 function-failures")
				}
				report := start(t, a.files).wantHealthCareful(want...)
				if !strings.Contains(fmt.Sprint(report.Findings), action+" on ") {
					t.Errorf("findings %+v do not name %s", report.Findings, action)
				}
			})
		}
	}
}

func TestDoctorNamesEverySabotageOfACarefulSet(t *testing.T) {
	t.Parallel()
	const us, eu = "careful-us-east-1", "careful-eu-west-1"
	for _, c := range []struct {
		name     string
		sabotage func(a *assembly)
		want     []string
	}{
		{"bucket on AES256", func(a *assembly) {
			a.edit(eu, editOf("AWS::S3::Bucket", func(p map[string]any) { delete(p, "BucketEncryption") }))
		}, []string{"eu-west-1 bucket-encryption"}},
		{"bucket with another key", func(a *assembly) {
			a.edit(eu, secondKey)
			a.edit(eu, editOf("AWS::S3::Bucket", func(p map[string]any) {
				rule := p["BucketEncryption"].(map[string]any)["ServerSideEncryptionConfiguration"].([]any)[0].(map[string]any)
				rule["ServerSideEncryptionByDefault"].(map[string]any)["KMSMasterKeyID"] = map[string]any{
					"Fn::GetAtt": []any{"Second", "Arn"},
				}
			}))
		}, []string{"eu-west-1 bucket-encryption"}},
		{"topic without key", func(a *assembly) {
			a.edit(us, editOf("AWS::SNS::Topic", func(p map[string]any) { delete(p, "KmsMasterKeyId") }))
		}, []string{"us-east-1 topic-encryption"}},
		{"queue without key", func(a *assembly) {
			a.edit(eu, editOf("AWS::SQS::Queue", func(p map[string]any) { delete(p, "KmsMasterKeyId") }))
		}, []string{"eu-west-1 queue-encryption"}},
		{"keys of another alias", func(a *assembly) {
			a.edit(us, ofStatement("DecryptSources", func(s map[string]any) {
				s["Condition"].(map[string]any)["ForAnyValue:StringEquals"] = map[string]any{"kms:ResourceAliases": "alias/other"}
			}))
		}, []string{"us-east-1 role-permissions"}},
		{"what other buckets hold", func(a *assembly) {
			a.edit(us, ofStatement("DecryptSources", func(s map[string]any) {
				s["Condition"].(map[string]any)["StringLike"] = map[string]any{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other*"}
			}))
		}, []string{"us-east-1 role-permissions"}},
		{"no policy for jobs' tasks", func(a *assembly) {
			a.edit(us, without("AWS::IAM::Policy"))
		}, []string{"us-east-1 role-permissions"}},
		{"no role for jobs", func(a *assembly) { a.edit(eu, withoutJobRole) }, []string{"eu-west-1 batch-role"}},
		{"role for jobs of another service", func(a *assembly) {
			a.edit(eu, func(resources map[string]any) int {
				return jobRoles(resources, func(_ string, p map[string]any) {
					p["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any)[0].(map[string]any)["Principal"] = map[string]any{
						"Service": "s3.amazonaws.com",
					}
				})
			})
		}, []string{"eu-west-1 batch-role-trust"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := editable(t, careful(t))
			c.sabotage(a)
			start(t, a.files).wantHealthCareful(c.want...)
		})
	}
}

// secondKey adds a key like the stack's own, without an alias.
func secondKey(resources map[string]any) int {
	var copied map[string]any
	n := ofType(resources, "AWS::KMS::Key", func(_ string, p map[string]any) {
		copied = map[string]any{"Type": "AWS::KMS::Key", "Properties": maps.Clone(p)}
	})
	resources["Second"] = copied
	return n
}

func withoutJobRole(resources map[string]any) int {
	return jobRoles(resources, func(id string, _ map[string]any) { delete(resources, id) })
}

// jobRoles calls change with every role of jobs of S3 Batch Operations.
func jobRoles(resources map[string]any, change func(id string, p map[string]any)) (n int) {
	ofType(resources, "AWS::IAM::Role", func(id string, p map[string]any) {
		if strings.Contains(fmt.Sprint(p["RoleName"]), "-batch-") {
			change(id, p)
			n++
		}
	})
	return n
}

// A set that was deployed before cdk.json asked for keys and jobs does not
// pass for one that has them.
func TestDoctorNamesWhatIsNotDeployedYet(t *testing.T) {
	t.Parallel()
	a := editable(t, careful(t))
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		stack := "careful-" + region
		a.edit(stack, editOf("AWS::S3::Bucket", func(p map[string]any) { delete(p, "BucketEncryption") }))
		a.edit(stack, editOf("AWS::SNS::Topic", func(p map[string]any) { delete(p, "KmsMasterKeyId") }))
		a.edit(stack, editOf("AWS::SQS::Queue", func(p map[string]any) { delete(p, "KmsMasterKeyId") }))
		a.edit(stack, without("AWS::IAM::Policy"))
		a.edit(stack, withoutJobRole)
	}
	var want []string
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		for _, check := range []string{"bucket-encryption", "topic-encryption", "queue-encryption", "role-permissions", "batch-role"} {
			want = append(want, region+" "+check)
		}
	}
	start(t, a.files).wantHealthCareful(want...)
}
