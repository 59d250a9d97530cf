package s3

import (
	"encoding/xml"
	"time"

	"s3fanout/internal/sandbox/s3/store"
)

// maxDeletes is how many objects one DeleteObjects takes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
const maxDeletes = 1000

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []deleteWanted `xml:"Object"`
}

type deleteWanted struct {
	Key       string
	VersionID string `xml:"VersionId"`
	ETag      string
	// Conditions of directory buckets.
	LastModifiedTime, Size string
}

type deleteResult struct {
	XMLName xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedEntry `xml:"Deleted"`
	Errors  []deleteError  `xml:"Error"`
}

type deletedEntry struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type deleteError struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

// deleteObjects answers DeleteObjects: each object is decided and deleted on
// its own, so that what the caller may not delete does not keep the rest.
func (x *exchange) deleteObjects() error {
	if sum, err := requestChecksum(x.header); err != nil {
		return err
	} else if sum.Value == "" && x.header.Get("Content-Md5") == "" {
		return errInvalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	raw, err := x.document()
	if err != nil {
		return err
	}
	var wanted deleteRequest
	if err := xml.Unmarshal(raw, &wanted); err != nil || len(wanted.Objects) == 0 || len(wanted.Objects) > maxDeletes {
		return errMalformedXML()
	}
	var result deleteResult
	for _, o := range wanted.Objects {
		entry, err := x.deleteOne(o)
		if err != nil {
			e := x.wordError(err)
			result.Errors = append(result.Errors, deleteError{o.Key, o.VersionID, e.Code, e.Message})
		} else if !wanted.Quiet {
			result.Deleted = append(result.Deleted, entry)
		}
	}
	return x.answerXML(result)
}

func (x *exchange) deleteOne(o deleteWanted) (deletedEntry, error) {
	var none deletedEntry
	if o.Key == "" {
		return none, errInvalidArgument("A key is needed.")
	}
	if err := validKey(o.Key); err != nil {
		return none, err
	}
	if o.LastModifiedTime != "" || o.Size != "" {
		return none, errNotImplemented("LastModifiedTime and Size of DeleteObjects")
	}
	if !x.config.Network.Admit(x.bucket, o.Key, true, time.Now()) {
		return none, errSlowDown()
	}
	named := object{x.bucket, o.Key, o.VersionID}
	needs := []need{named.read("s3:DeleteObject", "s3:DeleteObjectVersion")}
	if o.ETag != "" && o.ETag != "*" {
		needs = append(needs, need{action: "s3:GetObject", bucket: x.bucket, key: o.Key})
	}
	if err := x.auth.all(needs); err != nil {
		return none, err
	}
	condition := store.Condition{IfMatch: unquote(o.ETag)}
	if x.ignoresConditions() {
		condition = store.Condition{}
	}
	out, err := x.remove(o.Key, o.VersionID, condition)
	if err != nil {
		return none, readError(err, named)
	}
	entry := deletedEntry{Key: o.Key, VersionID: o.VersionID}
	if out.DeleteMarker {
		entry.DeleteMarker, entry.DeleteMarkerVersionID = true, out.VersionID
	}
	return entry, nil
}
