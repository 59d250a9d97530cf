package undelete_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/policy"
	"s3fanout/internal/proof/buckets"
)

// world has members that are the sandbox's.
type world struct {
	*buckets.Buckets
	t *testing.T
}

func newWorld(t *testing.T, regions ...string) world {
	t.Helper()
	return world{buckets.New(t, regions...), t}
}

func (w world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// members are those of the world, with the copier that the command uses.
func (w world) members() []undelete.Member {
	var members []undelete.Member
	for _, region := range w.Regions {
		client, bucket := w.Clients[region], buckets.Name(region)
		members = append(members, undelete.Member{
			Region: region, Bucket: bucket, S3: client,
			Copier: copier.New(client, copier.Target{Region: region, Bucket: bucket},
				copier.Restoring(policy.EntryName), copier.WithLogger(slog.New(slog.DiscardHandler))),
		})
	}
	return members
}

// putInParts uploads an object in one part, so that its ETag is no digest of the bytes.
func (w world) putInParts(region, key, body string) {
	w.t.Helper()
	client, bucket := w.Clients[region], buckets.Name(region)
	begun, err := client.CreateMultipartUpload(w.t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	w.check(err)
	part, err := client.UploadPart(w.t.Context(), &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(body),
	})
	w.check(err)
	_, err = client.CompleteMultipartUpload(w.t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: begun.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}},
	})
	w.check(err)
}
