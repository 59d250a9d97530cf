package s3

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/fault"
)

func TestStorageClass(t *testing.T) {
	w := newWorld(t)
	v1 := w.put(t, here, hereBucket, "k", "one", func(in *sdk.PutObjectInput) { in.StorageClass = types.StorageClassStandardIa })
	w.put(t, here, hereBucket, "k", "two")
	if got := w.head(t, here, hereBucket, "k").StorageClass; got != "" {
		t.Errorf("the new version is %q, want S3 not to name STANDARD", got)
	}
	old, err := w.client(here).HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), VersionId: v1.VersionId,
	})
	if err != nil || old.StorageClass != types.StorageClassStandardIa {
		t.Errorf("the old version is %q (%v), want STANDARD_IA", old.StorageClass, err)
	}
	versions, err := w.client(here).ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String(hereBucket)})
	if err != nil || len(versions.Versions) != 2 || versions.Versions[0].StorageClass != "STANDARD" ||
		versions.Versions[1].StorageClass != "STANDARD_IA" {
		t.Errorf("listed %+v (%v), want STANDARD over STANDARD_IA", versions, err)
	}

	// A copy has the class that it asks for, never its source's.
	from := copySource(hereBucket, "k", *v1.VersionId)
	for key, class := range map[string]types.StorageClass{"plain": "", "instant": types.StorageClassGlacierIr} {
		if _, err := w.client(there).CopyObject(t.Context(), &sdk.CopyObjectInput{
			Bucket: aws.String(farBucket), Key: &key, CopySource: from, StorageClass: class,
		}); err != nil {
			t.Fatal(err)
		}
		u := w.begin(t, key+" in parts", func(in *sdk.CreateMultipartUploadInput) { in.StorageClass = class })
		u.mustCopy(from, "")
		if _, err := u.complete(); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{key, key + " in parts"} {
			if got := w.head(t, there, farBucket, k).StorageClass; got != class {
				t.Errorf("%s: %q, want %q", k, got, class)
			}
		}
	}
	list, err := w.client(there).ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{
		Bucket: aws.String(farBucket), Prefix: aws.String("instant"),
	})
	if err != nil || len(list.Contents) != 2 || list.Contents[0].StorageClass != "GLACIER_IR" ||
		list.Contents[1].StorageClass != "GLACIER_IR" {
		t.Errorf("listed %+v (%v), want both as GLACIER_IR", list, err)
	}
	_, err = w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(hereBucket), Key: aws.String("x"), Body: strings.NewReader(""), StorageClass: "LUKEWARM",
	})
	wantCode(t, err, 400, "InvalidStorageClass")
}

func TestArchivedObjectCannotBeRead(t *testing.T) {
	w := newWorld(t)
	for _, class := range []types.StorageClass{types.StorageClassGlacier, types.StorageClassDeepArchive} {
		key := string(class)
		w.put(t, here, hereBucket, key, "cold", func(in *sdk.PutObjectInput) { in.StorageClass = class })
		if got := w.head(t, here, hereBucket, key).StorageClass; got != class {
			t.Errorf("described as %q, want %q", got, class)
		}
		_, err := w.client(here).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(hereBucket), Key: &key})
		wantCode(t, err, 403, "InvalidObjectState")
		_, err = w.client(there).CopyObject(t.Context(), copyThere(key, ""))
		wantCode(t, err, 403, "InvalidObjectState")
		_, err = w.begin(t, key).copyPart(copySource(hereBucket, key, ""), "")
		wantCode(t, err, 403, "InvalidObjectState")
	}
}

func TestMetadataOutsideOfASCII(t *testing.T) {
	w := newWorld(t)
	want := "=?UTF-8?b?w7xuw69jw7Zkw6k=?=" // "ünïcödé"
	for name, sent := range map[string]string{"as it is": "ünïcödé", "encoded": "=?UTF-8?Q?=C3=BCn=C3=AFc=C3=B6d=C3=A9?="} {
		w.put(t, here, hereBucket, name, "x", func(in *sdk.PutObjectInput) {
			in.Metadata = map[string]string{"word": sent, "plain": "a = b"}
		})
		head := w.head(t, here, hereBucket, name)
		if head.Metadata["word"] != want || head.Metadata["plain"] != "a = b" {
			t.Errorf("%s: got %q, want %q", name, head.Metadata, want)
		}
		// What was read can be written again, and says the same.
		u := w.begin(t, name, func(in *sdk.CreateMultipartUploadInput) { in.Metadata = head.Metadata })
		u.mustCopy(copySource(hereBucket, name, ""), "")
		if _, err := u.complete(); err != nil {
			t.Fatal(err)
		}
		if got := w.head(t, there, farBucket, name).Metadata; got["word"] != want || got["plain"] != "a = b" {
			t.Errorf("%s, in parts: got %q, want %q", name, got, want)
		}
	}
}

func TestWebsiteRedirectIsKeptButNotCopied(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "x", func(in *sdk.PutObjectInput) { in.WebsiteRedirectLocation = aws.String("/elsewhere") })
	if got := aws.ToString(w.head(t, here, hereBucket, "k").WebsiteRedirectLocation); got != "/elsewhere" {
		t.Errorf("redirects to %q, want /elsewhere", got)
	}
	if _, err := w.client(there).CopyObject(t.Context(), copyThere("k", "")); err != nil {
		t.Fatal(err)
	}
	if got := w.head(t, there, farBucket, "k").WebsiteRedirectLocation; got != nil {
		t.Errorf("the copy redirects to %q, want nowhere", *got)
	}
	u := w.begin(t, "parts", func(in *sdk.CreateMultipartUploadInput) { in.WebsiteRedirectLocation = aws.String("/by/hand") })
	u.mustCopy(copySource(hereBucket, "k", ""), "")
	if _, err := u.complete(); err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(w.head(t, there, farBucket, "parts").WebsiteRedirectLocation); got != "/by/hand" {
		t.Errorf("redirects to %q, want /by/hand", got)
	}
}

// Every request that moves data takes its time; others do not.
func TestBandwidth(t *testing.T) {
	w := newWorld(t)
	const size, share = 100_000, 200 * time.Millisecond
	w.put(t, here, hereBucket, "k", strings.Repeat("x", size))
	u := w.begin(t, "parts")
	for _, region := range []string{here, there} {
		err := w.faults.Set(fault.Fault{Region: region, Kind: fault.S3Bandwidth, Rate: 1, BytesPerSecond: size * int64(time.Second/share)})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, do := range map[string]func() error{
		"PutObject": func() error {
			_, err := w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
				Bucket: aws.String(hereBucket), Key: aws.String("put"), Body: strings.NewReader(strings.Repeat("x", size)),
			})
			return err
		},
		"GetObject": func() error {
			out, err := w.client(here).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("k")})
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, out.Body)
			return errors.Join(err, out.Body.Close())
		},
		"CopyObject": func() error {
			_, err := w.client(there).CopyObject(t.Context(), copyThere("k", ""))
			return err
		},
		"UploadPartCopy": func() error {
			_, err := u.copyPart(copySource(hereBucket, "k", ""), "")
			return err
		},
	} {
		begun := time.Now()
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begun); took < share {
			t.Errorf("%s took %v, want at least %v", name, took, share)
		}
	}
	// At this bandwidth, a HEAD that counted would never end.
	if err := w.faults.Set(fault.Fault{Region: here, Kind: fault.S3Bandwidth, Rate: 1, BytesPerSecond: 1}); err != nil {
		t.Fatal(err)
	}
	w.head(t, here, hereBucket, "k")
}

// A call that is broken off before has done nothing, and one after everything.
func TestCallsAreObserved(t *testing.T) {
	var mu sync.Mutex
	var calls []Call
	none := func(Call) bool { return false }
	refuse := none
	refusing := func(which func(Call) bool) {
		mu.Lock()
		defer mu.Unlock()
		refuse = which
	}
	w := newWorld(t, func(c *Config) {
		c.OnCall = func(c Call) error {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, c)
			if refuse(c) {
				return errors.New("no answer")
			}
			return nil
		}
	})
	w.put(t, here, hereBucket, "k", "body")
	mu.Lock()
	if len(calls) != 2 || calls[0].Done || !calls[1].Done || calls[0].Operation != "PutObject" || calls[1].Key != "k" ||
		calls[0].Region != here {
		t.Errorf("observed %+v, want PutObject twice, done the second time", calls)
	}
	mu.Unlock()
	for _, done := range []bool{false, true} {
		refusing(func(c Call) bool { return c.Operation == "CopyObject" && c.Done == done })
		in := copyThere("k", "")
		in.IfNoneMatch = aws.String("*")
		if _, err := w.client(there).CopyObject(t.Context(), in); err == nil {
			t.Errorf("broken off (done %v), and answered", done)
		}
		refusing(none)
		_, err := w.client(there).HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(farBucket), Key: aws.String("k")})
		if exists := err == nil; exists != done {
			t.Errorf("broken off (done %v): the copy exists: %v", done, exists)
		}
	}
}

func TestSizeRuns(t *testing.T) {
	w := newWorld(t)
	body := strings.Repeat("0123456789", 1_200_000)
	w.put(t, here, hereBucket, "k", body)
	u := w.begin(t, "k")
	from := copySource(hereBucket, "k", "")
	u.mustCopy(from, "0-5242879")
	u.mustCopy(from, "5242880-10485759")
	u.mustCopy(from, "10485760-11999999")
	if _, err := u.complete(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for number := range int32(3) {
		out, err := u.client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &u.bucket, Key: &u.key, PartNumber: aws.Int32(number + 1)})
		if err != nil || aws.ToInt32(out.PartsCount) != 3 {
			t.Fatalf("part %d: %+v (%v), want one of three", number+1, out, err)
		}
		if _, err := io.Copy(&all, out.Body); err != nil {
			t.Fatal(err)
		}
		_ = out.Body.Close()
	}
	if all.String() != body {
		t.Errorf("the parts together are %d bytes, not the %d of the object", all.Len(), len(body))
	}
}
