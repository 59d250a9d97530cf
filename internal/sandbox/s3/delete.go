package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxDeletes is how many objects one DeleteObjects takes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
const maxDeletes = 1000

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
	} `xml:"Object"`
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
func (s *Service) deleteObjects(w http.ResponseWriter, r *http.Request, req request, auth authorizer, ids ids) error {
	const maxBody = 4 << 20
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return errInvalidRequest("The request's body cannot be read: " + err.Error())
	}
	if sum := r.Header.Get("X-Amz-Content-Sha256"); len(sum) == hex.EncodedLen(sha256.Size) {
		if got := sha256.Sum256(body); !strings.EqualFold(hex.EncodeToString(got[:]), sum) {
			return &apiError{status: http.StatusBadRequest, Code: "XAmzContentSHA256Mismatch", Message: "The provided 'x-amz-content-sha256' header does not match what was computed."}
		}
	}
	var wanted deleteRequest
	if err := xml.Unmarshal(body, &wanted); err != nil || len(wanted.Objects) == 0 || len(wanted.Objects) > maxDeletes {
		return &apiError{status: http.StatusBadRequest, Code: "MalformedXML", Message: "The XML you provided was not well-formed or did not validate against our published schema"}
	}
	var result deleteResult
	for _, o := range wanted.Objects {
		entry, err := s.deleteOne(r, object{req.bucket, o.Key, o.VersionID}, auth)
		if err != nil {
			result.Errors = append(result.Errors, deleteError{o.Key, o.VersionID, deleteErrorCode(err), err.Error()})
		} else if !wanted.Quiet {
			result.Deleted = append(result.Deleted, entry)
		}
	}
	writeXML(w, r, http.StatusOK, result, ids)
	return nil
}

func (s *Service) deleteOne(r *http.Request, o object, auth authorizer) (deletedEntry, error) {
	if o.key == "" {
		return deletedEntry{}, errInvalidArgument("A key is needed.")
	}
	if err := validKey(o.key); err != nil {
		return deletedEntry{}, err
	}
	if err := auth.one(o.read("s3:DeleteObject", "s3:DeleteObjectVersion")); err != nil {
		return deletedEntry{}, err
	}
	out, err := s.store.DeleteObject(r.Context(), &sdk.DeleteObjectInput{Bucket: &o.bucket, Key: &o.key, VersionId: optional(o.versionID)})
	if err != nil {
		return deletedEntry{}, err
	}
	entry := deletedEntry{Key: o.key, VersionID: o.versionID}
	if out.DeleteMarker != nil && *out.DeleteMarker && out.VersionId != nil {
		entry.DeleteMarker, entry.DeleteMarkerVersionID = true, *out.VersionId
	}
	return entry, nil
}

func deleteErrorCode(err error) string {
	var e *apiError
	if errors.As(err, &e) {
		return e.Code
	}
	if code := errorCode(err); code != "" {
		return code
	}
	return "InternalError"
}
