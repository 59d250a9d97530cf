package infra_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"s3fanout/infra"
)

// Functions from a release's archives in buckets of yours: Lambda reads from the
// Region's own. No template has an asset then, so that CloudFormation or SAM deploy
// them where the CDK was never bootstrapped.
func ExampleCode() {
	app, done := newApp()
	defer done()
	config := infra.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	stackIn := func(name, region string) awscdk.Stack {
		return awscdk.NewStack(app, jsii.String(name+"-"+region), &awscdk.StackProps{
			Env:         &awscdk.Environment{Region: jsii.String(region)},
			Synthesizer: awscdk.NewBootstraplessSynthesizer(nil), // refuses assets
		})
	}
	var regions []*infra.Region
	for _, name := range config.Regions {
		stack := stackIn("media", name)
		artefacts := awss3.Bucket_FromBucketName(stack, jsii.String("Artefacts"), jsii.String("artefacts-"+name))
		region, err := infra.NewRegion(stack, "Media", infra.RegionProps{
			Config: config,
			Code: func(program string) awslambda.Code {
				// Lambda loads it again only if the key is another one.
				return awslambda.Code_FromBucket(artefacts, jsii.String("s3fanout/1.0.0/"+infra.ArchiveName(program, infra.ARM64)), nil)
			},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		regions = append(regions, region)
	}
	for _, name := range config.Regions {
		if _, err := infra.NewMesh(stackIn("mesh", name), "Media", infra.MeshProps{Config: config, Regions: regions}); err != nil {
			fmt.Println(err)
			return
		}
	}
	printCode(*app.Synth(nil).Directory(), "media-us-east-1", "media-eu-west-1")
	// Output:
	// s3://artefacts-us-east-1/s3fanout/1.0.0/function-arm64.zip
	// s3://artefacts-eu-west-1/s3fanout/1.0.0/function-arm64.zip
}

// printCode prints where the functions of synthesized stacks come from.
func printCode(dir string, stacks ...string) {
	for _, stack := range stacks {
		raw, err := os.ReadFile(filepath.Join(dir, stack+".template.json"))
		if err != nil {
			fmt.Println(err)
			return
		}
		var template struct {
			Resources map[string]struct {
				Type       string
				Properties struct {
					Code struct{ S3Bucket, S3Key string }
				}
			}
			Parameters map[string]any
		}
		if err := json.Unmarshal(raw, &template); err != nil || len(template.Parameters) > 0 {
			fmt.Println(template.Parameters, err)
			return
		}
		for _, r := range template.Resources {
			if r.Type == "AWS::Lambda::Function" {
				fmt.Printf("s3://%s/%s\n", r.Properties.Code.S3Bucket, r.Properties.Code.S3Key)
			}
		}
	}
}
