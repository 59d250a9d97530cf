package copier

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"s3fanout/internal/sandbox/network"
)

// distant is S3 with one object of any size, over a network like AWS's: requests take
// their time, which is virtual, and no bytes are moved.
type distant struct {
	S3
	network *network.Network
	size    int64

	mu        sync.Mutex
	bytes     int64
	busy      time.Duration // that requests spent on moving bytes
	completed bool
}

const pipeSource, pipeTarget = "us-east-1", "eu-west-1"

// pass waits for one request to a Region that moves so many bytes from another one, or
// from the same.
func (d *distant) pass(ctx context.Context, to, from string, bytes int64) error {
	moving := time.Duration(float64(bytes) / float64(d.network.BytesPerSecond) * float64(time.Second))
	d.mu.Lock()
	d.bytes += bytes
	d.busy += moving
	d.mu.Unlock()
	return network.Pass(ctx, d.network.Request("s3", pipeTarget, to)+d.network.RoundTrip(to, from)+moving)
}

func (d *distant) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if *in.Bucket == pipeTarget {
		if err := d.pass(ctx, pipeTarget, pipeTarget, 0); err != nil {
			return nil, err
		}
		return nil, &smithy.GenericAPIError{Code: "NotFound"}
	}
	return &s3.HeadObjectOutput{ContentLength: &d.size, ETag: aws.String(`"e"`)}, d.pass(ctx, pipeSource, pipeSource, 0)
}

func (d *distant) GetObjectTagging(
	ctx context.Context, _ *s3.GetObjectTaggingInput, _ ...func(*s3.Options),
) (*s3.GetObjectTaggingOutput, error) {
	return &s3.GetObjectTaggingOutput{}, d.pass(ctx, pipeSource, pipeSource, 0)
}

func (d *distant) CreateMultipartUpload(
	ctx context.Context, _ *s3.CreateMultipartUploadInput, _ ...func(*s3.Options),
) (*s3.CreateMultipartUploadOutput, error) {
	return &s3.CreateMultipartUploadOutput{UploadId: aws.String("u")}, d.pass(ctx, pipeTarget, pipeTarget, 0)
}

func (d *distant) UploadPartCopy(
	ctx context.Context, in *s3.UploadPartCopyInput, _ ...func(*s3.Options),
) (*s3.UploadPartCopyOutput, error) {
	var first, last int64
	if _, err := fmt.Sscanf(*in.CopySourceRange, "bytes=%d-%d", &first, &last); err != nil {
		return nil, err
	}
	return &s3.UploadPartCopyOutput{CopyPartResult: &types.CopyPartResult{ETag: aws.String(`"p"`)}},
		d.pass(ctx, pipeTarget, pipeSource, last-first+1)
}

func (d *distant) CompleteMultipartUpload(
	ctx context.Context, in *s3.CompleteMultipartUploadInput, _ ...func(*s3.Options),
) (*s3.CompleteMultipartUploadOutput, error) {
	d.completed = len(in.MultipartUpload.Parts) == Parts(d.size)
	return &s3.CompleteMultipartUploadOutput{ETag: aws.String(`"x-1"`), VersionId: aws.String("v")}, d.pass(ctx, pipeTarget, pipeTarget, 0)
}

// TestLargeCopiesKeepThePipeFull copies objects over a network like AWS's and compares the
// time with what their bytes take at least: as many requests at once as the Copier may
// have, each at the speed that S3 gives one. `make bench` prints it.
func TestLargeCopiesKeepThePipeFull(t *testing.T) {
	for _, tt := range []struct {
		gib   int64
		ratio float64 // at least
	}{{1, 0.25}, {10, 0.74}, {100, 0.9}, {1000, 0.92}} {
		synctest.Test(t, func(t *testing.T) {
			d := &distant{network: network.AWS(1, pipeTarget), size: tt.gib << 30}
			begun := time.Now()
			got, err := New(d, Target{Region: pipeTarget, Bucket: pipeTarget}).Copy(t.Context(),
				Request{Source: Object{Region: pipeSource, Bucket: pipeSource, Key: "k", VersionID: "v", Size: d.size}})
			took := time.Since(begun)
			if err != nil || got.Outcome != Copied || !d.completed || d.bytes != d.size {
				t.Fatalf("%d GiB: got %+v, %v; %d bytes copied", tt.gib, got, err, d.bytes)
			}
			least := time.Duration(float64(d.size) / (DefaultParallel * float64(d.network.BytesPerSecond)) * float64(time.Second))
			ratio := float64(least) / float64(took)
			t.Logf("%d GiB: %.3f s, at full bandwidth %.3f s, ratio %.3f", tt.gib, took.Seconds(), least.Seconds(), ratio)
			if ratio < tt.ratio {
				t.Errorf("%d GiB: %.2f of the bandwidth, want %.2f", tt.gib, ratio, tt.ratio)
			}
		})
	}
}
