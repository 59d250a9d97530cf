package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/contents"
)

const uploadAborted fault = "somebody aborts the upload"

func (c client) CreateMultipartUpload(
	ctx context.Context, in *s3.CreateMultipartUploadInput, opts ...func(*s3.Options),
) (*s3.CreateMultipartUploadOutput, error) {
	return send(ctx, c, opCreate, *in.Bucket, *in.Key, opts, func(b *bucket, id string) (*s3.CreateMultipartUploadOutput, error) {
		upload := fmt.Sprintf("upload-%016x", c.w.seed.roll(id))
		props := in.Metadata["props"]
		if tag, _ := url.QueryUnescape(strings.TrimPrefix(aws.ToString(in.Tagging), "t=")); tag != props {
			props = fmt.Sprintf("metadata %q, tags %q", props, tag)
		}
		b.uploads[upload] = &openUpload{key: *in.Key, props: props, by: c.session(), parts: map[int]part{}, begun: time.Now()}
		c.w.after(c.w.seed.between(time.Millisecond, time.Minute, upload, "abort"), func() {
			if c.w.happens(c.w.schedule.profile.aborted, upload, uploadAborted) {
				c.w.mu.Lock()
				defer c.w.mu.Unlock()
				delete(b.uploads, upload)
			}
		})
		out := &s3.CreateMultipartUploadOutput{UploadId: aws.String(upload)}
		return out, nil
	})
}

// session is the ARN of whom the process's requests are signed as.
func (p *process) session() string {
	if p.person {
		return "arn:aws:iam::" + account + ":user/operator"
	}
	return "arn:aws:sts::" + account + ":assumed-role/" + namesOf(p.region).role + "/" + cmp.Or(p.sessionName, p.w.set.FunctionName())
}

// open finds an upload.
func open(b *bucket, op string, key, id *string) (*openUpload, error) {
	if u := b.uploads[aws.ToString(id)]; u != nil && u.key == *key {
		return u, nil
	}
	return nil, apiError(op, http.StatusNotFound, "NoSuchUpload")
}

func (c client) UploadPartCopy(
	ctx context.Context, in *s3.UploadPartCopyInput, opts ...func(*s3.Options),
) (*s3.UploadPartCopyOutput, error) {
	number := int(*in.PartNumber)
	what := *in.Key + " part " + strconv.Itoa(number) + " of " + *in.UploadId
	return send(ctx, c, opPart, *in.Bucket, what, opts, func(b *bucket, _ string) (*s3.UploadPartCopyOutput, error) {
		u, err := open(b, opPart, in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		v, err := c.source(opPart, in.CopySource)
		if err != nil {
			return nil, err
		}
		if want := contents.TrimETag(aws.ToString(in.CopySourceIfMatch)); want != "" && want != v.etag {
			return nil, apiError(opPart, http.StatusPreconditionFailed, "PreconditionFailed")
		}
		p := part{content: v.content, last: v.size - 1, etag: `"` + v.content + "-" + strconv.Itoa(number) + `"`, at: time.Now(), of: v}
		if r := aws.ToString(in.CopySourceRange); r != "" {
			if p.first, p.last, err = parseRange(r); err != nil || p.first > p.last || p.last >= v.size {
				return nil, apiError(opPart, http.StatusBadRequest, "InvalidArgument")
			}
		}
		c.w.partCopies[*in.UploadId]++
		u.parts[number], u.highest = p, max(u.highest, number)
		out := &s3.UploadPartCopyOutput{CopyPartResult: &types.CopyPartResult{ETag: aws.String(p.etag)}}
		return out, nil
	})
}

// parseRange reads a header such as bytes=0-4.
func parseRange(header string) (first, last int64, err error) {
	from, to, _ := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	first, err = strconv.ParseInt(from, 10, 64)
	if err == nil {
		last, err = strconv.ParseInt(to, 10, 64)
	}
	if !strings.HasPrefix(header, "bytes=") {
		err = errors.New("not in bytes")
	}
	return first, last, err
}

// ListParts answers in pages of three, or more for large uploads.
func (c client) ListParts(ctx context.Context, in *s3.ListPartsInput, opts ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	after, _ := strconv.Atoi(aws.ToString(in.PartNumberMarker))
	what := *in.Key + " after " + strconv.Itoa(after) + " of " + *in.UploadId
	return send(ctx, c, opParts, *in.Bucket, what, opts, func(b *bucket, _ string) (*s3.ListPartsOutput, error) {
		u, err := open(b, opParts, in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		out := &s3.ListPartsOutput{
			ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, IsTruncated: aws.Bool(false),
			Initiator: &types.Initiator{ID: aws.String(u.by)},
		}
		for n := after + 1; n <= u.highest; n++ {
			p, there := u.parts[n]
			if !there {
				continue
			}
			if len(out.Parts) == max(3, len(u.parts)/6) {
				out.IsTruncated = aws.Bool(true)
				out.NextPartNumberMarker = aws.String(strconv.Itoa(int(*out.Parts[len(out.Parts)-1].PartNumber)))
				break
			}
			out.Parts = append(out.Parts, types.Part{
				PartNumber: aws.Int32(int32(n)), ETag: aws.String(p.etag), Size: aws.Int64(p.last - p.first + 1),
				LastModified: aws.Time(p.at),
			})
		}
		return out, nil
	})
}

func (c client) CompleteMultipartUpload(
	ctx context.Context, in *s3.CompleteMultipartUploadInput, opts ...func(*s3.Options),
) (*s3.CompleteMultipartUploadOutput, error) {
	refused := func(status int, code string) error { return apiError(opComplete, status, code) }
	return send(ctx, c, opComplete, *in.Bucket, *in.Key+" "+*in.UploadId, opts,
		func(b *bucket, id string) (*s3.CompleteMultipartUploadOutput, error) {
			u, missing := open(b, opComplete, in.Key, in.UploadId)
			if v := b.completed[*in.UploadId]; v != nil && c.w.seed.chance(300, id, "again") {
				// S3 may answer a repetition as it did before.
				out := &s3.CompleteMultipartUploadOutput{
					VersionId: aws.String(v.id), ETag: aws.String(`"` + v.etag + `"`), ChecksumCRC64NVME: aws.String(v.crc),
				}
				return out, nil
			}
			there := c.w.enforces(in.IfNoneMatch) && b.current(*in.Key) != nil
			switch {
			case missing != nil && (!there || !c.w.seed.chance(300, id, "condition first")):
				return nil, missing
			case there:
				return nil, refused(http.StatusPreconditionFailed, "PreconditionFailed")
			}
			numbers := make([]int, 0, len(in.MultipartUpload.Parts))
			for i, p := range in.MultipartUpload.Parts {
				n := int(*p.PartNumber)
				if i > 0 && n <= numbers[i-1] {
					return nil, refused(http.StatusBadRequest, "InvalidPartOrder")
				}
				if got, ok := u.parts[n]; !ok || got.etag != *p.ETag {
					return nil, refused(http.StatusBadRequest, "InvalidPart")
				}
				numbers = append(numbers, n)
			}
			content, size := u.whole(numbers)
			switch {
			case len(numbers) == 0:
				return nil, refused(http.StatusBadRequest, "MalformedXML")
			case in.MpuObjectSize != nil && *in.MpuObjectSize != size:
				return nil, refused(http.StatusBadRequest, "InvalidRequest")
			case in.ChecksumCRC64NVME != nil && *in.ChecksumCRC64NVME != crcOf(content):
				return nil, refused(http.StatusBadRequest, "BadDigest")
			}
			v := &version{
				key: *in.Key, content: content, size: size, props: u.props, crc: crcOf(content),
				etag: fmt.Sprintf("m%s-%d", content, len(numbers)),
			}
			v.of, v.begun = u.parts[numbers[0]].of, u.begun
			c.w.write(c.process, b, v, id, "ObjectCreated:CompleteMultipartUpload")
			delete(b.uploads, *in.UploadId)
			b.completed[*in.UploadId] = v
			out := &s3.CompleteMultipartUploadOutput{
				VersionId: aws.String(v.id), ETag: aws.String(`"` + v.etag + `"`), ChecksumCRC64NVME: aws.String(v.crc),
			}
			return out, nil
		})
}

func (c client) AbortMultipartUpload(
	ctx context.Context, in *s3.AbortMultipartUploadInput, opts ...func(*s3.Options),
) (*s3.AbortMultipartUploadOutput, error) {
	return send(ctx, c, opAbort, *in.Bucket, *in.Key+" "+*in.UploadId, opts,
		func(b *bucket, _ string) (*s3.AbortMultipartUploadOutput, error) {
			if _, err := open(b, opAbort, in.Key, in.UploadId); err != nil {
				return nil, err
			}
			delete(b.uploads, *in.UploadId)
			return &s3.AbortMultipartUploadOutput{}, nil
		})
}
