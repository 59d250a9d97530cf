package s3

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/kms"
)

// recordedKeys notes what S3 asks KMS, and refuses one action if told so.
type recordedKeys struct {
	mu     sync.Mutex
	asked  []string
	refuse string
}

func (k *recordedKeys) Authorize(caller iam.Caller, keyARN string, use kms.Use, actions ...string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, action := range actions {
		k.asked = append(k.asked, strings.Join([]string{action, keyARN, use.Via, use.Context["aws:s3:arn"]}, " "))
		if action == k.refuse {
			return &iam.DeniedError{Caller: caller.String(), Action: action, Resource: keyARN, Reason: "it is a test"}
		}
	}
	return nil
}

func (k *recordedKeys) refusing(action string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refuse = action
}

func (k *recordedKeys) take() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.asked
	k.asked = nil
	return list
}

// TestRequestsAskForTheKeys checks which use of which key each request takes,
// for a bucket with a bucket key and one without.
func TestRequestsAskForTheKeys(t *testing.T) {
	keys := &recordedKeys{}
	w := newWorld(t, func(c *Config) { c.Keys = keys })
	const near, far = "key-near", "key-far"
	for bucket, e := range map[string]Encryption{near: {KeyARN: "K1", BucketKey: true}, far: {KeyARN: "K2"}} {
		region := map[string]string{near: here, far: there}[bucket]
		if err := w.service.CreateBucket(t.Context(), region, BucketConfig{Name: bucket, Encryption: e}); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	w.put(t, here, near, "a", "body")
	keys.take()
	upload, err := w.client(there).CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{
		Bucket: aws.String(far), Key: aws.String("parts"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := keys.take(),
		[]string{"kms:GenerateDataKey K2 s3.eu-west-1.amazonaws.com arn:aws:s3:::key-far/parts"}; !slices.Equal(got, want) {
		t.Errorf("CreateMultipartUpload: asked %q, want %q", got, want)
	}
	const (
		encryptNear, decryptNear = "kms:GenerateDataKey K1 s3.us-east-1.amazonaws.com arn:aws:s3:::key-near",
			"kms:Decrypt K1 s3.us-east-1.amazonaws.com arn:aws:s3:::key-near"
		encryptFar, decryptFar = "kms:GenerateDataKey K2 s3.eu-west-1.amazonaws.com arn:aws:s3:::key-far/",
			"kms:Decrypt K2 s3.eu-west-1.amazonaws.com arn:aws:s3:::key-far/"
	)
	for _, tc := range []struct {
		name string
		call func(near, far *sdk.Client) error
		want []string
	}{
		{"PutObject", func(n, _ *sdk.Client) error {
			_, err := n.PutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String(near), Key: aws.String("b"), Body: strings.NewReader("x")})
			return err
		}, []string{encryptNear}},
		{"GetObject", func(n, _ *sdk.Client) error {
			out, err := n.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(near), Key: aws.String("a")})
			if err == nil {
				err = out.Body.Close()
			}
			return err
		}, []string{decryptNear}},
		{"HeadObject", func(n, _ *sdk.Client) error {
			out, err := n.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: aws.String(near), Key: aws.String("a")})
			if err == nil &&
				(out.ServerSideEncryption != "aws:kms" || aws.ToString(out.SSEKMSKeyId) != "K1" || !aws.ToBool(out.BucketKeyEnabled)) {
				err = errors.New("the answer does not tell the encryption")
			}
			return err
		}, nil},
		{"HeadObject with checksum", func(n, _ *sdk.Client) error {
			_, err := n.HeadObject(ctx, &sdk.HeadObjectInput{
				Bucket: aws.String(near), Key: aws.String("a"), ChecksumMode: types.ChecksumModeEnabled,
			})
			return err
		}, []string{decryptNear}},
		{"CopyObject", func(_, f *sdk.Client) error {
			_, err := f.CopyObject(ctx, &sdk.CopyObjectInput{
				Bucket: aws.String(far), Key: aws.String("c"), CopySource: copySource(near, "a", ""),
			})
			return err
		}, []string{encryptFar + "c", decryptNear}},
		{"UploadPart", func(_, f *sdk.Client) error {
			_, err := f.UploadPart(ctx, &sdk.UploadPartInput{
				Bucket: aws.String(far), Key: aws.String("parts"), UploadId: upload.UploadId, PartNumber: aws.Int32(1),
				Body: strings.NewReader("x"),
			})
			return err
		}, []string{decryptFar + "parts"}},
		{"UploadPartCopy", func(_, f *sdk.Client) error {
			_, err := f.UploadPartCopy(ctx, &sdk.UploadPartCopyInput{
				Bucket: aws.String(far), Key: aws.String("parts"), UploadId: upload.UploadId, PartNumber: aws.Int32(1),
				CopySource: copySource(near, "a", ""),
			})
			return err
		}, []string{decryptFar + "parts", decryptNear}},
		{"bucket without a key", func(n, _ *sdk.Client) error {
			_, err := n.PutObject(ctx, &sdk.PutObjectInput{
				Bucket: aws.String(hereBucket), Key: aws.String("b"), Body: strings.NewReader("x"),
			})
			return err
		}, nil},
		{"listing", func(n, _ *sdk.Client) error {
			_, err := n.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String(near)})
			return err
		}, nil},
		{"GetBucketEncryption", func(n, _ *sdk.Client) error {
			out, err := n.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: aws.String(near)})
			if err != nil {
				return err
			}
			rule := out.ServerSideEncryptionConfiguration.Rules[0]
			d := rule.ApplyServerSideEncryptionByDefault
			if d.SSEAlgorithm != "aws:kms" || aws.ToString(d.KMSMasterKeyID) != "K1" || !aws.ToBool(rule.BucketKeyEnabled) {
				return errors.New("the answer does not tell the key")
			}
			return nil
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.call(w.client(here), w.client(there)); err != nil {
				t.Fatal(err)
			}
			if got := keys.take(); !slices.Equal(got, tc.want) {
				t.Errorf("asked\n%q, want\n%q", got, tc.want)
			}
			if tc.want == nil {
				return
			}
			action, _, _ := strings.Cut(tc.want[len(tc.want)-1], " ")
			keys.refusing(action)
			defer keys.refusing("")
			err := tc.call(w.client(here), w.client(there))
			if err == nil || !strings.Contains(err.Error(), "403") {
				t.Errorf("without %s: got %v, want it denied", action, err)
			}
			keys.take()
		})
	}
	_, err = w.client(here).PutObject(ctx, &sdk.PutObjectInput{
		Bucket: aws.String(near), Key: aws.String("b"), ServerSideEncryption: "AES256", Body: strings.NewReader("x"),
	})
	wantCode(t, err, 501, "NotImplemented")
}
