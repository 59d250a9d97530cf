package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"s3fanout/internal/aws/owner"
	"s3fanout/internal/replicaset"
)

// arrival is how long the suite waits for what should arrive in seconds.
const arrival = 3 * time.Minute

// regionClients are an operator's clients of a Region.
type regionClients struct {
	s3         *s3.Client
	sns        *sns.Client
	sqs        *sqs.Client
	lambda     *lambda.Client
	iam        *iam.Client
	cloudwatch *cloudwatch.Client
}

// world is a deployed replica set, and its operator.
type world struct {
	o       options
	target  target
	account string
	caller  string
	regions []string
	clients map[string]regionClients
	log     *os.File
	began   time.Time

	lag     []time.Duration
	uploads int            // requests of users that created an object
	changes int            // other requests of users that are followed
	seen    map[string]any // what steps saw that checks ask for
}

// connect makes the clients, and learns which account it is.
func connect(ctx context.Context, o options, t target, log *os.File) (*world, error) {
	w := &world{o: o, target: t, regions: o.set.Regions, clients: map[string]regionClients{}, log: log, began: time.Now(),
		seen: map[string]any{}}
	for i, region := range w.regions {
		c, err := t.config(ctx, region)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			id, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				return nil, fmt.Errorf("ask which account it is: %w", err)
			}
			w.account, w.caller = aws.ToString(id.Account), aws.ToString(id.Arn)
		}
		w.clients[region] = regionClients{
			s3:  s3.NewFromConfig(c, owner.Expect(w.account), func(o *s3.Options) { o.UsePathStyle = c.BaseEndpoint != nil }),
			sns: sns.NewFromConfig(c), sqs: sqs.NewFromConfig(c),
			lambda: lambda.NewFromConfig(c), iam: iam.NewFromConfig(c), cloudwatch: cloudwatch.NewFromConfig(c),
		}
	}
	return w, w.writeConfig()
}

func (w *world) configPath() string { return filepath.Join(w.o.dir, "cdk.json") }

// writeConfig writes the cdk.json that the command reads.
func (w *world) writeConfig() error {
	raw, err := json.Marshal(map[string]any{"context": map[string]any{replicaset.ContextKey: json.RawMessage(w.o.context)}})
	if err != nil {
		return err
	}
	return os.WriteFile(w.configPath(), raw, 0o600)
}

func (w *world) member(region string) replicaset.Member { return w.o.set.Member(w.account, region) }

func (w *world) bucket(region string) string { return w.member(region).Bucket }

// s3fanout runs the command on this replica set.
func (w *world) s3fanout(ctx context.Context, args ...string) (outcome, error) {
	return execute(ctx, w.target.env(), w.log, w.o.command, append(args, "--config", w.configPath())...)
}

// wantCode runs the command and wants an exit code.
func (w *world) wantCode(ctx context.Context, code int, args ...string) (outcome, error) {
	out, err := w.s3fanout(ctx, args...)
	if err == nil && out.code != code {
		err = fmt.Errorf("s3fanout %s ended with %d, want %d: %s", args[0], out.code, code, out.last())
	}
	return out, err
}

// object is what is uploaded.
type object struct {
	body         []byte
	metadata     map[string]string
	tags         string // URL-encoded
	contentType  string
	cacheControl string
}

func text(s string) object { return object{body: []byte(s)} }

// put uploads an object and returns its version.
func (w *world) put(ctx context.Context, region, key string, o object) (version string, err error) {
	in := &s3.PutObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key, Body: bytes.NewReader(o.body), Metadata: o.metadata}
	for field, value := range map[**string]string{&in.Tagging: o.tags, &in.ContentType: o.contentType, &in.CacheControl: o.cacheControl} {
		if value != "" {
			*field = aws.String(value)
		}
	}
	out, err := w.clients[region].s3.PutObject(ctx, in)
	if err != nil {
		return "", fmt.Errorf("upload %q in %s: %w", key, region, err)
	}
	w.uploads++
	return aws.ToString(out.VersionId), nil
}

// head looks at the current version; nil if there is none.
func (w *world) head(ctx context.Context, region, key string) (*s3.HeadObjectOutput, error) {
	out, err := w.clients[region].s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key})
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	return out, err
}

// read returns an object's bytes.
func (w *world) read(ctx context.Context, region, key string) ([]byte, error) {
	out, err := w.clients[region].s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(w.bucket(region)), Key: &key})
	if err != nil {
		return nil, fmt.Errorf("read %q in %s: %w", key, region, err)
	}
	defer func() { _ = out.Body.Close() }() // it was read
	return io.ReadAll(out.Body)
}

// arrives waits until a key is in Regions; all if none are named.
func (w *world) arrives(ctx context.Context, key string, regions ...string) error {
	if len(regions) == 0 {
		regions = w.regions
	}
	for _, region := range regions {
		err := poll(ctx, 250*time.Millisecond, arrival, func(ctx context.Context) (bool, string, error) {
			found, err := w.head(ctx, region, key)
			return found != nil, fmt.Sprintf("%q is not in %s", key, region), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// version is a version of a key, or a delete marker.
type version struct {
	key, id  string
	marker   bool
	modified time.Time
}

// versions lists all versions of the keys with a prefix.
func (w *world) versions(ctx context.Context, region, prefix string) ([]version, error) {
	var list []version
	pages := s3.NewListObjectVersionsPaginator(w.clients[region].s3,
		&s3.ListObjectVersionsInput{Bucket: aws.String(w.bucket(region)), Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the versions in %s: %w", region, err)
		}
		for _, v := range page.Versions {
			list = append(list, version{aws.ToString(v.Key), aws.ToString(v.VersionId), false, aws.ToTime(v.LastModified)})
		}
		for _, m := range page.DeleteMarkers {
			list = append(list, version{aws.ToString(m.Key), aws.ToString(m.VersionId), true, aws.ToTime(m.LastModified)})
		}
	}
	return list, nil
}

// forget destroys every version of the keys with a prefix in a Region.
func (w *world) forget(ctx context.Context, region, prefix string) (n int, err error) {
	list, err := w.versions(ctx, region, prefix)
	if err != nil {
		return 0, err
	}
	for len(list) > 0 {
		part := list[:min(len(list), 1000)]
		list = list[len(part):]
		var ids []types.ObjectIdentifier
		for _, v := range part {
			ids = append(ids, types.ObjectIdentifier{Key: aws.String(v.key), VersionId: aws.String(v.id)})
		}
		out, err := w.clients[region].s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: aws.String(w.bucket(region)), Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
		})
		if err != nil {
			return n, fmt.Errorf("delete versions in %s: %w", region, err)
		}
		if len(out.Errors) > 0 {
			return n, fmt.Errorf("delete versions in %s: %q: %s",
				region, aws.ToString(out.Errors[0].Key), aws.ToString(out.Errors[0].Message))
		}
		n += len(ids)
	}
	return n, nil
}

// forgetEverywhere destroys the keys with a prefix in all Regions.
func (w *world) forgetEverywhere(ctx context.Context, prefix string) error {
	for _, region := range w.regions {
		if _, err := w.forget(ctx, region, prefix); err != nil {
			return err
		}
	}
	return nil
}

// code is the code of an error of AWS, or empty.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// status is the HTTP status of an error's response, or 0.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
