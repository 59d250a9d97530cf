package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

// forward lets the Region's server answer, and sends the notifications of
// what it has written. size is how many bytes of an object the request brings
// or copies, for its pace.
func (s *Service) forward(w http.ResponseWriter, r *http.Request, req request, region string, auth authorizer, p pace, size int64) error {
	track := newIDs().request
	switch req.operation.name {
	case "PutObject", "CopyObject": // written when all has arrived
		s.store.paces.Store(track, func() { p.wait(size) })
		defer s.store.paces.Delete(track)
	case "CreateMultipartUpload":
		s.store.callers.Store(track, auth.caller.String())
		defer s.store.callers.Delete(track)
	case "UploadPart":
		p.wait(size)
	}
	res, err := s.engine.transport(region).RoundTrip(outgoing(r, track))
	if err != nil {
		s.store.take(track)
		return fmt.Errorf("forward %s s3://%s/%s: %w", req.operation.name, req.bucket, req.key, err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	if res.StatusCode == http.StatusNotFound && hidesMissing(req) && !auth.mayList(req.bucket) {
		return errAccessDenied("Access Denied")
	}
	if done, ok := s.store.take(track); ok && res.StatusCode == http.StatusOK {
		// Before the answer, so that whoever has it finds this work under way.
		s.notify(req, done, origin{
			region: region, caller: auth.caller, address: clientAddress(r),
			requestID: res.Header.Get("x-amz-request-id"), hostID: res.Header.Get("x-amz-id-2"),
		})
	}
	if req.operation.name == "GetObject" && res.StatusCode < 300 {
		p.wait(res.ContentLength)
	}
	header := w.Header()
	for name, values := range res.Header {
		if name != "Connection" && name != "Keep-Alive" {
			header[name] = values
		}
	}
	likeS3(header, req, res.StatusCode, s.encryption(req.bucket))
	s.showDeleteMarker(header, req, res.StatusCode)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // a client that has gone away, or a connection that breaks off as it should
	return nil
}

// likeS3 changes the server's headers to those that S3 sends.
func likeS3(header http.Header, req request, status int, e Encryption) {
	header.Set("Server", "AmazonS3")
	if header.Get("X-Amz-Storage-Class") == "STANDARD" {
		header.Del("X-Amz-Storage-Class") // S3 names only others
	}
	encodeMetadata(header)
	switch req.operation.name {
	case "GetObject", "HeadObject", "PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload":
		if status < 300 { // encryption does not show otherwise
			e.show(header)
		}
	}
}

// outgoing is the request as it came, to the byte where the signature covers
// it: host, path, query and headers.
func outgoing(r *http.Request, track string) *http.Request {
	path, query := rawPath(r), ""
	if _, q, ok := strings.Cut(r.RequestURI, "?"); ok {
		query = q
	}
	out := &http.Request{
		Method:        r.Method,
		URL:           &url.URL{Scheme: "http", Host: "s3", Opaque: path, RawQuery: query},
		Host:          r.Host,
		Header:        r.Header.Clone(),
		Body:          r.Body,
		ContentLength: r.ContentLength,
		Proto:         "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	for _, hop := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade"} {
		out.Header.Del(hop)
	}
	if r.Header.Get("User-Agent") == "" {
		out.Header["User-Agent"] = nil // else the transport adds its own
	}
	out.Header.Set(trackHeader, track)
	// What a client has asked for completely is done, and its notification
	// sent, also if the client does not wait for the answer.
	return out.WithContext(context.WithoutCancel(r.Context()))
}

func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// hidesMissing says whether a 404 tells about a key, which only those may
// learn who may list the bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, permissions).
func hidesMissing(r request) bool {
	switch r.operation.name {
	case "GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging":
		return true
	}
	return false
}

// checkCopySource finds a copy's source, demands what its state takes, and
// returns its size.
func (s *Service) checkCopySource(r *http.Request, req request, auth authorizer) (size int64, err error) {
	source := req.source
	if err := expectOwner(r.Header, "X-Amz-Source-Expected-Bucket-Owner", s.owner(source.bucket)); err != nil {
		return 0, err
	}
	head, err := s.store.HeadObject(r.Context(), &sdk.HeadObjectInput{Bucket: &source.bucket, Key: &source.key, VersionId: optional(source.versionID)})
	if err != nil {
		if missing := errorCode(err) == "NoSuchKey" || errorCode(err) == "NoSuchVersion"; missing && !auth.mayList(source.bucket) {
			return 0, errAccessDenied("Access Denied")
		}
		switch errorCode(err) {
		case "NoSuchKey":
			return 0, errNoSuchKey(source.key)
		case "NoSuchVersion":
			return 0, errNoSuchVersion(source.key, source.versionID)
		case "MethodNotAllowed":
			return 0, errInvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
		case "InvalidArgument":
			return 0, errInvalidArgument("Invalid version id specified")
		}
		return 0, fmt.Errorf("find copy source s3://%s/%s: %w", source.bucket, source.key, err)
	}
	if !req.copiesTags() || head.TagCount == nil || *head.TagCount == 0 {
		return *head.ContentLength, nil
	}
	return *head.ContentLength, auth.all([]need{
		source.read("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
		{"s3:PutObjectTagging", req.bucket, req.key},
	})
}

// getBucketPolicy answers with the policy as it was set.
func (s *Service) getBucketPolicy(w http.ResponseWriter, req request, ids ids) error {
	b, _ := s.bucket(req.bucket)
	raw := b.rawPolicy()
	if raw == nil {
		return &apiError{status: http.StatusNotFound, Code: "NoSuchBucketPolicy", Message: "The bucket policy does not exist", Bucket: req.bucket}
	}
	ids.set(w.Header())
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, bytes.NewReader(raw)) // the client has gone away if this fails
	return nil
}
