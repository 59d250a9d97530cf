package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/s3err"
)

// The server knows one storage class. What follows keeps the class that an
// object was written with as an item of its metadata, and acts on it: what
// lies in an archive can be described and deleted, but neither read nor
// copied, and there is no restore here.

// classAttribute is the item that holds the storage class, where it is not
// STANDARD. It must not be one of the server's names.
const classAttribute = "sandbox-storage-class"

// storageClasses returns the classes of general purpose buckets
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html).
func storageClasses() []string {
	return []string{
		"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
	}
}

// archived says whether an object of the class has to be restored before it
// can be read (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
func archived(class types.StorageClass) bool {
	return class == types.StorageClassGlacier || class == types.StorageClassDeepArchive
}

func errInvalidObjectState() error {
	return s3err.APIError{
		Code: "InvalidObjectState", Description: "The operation is not valid for the object's storage class", HTTPStatusCode: http.StatusForbidden,
	}
}

// requestedClass is the storage class that the request asks for, "" for the
// default.
func requestedClass(ctx context.Context) string {
	if class := requestHeader(ctx, "X-Amz-Storage-Class"); class != nil && *class != "STANDARD" {
		return *class
	}
	return ""
}

// setClass notes the class of a new object or upload. f is the object's file
// while it is not in its place yet, or nil.
func (s *store) setClass(f *os.File, bucket, object, class string) error {
	if class == "" {
		return nil
	}
	if err := s.meta.StoreAttribute(f, bucket, object, classAttribute, []byte(class)); err != nil {
		return fmt.Errorf("note the storage class of %s/%s: %w", bucket, object, err)
	}
	return nil
}

// class returns the storage class of an object, a version of it or an upload.
func (s *store) class(bucket, object, versionID string) (types.StorageClass, error) {
	if versionID != "" {
		current, err := s.meta.RetrieveAttribute(nil, bucket, object, "version-id")
		if errors.Is(err, meta.ErrNoSuchKey) {
			current, err = []byte("null"), nil
		}
		if err != nil || string(current) != versionID { // an earlier version, whose key may be gone
			bucket, object = s.versionDir(bucket, object), versionID
		}
	}
	value, err := s.meta.RetrieveAttribute(nil, bucket, object, classAttribute)
	switch {
	case errors.Is(err, meta.ErrNoSuchKey) || errors.Is(err, os.ErrNotExist):
		return types.StorageClassStandard, nil
	case err != nil:
		return "", fmt.Errorf("read the storage class of %s/%s: %w", bucket, object, err)
	}
	return types.StorageClass(value), nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
