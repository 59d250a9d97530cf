package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/aws/listing/listtest"
)

// What a HEAD does not tell, the listing may.
func TestRunAsksAnotherWay(t *testing.T) {
	tests := []struct {
		name   string
		answer func(in *s3.HeadObjectInput) error
		want   map[string]string
		sizes  int64
	}{
		{"a delete marker", func(*s3.HeadObjectInput) error { return nil },
			map[string]string{"missing a": "r1 deleted", "different b": "r1 size"}, 0},
		{"an object under the customer's key",
			func(*s3.HeadObjectInput) error { return listtest.Refused(http.StatusBadRequest, "BadRequest") },
			map[string]string{"different b": "r1 size"}, 1},
		{"checksums that may not be read", func(in *s3.HeadObjectInput) error {
			if in.ChecksumMode != "" {
				return listtest.Refused(http.StatusForbidden, "Forbidden")
			}
			return nil
		}, map[string]string{"different a": "r1 etag", "different b": "r1 size"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, o := buckets(2)
			for i := range b {
				b[i].Put("a", object(fmt.Sprint(i), time.Hour))
				b[i].Put("b", object(strings.Repeat("x", i+1), time.Hour))
				o.Buckets[i].Client = refusing{b[i], tt.answer}
			}
			if tt.name == "a delete marker" {
				b[1].Hide("a", time.Now().Add(-time.Hour))
			}
			got, s, err := found(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			wantFound(t, got, tt.want)
			if s.SizeOnly != tt.sizes {
				t.Errorf("%d keys were compared by size alone, want %d", s.SizeOnly, tt.sizes)
			}
		})
	}
}

type refusing struct {
	*listtest.Bucket
	answer func(*s3.HeadObjectInput) error
}

func (r refusing) HeadObject(ctx context.Context, in *s3.HeadObjectInput, o ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if err := r.answer(in); err != nil {
		return nil, err
	}
	return r.Bucket.HeadObject(ctx, in, o...)
}
