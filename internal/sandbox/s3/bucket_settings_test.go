package s3

import (
	"context"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A policy that a client put holds, is shown byte for byte, also after a
// restart, and goes again.
func TestPoliciesOfRequests(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String("asked")
	if _, err := c.CreateBucket(ctx, createIn("asked", "")); err != nil {
		t.Fatal(err)
	}
	reader, _ := w.role(t, "reader", statements([]grant{{"s3:ListBucket", "asked"}}))
	reads := func() error {
		_, err := w.client(here, reader).ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b})
		return err
	}
	if err := reads(); err != nil {
		t.Fatal(err)
	}
	_, err := c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b})
	wantCode(t, err, 404, "NoSuchBucketPolicy")
	const policy = "{\n  \"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Deny\", \"Principal\": \"*\",\n" +
		"  \"Action\": \"s3:ListBucket\", \"Resource\": \"arn:aws:s3:::asked\", \"Condition\": {\"ArnLike\": {\"aws:PrincipalArn\": " +
		"\"arn:aws:iam::*:role/reader\"}}}}\n"
	if _, err := c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: aws.String(policy)}); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{"", "{", `{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`} {
		_, err := c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: aws.String(broken)})
		wantCode(t, err, 400, "MalformedPolicy")
	}
	for range 2 {
		got, err := c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b})
		if err != nil || aws.ToString(got.Policy) != policy {
			t.Errorf("shown %q, %v; want what was put", aws.ToString(got.Policy), err)
		}
		wantCode(t, reads(), 403, "AccessDenied")
		w.reopen(t)
	}
	if _, err := c.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: b}); err != nil {
		t.Fatal(err)
	}
	if err := reads(); err != nil {
		t.Errorf("without the policy: %v", err)
	}
}

// What else a client says of a bucket is shown, after a restart too.
func TestSettingsOfRequests(t *testing.T) {
	w := newWorld(t)
	ctx, c, b := t.Context(), w.client(here), aws.String("asked")
	if _, err := c.CreateBucket(ctx, createIn("asked", "")); err != nil {
		t.Fatal(err)
	}
	const key = "arn:aws:kms:" + here + ":" + account + ":key/1"
	payer := func() (any, error) {
		out, err := c.GetBucketRequestPayment(ctx, &sdk.GetBucketRequestPaymentInput{Bucket: b})
		if err != nil {
			return nil, err
		}
		return out.Payer, nil
	}
	encryption := func() (any, error) {
		out, err := c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
		if err != nil {
			return nil, err
		}
		rule := out.ServerSideEncryptionConfiguration.Rules[0]
		return [2]string{
			string(rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm),
			aws.ToString(rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID),
		}, nil
	}
	encrypt := func(algorithm types.ServerSideEncryption, key *string) error {
		_, err := c.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: b,
			ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
				Rules: []types.ServerSideEncryptionRule{
					{
						BucketKeyEnabled: aws.Bool(true),
						ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
							SSEAlgorithm: algorithm, KMSMasterKeyID: key,
						},
					},
				},
			}})
		return err
	}
	for _, tt := range []struct {
		name        string
		show        func() (any, error)
		change      func() error
		before, now any
	}{
		{"payer", payer, func() error {
			_, err := c.PutBucketRequestPayment(ctx, &sdk.PutBucketRequestPaymentInput{
				Bucket: b, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: types.PayerRequester},
			})
			return err
		}, types.PayerBucketOwner, types.PayerRequester},
		{"encryption", encryption, func() error { return encrypt("aws:kms", aws.String(key)) }, [2]string{"AES256", ""},
			[2]string{"aws:kms", key}},
		{"no encryption of its own", encryption, func() error {
			_, err := c.DeleteBucketEncryption(ctx, &sdk.DeleteBucketEncryptionInput{Bucket: b})
			return err
		}, [2]string{"aws:kms", key}, [2]string{"AES256", ""}},
	} {
		if got, err := tt.show(); err != nil || !reflect.DeepEqual(got, tt.before) {
			t.Errorf("%s: %v, %v at first, want %v", tt.name, got, err, tt.before)
		}
		if err := tt.change(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for range 2 {
			if got, err := tt.show(); err != nil || !reflect.DeepEqual(got, tt.now) {
				t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.now)
			}
			w.reopen(t)
		}
	}
	wantCode(t, encrypt("AES256", aws.String(key)), 400, "InvalidArgument")
	wantCode(t, encrypt("aws:kms", nil), 501, "NotImplemented")
	wantCode(t, encrypt("aws:kms:dsse", aws.String(key)), 501, "NotImplemented")
	_, err := c.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: b})
	wantCode(t, err, 404, "ObjectLockConfigurationNotFoundError")
}

// Each takes its own permission.
func TestSettingsAreForThoseWhoMay(t *testing.T) {
	w := newWorld(t)
	b := aws.String(hereBucket)
	for action, calls := range map[string][]func(context.Context, *sdk.Client) error{
		"s3:PutBucketPolicy": {func(ctx context.Context, c *sdk.Client) error {
			_, err := c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: aws.String(
				`{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + hereBucket +
					`/secret"}}`)})
			return err
		}},
		"s3:DeleteBucketPolicy": {func(ctx context.Context, c *sdk.Client) error {
			_, err := c.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: b})
			return err
		}},
		"s3:PutEncryptionConfiguration": {func(ctx context.Context, c *sdk.Client) error {
			_, err := c.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: b,
				ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
					Rules: []types.ServerSideEncryptionRule{
						{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "AES256"}},
					},
				}})
			return err
		}, func(ctx context.Context, c *sdk.Client) error {
			_, err := c.DeleteBucketEncryption(ctx, &sdk.DeleteBucketEncryptionInput{Bucket: b})
			return err
		}},
		"s3:GetBucketRequestPayment": {func(ctx context.Context, c *sdk.Client) error {
			_, err := c.GetBucketRequestPayment(ctx, &sdk.GetBucketRequestPaymentInput{Bucket: b})
			return err
		}},
		"s3:PutBucketRequestPayment": {func(ctx context.Context, c *sdk.Client) error {
			_, err := c.PutBucketRequestPayment(ctx, &sdk.PutBucketRequestPaymentInput{
				Bucket: b, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: types.PayerBucketOwner},
			})
			return err
		}},
	} {
		may, _ := w.role(t, "may-"+action[3:], statements([]grant{{action, hereBucket}}))
		mayNot, _ := w.role(t, "may-not-"+action[3:], statements([]grant{{"s3:List*", hereBucket}, {"s3:GetObject*", hereBucket + "/*"}}))
		for _, call := range calls {
			if err := call(t.Context(), w.client(here, may)); err != nil {
				t.Errorf("%s: %v", action, err)
			}
			wantCode(t, call(t.Context(), w.client(here, mayNot)), 403, "AccessDenied")
		}
	}
	call := func(c *sdk.Client) error {
		_, err := c.GetObjectLockConfiguration(t.Context(), &sdk.GetObjectLockConfigurationInput{Bucket: b})
		return err
	}
	may, _ := w.role(t, "may-lock", statements([]grant{{"s3:GetBucketObjectLockConfiguration", hereBucket}}))
	wantCode(t, call(w.client(here, may)), 404, "ObjectLockConfigurationNotFoundError")
	mayNot, _ := w.role(t, "may-not-lock", statements([]grant{{"s3:GetObject*", hereBucket}}))
	wantCode(t, call(w.client(here, mayNot)), 403, "AccessDenied")
}
