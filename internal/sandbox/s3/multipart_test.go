package s3

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// A part's checksum is that of its own bytes, also if the source has one of
// the same kind; together they make the source's.
func TestCopiedPartsHaveTheirOwnChecksums(t *testing.T) {
	w := newWorld(t)
	body := string(bytes.Repeat([]byte("0123456789abcdef"), 7*mib/16)) + "odd"
	w.put(t, here, hereBucket, "big", body, func(in *sdk.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc64nvme })
	source := w.head(t, here, hereBucket, "big")
	u := w.begin(t, "big")
	from := copySource(hereBucket, "big", *source.VersionId)
	first := u.mustCopy(from, "0-5242880")
	u.mustCopy(from, fmt.Sprintf("5242881-%d", len(body)-1))
	if sum := aws.ToString(first.CopyPartResult.ChecksumCRC64NVME); sum == "" || sum == *source.ChecksumCRC64NVME {
		t.Errorf("the first part has the checksum %q, want its own and not the whole source's", sum)
	}
	if got := aws.ToString(first.CopySourceVersionId); got != *source.VersionId {
		t.Errorf("copied version %q, want %q", got, *source.VersionId)
	}
	list, err := u.client.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: &u.bucket, Key: &u.key, UploadId: &u.id})
	if err != nil || len(list.Parts) != 2 || *list.Parts[0].Size != 5242881 || *list.Parts[0].ETag != *first.CopyPartResult.ETag ||
		aws.ToString(list.Parts[0].ChecksumCRC64NVME) != *first.CopyPartResult.ChecksumCRC64NVME || list.ChecksumAlgorithm != "CRC64NVME" {
		t.Errorf("parts %+v (%v)", list, err)
	}
	out, err := u.complete(func(in *sdk.CompleteMultipartUploadInput) {
		in.IfNoneMatch, in.MpuObjectSize, in.ChecksumCRC64NVME = aws.String("*"), aws.Int64(int64(len(body))), source.ChecksumCRC64NVME
		in.ChecksumType = types.ChecksumTypeFullObject
	})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.ChecksumCRC64NVME) != *source.ChecksumCRC64NVME || !strings.HasSuffix(*out.ETag, `-2"`) {
		t.Errorf("completed as %+v, want the source's checksum", out)
	}
	if got := w.get(t, there, farBucket, "big"); got != body {
		t.Errorf("got %d bytes, want the source's %d", len(got), len(body))
	}
}

func TestPartCopyOfKeyThatLooksLikeAVersion(t *testing.T) {
	w := newWorld(t)
	const key = "a?versionId=b"
	w.put(t, here, hereBucket, key, "body")
	u := w.begin(t, "copy")
	u.mustCopy(copySource(hereBucket, key, ""), "")
	if _, err := u.complete(); err != nil {
		t.Fatal(err)
	}
	if got := w.get(t, there, farBucket, "copy"); got != "body" {
		t.Errorf("got %q, want body", got)
	}
}

func TestPartCopyThatS3Refuses(t *testing.T) {
	w := newWorld(t)
	big := w.put(t, here, hereBucket, "big", strings.Repeat("x", 5*mib+1))
	w.put(t, here, hereBucket, "small", strings.Repeat("x", 5*mib))
	missing := w.destroyed(t, "big")
	u := w.begin(t, "copy")
	source := copySource(hereBucket, "big", *big.VersionId)
	wrongTag := func(in *sdk.UploadPartCopyInput) { in.CopySourceIfMatch = aws.String(`"0123"`) }
	sameTag := func(in *sdk.UploadPartCopyInput) { in.CopySourceIfNoneMatch = big.ETag }
	for _, c := range []struct {
		name   string
		source *string
		bytes  string
		change func(*sdk.UploadPartCopyInput)
		status int
		code   string
	}{
		{"range past the end", source, "0-5242881", nil, 400, "InvalidArgument"},
		{"range that is none", source, "5-", nil, 400, "InvalidArgument"},
		{"range the wrong way round", source, "5-4", nil, 400, "InvalidArgument"},
		{"range of a small source", copySource(hereBucket, "small", ""), "0-5242878", nil, 400, "InvalidRequest"},
		{"source of another tag", source, "", wrongTag, 412, "PreconditionFailed"},
		{"source of the tag", source, "", sameTag, 412, "PreconditionFailed"},
		{"part 0", source, "", func(in *sdk.UploadPartCopyInput) { in.PartNumber = aws.Int32(0) }, 400, "InvalidArgument"},
		{"part 10001", source, "", func(in *sdk.UploadPartCopyInput) { in.PartNumber = aws.Int32(10001) }, 400, "InvalidArgument"},
		{"another upload", source, "", func(in *sdk.UploadPartCopyInput) { in.UploadId = aws.String("none") }, 404, "NoSuchUpload"},
		{"upload elsewhere", source, "", func(in *sdk.UploadPartCopyInput) { in.Key = aws.String("other") }, 404, "NoSuchUpload"},
		{"missing source", copySource(hereBucket, "none", ""), "", nil, 404, "NoSuchKey"},
		{"missing version", copySource(hereBucket, "big", missing), "", nil, 404, "NoSuchVersion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*sdk.UploadPartCopyInput) {}
			}
			_, err := u.copyPart(c.source, c.bytes, change)
			wantCode(t, err, c.status, c.code)
		})
	}
	if _, err := u.copyPart(source, "", func(in *sdk.UploadPartCopyInput) { in.CopySourceIfMatch = big.ETag }); err != nil {
		t.Errorf("with the source's tag: %v", err)
	}
}

// destroyed is the id of a version of the key that is gone.
func (w *world) destroyed(t testing.TB, key string) string {
	t.Helper()
	gone := w.put(t, here, hereBucket, key, "x").VersionId
	_, err := w.client(here).DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(hereBucket), Key: &key, VersionId: gone})
	if err != nil {
		t.Fatal(err)
	}
	return *gone
}

func TestCompletionThatS3Refuses(t *testing.T) {
	w := newWorld(t)
	size := int64(6*mib + 1)
	source := w.put(t, here, hereBucket, "big", strings.Repeat("x", int(size)))
	w.put(t, here, hereBucket, "full", strings.Repeat("x", int(size)), func(in *sdk.PutObjectInput) {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc64nvme
	})
	from := copySource(hereBucket, "big", *source.VersionId)
	two := func(t *testing.T) *upload {
		u := w.begin(t, "copy")
		u.mustCopy(from, "0-5242879")
		u.mustCopy(from, "5242880-6291456")
		return u
	}
	type in = sdk.CompleteMultipartUploadInput
	for _, c := range []struct {
		name   string
		change func(*in)
		status int
		code   string
	}{
		{"another checksum", func(i *in) { i.ChecksumCRC64NVME = aws.String("AAAAAAAAAAA=") }, 400, "BadDigest"},
		{"another kind of checksum", func(i *in) { i.ChecksumCRC32 = aws.String("AAAAAA==") }, 400, "InvalidRequest"},
		{"another size", func(i *in) { i.MpuObjectSize = aws.Int64(size - 1) }, 400, "InvalidRequest"},
		{"parts out of order", func(i *in) {
			p := i.MultipartUpload.Parts // twice the same, since a small one must not come first
			i.MultipartUpload = &types.CompletedMultipartUpload{Parts: []types.CompletedPart{p[0], p[0]}}
		}, 400, "InvalidPartOrder"},
		{"a gap", func(i *in) {
			i.MultipartUpload = &types.CompletedMultipartUpload{Parts: i.MultipartUpload.Parts[1:]}
		}, 500, "InternalError"},
		{"another tag", func(i *in) {
			i.MultipartUpload = &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{
				PartNumber: aws.Int32(1), ETag: aws.String(`"0123456789abcdef0123456789abcdef"`),
				ChecksumCRC64NVME: i.MultipartUpload.Parts[0].ChecksumCRC64NVME,
			}}}
		}, 400, "InvalidPart"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := two(t)
			_, err := u.complete(c.change)
			wantCode(t, err, c.status, c.code)
			if _, err := w.client(there).HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: &u.bucket, Key: &u.key}); err == nil {
				t.Error("a refused upload is visible")
			}
			list, err := u.client.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: &u.bucket, Key: &u.key, UploadId: &u.id})
			if err != nil || len(list.Parts) != 2 {
				t.Errorf("the upload has %+v (%v), want both parts still", list, err)
			}
		})
	}
	t.Run("a part without its checksum, composite", func(t *testing.T) {
		u := w.begin(t, "copy", func(in *sdk.CreateMultipartUploadInput) {
			in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc32, types.ChecksumTypeComposite
		})
		u.mustCopy(from, "")
		sum := u.parts[0].ChecksumCRC32
		u.parts[0].ChecksumCRC32 = nil
		_, err := u.complete()
		wantCode(t, err, 400, "InvalidRequest")
		u.parts[0].ChecksumCRC32 = sum
		if _, err := u.complete(); err != nil {
			t.Errorf("with the part's checksum: %v", err)
		}
	})
	t.Run("what a part is not", func(t *testing.T) {
		for _, c := range []struct {
			change func(*types.CompletedPart)
			code   string
		}{
			{func(p *types.CompletedPart) { p.ETag = nil }, "MalformedXML"},
			{func(p *types.CompletedPart) { p.PartNumber = nil }, "MalformedXML"},
			{func(p *types.CompletedPart) { p.PartNumber = aws.Int32(0) }, "InvalidArgument"},
			{func(p *types.CompletedPart) { p.ChecksumCRC64NVME = aws.String("none") }, "InvalidArgument"},
			{func(p *types.CompletedPart) { p.ChecksumCRC32 = aws.String("AAAAAA==") }, "InvalidArgument"}, // a second one
			{func(p *types.CompletedPart) { p.ChecksumCRC32, p.ChecksumCRC64NVME = aws.String("AAAAAA=="), nil }, "BadDigest"},
		} {
			u := two(t)
			c.change(&u.parts[1])
			_, err := u.complete()
			wantCode(t, err, 400, c.code)
		}
	})
	t.Run("no part's checksum, of the full object", func(t *testing.T) {
		u := two(t)
		want := w.head(t, here, hereBucket, "full").ChecksumCRC64NVME
		for i := range u.parts {
			u.parts[i].ChecksumCRC64NVME = nil
		}
		_, err := u.complete(func(i *in) { i.ChecksumCRC64NVME = aws.String("AAAAAAAAAAA=") })
		wantCode(t, err, 400, "BadDigest")
		out, err := u.complete(func(i *in) { i.ChecksumCRC64NVME = want })
		if err != nil || aws.ToString(out.ChecksumCRC64NVME) != *want {
			t.Errorf("%+v (%v), want the source's checksum", out, err)
		}
	})
	t.Run("a small part before the last", func(t *testing.T) {
		u := w.begin(t, "copy")
		u.mustCopy(from, "0-5242878")
		u.mustCopy(from, "5242879-6291456")
		_, err := u.complete()
		wantCode(t, err, 400, "EntityTooSmall")
	})
}

// An upload that has come to an end is gone, also if its key has an object.
func TestEndedUploadIsGone(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "body")
	source := copySource(hereBucket, "k", "")
	done, aborted := w.begin(t, "k"), w.begin(t, "k")
	done.mustCopy(source, "")
	aborted.mustCopy(source, "")
	if _, err := done.complete(); err != nil {
		t.Fatal(err)
	}
	abort := &sdk.AbortMultipartUploadInput{Bucket: &aborted.bucket, Key: &aborted.key, UploadId: &aborted.id}
	if _, err := aborted.client.AbortMultipartUpload(t.Context(), abort); err != nil {
		t.Fatal(err)
	}
	for name, u := range map[string]*upload{"completed": done, "aborted": aborted} {
		_, err := u.complete()
		wantCode(t, err, 404, "NoSuchUpload")
		_, err = u.complete(func(in *sdk.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") })
		wantCode(t, err, 404, "NoSuchUpload")
		_, err = u.copyPart(source, "")
		wantCode(t, err, 404, "NoSuchUpload")
		_, err = u.client.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: &u.bucket, Key: &u.key, UploadId: &u.id})
		wantCode(t, err, 404, "NoSuchUpload")
		_, err = u.client.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{Bucket: &u.bucket, Key: &u.key, UploadId: &u.id})
		wantCode(t, err, 404, "NoSuchUpload")
		if t.Failed() {
			t.Fatalf("the upload that was %s is not gone", name)
		}
	}
}

func TestLostRaceKeepsTheUploadOpen(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "body")
	u := w.begin(t, "k")
	u.mustCopy(copySource(hereBucket, "k", ""), "")
	w.put(t, there, farBucket, "k", "first")
	_, err := u.complete(func(in *sdk.CompleteMultipartUploadInput) { in.IfNoneMatch = aws.String("*") })
	wantCode(t, err, 412, "PreconditionFailed")
	list, err := u.client.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: &u.bucket})
	if err != nil || len(list.Uploads) != 1 || *list.Uploads[0].UploadId != u.id {
		t.Errorf("uploads %+v (%v), want the one that lost", list, err)
	}
}

// More parts than the extended attributes could list one by one, of the least
// size: 9.8 GiB that the disk never sees.
func TestThousandsOfParts(t *testing.T) {
	w := newWorld(t)
	const count, partSize = 2000, 5 * mib
	w.put(t, here, hereBucket, "zeros", strings.Repeat("\x00", partSize))
	sparse := w.begin(t, "seed") // what is copied in parts keeps no zeros on disk
	sparse.mustCopy(copySource(hereBucket, "zeros", ""), "")
	if _, err := sparse.complete(); err != nil {
		t.Fatal(err)
	}
	seed, end := copySource(farBucket, "seed", ""), copySource(hereBucket, "end", "")
	w.put(t, here, hereBucket, "end", "the end")
	u := w.begin(t, "huge")
	u.parts = make([]types.CompletedPart, count)
	var g errgroup.Group
	g.SetLimit(16)
	for i := range u.parts {
		g.Go(func() error {
			in := &sdk.UploadPartCopyInput{
				Bucket: &u.bucket, Key: &u.key, UploadId: &u.id, PartNumber: aws.Int32(int32(i + 1)), CopySource: seed,
			}
			if i == len(u.parts)-1 {
				in.CopySource = end
			}
			out, err := u.client.UploadPartCopy(t.Context(), in)
			if err == nil {
				u.parts[i] = completed(i+1, out)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := u.complete(); err != nil {
		t.Fatal(err)
	}
	size := int64(count-1)*partSize + int64(len("the end"))
	if got := *w.head(t, there, farBucket, "huge").ContentLength; got != size {
		t.Errorf("%d bytes, want %d", got, size)
	}
	for number, want := range map[int32]string{count: "the end", 2: strings.Repeat("\x00", 8)} {
		out, err := w.client(there).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &u.bucket, Key: &u.key, PartNumber: &number})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := out.Body.Read(got); string(got) != want {
			t.Errorf("part %d begins with %q (%v), want %q", number, got, err, want)
		}
		_ = out.Body.Close()
	}
}
