package s3

import (
	"encoding/xml"
	"net/http"
)

// LifecycleRule is a rule for a whole bucket.
type LifecycleRule struct {
	ID                    string
	Status                string // Enabled or Disabled
	AbortUploadsAfterDays int
}

// PublicAccessBlock is a bucket's Block Public Access settings.
type PublicAccessBlock struct {
	BlockPublicACLs       bool `xml:"BlockPublicAcls"`
	IgnorePublicACLs      bool `xml:"IgnorePublicAcls"`
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// The answers have the elements of
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html.
type (
	lifecycleConfiguration struct {
		XMLName xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LifecycleConfiguration"`
		Rules   []lifecycleRule `xml:"Rule"`
	}
	lifecycleRule struct {
		ID     string
		Prefix string `xml:"Filter>Prefix"` // the whole bucket
		Status string
		Days   int `xml:"AbortIncompleteMultipartUpload>DaysAfterInitiation"`
	}

	publicAccessBlock struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PublicAccessBlockConfiguration"`
		PublicAccessBlock
	}

	ownershipControls struct {
		XMLName   xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ OwnershipControls"`
		Ownership string   `xml:"Rule>ObjectOwnership"`
	}

	encryptionConfiguration struct {
		XMLName   xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ServerSideEncryptionConfiguration"`
		Algorithm string   `xml:"Rule>ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
		KeyARN    string   `xml:"Rule>ApplyServerSideEncryptionByDefault>KMSMasterKeyID,omitempty"`
		BucketKey bool     `xml:"Rule>BucketKeyEnabled"`
	}
)

// configuration answers the operations that show what a bucket was made with;
// nil if the operation is none of them.
func (b *bucket) configuration(operation string) (any, error) {
	set := b.settings()
	switch operation {
	case "GetBucketNotificationConfiguration":
		return set.notifications.document(), nil
	case "GetBucketLifecycleConfiguration":
		if len(set.lifecycle) == 0 {
			return nil, &apiError{
				status: http.StatusNotFound, Code: "NoSuchLifecycleConfiguration", Named: b.name,
				Message: "The lifecycle configuration does not exist",
			}
		}
		var c lifecycleConfiguration
		for _, r := range set.lifecycle {
			c.Rules = append(c.Rules, lifecycleRule{ID: r.ID, Status: r.Status, Days: r.AbortUploadsAfterDays})
		}
		return c, nil
	case "GetPublicAccessBlock":
		return publicAccessBlock{PublicAccessBlock: set.publicAccess}, nil
	case "GetBucketOwnershipControls":
		return ownershipControls{Ownership: set.ownership}, nil
	case "GetBucketEncryption":
		if e := set.encryption; e.KeyARN != "" {
			return encryptionConfiguration{Algorithm: "aws:kms", KeyARN: e.KeyARN, BucketKey: e.BucketKey}, nil
		}
		return encryptionConfiguration{Algorithm: "AES256"}, nil // S3's own keys at least
	}
	return nil, nil
}
