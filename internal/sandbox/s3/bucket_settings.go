package s3

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"

	"s3fanout/internal/sandbox/iam"
)

// keptSettings are what requests have said of a bucket, for when the sandbox is
// started again. What a template had said holds again then.
type keptSettings struct {
	Notifications Notifications
	Policy        []byte `json:",omitempty"` // as it was put
	Encryption    Encryption
	RequesterPays bool
}

// change lets a request change a bucket's settings, and keeps them. When that
// fails, nothing is changed.
func (s *Service) change(b *bucket, set func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	settings, policy, rawPolicy := b.bucketSettings, b.policy, b.raw
	set()
	raw, err := json.Marshal(keptSettings{b.notifications, b.raw, b.encryption, b.requesterPays})
	if err == nil {
		err = s.store.SetConfig(b.name, map[string][]byte{keptConfig: raw})
	}
	if err != nil {
		b.bucketSettings, b.policy, b.raw = settings, policy, rawPolicy
	}
	return err
}

// restore takes over the settings of an earlier Service.
func (b *bucket) restore(raw []byte) (err error) {
	var kept keptSettings
	if err := json.Unmarshal(raw, &kept); err != nil {
		return err
	}
	b.notifications, b.encryption, b.requesterPays = kept.Notifications, kept.Encryption, kept.RequesterPays
	if kept.Policy != nil {
		b.raw = kept.Policy
		b.policy, err = iam.ParseAs(iam.ResourcePolicy, kept.Policy)
	}
	return err
}

// getPolicy answers with the policy as it was set.
func (x *exchange) getPolicy() error {
	raw := x.target.rawPolicy()
	if raw == nil {
		return &apiError{
			status:  http.StatusNotFound,
			Code:    "NoSuchBucketPolicy",
			Message: "The bucket policy does not exist",
			Named:   x.bucket,
		}
	}
	x.ids.set(x.w.Header())
	x.w.Header().Set("Content-Type", "application/json")
	_, _ = x.w.Write(raw) // the client has gone away if this fails
	return nil
}

// putPolicy gives the bucket a policy, which is shown as it was put
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html).
func (x *exchange) putPolicy() error {
	raw, err := x.document()
	if err != nil {
		return err
	}
	policy, err := iam.ParseAs(iam.ResourcePolicy, raw)
	if err != nil {
		return badRequest("MalformedPolicy", err.Error())
	}
	if err := x.change(x.target, func() { x.target.policy, x.target.raw = policy, raw }); err != nil {
		return err
	}
	return x.answer(http.StatusNoContent)
}

func (x *exchange) deletePolicy() error {
	if err := x.change(x.target, func() { x.target.policy, x.target.raw = nil, nil }); err != nil {
		return err
	}
	return x.answer(http.StatusNoContent)
}

// putEncryption says how the bucket encrypts by default. A key is named by its
// ARN (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html).
func (x *exchange) putEncryption() error {
	raw, err := x.document()
	if err != nil {
		return err
	}
	var wanted struct {
		XMLName xml.Name `xml:"ServerSideEncryptionConfiguration"`
		Rules   []struct {
			Algorithm string  `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
			KeyARN    string  `xml:"ApplyServerSideEncryptionByDefault>KMSMasterKeyID"`
			BucketKey bool    `xml:"BucketKeyEnabled"`
			Other     []other `xml:",any"`
		} `xml:"Rule"`
	}
	if err := xml.Unmarshal(raw, &wanted); err != nil || len(wanted.Rules) != 1 {
		return errMalformedXML()
	}
	rule := wanted.Rules[0]
	var e Encryption
	switch {
	case len(rule.Other) > 0:
		return errNotImplemented("%s of a bucket's encryption", rule.Other[0].XMLName.Local)
	case rule.Algorithm == "AES256" && rule.KeyARN == "":
	case rule.Algorithm == "AES256":
		return errInvalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	case rule.Algorithm == "aws:kms" && strings.HasPrefix(rule.KeyARN, "arn:"):
		e = Encryption{KeyARN: rule.KeyARN, BucketKey: rule.BucketKey}
	case rule.Algorithm == "aws:kms":
		return errNotImplemented("a bucket's encryption with the key %q; name the key by its ARN", rule.KeyARN)
	default:
		return errNotImplemented("a bucket's encryption by %s", rule.Algorithm)
	}
	if err := x.change(x.target, func() { x.target.encryption = e }); err != nil {
		return err
	}
	return x.answer(http.StatusOK)
}

func (x *exchange) deleteEncryption() error {
	if err := x.change(x.target, func() { x.target.encryption = Encryption{} }); err != nil {
		return err
	}
	return x.answer(http.StatusNoContent)
}

type requestPayment struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ RequestPaymentConfiguration"`
	Payer   string
}

// The payers of requests. Nobody pays here.
const (
	ownerPays     = "BucketOwner"
	requesterPays = "Requester"
)

func (x *exchange) getRequestPayment() error {
	if x.target.settings().requesterPays {
		return x.answerXML(requestPayment{Payer: requesterPays})
	}
	return x.answerXML(requestPayment{Payer: ownerPays})
}

// putRequestPayment says who pays, which is shown and has no effect
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketRequestPayment.html).
func (x *exchange) putRequestPayment() error {
	raw, err := x.document()
	if err != nil {
		return err
	}
	wanted := struct {
		XMLName xml.Name `xml:"RequestPaymentConfiguration"`
		Payer   string
	}{}
	if err := xml.Unmarshal(raw, &wanted); err != nil || wanted.Payer != ownerPays && wanted.Payer != requesterPays {
		return errMalformedXML()
	}
	if err := x.change(x.target, func() { x.target.requesterPays = wanted.Payer == requesterPays }); err != nil {
		return err
	}
	return x.answer(http.StatusOK)
}

// getObjectLock answers that there is none, which is so for every bucket here.
func (x *exchange) getObjectLock() error {
	return &apiError{
		status: http.StatusNotFound, Code: "ObjectLockConfigurationNotFoundError", Named: x.bucket,
		Message: "Object Lock configuration does not exist for this bucket",
	}
}

// putNotifications replaces the bucket's notifications. Every destination is
// checked, as S3 does, unless the request skips that
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html).
func (x *exchange) putNotifications() error {
	raw, err := x.document()
	if err != nil {
		return err
	}
	wanted, err := parseNotifications(raw)
	if err != nil {
		return err
	}
	if err := wanted.validate(x.region); err != nil {
		return err
	}
	wanted = wanted.withIDs()
	if !strings.EqualFold(x.header.Get("X-Amz-Skip-Destination-Validation"), "true") {
		if err := x.testNotifications(x.r.Context(), x.target, wanted); err != nil {
			var refused *destinationError
			if !errors.As(err, &refused) {
				return err
			}
			return errArgument("Unable to validate the following destination configurations", refused.arn, refused.cause.Error())
		}
	}
	if err := x.change(x.target, func() { x.target.notifications = wanted }); err != nil {
		return err
	}
	return x.answer(http.StatusOK)
}
