package s3

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// withHeaders fills a request up to so many bytes of headers. What the
// connection adds after that is little.
func withHeaders(total int) func(*sdk.Options) {
	return sdk.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("fill",
			func(
				ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
			) (middleware.FinalizeOutput, middleware.Metadata, error) {
				r := in.Request.(*smithyhttp.Request)
				r.Header.Set("X-Filler", strings.Repeat("x", total-headerBytes(r.Request)-len("X-Filler: \r\n")))
				return next.HandleFinalize(ctx, in)
			}), middleware.After) // the signature is there
	})
}

func TestHeaderSection(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	w.put(t, here, hereBucket, "k", "x")
	get := func(total int) error {
		_, err := c.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: aws.String(hereBucket), Key: aws.String("k")},
			withHeaders(total))
		return err
	}
	if err := get(maxHeaders - 100); err != nil {
		t.Errorf("just below the limit: %v", err)
	}
	wantCode(t, get(maxHeaders+100), 400, "RequestHeaderSectionTooLarge")
}

func TestUserMetadata(t *testing.T) {
	w := newWorld(t)
	c := w.client(here)
	for _, n := range []struct {
		bytes int
		fits  bool
	}{{2048, true}, {2049, false}} {
		metadata := map[string]string{"name": strings.Repeat("x", n.bytes-len("name"))}
		_, put := c.PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader("x"), Metadata: metadata,
		})
		_, create := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{
			Bucket: aws.String(hereBucket), Key: aws.String("k"), Metadata: metadata,
		})
		for name, err := range map[string]error{"PutObject": put, "CreateMultipartUpload": create} {
			switch {
			case !n.fits:
				wantCode(t, err, 400, "MetadataTooLarge")
			case err != nil:
				t.Errorf("%s of %d bytes: %v", name, n.bytes, err)
			}
		}
	}
}

// Tags are measured in characters after they are decoded, by whichever way they
// come.
func TestTagsAreMeasuredInCharacters(t *testing.T) {
	w := newWorld(t)
	c, b := w.client(here), aws.String(hereBucket)
	w.put(t, here, hereBucket, "source", "x")
	for _, n := range []struct {
		key, value int
		fits       bool
	}{{128, 256, true}, {129, 1, false}, {1, 257, false}} {
		key, value := strings.Repeat("ü", n.key), strings.Repeat("日", n.value)
		header := aws.String(url.Values{key: {value}}.Encode())
		ways := map[string]func(k *string) error{
			"PutObject": func(k *string) error {
				_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), Tagging: header})
				return err
			},
			"CopyObject": func(k *string) error {
				_, err := c.CopyObject(t.Context(), &sdk.CopyObjectInput{
					Bucket: b, Key: k, CopySource: copySource(hereBucket, "source", ""), TaggingDirective: "REPLACE", Tagging: header,
				})
				return err
			},
			"CreateMultipartUpload": func(k *string) error {
				_, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: b, Key: k, Tagging: header})
				return err
			},
			"PutObjectTagging": func(k *string) error {
				w.put(t, here, hereBucket, *k, "x")
				_, err := c.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{
					Bucket: b, Key: k, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: &key, Value: &value}}},
				})
				return err
			},
		}
		for name, put := range ways {
			k := aws.String(fmt.Sprintf("%s-%d-%d", name, n.key, n.value))
			err := put(k)
			if !n.fits {
				wantCode(t, err, 400, "InvalidTag")
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if name == "CreateMultipartUpload" {
				continue
			}
			out, err := c.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: b, Key: k})
			if err != nil || len(out.TagSet) != 1 || *out.TagSet[0].Key != key || *out.TagSet[0].Value != value {
				t.Errorf("%s: %+v (%v), want the tag", name, out, err)
			}
		}
	}
}

func TestTagsThatS3Refuses(t *testing.T) {
	w := newWorld(t)
	w.put(t, here, hereBucket, "k", "x")
	eleven := make([]string, 11)
	for i := range eleven {
		eleven[i] = fmt.Sprintf("k%d=v", i)
	}
	for header, code := range map[string]string{
		"a=1&a=2":                 "InvalidArgument",
		"a=%zz":                   "InvalidArgument",
		"=1":                      "InvalidArgument",
		"aws:a=1":                 "InvalidTag",
		"a=%22":                   "InvalidTag",
		strings.Join(eleven, "&"): "BadRequest",
		"a=%ff":                   "InvalidTag",
	} {
		_, err := w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String("k"), Body: strings.NewReader("x"), Tagging: &header,
		})
		t.Run(header[:min(len(header), 10)], func(t *testing.T) { wantCode(t, err, 400, code) })
	}
	twice := &types.Tagging{
		TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("2")}},
	}
	_, err := w.client(here).PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), Tagging: twice,
	})
	wantCode(t, err, 400, "InvalidTag")
}

// All the metadata and all the tags that an object can have fit together, and
// travel with a copy.
func TestMetadataAndTagsFitTogether(t *testing.T) {
	w := newWorld(t)
	metadata := map[string]string{"name": strings.Repeat("x", maxMetadata-len("name"))}
	w.put(t, here, hereBucket, "k", "x", func(in *sdk.PutObjectInput) { in.Metadata = metadata })
	var tags []types.Tag
	for i := range maxTags {
		tags = append(tags, types.Tag{
			Key: aws.String(fmt.Sprint(i) + strings.Repeat("日", maxTagKey-1)), Value: aws.String(strings.Repeat("本", maxTagValue)),
		})
	}
	if _, err := w.client(here).PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{
		Bucket: aws.String(hereBucket), Key: aws.String("k"), Tagging: &types.Tagging{TagSet: tags},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client(there).CopyObject(t.Context(), copyThere("k", "")); err != nil {
		t.Fatal(err)
	}
	head := w.head(t, there, farBucket, "k")
	if aws.ToInt32(head.TagCount) != maxTags || head.Metadata["name"] != metadata["name"] {
		t.Errorf("the copy has %d tags and %d bytes of metadata", aws.ToInt32(head.TagCount), len(head.Metadata["name"]))
	}
	out, err := w.client(there).GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{
		Bucket: aws.String(farBucket), Key: aws.String("k"),
	})
	if err != nil || !reflect.DeepEqual(out.TagSet, tags) {
		t.Errorf("the copy's tags are not the source's (%v)", err)
	}
}
