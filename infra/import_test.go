package infra

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3notifications"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/internal/replicaset"
)

func newTestApp(t *testing.T) (app awscdk.App, out string) {
	t.Helper()
	out = t.TempDir()
	return awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(out), AnalyticsReporting: jsii.Bool(false)}), out
}

func stackIn(scope constructs.Construct, id, region string) awscdk.Stack {
	return awscdk.NewStack(scope, jsii.String(id), &awscdk.StackProps{Env: &awscdk.Environment{Region: jsii.String(region)}})
}

// shapes are the resources of a stack, whatever they are called in it.
func shapes(t *testing.T, tp template) []string {
	t.Helper()
	var list []string
	for _, r := range tp.resources {
		properties, err := json.Marshal(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r.Type+" "+r.Deletion+" "+string(properties))
	}
	slices.Sort(list)
	return list
}

// TestForeignStacksHaveTheSameResources makes a set in stacks of somebody else's
// and compares what is in them with what NewReplicaSet makes.
func TestForeignStacksHaveTheSameResources(t *testing.T) {
	set := fiveRegions()
	set.Regions = set.Regions[:2]
	set.Tags = map[string]string{"team": "platform"}
	set.PermissionsBoundary = "arn:aws:iam::{account}:policy/boundary"
	set.BatchOperations, set.Encryption = true, replicaset.EncryptionKMS
	set.Reconcile = daily()
	set.Reconcile.KeyRanges = 40
	ours := synth(t, set)

	app, out := newTestApp(t)
	stage := awscdk.NewStage(app, jsii.String("Prod"), nil)
	code := testCode(t, set)
	var regions []*Region
	for _, name := range set.Regions {
		region, err := NewRegion(constructs.NewConstruct(stackIn(stage, "Own-"+name, name), jsii.String("Deep")), "Uploads",
			RegionProps{Config: Config(set), Code: code})
		if err != nil {
			t.Fatal(err)
		}
		if region.Name != name || region.Key == nil || len(region.Alarms) != len(newSite(testAccount, set, name).alarms()) {
			t.Errorf("got %+v", region)
		}
		regions = append(regions, region)
	}
	for _, name := range set.Regions {
		if _, err := NewMesh(stackIn(stage, "Mesh-"+name, name), "Uploads", MeshProps{Config: Config(set), Regions: regions}); err != nil {
			t.Fatal(err)
		}
	}
	app.Synth(nil)

	foreign := out + "/assembly-Prod"
	for _, region := range set.Regions {
		for want, got := range map[string]string{
			set.RegionStackName(region): "ProdOwn" + strings.ReplaceAll(region, "-", ""),
			set.MeshStackName(region):   "ProdMesh" + strings.ReplaceAll(region, "-", ""),
		} {
			wantTemplate := load(t, ours, set, want, region)
			gotTemplate := load(t, foreign, set, foreignTemplate(t, foreign, got), region)
			if w, g := shapes(t, wantTemplate), shapes(t, gotTemplate); !slices.Equal(g, w) {
				t.Errorf("%s: got\n%s\nwant\n%s", got, strings.Join(g, "\n"), strings.Join(w, "\n"))
			}
		}
	}
	for id, artifact := range readManifest(t, foreign).Artifacts {
		if strings.HasPrefix(id, "ProdMesh") && len(artifact.Dependencies) != len(set.Regions) {
			t.Errorf("%s depends on %v, want on the stacks of all Regions", id, artifact.Dependencies)
		}
	}
}

// foreignTemplate is the name of the template of the stack whose ID begins so.
func foreignTemplate(t *testing.T, dir, id string) string {
	t.Helper()
	for artifact, a := range readManifest(t, dir).Artifacts {
		if strings.HasPrefix(artifact, id) {
			return strings.TrimSuffix(a.Properties.TemplateFile, ".template.json")
		}
	}
	t.Fatalf("no stack %s in %s", id, dir)
	return ""
}

// TestKeyOfTheApp gives the Region a key that the app makes elsewhere in the
// stack: bucket, topic and dead letters are encrypted with it, the other Regions
// find it by the set's alias, and the two services may use it.
func TestKeyOfTheApp(t *testing.T) {
	set := defaultSet(t)
	set.Encryption = replicaset.EncryptionKMS
	app, out := newTestApp(t)
	stack := stackIn(app, "Own", "us-east-1")
	_, err := NewRegion(stack, "Uploads", RegionProps{
		Config: Config(set), Code: testCode(t, set), Key: awskms.NewKey(stack, jsii.String("Mine"), nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	app.Synth(nil)
	tp := load(t, out, set, "Own", "us-east-1")
	key := tp.one(t, "AWS::KMS::Key")
	for _, want := range []struct{ kind, path string }{
		{"AWS::S3::Bucket", "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.KMSMasterKeyID"},
		{"AWS::SNS::Topic", "KmsMasterKeyId"},
		{"AWS::SQS::Queue", "KmsMasterKeyId"},
		{"AWS::KMS::Alias", "TargetKeyId"},
	} {
		if got := tp.one(t, want.kind).at(want.path); got != madeKey("us-east-1") {
			t.Errorf("%s of %s is %v, want the app's key", want.path, want.kind, got)
		}
	}
	if got := tp.one(t, "AWS::KMS::Alias").at("AliasName"); got != set.KeyAlias() {
		t.Errorf("alias %v, want %s", got, set.KeyAlias())
	}
	statements, _ := json.Marshal(key.at("KeyPolicy.Statement"))
	for _, s := range (site{set, set.Member(testAccount, "us-east-1")}).servicesUseKey() {
		if want, _ := json.Marshal(s.document()); !strings.Contains(string(statements), string(want)) {
			t.Errorf("the key's policy lacks %s:\n%s", want, statements)
		}
	}
}

// TestBucketOfTheApp gives the Region a bucket that the app makes, with a
// notification of its own: the CDK's resource writes both, after the topic's
// policy, and the set makes no bucket. An imported bucket keeps what it has.
func TestBucketOfTheApp(t *testing.T) {
	set := defaultSet(t)
	set.Buckets = map[string]string{"us-east-1": "old-bucket"}
	set.Follow = replicaset.Follow{Overwrites: true, Deletions: true, Tags: true}
	set.Filters = []replicaset.Filter{{Prefix: "in coming/", Suffix: ".jpg"}}
	for what, tt := range map[string]struct {
		bucket  func(stack awscdk.Stack) awss3.IBucket
		managed bool // by the CDK, which then replaces what others wrote
	}{
		"made": {func(stack awscdk.Stack) awss3.IBucket {
			return awss3.NewBucket(stack, jsii.String("Old"), &awss3.BucketProps{
				BucketName: jsii.String("old-bucket"), Versioned: jsii.Bool(true),
			})
		}, true},
		"imported": {func(stack awscdk.Stack) awss3.IBucket {
			return awss3.Bucket_FromBucketName(stack, jsii.String("Old"), jsii.String("old-bucket"))
		}, false},
	} {
		t.Run(what, func(t *testing.T) {
			app, out := newTestApp(t)
			stack := stackIn(app, "Own", "us-east-1")
			bucket := tt.bucket(stack)
			bucket.AddEventNotification(awss3.EventType_OBJECT_RESTORE,
				awss3notifications.NewSnsDestination(awssns.NewTopic(stack, jsii.String("Theirs"), nil)))
			region, err := NewRegion(stack, "Uploads", RegionProps{Config: Config(set), Code: testCode(t, set), Bucket: bucket})
			if err != nil {
				t.Fatal(err)
			}
			if region.Bucket != bucket {
				t.Error("the Region has another bucket than the one that is given")
			}
			app.Synth(nil)
			raw, err := os.ReadFile(filepath.Join(out, "Own.template.json"))
			if err != nil {
				t.Fatal(err)
			}
			var file struct {
				Resources map[string]struct {
					Type       string
					Properties struct {
						TopicName                 string
						Managed                   bool
						NotificationConfiguration struct {
							TopicConfigurations []struct {
								Events   []string
								TopicArn struct{ Ref string }
								Filter   any
							}
						}
					}
					DependsOn []string
				}
			}
			if err := json.Unmarshal(raw, &file); err != nil {
				t.Fatal(err)
			}
			var buckets int
			topics := map[string]string{}
			for id, r := range file.Resources {
				switch r.Type {
				case "AWS::S3::Bucket":
					buckets++
				case "AWS::SNS::Topic":
					topics[id] = r.Properties.TopicName
				}
			}
			if want := map[bool]int{true: 1}[tt.managed]; buckets != want {
				t.Errorf("%d buckets are made, want %d", buckets, want)
			}
			filter := map[string]any{"Key": map[string]any{"FilterRules": []any{
				map[string]any{"Name": "suffix", "Value": ".jpg"}, map[string]any{"Name": "prefix", "Value": "in+coming/"},
			}}}
			for id, r := range file.Resources {
				if r.Type != "Custom::S3BucketNotifications" {
					continue
				}
				var events []string
				for _, c := range r.Properties.NotificationConfiguration.TopicConfigurations {
					if topics[c.TopicArn.Ref] == set.TopicName() {
						events = append(events, c.Events...)
						if !reflect.DeepEqual(c.Filter, filter) {
							t.Errorf("%v has the filter %v, want %v", c.Events, c.Filter, filter)
						}
					}
				}
				if !slices.Equal(events, set.Events(set.Follow)) ||
					len(r.Properties.NotificationConfiguration.TopicConfigurations) != len(events)+1 {
					t.Errorf("%s: our topic is told of %v, want %v, beside theirs", id, events, set.Events(set.Follow))
				}
				if r.Properties.Managed != tt.managed {
					t.Errorf("managed is %t", r.Properties.Managed)
				}
				if !slices.ContainsFunc(r.DependsOn, func(id string) bool { return strings.HasPrefix(id, "UploadsTopicPolicy") }) {
					t.Errorf("it depends on %v, want on the topic's policy", r.DependsOn)
				}
			}
		})
	}
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	config := Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	kms := config
	kms.Encryption, kms.KMSKeyARNs = "kms", map[string]string{
		"us-east-1": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"eu-west-1": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	}
	app, _ := newTestApp(t)
	here := stackIn(app, "Here", "us-east-1")
	adopting := config
	adopting.Buckets = map[string]string{"us-east-1": "old-bucket"}
	bucket := func(id string, props awss3.BucketProps) awss3.IBucket {
		return awss3.NewBucket(here, jsii.String(id), &props)
	}
	versioned, imported := jsii.Bool(true), awss3.Bucket_FromBucketName(here, jsii.String("Imported"), jsii.String("another"))
	other := awskms.Key_FromKeyArn(here, jsii.String("Other"),
		jsii.String("arn:aws:kms:us-east-1:111122223333:key/ffffffff-12ab-34cd-56ef-1234567890ab"))
	region := func(scope constructs.Construct, props RegionProps) error {
		if props.Code == nil {
			props.Code = testCode(t, replicaset.Config(config))
		}
		_, err := NewRegion(scope, "Never", props)
		return err
	}
	made, err := NewRegion(here, "Made", RegionProps{Config: config, Code: testCode(t, replicaset.Config(config))})
	if err != nil {
		t.Fatal(err)
	}
	_, invalid := NewReplicaSet(app, ReplicaSetProps{Config: Config{Name: "media", Regions: []string{"us-east-1"}}})
	_, together := NewMesh(here, "Never", MeshProps{Config: config, Regions: []*Region{made}})
	t.Setenv("PATH", t.TempDir())
	_, noGo := NewRegion(here, "Never", RegionProps{Config: config})
	for what, tt := range map[string]struct {
		err  error
		want string
	}{
		"one Region": {invalid, "s3fanout.regions: 1 given, a replica set needs at least two; add one"},
		"no name":    {region(here, RegionProps{}), "s3fanout.regions: 0 given, a replica set needs at least two; add one"},
		"no stack": {region(app, RegionProps{Config: config}),
			`scope "" is in no stack; make it in a stack for each Region, or all stacks by NewReplicaSet`},
		"no Region": {region(awscdk.NewStack(app, jsii.String("Nowhere"), nil), RegionProps{Config: config}),
			"stack Nowhere is bound to no Region; set Env.Region in its props to one of us-east-1, eu-west-1"},
		"another Region": {region(stackIn(app, "There", "eu-west-2"), RegionProps{Config: config}),
			"stack There is in eu-west-2, which is not one of the Regions of replica set media: us-east-1, eu-west-1"},
		"key without kms": {region(here, RegionProps{Config: config, Key: other}),
			`the key: the encryption of replica set media is not "kms"; set Config.Encryption, or leave the key out`},
		"two keys": {region(here, RegionProps{Config: kms, Key: other}),
			"the key is arn:aws:kms:us-east-1:111122223333:key/ffffffff-12ab-34cd-56ef-1234567890ab, " +
				"but Config.KMSKeyARNs has arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab in us-east-1, " +
				"which the other Regions use; give the same key, or leave one of the two out"},
		"bucket that nobody knows": {region(here, RegionProps{Config: config, Bucket: imported}),
			"bucket Here/Imported: Config.Buckets has no name for us-east-1; put the bucket's name there, because the other " +
				"Regions use it"},
		"another bucket": {region(here, RegionProps{Config: adopting, Bucket: imported}),
			"bucket Here/Imported is called another, but Config.Buckets has old-bucket in us-east-1; give the same name in both"},
		"bucket of another name": {region(here, RegionProps{
			Config: adopting, Bucket: bucket("Named", awss3.BucketProps{BucketName: jsii.String("new-bucket"), Versioned: versioned}),
		}),
			"bucket Here/Named is called new-bucket, but Config.Buckets has old-bucket in us-east-1; give the same name in both"},
		"bucket without a name": {region(here, RegionProps{
			Config: adopting, Bucket: bucket("Unnamed", awss3.BucketProps{Versioned: versioned}),
		}),
			"bucket Here/Unnamed gets its name when it is deployed; set BucketName in its props to old-bucket, which the other " +
				"Regions use"},
		"bucket without versions": {region(here, RegionProps{
			Config: adopting, Bucket: bucket("Plain", awss3.BucketProps{BucketName: jsii.String("old-bucket")}),
		}),
			"bucket Here/Plain keeps no versions; set Versioned in its props, because a copy names the version in its event"},
		"mesh beside its Region": {together,
			"stack Here has the parts of the Region already; make the mesh in another stack, which is deployed after every Region's"},
		"nothing to build with": {noGo, "go is not on the PATH to build the functions' code with; give the code, see infra.Code"},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("%s: got  %v\nwant %s", what, tt.err, tt.want)
		}
	}
	if here.Node().TryFindChild(jsii.String("Never")) != nil {
		t.Error("something was made all the same")
	}
}

// TestTheCDKKnowsEveryEvent has all kinds that a bucket of an app may have to tell of.
func TestTheCDKKnowsEveryEvent(t *testing.T) {
	for _, set := range []replicaset.Config{{}, {NoUserCopies: true}} {
		kinds := map[awss3.EventType]bool{}
		events := set.Events(everything)
		for _, event := range events {
			kinds[eventType(event)] = true
		}
		if len(kinds) != len(events) {
			t.Errorf("%v are %v to the CDK", events, kinds)
		}
	}
}
