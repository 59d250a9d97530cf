package s3

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

// other is an element that the sandbox does not have.
type other struct{ XMLName xml.Name }

type bucketEntry struct {
	Name         string
	CreationDate string
	BucketRegion string
}

type bucketsResult struct {
	XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner             owner
	Buckets           []bucketEntry `xml:"Buckets>Bucket"`
	ContinuationToken string        `xml:",omitempty"`
	Prefix            string        `xml:",omitempty"`
}

// listBuckets lists the account's buckets, in pages if it is asked for one
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html).
func (x *exchange) listBuckets() error {
	const most = 10_000
	count, after := most, ""
	var err error
	if x.query.Get("max-buckets") != "" {
		if count, err = x.integer("max-buckets"); err != nil || count == 0 || count > most {
			return errInvalidParameter(
				"max-buckets", x.query.Get("max-buckets"),
				"Argument max-buckets must be an integer between 1 and 10000",
			)
		}
	}
	if token := x.query.Get("continuation-token"); token != "" {
		if after, err = readToken(token); err != nil {
			return err
		}
	}
	all, err := x.store.Buckets()
	if err != nil {
		return err
	}
	out := bucketsResult{Owner: owner{canonicalID(x.config.AccountID)}, Prefix: x.query.Get("prefix")}
	for _, b := range all {
		if _, made := x.findBucket(b.Name); !made || b.Name <= after || !strings.HasPrefix(b.Name, out.Prefix) {
			continue
		}
		if len(out.Buckets) == count {
			out.ContinuationToken = newToken(out.Buckets[count-1].Name)
			break
		}
		out.Buckets = append(out.Buckets, bucketEntry{b.Name, xmlTime(b.Created), b.Region})
	}
	return x.answerXML(out)
}

func (x *exchange) headBucket() error {
	x.w.Header().Set("X-Amz-Bucket-Region", x.target.region)
	x.w.Header().Set("X-Amz-Access-Point-Alias", "false")
	return x.answer(http.StatusOK)
}

func (x *exchange) createBucket() error {
	const oldest = "us-east-1" // where no constraint is to be named
	raw, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, 1<<16))
	if err != nil {
		return errIncompleteBody()
	}
	wanted := struct {
		XMLName  xml.Name `xml:"CreateBucketConfiguration"`
		Location string   `xml:"LocationConstraint"`
		Other    []other  `xml:",any"`
	}{}
	if len(raw) > 0 && xml.Unmarshal(raw, &wanted) != nil {
		return errMalformedXML()
	}
	for _, o := range wanted.Other {
		return errNotImplemented("%s of a bucket to create", o.XMLName.Local)
	}
	switch {
	case wanted.Location == oldest || wanted.Location != "" && !x.hasRegion(wanted.Location):
		return badRequest("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case wanted.Location != x.region && (wanted.Location != "" || x.region != oldest):
		location := wanted.Location
		if location == "" {
			location = "unspecified"
		}
		return badRequest("IllegalLocationConstraintException",
			"The "+location+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	if err := validBucketName(x.bucket); err != nil {
		e := badRequest("InvalidBucketName", "The specified bucket is not valid.")
		e.Named = x.bucket
		return e
	}
	err = x.makeBucket(x.r.Context(), x.newBucket(x.region, BucketConfig{Name: x.bucket}), asked)
	if errors.Is(err, errBucketTaken) {
		// As S3 has always had it in its first Region.
		if b, ok := x.findBucket(x.bucket); x.region != oldest || !ok || b.region != x.region {
			return &apiError{
				status: http.StatusConflict, Code: "BucketAlreadyOwnedByYou", Named: x.bucket,
				Message: "Your previous request to create the named bucket succeeded and you already own it.",
			}
		}
	} else if err != nil {
		return err
	}
	x.w.Header().Set("Location", "/"+x.bucket)
	x.w.Header().Set("X-Amz-Bucket-Arn", x.arn(x.bucket))
	return x.answer(http.StatusOK)
}

func (x *exchange) deleteBucket() error {
	if err := x.removeBucket(x.target); err != nil {
		return err
	}
	return x.answer(http.StatusNoContent)
}

type locationConstraint struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Location string   `xml:",chardata"`
}

func (x *exchange) getLocation() error {
	if x.region == "us-east-1" {
		return x.answerXML(locationConstraint{})
	}
	return x.answerXML(locationConstraint{Location: x.region})
}

type versioningConfiguration struct {
	XMLName   xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	Status    string   `xml:",omitempty"`
	MFADelete string   `xml:"MfaDelete,omitempty"`
}

func (x *exchange) getVersioning() error {
	status := map[store.Versioning]string{store.Enabled: "Enabled", store.Suspended: "Suspended"}
	return x.answerXML(versioningConfiguration{Status: status[x.target.settings().versioning]})
}

func (x *exchange) putVersioning() error {
	raw, err := x.document()
	if err != nil {
		return err
	}
	var wanted struct {
		XMLName   xml.Name `xml:"VersioningConfiguration"`
		Status    string
		MFADelete string `xml:"MfaDelete"`
	}
	if err := xml.Unmarshal(raw, &wanted); err != nil {
		return errMalformedXML()
	}
	state, ok := map[string]store.Versioning{"Enabled": store.Enabled, "Suspended": store.Suspended}[wanted.Status]
	switch {
	case wanted.MFADelete == "Enabled":
		return errNotImplemented("MFA Delete")
	case wanted.Status == "":
		return badRequest("IllegalVersioningConfigurationException", "The Versioning element must be specified")
	case !ok:
		return errMalformedXML()
	}
	if err := x.setVersioning(x.target, state); err != nil {
		return err
	}
	return x.answer(http.StatusOK)
}

// getConfiguration answers the operations that show what a bucket was made with.
func (x *exchange) getConfiguration() error {
	answer, err := x.target.configuration(x.operation.name)
	if err != nil {
		return err
	}
	return x.answerXML(answer)
}
