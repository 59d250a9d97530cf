package main

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/s3"
	"s3fanout/internal/sandbox/sigv4"
	"s3fanout/internal/sandbox/stats"
)

// A storage is the sandbox's S3 alone: two Regions, and nobody who listens to
// its buckets, so that only the contestants copy.
type storage struct {
	service  *s3.Service
	store    *iam.Store
	server   *http.Server
	endpoint string
	dir      string
}

func startStorage(ctx context.Context, dir string) (*storage, error) {
	regions := []string{sourceRegion, targetRegion}
	s := &storage{store: iam.NewStore("aws", account), dir: filepath.Join(dir, "s3")}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	unheard := func(context.Context, s3.Notification) error { return nil }
	var err error
	s.service, err = s3.Start(ctx, s3.Config{
		Partition: "aws", AccountID: account, Dir: s.dir, Regions: regions,
		Store: s.store, Counters: stats.New(regions), Faults: fault.New(regions, 1),
		Notify: unheard, NotifyTest: unheard,
	})
	if err != nil {
		return nil, err
	}
	s.server, s.endpoint, err = serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, refused := sigv4.Authenticate(r, s.store, time.Now())
		if refused != nil {
			http.Error(w, refused.Message, refused.Status)
			return
		}
		s.service.ServeAPI(w, r, id.Region, id.Caller)
	}))
	if err != nil {
		return nil, errors.Join(err, s.service.Close())
	}
	return s, nil
}

func (s *storage) close() error { return errors.Join(s.server.Close(), s.service.Close()) }

// client is the administrator's.
func (s *storage) client(region string) *sdk.Client {
	admin := s.store.Admin()
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &s.endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(admin.AccessKeyID, admin.SecretAccessKey, ""),
		APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
	})
}

// upload makes a small object and returns its version.
func (s *storage) upload(ctx context.Context, key, body string) (string, error) {
	out, err := s.client(sourceRegion).PutObject(ctx, &sdk.PutObjectInput{
		Bucket: aws.String(sourceBucket), Key: &key, Body: strings.NewReader(body),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

// instantS3 answers what a copying function may ask as S3 does for an object
// that the target does not have, without doing anything.
func instantS3(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // there is none
	w.Header().Set("x-amz-request-id", "C3D13FE58DE4C810")
	switch r.Method {
	case http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	case http.MethodPut:
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("x-amz-version-id", "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo")
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
			`<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LastModified>2026-11-20T10:00:00.000Z</LastModified>`+
			`<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag></CopyObjectResult>`)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// standIn is a stand-in for S3 behind TLS, as AWS's is: instantS3.
type standIn struct {
	server *httptest.Server
	trust  []string // variables that make functions trust it
}

func startStandIn(dir string) (*standIn, error) {
	s := &standIn{server: httptest.NewTLSServer(http.HandlerFunc(instantS3))}
	// The system's roots are in the file too, since AWS's are among as many.
	var roots []byte
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if system, err := os.ReadFile(path); err == nil {
			roots = system
			break
		}
	}
	roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})...)
	path := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(path, roots, 0o600); err != nil { //nolint:gosec // the path is the benchmark's own
		s.server.Close()
		return nil, err
	}
	s.trust = []string{"SSL_CERT_FILE=" + path, "SSL_CERT_DIR=/dev/null", "AWS_CA_BUNDLE=" + path}
	return s, nil
}

func (s *standIn) environment(bucket string) []string {
	return append(environment(s.server.URL, bucket, anyKeyID, anySecret), s.trust...)
}

func (s *standIn) close() error {
	s.server.CloseClientConnections() // processes that are gone leave some
	s.server.Close()
	return nil
}

// serve serves on a port of the loopback address until the server is closed.
func serve(ctx context.Context, h http.Handler) (*http.Server, string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return server, "http://" + listener.Addr().String(), nil
}
