package s3

import (
	"net/http"
)

// Attributes in which the server keeps what it knows of a delete marker.
const (
	deleteMarkerAttribute = "delete-marker"
	versionIDAttribute    = "version-id"
)

// deleteMarker returns the version of the delete marker that hides a key; ok
// says whether one does.
func (s *store) deleteMarker(bucket, key string) (versionID string, ok bool) {
	defer s.locks.rlock(bucket, key)()
	if _, err := s.meta.RetrieveAttribute(nil, bucket, key, deleteMarkerAttribute); err != nil {
		return "", false // there is no such key, or it is not hidden
	}
	id, err := s.meta.RetrieveAttribute(nil, bucket, key, versionIDAttribute)
	if err != nil {
		return "null", true // made while versioning was suspended
	}
	return string(id), true
}

// showDeleteMarker says in the answer to a GET or HEAD of a key that is not
// found whether a delete marker hides it, and which
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
func (s *Service) showDeleteMarker(header http.Header, req request, status int) {
	name := req.operation.name
	if status != http.StatusNotFound || name != "GetObject" && name != "HeadObject" || req.query.Has("versionId") {
		return
	}
	header.Del("X-Amz-Delete-Marker")
	header.Del("Last-Modified") // told of a version that is named only
	if id, ok := s.store.deleteMarker(req.bucket, req.key); ok {
		header.Set("X-Amz-Delete-Marker", "true")
		header.Set("X-Amz-Version-Id", id)
	}
}
