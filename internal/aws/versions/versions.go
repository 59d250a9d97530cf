// Package versions lists the versions and delete markers of one key in the order
// in which S3 has them, newest first.
//
// The SDK takes an answer apart into a list of versions and one of markers, and
// their times have whole seconds only, so that it does not tell what a marker of the
// same second hides. So the order is read off the answer itself before the SDK does.
package versions

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/policy"
)

// S3 is the part of *s3.Client that List uses.
type S3 interface {
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
}

// Page is a part of a key's stack. None of its versions has been read.
type Page struct {
	Stack []policy.Version
	// Next is where the next page begins; empty if there is none.
	Next string
}

// List asks for the versions of a key, by one request: up to a thousand, from the
// newest on, or from where an earlier page says. The error is S3's, or says that its
// answer is none.
func List(ctx context.Context, client S3, region, bucket, key, from string) (Page, error) {
	in := &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &key, EncodingType: types.EncodingTypeUrl}
	if from != "" {
		in.KeyMarker, in.VersionIdMarker = &key, &from
	}
	out, err := client.ListObjectVersions(ctx, in, func(o *s3.Options) {
		if region != "" {
			o.Region = region
		}
		o.APIOptions = append(o.APIOptions[:len(o.APIOptions):len(o.APIOptions)], addOrder)
	})
	if err != nil {
		return Page{}, err
	}
	order, ok := out.ResultMetadata.Get(orderKey{}).([]Kind)
	if !ok || len(order) != len(out.Versions)+len(out.DeleteMarkers) {
		return Page{}, fmt.Errorf("the answer to ListObjectVersions has %d versions and %d markers in no order",
			len(out.Versions), len(out.DeleteMarkers))
	}
	var page Page
	versions, markers := out.Versions, out.DeleteMarkers
	for _, kind := range order {
		var v policy.Version
		var of string
		switch {
		case kind == Marker && len(markers) > 0:
			m := markers[0]
			markers = markers[1:]
			of, v = aws.ToString(m.Key), policy.Version{
				ID:       aws.ToString(m.VersionId),
				Marker:   true,
				Modified: aws.ToTime(m.LastModified).Unix(),
			}
		case kind == Version && len(versions) > 0:
			o := versions[0]
			versions = versions[1:]
			of, v = aws.ToString(o.Key), policy.Version{
				ID: aws.ToString(o.VersionId), Modified: aws.ToTime(o.LastModified).Unix(),
				Figures: policy.Figures{Size: aws.ToInt64(o.Size), ETag: trim(aws.ToString(o.ETag))},
			}
		default:
			return Page{}, errors.New("the answer to ListObjectVersions has other versions than its order")
		}
		if out.EncodingType == types.EncodingTypeUrl {
			if of, err = url.QueryUnescape(of); err != nil {
				return Page{}, fmt.Errorf("the answer to ListObjectVersions: %w", err)
			}
		}
		if of != key {
			return page, nil // all that begins with the key comes after it
		}
		page.Stack = append(page.Stack, v)
	}
	if !aws.ToBool(out.IsTruncated) {
		return page, nil
	}
	next, err := url.QueryUnescape(aws.ToString(out.NextKeyMarker))
	switch page.Next = aws.ToString(out.NextVersionIdMarker); {
	case err != nil || next == "":
		return Page{}, errors.New("a list of versions is cut off without a token for the next page")
	case next != key:
		page.Next = ""
	case page.Next == "" || page.Next == from:
		return Page{}, errors.New("a list of versions is cut off without a token for the next page")
	}
	return page, nil
}

func trim(etag string) string { return string(bytes.Trim([]byte(etag), `"`)) }

// Kind is what an entry of a list is.
type Kind bool

// The kinds.
const (
	Version Kind = false
	Marker  Kind = true
)

type orderKey struct{}

// SetOrder says in which order the entries of an answer come. It is for models of
// S3 that stand in for the SDK's client, as ResultMetadata of what they answer.
func SetOrder(metadata *middleware.Metadata, order []Kind) { metadata.Set(orderKey{}, order) }

// addOrder has a client read the order before it takes the answer apart.
func addOrder(stack *middleware.Stack) error {
	return stack.Deserialize.Insert(
		middleware.DeserializeMiddlewareFunc("OrderOfVersions", readOrder), "OperationDeserializer", middleware.After,
	)
}

func readOrder(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || response.StatusCode/100 != 2 {
		return out, metadata, err
	}
	body, err := io.ReadAll(response.Body)
	if closed := response.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return out, metadata, fmt.Errorf("read the answer: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	// What is no XML is the SDK's to report.
	if order, err := orderOf(body); err == nil {
		SetOrder(&metadata, order)
	}
	return out, metadata, nil
}

// orderOf is the order of the entries in an answer.
func orderOf(body []byte) ([]Kind, error) {
	order := []Kind{}
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for depth := 0; ; {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return order, nil
		}
		if err != nil {
			return nil, err
		}
		switch element := token.(type) {
		case xml.StartElement:
			if depth++; depth != 2 {
				continue
			}
			switch element.Name.Local {
			case "Version":
				order = append(order, Version)
			case "DeleteMarker":
				order = append(order, Marker)
			}
		case xml.EndElement:
			depth--
		}
	}
}
