package e2e

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/fault"
)

// wantNoUploads checks that nobody has left an unfinished upload, which would
// be paid for until the lifecycle rule ends it. It is for the end of a test,
// when its context is over, and lifts the faults.
func (w *world) wantNoUploads() {
	if w.leavesUploads || w.t.Failed() || w.t.Skipped() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, region := range w.regions {
		for _, kind := range fault.Kinds() {
			if err := w.sandbox.SetFault(fault.Fault{Region: region, Kind: kind}); err != nil {
				w.t.Error(err)
			}
		}
		out, err := w.s3(region).ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(w.bucket(region))})
		if err != nil {
			w.t.Errorf("list the unfinished uploads in %s: %v", region, err)
			continue
		}
		for _, u := range out.Uploads {
			w.t.Errorf("%s: an upload of %q is left unfinished", region, aws.ToString(u.Key))
		}
	}
}
