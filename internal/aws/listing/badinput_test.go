package listing_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/listing"
)

// scripted answers with these pages in turn, and the last one for ever.
type scripted struct {
	pages []s3.ListObjectsV2Output
	calls int
}

func (s *scripted) ListObjectsV2(ctx context.Context, _ *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	s.calls++
	if s.calls > 100 {
		return nil, errEndless
	}
	return &s.pages[min(s.calls, len(s.pages))-1], ctx.Err()
}

func listed(token string, keys ...string) s3.ListObjectsV2Output {
	out := s3.ListObjectsV2Output{}
	for _, k := range keys {
		out.Contents = append(out.Contents, types.Object{Key: aws.String(k)})
	}
	if token != "" {
		out.IsTruncated, out.NextContinuationToken = aws.Bool(true), aws.String(token)
	}
	return out
}

// TestBadListings has a row of cmd/s3fanout/testdata/bad-input.txt each: answers that S3 does not
// give, and a server that calls itself one might.
func TestBadListings(t *testing.T) {
	encoded := listed("", "100%")
	encoded.EncodingType = types.EncodingTypeUrl
	cut := listed("", "a")
	cut.IsTruncated = aws.Bool(true)
	for _, tt := range []struct {
		id    string
		pages []s3.ListObjectsV2Output
		want  string // in the error; empty for none
		keys  int    // visited
	}{
		{"ls-01", []s3.ListObjectsV2Output{listed("", "b", "a")}, "not in the order of the keys' bytes", 0},
		{"ls-02", []s3.ListObjectsV2Output{listed("1", "b"), listed("", "a")}, "not in the order of the keys' bytes", 1},
		{"ls-09", []s3.ListObjectsV2Output{listed("1", "a", "b"), listed("", "b", "c")}, "not in the order of the keys' bytes", 2},
		{"ls-03", []s3.ListObjectsV2Output{listed("", "a", "a")}, "not in the order of the keys' bytes", 0},
		{"ls-04", []s3.ListObjectsV2Output{listed("1")}, "repeats its token, and so would never end", 0},
		{"ls-05", []s3.ListObjectsV2Output{cut}, "cut off without a token for the next page", 0},
		{"ls-06", []s3.ListObjectsV2Output{encoded}, `invalid URL escape "%"`, 0},
		{"ls-08", []s3.ListObjectsV2Output{listed("1", ""), listed("2", "")}, "an object without a key", 0},
		{"ls-07", []s3.ListObjectsV2Output{listed("1"), listed("2"), listed("", "a")}, "", 1},
	} {
		t.Run(tt.id, func(t *testing.T) {
			var v visits
			s := &scripted{pages: tt.pages}
			err := listing.Walk(t.Context(), []listing.Bucket{{Region: "eu-west-1", Name: "b", Client: s}},
				listing.Options{Parallel: 1}, v.visit)
			if tt.want == "" {
				if err != nil || len(v.times) != tt.keys {
					t.Errorf("got %v after %d keys, want %d", err, len(v.times), tt.keys)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "region eu-west-1: ") || !strings.Contains(err.Error(), tt.want) ||
				len(v.times) != tt.keys {
				t.Errorf("got %v after %d keys, want …%s after %d", err, len(v.times), tt.want, tt.keys)
			}
		})
	}
}
