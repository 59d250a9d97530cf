package s3

import (
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/s3response"
)

// Where metadata is kept in files beside the objects, what an object had
// before it was overwritten outlives it: each item is a file of its own. What
// follows removes what the new object does not have. The names are the
// server's.

// optionalAttributes returns the items that an object need not have.
func optionalAttributes() []string {
	return []string{
		"content-encoding", "content-disposition", "content-language", "cache-control", "expires",
		"website-redirect-location", "X-Amz-Tagging", "metadata", classAttribute,
	}
}

// attributesOfPut returns the items that a PutObject sets.
func attributesOfPut(in s3response.PutObjectInput) []string {
	var set []string
	for name, value := range map[string]*string{
		"content-encoding":          in.ContentEncoding,
		"content-disposition":       in.ContentDisposition,
		"content-language":          in.ContentLanguage,
		"cache-control":             in.CacheControl,
		"expires":                   in.Expires,
		"website-redirect-location": in.WebsiteRedirectLocation,
		"X-Amz-Tagging":             in.Tagging,
	} {
		if value != nil && *value != "" {
			set = append(set, name)
		}
	}
	if len(in.Metadata) > 0 {
		set = append(set, "metadata")
	}
	return set
}

// attributesOfUpload returns the items that completing an upload will set.
func (s *store) attributesOfUpload(in *sdk.CompleteMultipartUploadInput) ([]string, error) {
	if s.files == nil || in.UploadId == nil {
		return nil, nil
	}
	return s.files.ListAttributes(*in.Bucket, uploadPath(*in.Key, *in.UploadId))
}

// forget removes from a new object what is left of the one before, if it is
// not among what has been set.
func (s *store) forget(bucket, key string, set []string, multipart bool) {
	if s.files == nil {
		return
	}
	stale := append(optionalAttributes(), "delete-marker")
	if !multipart {
		stale = append(stale, partSizes)
	}
	for _, name := range stale {
		if !slices.Contains(set, name) {
			_ = s.files.DeleteAttribute(bucket, key, name) // it may not be there
		}
	}
}
