package s3

import (
	"net/http"
	"sync"

	"s3fanout/internal/sandbox/iam"
)

// Record is a request for an object, or for several, that is about to be answered, for
// whoever keeps account of them.
type Record struct {
	Region     string
	Caller     iam.Caller
	Operation  string
	Bucket     string
	BucketARN  string
	Key        string // empty for DeleteObjects
	VersionID  string // that the request names
	PointARN   string // of the access point by which it came; empty if by the bucket's name
	CopySource string // as in the header
	HTTP       *http.Request
	// What came of it: the version that was made or deleted, and the error.
	MadeVersion         string
	DeleteMarker        bool
	ErrorCode, ErrorMsg string
}

// accounted shows a record before the answer goes out, so that it is there for whoever
// has the answer.
type accounted struct {
	http.ResponseWriter
	show func()
}

// account has the exchange shown, if it is for objects. failed says of an error, before
// it is answered.
func (x *exchange) account(byPoint *Point) (failed func(*apiError)) {
	named, ok := x.findBucket(x.bucket)
	ofObjects := x.key != "" || x.operation.name == "DeleteObjects"
	if x.config.OnRecord == nil || !ok || !ofObjects || x.operation.serve == nil {
		return func(*apiError) {}
	}
	rec := Record{
		Region: x.region, Caller: x.auth.caller, Operation: x.operation.name, Bucket: x.bucket, BucketARN: named.arn, Key: x.key,
		VersionID: x.query.Get("versionId"), CopySource: x.header.Get("X-Amz-Copy-Source"), HTTP: x.r,
	}
	if byPoint != nil {
		rec.PointARN = byPoint.ARN
	}
	plain := x.w
	x.w = &accounted{plain, sync.OnceFunc(func() {
		if rec.ErrorCode == "" {
			rec.MadeVersion, rec.DeleteMarker = plain.Header().Get("X-Amz-Version-Id"), plain.Header().Get("X-Amz-Delete-Marker") == "true"
		}
		x.config.OnRecord(rec)
	})}
	return func(e *apiError) { rec.ErrorCode, rec.ErrorMsg = e.Code, e.Message }
}

// WriteHeader begins the answer.
func (a *accounted) WriteHeader(status int) {
	a.show()
	a.ResponseWriter.WriteHeader(status)
}

// Write begins the answer if nothing has.
func (a *accounted) Write(b []byte) (int, error) {
	a.show()
	return a.ResponseWriter.Write(b)
}
