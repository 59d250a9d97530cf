package s3

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/s3response"
)

// ListMultipartUploads lists unfinished uploads by key and, for one key, by
// upload id, so that a list goes on after its markers also when the uploads
// that they name have been aborted meanwhile. The server's own pages lose the
// uploads that share a key with the last one of a page
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html).
func (s *store) ListMultipartUploads(ctx context.Context, in *sdk.ListMultipartUploadsInput) (s3response.ListMultipartUploadsResult, error) {
	all, err := s.Posix.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{
		Bucket: in.Bucket, Prefix: in.Prefix, MaxUploads: aws.Int32(math.MaxInt32),
	})
	if err != nil {
		return all, err
	}
	slices.SortFunc(all.Uploads, func(a, b s3response.Upload) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.UploadID, b.UploadID))
	})
	page := s3response.ListMultipartUploadsResult{
		Bucket: *in.Bucket, Prefix: value(in.Prefix), Delimiter: value(in.Delimiter), MaxUploads: int(*in.MaxUploads),
		KeyMarker: value(in.KeyMarker), UploadIDMarker: value(in.UploadIdMarker),
	}
	fillUploads(&page, all.Uploads)
	for i := range page.Uploads {
		u := &page.Uploads[i]
		upload := uploadPath(u.Key, u.UploadID)
		u.Owner.ID = s.owner
		if u.Initiator, err = s.initiator(*in.Bucket, upload); err != nil {
			return page, err
		}
		if u.StorageClass, err = s.class(*in.Bucket, upload, ""); err != nil {
			return page, fmt.Errorf("list uploads of %s: %w", *in.Bucket, err)
		}
	}
	if encodes(ctx) {
		page.EncodingType = string(types.EncodingTypeUrl)
		encodeTexts(&page.Prefix, &page.Delimiter, &page.KeyMarker, &page.NextKeyMarker)
		for i := range page.Uploads {
			page.Uploads[i].Key = encodeKey(page.Uploads[i].Key)
		}
		for i := range page.CommonPrefixes {
			page.CommonPrefixes[i].Prefix = encodeKey(page.CommonPrefixes[i].Prefix)
		}
	}
	return page, nil
}

// fillUploads puts those of all uploads on a page that its parameters ask for.
func fillUploads(page *s3response.ListMultipartUploadsResult, all []s3response.Upload) {
	group := ""
	for _, u := range all {
		if !afterMarkers(page, u) || group != "" && strings.HasPrefix(u.Key, group) {
			continue
		}
		if len(page.Uploads)+len(page.CommonPrefixes) >= page.MaxUploads {
			page.IsTruncated = page.MaxUploads > 0
			return
		}
		page.NextKeyMarker, page.NextUploadIDMarker = u.Key, u.UploadID
		if rest := strings.TrimPrefix(u.Key, page.Prefix); page.Delimiter != "" && strings.Contains(rest, page.Delimiter) {
			before, _, _ := strings.Cut(rest, page.Delimiter)
			group = page.Prefix + before + page.Delimiter
			page.NextKeyMarker, page.NextUploadIDMarker = group, ""
			page.CommonPrefixes = append(page.CommonPrefixes, s3response.CommonPrefix{Prefix: group})
			continue
		}
		page.Uploads = append(page.Uploads, u)
	}
	page.NextKeyMarker, page.NextUploadIDMarker = "", ""
}

// afterMarkers says whether an upload comes after the last one of the page
// before, and is not in a group that was its last entry.
func afterMarkers(page *s3response.ListMultipartUploadsResult, u s3response.Upload) bool {
	marker := page.KeyMarker
	switch {
	case marker == "":
		return true
	case page.Delimiter != "" && strings.HasSuffix(marker, page.Delimiter) && strings.HasPrefix(u.Key, marker):
		return false
	case u.Key == marker:
		return page.UploadIDMarker != "" && u.UploadID > page.UploadIDMarker
	}
	return u.Key > marker
}
