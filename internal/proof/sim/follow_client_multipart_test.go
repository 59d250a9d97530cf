package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (c followClient) CreateMultipartUpload(
	ctx context.Context, in *s3.CreateMultipartUploadInput, opts ...func(*s3.Options),
) (*s3.CreateMultipartUploadOutput, error) {
	return followSend(ctx, c, opCreate, *in.Bucket, *in.Key, opts, func(b *store, id string) (*s3.CreateMultipartUploadOutput, error) {
		if tooMuch(in.Metadata) {
			return nil, apiError(opCreate, http.StatusBadRequest, "MetadataTooLarge")
		}
		name := fmt.Sprintf("upload-%016x", c.w.seed.roll(id))
		b.changes[*in.Key]++
		b.uploads[name] = &uploading{
			key: *in.Key, by: c.session(), parts: map[int]part{}, of: map[int]*stored{}, began: time.Now(),
			made: stored{
				key: *in.Key, headers: headersOf(in.ContentType, in.CacheControl, in.ContentDisposition, in.ContentLanguage),
				meta: in.Metadata, tags: tagsOf(aws.ToString(in.Tagging)), began: time.Now(), byRole: true,
			},
		}
		c.w.after(c.w.seed.between(time.Millisecond, time.Minute, name, "abort"), func() {
			if c.w.happens(c.w.schedule.profile.aborted, name, uploadAborted) {
				c.w.mu.Lock()
				defer c.w.mu.Unlock()
				b.changes[*in.Key]++
				delete(b.uploads, name)
			}
		})
		return &s3.CreateMultipartUploadOutput{UploadId: aws.String(name), ResultMetadata: c.w.answered(b.region)}, nil
	})
}

func (b *store) open(op string, key, id *string) (*uploading, error) {
	if u := b.uploads[aws.ToString(id)]; u != nil && u.key == *key {
		return u, nil
	}
	return nil, apiError(op, http.StatusNotFound, "NoSuchUpload")
}

func (c followClient) UploadPartCopy(
	ctx context.Context, in *s3.UploadPartCopyInput, opts ...func(*s3.Options),
) (*s3.UploadPartCopyOutput, error) {
	number := int(*in.PartNumber)
	what := *in.Key + " part " + strconv.Itoa(number) + " of " + *in.UploadId
	return followSend(ctx, c, opPart, *in.Bucket, what, opts, func(b *store, _ string) (*s3.UploadPartCopyOutput, error) {
		u, err := b.open(opPart, in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		v, err := c.source(opPart, in.CopySource, in.CopySourceIfMatch)
		if err != nil {
			return nil, err
		}
		p := part{content: v.body, last: v.size - 1, etag: `"` + v.body + "-" + strconv.Itoa(number) + `"`, at: time.Now()}
		if r := aws.ToString(in.CopySourceRange); r != "" {
			if p.first, p.last, err = parseRange(r); err != nil || p.first > p.last || p.last >= v.size {
				return nil, apiError(opPart, http.StatusBadRequest, "InvalidArgument")
			}
		}
		c.w.partCopies[*in.UploadId]++
		u.parts[number], u.of[number], u.highest = p, v, max(u.highest, number)
		return &s3.UploadPartCopyOutput{
			CopyPartResult: &types.CopyPartResult{ETag: aws.String(p.etag)}, ResultMetadata: c.w.answered(b.region),
		}, nil
	})
}

// ListParts answers in pages of three, or more for large uploads.
func (c followClient) ListParts(ctx context.Context, in *s3.ListPartsInput, opts ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	after, _ := strconv.Atoi(aws.ToString(in.PartNumberMarker))
	what := *in.Key + " after " + strconv.Itoa(after) + " of " + *in.UploadId
	return followSend(ctx, c, opParts, *in.Bucket, what, opts, func(b *store, _ string) (*s3.ListPartsOutput, error) {
		u, err := b.open(opParts, in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		out := &s3.ListPartsOutput{
			ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, IsTruncated: aws.Bool(false),
			Initiator:      &types.Initiator{ID: aws.String(u.by)},
			ResultMetadata: c.w.answered(b.region),
		}
		for n := after + 1; n <= u.highest; n++ {
			p, there := u.parts[n]
			if !there {
				continue
			}
			if len(out.Parts) == max(3, len(u.parts)/6) {
				out.IsTruncated = aws.Bool(true)
				return out, nil
			}
			out.Parts = append(out.Parts, types.Part{
				PartNumber: aws.Int32(int32(n)), ETag: aws.String(p.etag), Size: aws.Int64(p.last - p.first + 1),
				LastModified: aws.Time(p.at),
			})
			out.NextPartNumberMarker = aws.String(strconv.Itoa(n))
		}
		return out, nil
	})
}

func (c followClient) CompleteMultipartUpload(
	ctx context.Context, in *s3.CompleteMultipartUploadInput, opts ...func(*s3.Options),
) (*s3.CompleteMultipartUploadOutput, error) {
	id, w := *in.UploadId, c.w
	return followSend(ctx, c, opComplete, *in.Bucket, *in.Key+" "+id+onCondition(in.IfMatch, in.IfNoneMatch), opts,
		func(b *store, call string) (*s3.CompleteMultipartUploadOutput, error) {
			if v := b.completed[id]; v != nil && w.seed.chance(500, call, "again") {
				return completion(v), nil // a completion that is repeated may be answered as before
			}
			u, err := b.open(opComplete, in.Key, in.UploadId)
			if err != nil {
				return nil, err
			}
			var numbers []int
			for i, p := range in.MultipartUpload.Parts {
				n := int(*p.PartNumber)
				if u.parts[n].etag != aws.ToString(p.ETag) {
					return nil, apiError(opComplete, http.StatusBadRequest, "InvalidPart")
				}
				if i > 0 && n <= numbers[i-1] {
					return nil, apiError(opComplete, http.StatusBadRequest, "InvalidPartOrder")
				}
				numbers = append(numbers, n)
			}
			if err := w.rivals(b, u, in, call); err != nil {
				return nil, err
			}
			v := u.made
			plain := openUpload{parts: u.parts}
			v.body, v.size = plain.whole(numbers)
			v.parts, v.etag = len(numbers), fmt.Sprintf("m%s-%d", v.body, len(numbers))
			if in.MpuObjectSize != nil && *in.MpuObjectSize != v.size {
				return nil, apiError(opComplete, http.StatusBadRequest, "InvalidRequest")
			}
			if want := aws.ToString(in.ChecksumCRC64NVME); want != "" && want != crcOf(v.body) {
				return nil, apiError(opComplete, http.StatusBadRequest, "BadDigest")
			}
			v.crc = crcOf(v.body)
			of := u.of[numbers[0]]
			v.write = of.write
			delete(b.uploads, id)
			w.copied(c.process, b, &v, of, call, "ObjectCreated:CompleteMultipartUpload")
			b.completed[id] = &v
			return completion(&v), nil
		})
}

// rivals refuses a completion if its conditions do not hold, and one on a condition
// also because of what was written or deleted since the upload began.
func (w *world) rivals(b *store, u *uploading, in *s3.CompleteMultipartUploadInput, call string) error {
	conditional := aws.ToString(in.IfMatch) != "" || aws.ToString(in.IfNoneMatch) != ""
	err := w.conditions(opComplete, b, u.key, in.IfMatch, in.IfNoneMatch, u.began)
	if err != nil || !conditional || w.schedule.profile.emulated {
		return err
	}
	for _, v := range slices.Backward(b.stacks[u.key]) {
		switch {
		case !v.shown.After(u.began):
			continue
		case !v.marker:
			return apiError(opComplete, http.StatusPreconditionFailed, "PreconditionFailed")
		case w.seed.chance(500, call, "409 or 404"):
			return apiError(opComplete, http.StatusConflict, "ConditionalRequestConflict")
		}
		return apiError(opComplete, http.StatusNotFound, "NoSuchKey")
	}
	return nil
}

func completion(v *stored) *s3.CompleteMultipartUploadOutput {
	return &s3.CompleteMultipartUploadOutput{
		VersionId: aws.String(v.id), ETag: aws.String(`"` + v.etag + `"`), ChecksumCRC64NVME: optional(v.crc),
		ChecksumType: types.ChecksumTypeFullObject,
	}
}

// AbortMultipartUpload succeeds also if there is nothing to abort any more.
func (c followClient) AbortMultipartUpload(
	ctx context.Context, in *s3.AbortMultipartUploadInput, opts ...func(*s3.Options),
) (*s3.AbortMultipartUploadOutput, error) {
	return followSend(ctx, c, opAbort, *in.Bucket, *in.Key+" "+*in.UploadId, opts,
		func(b *store, _ string) (*s3.AbortMultipartUploadOutput, error) {
			if _, err := b.open(opAbort, in.Key, in.UploadId); err != nil {
				return nil, err
			}
			b.changes[*in.Key]++
			delete(b.uploads, *in.UploadId)
			return &s3.AbortMultipartUploadOutput{}, nil
		})
}
