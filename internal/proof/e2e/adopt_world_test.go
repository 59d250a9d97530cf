package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox"
)

// adoptRegions are the members of the sets that adopt buckets.
var adoptRegions = []string{"us-east-1", "eu-west-1", "ap-northeast-1"}

// startAccount starts an account in which nothing is deployed.
func startAccount(t *testing.T, change ...func(*sandbox.Config)) *world {
	t.Helper()
	return start(t, nil, append(change, func(c *sandbox.Config) {
		c.Regions = adoptRegions
		c.Programs = map[string]string{"adopt": build.adopter}
		c.AnswerTimeout = 2 * time.Minute
	})...)
}

// adopting is the context of a set that adopts buckets, and its cdk.json. What
// the set makes itself goes with it.
func adopting(t *testing.T, buckets, keys map[string]string) (context, config string) {
	t.Helper()
	set := map[string]any{
		"name": "media", "regions": adoptRegions, "buckets": buckets,
		"filters": []any{map[string]string{"prefix": "films/"}}, "removalPolicy": "destroy",
	}
	if keys != nil {
		set["bucketKeyArns"] = keys
	}
	raw, err := json.Marshal(map[string]any{"s3fanout": set})
	if err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+string(raw)+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return string(raw), config
}

// nothingElse is an assembly without stacks, for those of the owner.
func nothingElse(t *testing.T) *assembly {
	return &assembly{t: t, files: fstest.MapFS{"manifest.json": {Data: []byte(`{"artifacts":{}}`)}}}
}

// withOwner adds a stack of the bucket's owner: what its notifications go to.
func (a *assembly) withOwner() *assembly {
	a.t.Helper()
	var manifest map[string]any
	if err := json.Unmarshal(a.files["manifest.json"].Data, &manifest); err != nil {
		a.t.Fatal(err)
	}
	artifacts := manifest["artifacts"].(map[string]any)
	artifacts["owner"] = map[string]any{
		"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/us-east-1",
		"properties": map[string]any{"templateFile": "owner.template.json"},
	}
	artifacts["owner.assets"] = map[string]any{"type": "cdk:asset-manifest", "properties": map[string]any{"file": "owner.assets.json"}}
	data, err := json.Marshal(manifest)
	if err != nil {
		a.t.Fatal(err)
	}
	a.files["manifest.json"] = &fstest.MapFile{Data: data}
	a.files["owner.assets.json"] = &fstest.MapFile{Data: []byte(
		`{"files":{"f":{"displayName":"build/adopt/arm64","destinations":{"d":{"objectKey":"owner"}}}}}`)}
	a.files["owner.template.json"] = &fstest.MapFile{Data: []byte(`{"Resources":{
		"Key":{"Type":"AWS::KMS::Key","Properties":{"KeyPolicy":{"Statement":
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}}}},
		"Alias":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":"alias/owners","TargetKeyId":{"Ref":"Key"}}},
		"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"owners"}},
		"QueuePolicy":{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Queue"}],"PolicyDocument":{"Statement":
			{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}}}},
		"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"owners"}},
		"TopicPolicy":{"Type":"AWS::SNS::TopicPolicy","Properties":{"Topics":[{"Ref":"Topic"}],"PolicyDocument":{"Statement":
			{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}}}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"owners","AssumeRolePolicyDocument":{"Statement":
			{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}}},
		"Function":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"owners",
			"Role":{"Fn::GetAtt":["Role","Arn"]},"Runtime":"provided.al2023","Handler":"bootstrap","Architectures":["arm64"],"Code":{"S3Bucket":"b","S3Key":"owner"},"Timeout":3,"MemorySize":128}},
		"Permission":{"Type":"AWS::Lambda::Permission","Properties":{"FunctionName":{"Ref":"Function"},
			"Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}}}}`)}
	return a
}

// become makes the account what an assembly says, and the world see it.
func (w *world) become(a *assembly) (sandbox.Changes, error) {
	w.t.Helper()
	changes, err := w.sandbox.Update(w.t.Context(), a.files)
	w.state = w.sandbox.State()
	return changes, err
}

func (w *world) deployAll(a *assembly, members ...string) {
	w.t.Helper()
	if _, err := w.become(a); err != nil {
		w.t.Fatal(err)
	}
	w.regions = members
}

// oldBucket makes a bucket that keeps versions, as one that somebody has.
func (w *world) oldBucket(region, name string) {
	w.t.Helper()
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	if _, err := w.s3(region).CreateBucket(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
	w.putVersioning(region, name, s3types.BucketVersioningStatusEnabled)
}

func (w *world) putVersioning(region, bucket string, status s3types.BucketVersioningStatus) {
	w.t.Helper()
	if _, err := w.s3(region).PutBucketVersioning(w.t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: status},
	}); err != nil {
		w.t.Fatal(err)
	}
}

// have puts an object into a bucket that is no member yet.
func (w *world) have(region, bucket string, o object) {
	w.t.Helper()
	_, err := w.s3(region).PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &o.key, Body: strings.NewReader(o.body)})
	if err != nil {
		w.t.Fatal(err)
	}
}

// owners are the notifications of a bucket's owner: to a queue, a topic and a
// function of the owner's stack, with filters in both orders, one without a value.
func owners() *s3types.NotificationConfiguration {
	arn := func(service, name string) *string {
		return aws.String("arn:aws:" + service + ":us-east-1:123456789012:" + name)
	}
	filter := func(rules ...s3types.FilterRule) *s3types.NotificationConfigurationFilter {
		return &s3types.NotificationConfigurationFilter{Key: &s3types.S3KeyFilter{FilterRules: rules}}
	}
	prefix := func(v string) s3types.FilterRule { return s3types.FilterRule{Name: "prefix", Value: &v} }
	suffix := func(v string) s3types.FilterRule { return s3types.FilterRule{Name: "suffix", Value: &v} }
	return &s3types.NotificationConfiguration{
		TopicConfigurations: []s3types.TopicConfiguration{
			{Id: aws.String("of the owner <&>"), TopicArn: arn("sns", "owners"),
				Events: []s3types.Event{"s3:ObjectRemoved:*", "s3:ObjectRestore:Post"}, Filter: filter(suffix(".jpg"), prefix("logs/"))},
		},
		QueueConfigurations: []s3types.QueueConfiguration{
			{Id: aws.String("zz"), QueueArn: arn("sqs", "owners"), Events: []s3types.Event{"s3:ObjectCreated:*"},
				Filter: filter(prefix("logs/"), suffix(""))},
			{Id: aws.String("aa"), QueueArn: arn("sqs", "owners"), Events: []s3types.Event{"s3:ObjectCreated:Put"},
				Filter: filter(prefix("in put+ä/"))},
		},
		LambdaFunctionConfigurations: []s3types.LambdaFunctionConfiguration{
			{Id: aws.String("made up"), LambdaFunctionArn: arn("lambda", "function:owners"),
				Events: []s3types.Event{"s3:LifecycleExpiration:*"}},
		},
		EventBridgeConfiguration: &s3types.EventBridgeConfiguration{},
	}
}

// putNotifications writes all of a bucket's notifications, as its owner does.
func (w *world) putNotifications(bucket string, n *s3types.NotificationConfiguration) {
	w.t.Helper()
	_, err := w.s3("us-east-1").PutBucketNotificationConfiguration(w.t.Context(),
		&s3.PutBucketNotificationConfigurationInput{Bucket: &bucket, NotificationConfiguration: n})
	if err != nil {
		w.t.Fatal(err)
	}
}

// settingsOf is all of a bucket that its owner has set, byte for byte: what
// S3 answers to the requests that show it.
func (w *world) settingsOf(region, bucket string) string {
	w.t.Helper()
	var all []string
	for _, subresource := range []string{
		"notification", "policy", "versioning", "encryption", "ownershipControls", "publicAccessBlock", "requestPayment", "lifecycle",
	} {
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.state.Endpoint+"/"+bucket+"?"+subresource+"=", nil)
		if err != nil {
			w.t.Fatal(err)
		}
		nothing := sha256.Sum256(nil)
		hash := hex.EncodeToString(nothing[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
		err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(w.t.Context(),
			aws.Credentials{AccessKeyID: w.state.AccessKeyID, SecretAccessKey: w.state.SecretAccessKey}, r, hash, "s3", region, time.Now())
		if err != nil {
			w.t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			w.t.Fatal(err)
		}
		text := string(body)
		if resp.StatusCode != http.StatusOK { // an error has ids that are never the same
			text, _, _ = strings.Cut(text, "<RequestId>")
		}
		all = append(all, subresource+": "+resp.Status+" "+text)
	}
	return strings.Join(all, "\n")
}

func (w *world) wantSettings(region, bucket, want string) {
	w.t.Helper()
	if got := w.settingsOf(region, bucket); got != want {
		w.t.Errorf("%s is not as before:\n%s\nwant\n%s", bucket, got, want)
	}
}

// ours are the IDs of the set's entries in a bucket's notifications, and how
// many there are of others.
func (w *world) ours(region, bucket string) (ids []string, others int) {
	w.t.Helper()
	out, err := w.s3(region).GetBucketNotificationConfiguration(w.t.Context(), &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	others = len(out.QueueConfigurations) + len(out.LambdaFunctionConfigurations)
	for _, t := range out.TopicConfigurations {
		if strings.HasPrefix(*t.Id, "s3fanout.media.") {
			ids = append(ids, *t.Id)
		} else {
			others++
		}
	}
	slices.Sort(ids)
	return ids, others
}

// emptied deletes all versions and delete markers of a Region's bucket.
func (w *world) emptied(region string) {
	w.t.Helper()
	c, bucket := w.s3(region), aws.String(w.bucket(region))
	out, err := c.ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []s3types.ObjectIdentifier
	for _, v := range out.Versions {
		all = append(all, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, v := range out.DeleteMarkers {
		all = append(all, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	if _, err := c.DeleteObjects(w.t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &s3types.Delete{Objects: all}}); err != nil {
		w.t.Fatal(err)
	}
}
