package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/bench/endless"
	"s3fanout/internal/listing/listtest"
	"s3fanout/internal/verify"
)

// What a HEAD does not tell, the listing may.
func TestRunAsksAnotherWay(t *testing.T) {
	tests := []struct {
		name   string
		answer func(in *s3.HeadObjectInput) error
		want   map[string]string
		sizes  int64
	}{
		{"a delete marker", func(in *s3.HeadObjectInput) error {
			if *in.Key == "b" {
				return nil
			}
			return listtest.Refused(http.StatusNotFound, "NotFound", "X-Amz-Delete-Marker", "true")
		}, map[string]string{"missing a": "r1 deleted", "different b": "r1 size"}, 0},
		{"an object under the customer's key", func(*s3.HeadObjectInput) error { return listtest.Refused(http.StatusBadRequest, "BadRequest") }, map[string]string{"different b": "r1 size"}, 1},
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
				if i > 0 || tt.name != "a delete marker" {
					o.Buckets[i].Client = refusing{b[i], tt.answer}
				}
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

// How old an object is, S3's clock says, which dated it, and not this
// machine's.
func TestRunGoesByTheClockOfS3(t *testing.T) {
	there := time.Now().Add(-24 * time.Hour)
	e := &endless.Server{Keys: 1, Lacks: 1}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", there.UTC().Format(http.TimeFormat))
		if r.Method == http.MethodHead && strings.HasPrefix(r.URL.Path, "/bucket-0/") {
			w.Header().Set("Last-Modified", there.Add(-time.Minute).UTC().Format(http.TimeFormat))
			return
		}
		e.ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := verify.Run(ctx, endless.Options(server.URL), func(d verify.Difference) error {
		return fmt.Errorf("%s %s, which is a minute old", d.Kind, d.Key)
	}, func(p verify.Progress) {
		if p.Waiting > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || s.Unfinished != 1 {
		t.Errorf("%v, %+v; want the key to be waited for", err, s)
	}
}
