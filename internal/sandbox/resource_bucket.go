package sandbox

import (
	"fmt"
	"strings"

	"s3fanout/internal/sandbox/s3"
)

// encryption is how the bucket encrypts by default.
func (p bucketProperties) encryption(d *deployment, t target) (e s3.Encryption, err error) {
	if p.BucketEncryption == nil {
		return e, nil
	}
	for _, rule := range p.BucketEncryption.ServerSideEncryptionConfiguration {
		byDefault := rule.ServerSideEncryptionByDefault
		switch {
		case byDefault.SSEAlgorithm == "AES256" && byDefault.KMSMasterKeyID == "":
		case byDefault.SSEAlgorithm == "aws:kms" && byDefault.KMSMasterKeyID != "":
			e.BucketKey = rule.BucketKeyEnabled
			if e.KeyARN, err = d.keyARN(t, "BucketEncryption", byDefault.KMSMasterKeyID); err != nil {
				return e, err
			}
		default:
			return e, fmt.Errorf(
				"property BucketEncryption: the sandbox supports AES256, and aws:kms with a KMSMasterKeyID, not %q with the key %q",
				byDefault.SSEAlgorithm, byDefault.KMSMasterKeyID,
			)
		}
	}
	return e, nil
}

// checkNamespace holds a bucket's name against the rules of its namespace
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
func (p bucketProperties) checkNamespace(t target, name string) error {
	suffix := "-" + AccountID + "-" + t.region + "-an"
	switch p.BucketNamespace {
	case "", "global":
		if strings.HasSuffix(name, "-an") {
			return fmt.Errorf("property BucketName: %q ends with -an, which S3 keeps for the account-regional namespace", name)
		}
	case "account-regional":
		if !strings.HasSuffix(name, suffix) {
			return fmt.Errorf("property BucketName: %q does not end with %s, as a name in the account-regional namespace has to",
				name, suffix)
		}
	default:
		return fmt.Errorf("property BucketNamespace: %q is neither global nor account-regional", p.BucketNamespace)
	}
	return nil
}
