package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/kms"
)

// Encryption is how a bucket encrypts all of its objects: with the KMS key, or
// with S3's own keys if there is none. Objects are stored as they are; what
// holds is who may use the key.
type Encryption struct {
	KeyARN    string
	BucketKey bool // encrypt objects with a key of the bucket, which KMS is asked for once in a while
}

// show sets the headers that tell how an object is encrypted.
func (e Encryption) show(header http.Header) {
	if e.KeyARN == "" {
		header.Set("X-Amz-Server-Side-Encryption", "AES256")
		return
	}
	header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	header.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", e.KeyARN)
	if e.BucketKey {
		header.Set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "true")
	}
}

func (s *Service) encryption(bucket string) Encryption {
	if b, ok := s.findBucket(bucket); ok {
		return b.settings().encryption
	}
	return Encryption{}
}

// keys demands the use of the bucket's key, and of the source's, that the
// request takes. For a part, Decrypt is for putting the parts together later
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
// A HEAD decrypts nothing unless it asks for checksums
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
func (a authorizer) keys() error {
	r := a.request
	var action string
	switch r.operation.name {
	case "PutObject", "CopyObject", "CreateMultipartUpload":
		action = "kms:GenerateDataKey"
	case "GetObject", "UploadPart", "UploadPartCopy":
		action = "kms:Decrypt"
	case "HeadObject":
		if strings.EqualFold(r.header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
			action = "kms:Decrypt"
		}
	case "GetObjectAttributes":
		if strings.Contains(r.header.Get("X-Amz-Object-Attributes"), "Checksum") {
			action = "kms:Decrypt"
		}
	}
	if action == "" {
		return nil
	}
	if r.header.Get("X-Amz-Server-Side-Encryption") != "" && a.service.encryption(r.bucket).KeyARN != "" {
		return errNotImplemented("another encryption than the bucket's own (%s %s)", r.operation.name, r.bucket)
	}
	if err := a.key(r.bucket, r.key, action); err != nil || !r.copies() {
		return err
	}
	return a.key(r.source.bucket, r.source.key, "kms:Decrypt")
}

// key demands the use of one bucket's key. The encryption context is the
// bucket's ARN with a bucket key, and else the object's
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
func (a authorizer) key(bucket, key, action string) error {
	b, ok := a.service.findBucket(bucket)
	if !ok {
		return nil
	}
	encryption := b.settings().encryption
	if encryption.KeyARN == "" {
		return nil
	}
	context := b.arn
	if !encryption.BucketKey {
		context += "/" + key
	}
	err := a.service.config.Keys.Authorize(a.caller, encryption.KeyARN, kms.Use{
		Via: "s3." + b.region + ".amazonaws.com", Context: map[string]string{"aws:s3:arn": context},
	}, action)
	var denied *iam.DeniedError
	if errors.As(err, &denied) {
		return errAccessDenied(fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %q because %s",
			denied.Caller, denied.Action, denied.Resource, denied.Reason))
	}
	return err
}
