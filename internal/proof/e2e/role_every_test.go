package e2e

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox"
)

// grant is one action of one statement, of a role or of a resource's policy.
type grant struct {
	on     string // function's role, job's role, topic, alarm topic, queue, bucket, key or function
	sid    string // of the statement; of a role's trust, the kind of its principal
	action string
}

// loss is how it shows that a grant has been taken away.
type loss struct {
	probe  probe
	says   string                   // in the probe's trouble, or in the log of a function
	deploy string                   // or the templates do not deploy any more: in that error
	and    func(map[string]any) int // what has to be changed too, so that the grant is made use of
	cannot string                   // or why it cannot be shown in the sandbox
}

// carefulSet has the names of careful's assembly.
func carefulSet() replicaset.Config {
	return replicaset.Config{
		Name: "careful", Regions: []string{"us-east-1", "eu-west-1"}, BucketNamespace: replicaset.AccountRegionalNamespace,
	}
}

// losses are the grants of a Region stack in which every feature that grants
// something is switched on, and what the loss of each breaks.
func losses() map[grant]loss {
	const role, job = "function's role", "job's role"
	service := "the sandbox has no S3 Batch Operations that could assume the role"
	list := map[grant]loss{
		{role, "trust Service", "sts:AssumeRole"}: {deploy: "cannot be assumed by Lambda"},
		{role, "trust AWS", "sts:AssumeRole"}:     {probe: begins(nil), says: "AccessDenied"},
		{role, "trust AWS", "sts:SetSourceIdentity"}: {probe: begins(func(in *sts.AssumeRoleInput) {
			in.SourceIdentity = aws.String("jo")
		}), says: "AccessDenied"},
		{role, "trust AWS", "sts:TagSession"}: {probe: begins(func(in *sts.AssumeRoleInput) {
			in.Tags = []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("ops")}}
		}), says: "AccessDenied"},

		{role, "SendDeadLetters", "sqs:SendMessage"}:  {deploy: "does not have permissions to call SendMessage"},
		{role, "EncryptHere", "kms:GenerateDataKey"}:  {probe: replicates(object{body: "plain"}), says: "kms:GenerateDataKey"},
		{role, "EncryptHere", "kms:Decrypt"}:          {probe: replicates(object{body: bigBody()}), says: "kms:Decrypt"},
		{role, "DecryptSources", "kms:Decrypt"}:       {probe: replicates(object{body: "plain"}), says: "kms:Decrypt"},
		{role, "SendTraces", "xray:PutTraceSegments"}: {deploy: "does not have permissions to call PutTraceSegments on XRAY"},
		{role, "SendTraces",
			"xray:PutTelemetryRecords"}: {cannot: "what Lambda tells X-Ray of its own sending is nothing that a deployment or an " +
			"invocation would miss, " +
			"and the sandbox has no X-Ray"},
		{role, "ReadSources", "s3:GetObject"}:        {probe: runsTask(object{body: "plain"}), says: "AccessDenied"},
		{role, "ReadSources", "s3:GetObjectTagging"}: {probe: runsTask(object{body: "tagged", tags: "a=b"}), says: "AccessDenied"},
		{role, "PassOn", "lambda:InvokeFunction"}:    {probe: runsTask(object{body: "plain"}), says: "AccessDenied"},

		{job, "trust Service", "sts:AssumeRole"}:             {cannot: service},
		{job, "Invoke", "lambda:InvokeFunction"}:             {probe: asJob(invokesFunction), says: "AccessDenied"},
		{job, "ListObjects", "s3:PutInventoryConfiguration"}: {probe: asJob(listsObjects), says: "AccessDenied"},
		{job, "WriteReports", "s3:PutObject"}:                {probe: asJob(writesReport), says: "AccessDenied"},
		{job, "EncryptReports", "kms:GenerateDataKey"}:       {probe: asJob(writesReport), says: "kms:GenerateDataKey"},
		{job, "EncryptReports", "kms:Decrypt"}:               {probe: asJob(writesReportInParts), says: "kms:Decrypt"},

		{"topic", "BucketPublishes", "sns:Publish"}:     {deploy: "unable to validate the following destination configurations"},
		{"topic", "TLSOnly", "sns:Publish"}:             {probe: refusesPlainHTTP("topic"), says: "without TLS"},
		{"alarm topic", "AlarmsPublish", "sns:Publish"}: {probe: takesAlarms, says: "no resource policy allows it"},
		{"alarm topic", "TLSOnly", "sns:Publish"}:       {probe: refusesPlainHTTP("alarm topic"), says: "without TLS"},
		{"queue", "TopicSendsUndelivered", "sqs:SendMessage"}: {
			probe: keepsUndelivered, says: "lost", and: without("AWS::Lambda::Permission"),
		},
		{"queue", "OnlyFunctionAndTopicSend", "sqs:SendMessage"}: {probe: refusesForgedLetters, says: "took a letter"},
		{"queue", "TLSOnly", "sqs:*"}:                            {probe: refusesPlainHTTP("queue"), says: "without TLS"},
		{"bucket", "TLSOnly", "s3:*"}:                            {probe: refusesPlainHTTP("bucket"), says: "without TLS"},
		{"key", "AccountDecides", "kms:*"}: {
			probe: replicates(object{body: "plain"}), says: "no key policy allows it",
		},
		{"key", "BucketPublishes", "kms:GenerateDataKey"}: {deploy: "kms:GenerateDataKey"},
		{"key", "BucketPublishes", "kms:Decrypt"}:         {deploy: "kms:Decrypt"},
		{"key", "TopicSendsUndelivered", "kms:GenerateDataKey"}: {
			probe: keepsUndelivered, says: "lost", and: without("AWS::Lambda::Permission"),
		},
		{"key", "TopicSendsUndelivered", "kms:Decrypt"}: {
			probe: keepsUndelivered, says: "lost", and: without("AWS::Lambda::Permission"),
		},
		{"function", "Permission", "lambda:InvokeFunction"}: {probe: replicates(object{body: "plain"}), says: "missing in"},
	}
	// What the role may in every configuration, role_test.go takes away action
	// by action; here it is taken away with keys, filters and traces about.
	for sid, granted := range map[string][]string{
		"WriteReplicas": {"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload",
			"s3:ListMultipartUploadParts"},
		"ReadSources":              {"s3:GetObjectVersion", "s3:GetObjectVersionTagging"},
		"TellMissingFromForbidden": {"s3:ListBucket"},
		"HandOver":                 {"lambda:InvokeFunction"},
		"WriteLogs":                {"logs:CreateLogStream", "logs:PutLogEvents"},
	} {
		for _, action := range granted {
			l := loss{probe: probes()[action]}
			if strings.HasPrefix(action, "s3:") {
				l.says = "AccessDenied"
			}
			if action == "s3:GetObject" {
				l.says = "Forbidden"
			}
			list[grant{role, sid, action}] = l
		}
	}
	return list
}

// grantsOf calls visit with every statement of a Region stack's policies and
// trust, and with a permission of the function as the statement that it is.
func grantsOf(resources map[string]any, visit func(on, sid string, statement map[string]any)) {
	roleOf := func(name string) string {
		if strings.Contains(name, "-batch-") {
			return "job's role"
		}
		return "function's role"
	}
	document := func(on string, p any) {
		for _, s := range p.(map[string]any)["Statement"].([]any) {
			statement := s.(map[string]any)
			sid, _ := statement["Sid"].(string)
			visit(on, sid, statement)
		}
	}
	ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
		on := roleOf(p["RoleName"].(string))
		for _, s := range p["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any) {
			statement := s.(map[string]any)
			for kind := range statement["Principal"].(map[string]any) {
				visit(on, "trust "+kind, statement)
			}
		}
		for _, s := range statements(p) {
			visit(on, s["Sid"].(string), s)
		}
	})
	ofType(resources, "AWS::IAM::Policy", func(_ string, p map[string]any) {
		document(roleOf(p["Roles"].([]any)[0].(string)), p["PolicyDocument"])
	})
	ofType(resources, "AWS::SNS::TopicPolicy", func(id string, p map[string]any) {
		on := "topic"
		if strings.HasPrefix(id, "Alarms") {
			on = "alarm topic"
		}
		document(on, p["PolicyDocument"])
	})
	ofType(resources, "AWS::SQS::QueuePolicy", func(_ string, p map[string]any) { document("queue", p["PolicyDocument"]) })
	ofType(resources, "AWS::S3::BucketPolicy", func(_ string, p map[string]any) { document("bucket", p["PolicyDocument"]) })
	ofType(resources, "AWS::KMS::Key", func(_ string, p map[string]any) { document("key", p["KeyPolicy"]) })
	ofType(resources, "AWS::Lambda::Permission", func(_ string, p map[string]any) { visit("function", "Permission", p) })
}

// take takes a grant away: its statement is about something else then.
func take(g grant) func(map[string]any) int {
	return func(resources map[string]any) (taken int) {
		grantsOf(resources, func(on, sid string, s map[string]any) {
			all := actions(s)
			if on != g.on || sid != g.sid || !slices.Contains(all, g.action) {
				return
			}
			taken++
			switch {
			case on == "function":
				s["SourceArn"] = outsideTopic
			case sid == "AccountDecides": // who uploads and reads here still may
				s["Principal"] = map[string]any{"AWS": "arn:aws:iam::" + sandbox.AccountID + ":user/administrator"}
			case strings.HasPrefix(sid, "trust"):
				s["Principal"] = map[string]any{"Service": "ec2.amazonaws.com"}
			case len(all) == 1:
				s["Action"] = "s3:GetBucketTagging"
			default:
				s["Action"] = slices.DeleteFunc(all, func(a string) bool { return a == g.action })
			}
		})
		return taken
	}
}

// jobsByAnyone lets the account assume the role of jobs, in place of the
// service that the sandbox does not have.
func jobsByAnyone(resources map[string]any) int {
	return ofType(resources, "AWS::IAM::Role", func(_ string, p map[string]any) {
		if strings.Contains(p["RoleName"].(string), "-batch-") {
			document := p["AssumeRolePolicyDocument"].(map[string]any)
			document["Statement"] = append(document["Statement"].([]any), map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + sandbox.AccountID + ":root"},
				"Action": "sts:AssumeRole",
			})
		}
	})
}

// shared is a world that tests which run at the same time probe one by one.
type shared struct {
	mu sync.Mutex
	w  *world
}

func (s *shared) probe(t *testing.T, p probe, name string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	w := *s.w
	w.t = t
	return p(&w, name)
}

// Every grant of every role and of every resource's policy, with everything
// switched on that grants more, is needed: without it something breaks that
// works with it, or the table says why that cannot be shown here. A grant
// that the table does not know fails the test, and a row without its grant too.
func TestEveryGrantIsNeeded(t *testing.T) {
	t.Parallel()
	granted := map[grant]bool{}
	editable(t, careful(t)).edit("careful-us-east-1", func(resources map[string]any) int {
		grantsOf(resources, func(on, sid string, s map[string]any) {
			for _, action := range actions(s) {
				granted[grant{on, sid, action}] = true
			}
		})
		return 1
	})
	table := losses()
	for g := range granted {
		if _, ok := table[g]; !ok {
			t.Errorf("%+v is granted, and nothing shows that it is needed", g)
		}
	}
	prepare := func(t *testing.T) *assembly {
		t.Helper()
		a := editable(t, careful(t))
		a.edit("*", inSmallSteps)
		a.edit("careful-*-[0-9]", jobsByAnyone)
		return a
	}
	whole := shared{w: start(t, prepare(t).files)}
	for _, g := range slices.SortedFunc(maps.Keys(table), func(a, b grant) int {
		return strings.Compare(a.on+a.sid+a.action, b.on+b.sid+b.action)
	}) {
		l := table[g]
		t.Run(g.on+" "+g.sid+" "+g.action, func(t *testing.T) {
			t.Parallel()
			if !granted[g] {
				t.Fatal("it is not granted")
			}
			if l.cannot != "" {
				t.Skip(l.cannot)
			}
			if l.probe != nil {
				if trouble := whole.probe(t, l.probe, "dt=2026/"+g.on+" "+g.sid+" "+g.action); trouble != "" {
					t.Fatalf("with all grants: %s", trouble)
				}
			}
			a := prepare(t)
			a.edit("careful-*-[0-9]", take(g))
			if l.and != nil {
				a.edit("careful-*-[0-9]", l.and)
			}
			w, err := tryStart(t, a.files)
			if l.deploy != "" {
				if err == nil || !strings.Contains(err.Error(), l.deploy) {
					t.Fatalf("deployed: %v, want an error with %q", err, l.deploy)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w.leavesUploads = true // without the grant
			trouble := l.probe(w, "dt=2026/probed")
			if trouble == "" {
				t.Fatal("nothing fails")
			}
			// Not every dead letter gets there: without the key there is none.
			said := trouble + w.logLines(w.regions[0], l.says) + w.logLines(w.regions[1], l.says)
			if !strings.Contains(said, l.says) {
				t.Errorf("%s; want it to say %q", trouble, l.says)
			}
		})
	}
}
