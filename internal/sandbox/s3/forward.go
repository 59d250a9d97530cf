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
// what it has written.
func (s *Service) forward(w http.ResponseWriter, r *http.Request, req request, region string, auth authorizer) error {
	track := newIDs().request
	res, err := s.engine.transports[region].RoundTrip(outgoing(r, track))
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
	header := w.Header()
	for name, values := range res.Header {
		if name != "Connection" && name != "Keep-Alive" {
			header[name] = values
		}
	}
	likeS3(header, req, res.StatusCode)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // a client that has gone away, or a connection that breaks off as it should
	return nil
}

// likeS3 changes the server's headers to those that S3 sends.
func likeS3(header http.Header, req request, status int) {
	header.Set("Server", "AmazonS3")
	if header.Get("X-Amz-Storage-Class") == "STANDARD" {
		header.Del("X-Amz-Storage-Class") // S3 names only others
	}
	switch req.operation.name {
	case "GetObject", "HeadObject", "PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload":
		if status < 300 { // every object is encrypted with S3's own keys, which does not show otherwise
			header.Set("X-Amz-Server-Side-Encryption", "AES256")
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

// checkCopySource finds a copy's source and demands what its state takes.
func (s *Service) checkCopySource(r *http.Request, req request, auth authorizer) error {
	source := req.source
	if owner := r.Header.Get("X-Amz-Source-Expected-Bucket-Owner"); owner != "" && owner != s.config.AccountID {
		return errAccessDenied("Access Denied")
	}
	tags, err := s.tagsOf(r.Context(), source)
	if err != nil {
		if missing := errorCode(err) == "NoSuchKey" || errorCode(err) == "NoSuchVersion"; missing && !auth.mayList(source.bucket) {
			return errAccessDenied("Access Denied")
		}
		switch errorCode(err) {
		case "NoSuchKey":
			return errNoSuchKey(source.key)
		case "NoSuchVersion":
			return errNoSuchVersion(source.key, source.versionID)
		case "MethodNotAllowed":
			return errInvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
		case "InvalidArgument":
			return errInvalidArgument("Invalid version id specified")
		}
		return fmt.Errorf("find copy source s3://%s/%s: %w", source.bucket, source.key, err)
	}
	if !req.copiesTags() || tags == 0 {
		return nil
	}
	return auth.all([]need{
		source.read("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
		{"s3:PutObjectTagging", req.bucket, req.key},
	})
}

// tagsOf counts an object's tags.
func (s *Service) tagsOf(ctx context.Context, o object) (int32, error) {
	head, err := s.store.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &o.bucket, Key: &o.key, VersionId: optional(o.versionID)})
	if err != nil || head.TagCount == nil {
		return 0, err
	}
	return *head.TagCount, nil
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
