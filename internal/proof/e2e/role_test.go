package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestProbesFindNothingWrongWithTheTemplates(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
			t.Parallel()
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
			w.leavesUploads = true // without the action
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
	t.Parallel()
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
