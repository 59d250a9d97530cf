// Package uploads finds the unfinished multipart uploads of a key, and tells
// who began them and whether somebody still works on them.
//
// It only reads. What it says is of the moment at which it asked: an upload can
// be completed or aborted right after.
package uploads

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/initiator"
	"s3fanout/internal/aws/listing"
)

// S3 is the part of *s3.Client that is used.
type S3 interface {
	ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	ListParts(context.Context, *s3.ListPartsInput, ...func(*s3.Options)) (*s3.ListPartsOutput, error)
}

const (
	// most is how many unfinished uploads of a key are looked at.
	most = 10
	// IdleTime is how long an upload may show nothing new and still be worked
	// on: an invocation of the function takes 15 minutes at most.
	IdleTime = 15 * time.Minute
)

// Upload is an unfinished multipart upload.
type Upload struct {
	UploadID  string
	Initiated time.Time
	// Initiator is who began it, as S3 names it: an ARN, the account's
	// canonical ID, or nothing.
	Initiator string
	By        initiator.Writer
	Parts     int       // that are there
	Bytes     int64     // of those parts
	Last      time.Time // when it last showed something new
}

// Working says whether somebody probably still works on the upload. now is S3's
// time.
func (u Upload) Working(now time.Time) bool { return now.Sub(u.Last) < IdleTime }

// Bucket is where to look. RoleARN is of the role of its Region's function.
type Bucket struct {
	Region, Name, RoleARN string
	Client                S3
}

// Found are the uploads of a key, at most ten, and S3's time when it named
// them, zero if it did not say.
type Found struct {
	Uploads  []Upload
	Now      time.Time
	Requests int // LISTs that it took
}

// Copying is an upload that the function, or a backfill, probably works on. If S3
// did not say what time it is, nobody does.
func (f Found) Copying() (Upload, bool) {
	for _, u := range f.Uploads {
		if u.By == initiator.ByReplicator && !f.Now.IsZero() && u.Working(f.Now) {
			return u, true
		}
	}
	return Upload{}, false
}

// Abandoned are the uploads that a session of the function's role began and nobody
// works on any more. That is for the session's own process to say: an upload of another
// session that stands still may be one that an event in Lambda's queue, or a dead letter,
// goes on with. If S3 did not say what time it is, or names the role and not its
// session, there are none.
func (f Found) Abandoned(session string) (list []Upload) {
	for _, u := range f.Uploads {
		if u.By == initiator.ByReplicator &&
			strings.HasSuffix(u.Initiator, "/"+session) && strings.Contains(u.Initiator, ":assumed-role/") &&
			!f.Now.IsZero() &&
			!u.Working(f.Now) {
			list = append(list, u)
		}
	}
	return list
}

// Find lists the unfinished uploads of exactly the key, with their parts: one
// ListMultipartUploads, and for each upload a ListParts for a thousand parts.
// One that ends meanwhile is left out. What was found is returned beside an
// error too, which is an *awsapi.Failure.
func Find(ctx context.Context, b Bucket, key string) (Found, error) {
	f := Found{Requests: 1}
	// In the order of keys, the first of those with the prefix is the key itself.
	out, err := b.Client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
		Bucket: &b.Name, Prefix: &key, MaxUploads: aws.Int32(most), EncodingType: types.EncodingTypeUrl,
	})
	if err != nil {
		return f, b.explain(err)
	}
	f.Now, _ = middleware.GetServerTime(out.ResultMetadata)
	for _, u := range out.Uploads {
		if name, err := listing.DecodeKey(out.EncodingType, aws.ToString(u.Key)); err != nil || name != key {
			continue
		}
		upload := Upload{UploadID: aws.ToString(u.UploadId), Initiated: aws.ToTime(u.Initiated), Initiator: initiator.Of(u.Initiator)}
		upload.By = initiator.Judge(upload.Initiator, b.RoleARN)
		upload.Last = upload.Initiated
		gone, err := b.parts(ctx, key, &upload, &f.Requests)
		if err != nil {
			return f, err
		}
		if !gone {
			f.Uploads = append(f.Uploads, upload)
		}
	}
	return f, nil
}

// parts counts an upload's parts. One that was completed or aborted meanwhile
// is gone.
func (b Bucket) parts(ctx context.Context, key string, u *Upload, requests *int) (gone bool, err error) {
	pages := s3.NewListPartsPaginator(b.Client, &s3.ListPartsInput{Bucket: &b.Name, Key: &key, UploadId: &u.UploadID})
	for pages.HasMorePages() {
		*requests++
		out, err := pages.NextPage(ctx)
		if err != nil {
			if errorcode.Of(err) == "NoSuchUpload" { // no typed error of ListParts
				return true, nil
			}
			return false, b.explain(err)
		}
		for _, p := range out.Parts {
			u.Parts++
			u.Bytes += aws.ToInt64(p.Size)
			if t := aws.ToTime(p.LastModified); t.After(u.Last) {
				u.Last = t
			}
		}
	}
	return false, nil
}

func (b Bucket) explain(err error) error {
	return awsapi.Explain(b.Region, "bucket "+b.Name, err)
}
