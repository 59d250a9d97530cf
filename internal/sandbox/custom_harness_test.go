package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// answersTo names the file that the test's custom resources note requests in.
const answersTo = "ANSWERS_TO"

// answerCustom is the function of the test's custom resources. It notes each
// request, and does as the properties say: Fail and Silent list types of
// requests, ID is the physical id that Create and Update answer with.
func answerCustom() {
	answer := cfn.LambdaWrap(func(_ context.Context, e cfn.Event) (string, map[string]any, error) {
		text := func(name string) string { v, _ := e.ResourceProperties[name].(string); return v }
		id := e.PhysicalResourceID
		if e.RequestType != cfn.RequestDelete && text("ID") != "" {
			id = text("ID")
		}
		if strings.Contains(text("Fail"), string(e.RequestType)) {
			return id, nil, errors.New("not in the mood")
		}
		return id, map[string]any{"Name": "queue-of-" + id, "Size": 3}, nil
	})
	awslambda.Start(func(ctx context.Context, raw json.RawMessage) (string, error) {
		f, err := os.OpenFile(os.Getenv(answersTo), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return "", err
		}
		_, err = f.Write(append(raw, '\n'))
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		var e cfn.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return "", err
		}
		if silent, _ := e.ResourceProperties["Silent"].(string); strings.Contains(silent, string(e.RequestType)) {
			return "", nil
		}
		return answer(ctx, e)
	})
}

type m = map[string]any

// stackOf is an assembly with one stack, whose function answers custom
// resources. change gets its resources.
func stackOf(t *testing.T, notes string, change func(resources m)) fstest.MapFS {
	t.Helper()
	allow := func(action string) m { return m{"Effect": "Allow", "Action": action, "Resource": "*"} }
	resources := m{
		"Role": m{"Type": "AWS::IAM::Role", "Properties": m{
			"RoleName": "answerer", "AssumeRolePolicyDocument": document(m{
				"Effect": "Allow", "Principal": m{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
			"Policies": []any{m{"PolicyName": "p", "PolicyDocument": document(allow("logs:*"))}},
		}},
		"Function": m{"Type": "AWS::Lambda::Function", "Properties": m{
			"FunctionName": "answerer", "Handler": "bootstrap", "Runtime": "provided.al2023", "Architectures": []any{"arm64"},
			"Timeout": 30, "MemorySize": 128,
			"Role": m{"Fn::GetAtt": []any{"Role", "Arn"}}, "Code": m{"S3Bucket": "assets", "S3Key": "answerer.zip"},
			"Environment": m{"Variables": m{answersTo: notes}},
		}},
	}
	change(resources)
	template, err := json.Marshal(m{"Resources": resources})
	if err != nil {
		t.Fatal(err)
	}
	manifest := `{"artifacts":{"own":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/us-east-1",` +
		`"properties":{"templateFile":"own.json"}}}}`
	return fstest.MapFS{"manifest.json": {Data: []byte(manifest)}, "own.json": {Data: template}}
}

// customOf is a custom resource with properties, made after others.
func customOf(properties m, after ...string) m {
	all := m{"ServiceToken": m{"Fn::GetAtt": []any{"Function", "Arn"}}}
	maps.Copy(all, properties)
	r := m{"Type": "Custom::Thing", "Properties": all}
	if len(after) > 0 {
		r["DependsOn"] = after
	}
	return r
}

func queueOf(properties m, after ...string) m {
	r := m{"Type": "AWS::SQS::Queue", "Properties": properties}
	if len(after) > 0 {
		r["DependsOn"] = after
	}
	return r
}

// customWorld is a sandbox with the function that answers, and its notes.
type customWorld struct {
	*Sandbox
	t     *testing.T
	notes string
	read  int // of the notes
}

func startCustom(t *testing.T, change func(resources m)) *customWorld {
	t.Helper()
	w, err := tryCustom(t, t.TempDir(), change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func tryCustom(t *testing.T, dir string, change func(resources m)) (*customWorld, error) {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &customWorld{t: t, notes: filepath.Join(t.TempDir(), "requests")}
	w.Sandbox, err = Start(t.Context(), Config{
		Assembly: stackOf(t, w.notes, change), Function: own, Programs: map[string]string{"answerer": own}, Dir: dir,
		RetryWait: time.Millisecond, AnswerTimeout: 10 * time.Second,
	})
	return w, err
}

func (w *customWorld) update(change func(resources m)) (Changes, error) {
	w.t.Helper()
	return w.Update(w.t.Context(), stackOf(w.t, w.notes, change))
}

// requests are those since the last call, as "Create Thing id", and the last
// one as a whole.
func (w *customWorld) requests() (list []string, last cfn.Event) {
	w.t.Helper()
	raw, err := os.ReadFile(w.notes)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range lines[min(w.read, len(lines)):] {
		last = cfn.Event{}
		if line == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s", last.RequestType, last.LogicalResourceID, last.PhysicalResourceID)))
		w.read++
	}
	return list, last
}

func (w *customWorld) wantRequests(want ...string) (last cfn.Event) {
	w.t.Helper()
	got, last := w.requests()
	if !slices.Equal(got, want) {
		w.t.Errorf("requests %v, want %v", got, want)
	}
	return last
}

// queues are the names of the queues in order.
func (w *customWorld) queues() string {
	w.t.Helper()
	out, err := sqs.NewFromConfig(w.config("us-east-1")).ListQueues(w.t.Context(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, url := range out.QueueUrls {
		names = append(names, url[strings.LastIndex(url, "/")+1:])
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
