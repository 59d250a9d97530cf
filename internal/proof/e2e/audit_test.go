package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox"
)

const auditContext = `{"s3fanout":{"name":"s3fanout","regions":["us-east-1","eu-west-1","ap-northeast-1"],` +
	`"auditTrail":{"retentionDays":90}}}`

// audited is a set with a trail, and roles that ask it: each with the policies of the
// page, but for one action of that about the trail.
type audited struct {
	*world
	cdk string
}

func startAudited(t *testing.T) audited {
	t.Helper()
	looking, _ := pagePolicies(t)
	a := editable(t, synthesize(t, auditContext))
	a.edit("s3fanout-us-east-1", func(resources map[string]any) int {
		for role, without := range map[string]string{"asks": "", "asks-not": "logs:StartQuery", "waits-not": "logs:GetQueryResults"} {
			kept := pagePolicy(t, "audit")
			statements := kept["Statement"].([]any)
			kept["Statement"] = slices.DeleteFunc(statements, func(s any) bool {
				return slices.Contains(actions(s.(map[string]any)), without)
			})
			resources["Role"+strings.ReplaceAll(role, "-", "")] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
				"RoleName": role,
				"Policies": []any{
					map[string]any{"PolicyName": "look", "PolicyDocument": looking},
					map[string]any{"PolicyName": "ask", "PolicyDocument": kept},
				},
				"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
					"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + sandbox.AccountID + ":root"},
					"Action": "sts:AssumeRole",
				}}},
			}}
		}
		return 3
	})
	config := filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+auditContext+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return audited{start(t, a.files), config}
}

// says runs a command as a role and returns what it says.
func (w audited) says(role string, wantCode int, args ...string) string {
	w.t.Helper()
	as := w.as(w.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/"+role, "jo"))
	code, out, notes := as.command(append([]string{args[0], "--config", w.cdk}, args[1:]...)...)
	if code != wantCode {
		w.t.Errorf("%v: exit code %d, want %d\n%s%s", args, code, wantCode, out, notes)
	}
	return string(out) + string(notes)
}

// wantSaid checks that a text has all of these.
func wantSaid(t *testing.T, said string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(said, want) {
			t.Errorf("%q is missing in\n%s", want, said)
		}
	}
}

// insights is the first column but one of what a query answers.
func (w *world) insights(text string) (rows []map[string]string) {
	w.t.Helper()
	client := cloudwatchlogs.NewFromConfig(w.config("us-east-1"))
	started, err := client.StartQuery(w.t.Context(), &cloudwatchlogs.StartQueryInput{
		LogGroupName: aws.String("s3fanout-audit"), QueryString: &text,
		StartTime: aws.Int64(time.Now().Add(-time.Hour).Unix()), EndTime: aws.Int64(time.Now().Unix()),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for {
		out, err := client.GetQueryResults(w.t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId})
		if err != nil {
			w.t.Fatal(err)
		}
		if out.Status != types.QueryStatusComplete {
			continue
		}
		for _, cells := range out.Results {
			row := map[string]string{}
			for _, c := range cells {
				row[*c.Field] = *c.Value
			}
			rows = append(rows, row)
		}
		return rows
	}
}

// Who wrote, deleted and destroyed what is found in the trail of the real templates, by
// the policies that the page gives, and by its saved queries.
func TestAuditTrail(t *testing.T) {
	t.Parallel()
	w := startAudited(t)
	const user = "arn:aws:iam::" + sandbox.AccountID + ":"
	w.upload("us-east-1", object{key: "films/one", body: "one"})
	w.upload("eu-west-1", object{key: "films/two", body: "two"})
	hostile := "x\" or eventName = \"PutObject"
	w.upload("us-east-1", object{key: hostile, body: "x"})
	w.settle()

	said := w.says("asks", 0, "explain", "--audit", "films/one")
	wantSaid(t, said, "EVENT AT", "us-east-1  PutObject  ", "by "+user, " from 127.0.0.1", "audit trail: asked from 20",
		"; events arrive after about five minutes")
	if n := strings.Count(said, "PutObject"); n != 1 || strings.Contains(said, "CopyObject") {
		t.Errorf("%d uploads, or a replica:\n%s", n, said)
	}
	if n := strings.Count(w.says("asks", 0, "explain", "--audit", hostile), "PutObject  "); n != 1 {
		t.Errorf("%d events of a key that looks like a query, want one", n)
	}

	w.remove("eu-west-1", "films/one")
	// Who tags a replica has not written it.
	if _, err := w.s3("ap-northeast-1").PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{
		Bucket: aws.String(w.bucket("ap-northeast-1")), Key: aws.String("films/two"),
		Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s3("ap-northeast-1").DeleteObjects(t.Context(), &s3.DeleteObjectsInput{
		Bucket: aws.String(w.bucket("ap-northeast-1")),
		Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: aws.String("films/two")}}},
	}); err != nil {
		t.Fatal(err)
	}
	jo := s3.NewFromConfig(w.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/asks", "jo").in("us-east-1"),
		func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := jo.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(w.bucket("us-east-1")), Key: aws.String("films/two"), Body: strings.NewReader("no"),
	}); err == nil {
		t.Error("a role without the permission writes")
	}
	current, err := w.s3("us-east-1").HeadObject(t.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(w.bucket("us-east-1")), Key: aws.String("films/one"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.s3("us-east-1").DeleteObject(t.Context(), &s3.DeleteObjectInput{
		Bucket: aws.String(w.bucket("us-east-1")), Key: aws.String("films/one"), VersionId: current.VersionId,
	}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	wantSaid(t, w.says("asks", 3, "explain", "--audit", "films/two"),
		"ap-northeast-1  DeleteObjects  ", "deleted several keys, likely this one",
		"by arn:aws:sts::"+sandbox.AccountID+":assumed-role/asks/jo from 127.0.0.1 · refused: AccessDenied")
	wantSaid(t, w.says("asks", 0, "history", "--audit", "films/one"),
		"destroyed ", *current.VersionId, "destroyed the version", "eu-west-1       deletion ", "    current · by "+user)
	// What was destroyed before there was any version of now, is found further back.
	wantSaid(t, w.says("asks", 0, "history", "--audit", "--audit-since", "90d", "films/one"),
		"destroyed ", *current.VersionId, "audit trail: asked from "+time.Now().AddDate(0, 0, -90).UTC().Format("2006-01-02"))
	var shown struct {
		Entries []struct {
			What string
			By   *struct{ By, Event string }
		}
	}
	if err := json.Unmarshal([]byte(w.says("asks", 0, "history", "--audit", "films/two", "--output", "json")), &shown); err != nil {
		t.Fatal(err)
	}
	var whats []string
	for _, e := range shown.Entries {
		by := ""
		if e.By != nil {
			by = " " + e.By.Event
		}
		whats = append(whats, e.What+by)
	}
	slices.Sort(whats)
	if got := strings.Join(whats, ", "); got != "deletion DeleteObjects, replica, replica, write PutObject" {
		t.Errorf("history has %s", got)
	}

	wantSaid(t, w.says("asks-not", 1, "explain", "--audit", "films/two"),
		"audit trail: not known: region us-east-1: logs:StartQuery on log group s3fanout-audit is denied")
	wantSaid(t, w.says("waits-not", 1, "history", "--audit", "films/two"),
		"audit trail: not known: region us-east-1: logs:GetQueryResults on log group s3fanout-audit is denied")
	if code, _, notes := w.command("explain", "--audit", "films/two"); code != 2 ||
		!strings.Contains(string(notes), "--audit: cdk.json has no auditTrail") {
		t.Errorf("without a trail: exit %d, %s", code, notes)
	}

	trails := cloudtrail.NewFromConfig(w.config("us-east-1"))
	if said := w.says("asks", 0, "doctor"); strings.Contains(said, "audit-trail") {
		t.Errorf("doctor says %s", said)
	}
	// It stays on when auditTrail is removed from cdk.json.
	code, out, notes := w.command("doctor")
	if code != 0 {
		t.Errorf("doctor without auditTrail: exit %d, %s%s", code, out, notes)
	}
	wantSaid(t, string(out), "audit-trail-events", "trail s3fanout-audit in us-east-1 still records", "$0.10 for 100,000",
		"aws cloudformation delete-stack --region us-east-1 --stack-name s3fanout-audit")
	// It is found also if another Region is the first, by the policy of the page.
	moved := filepath.Join(t.TempDir(), "cdk.json")
	const context = `{"context":{"s3fanout":{"name":"s3fanout","regions":["eu-west-1","us-east-1","ap-northeast-1"]}}}`
	if err := os.WriteFile(moved, []byte(context), 0o600); err != nil {
		t.Fatal(err)
	}
	_, out, _ = w.as(w.mustAssume("arn:aws:iam::"+sandbox.AccountID+":role/asks", "jo")).command("doctor", "--config", moved)
	wantSaid(t, string(out), "trail s3fanout-audit in us-east-1 still records")
	if _, err := trails.StopLogging(t.Context(), &cloudtrail.StopLoggingInput{Name: aws.String("s3fanout-audit")}); err != nil {
		t.Fatal(err)
	}
	if _, err := trails.PutEventSelectors(t.Context(), &cloudtrail.PutEventSelectorsInput{
		TrailName: aws.String("s3fanout-audit"),
		AdvancedEventSelectors: []trailtypes.AdvancedEventSelector{{FieldSelectors: []trailtypes.AdvancedFieldSelector{
			{Field: aws.String("eventCategory"), Equals: []string{"Data"}},
			{Field: aws.String("resources.type"), Equals: []string{"AWS::S3::Object"}}}}},
	}); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, w.says("asks", 3, "doctor"), "audit-trail-logging", "aws cloudtrail start-logging --region us-east-1 --name s3fanout-audit",
		"audit-trail-events", "its event selectors differ in readOnly", "npx cdk deploy --revert-drift s3fanout-audit")

	set := replicaset.Config{
		Name: "s3fanout", Regions: []string{"us-east-1", "eu-west-1", "ap-northeast-1"}, AuditTrail: &replicaset.AuditTrail{},
	}
	answers := map[string][]map[string]string{}
	for _, q := range set.AuditQueries(sandbox.AccountID) {
		answers[q.ID] = w.insights(strings.Replace(q.Text, `"KEY"`, `"films/one"`, 1))
	}
	if rows := answers["QueryKey"]; len(rows) != 3 || rows[0]["awsRegion"] == "" { // an upload and two deletions
		t.Errorf("who wrote or deleted: %v", rows)
	}
	if rows := answers["QueryDeletions"]; len(rows) != 1 || rows[0]["awsRegion"] != "ap-northeast-1" {
		t.Errorf("deletions of several keys: %v", rows)
	}
	uploads := map[string]string{}
	for _, row := range answers["QueryUploads"] {
		uploads[row["awsRegion"]] += row["uploads"] + "/" + row["replicas"]
	}
	if uploads["us-east-1"] != "2/0" || uploads["eu-west-1"] != "1/0" || len(uploads) != 2 {
		t.Errorf("uploads and replicas: %v", uploads)
	}
	if rows := answers["QueryDenied"]; len(rows) != 1 || !strings.HasSuffix(rows[0]["userIdentity.arn"], "assumed-role/asks/jo") {
		t.Errorf("denied: %v", rows)
	}
	if rows := answers["QueryDirect"]; len(rows) != 3 {
		t.Errorf("writes by a bucket's name: %v", rows)
	}
}
