package listing_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/listing/listtest"
)

// history is a bucket with versions, "key version" in S3's order; a version in
// capitals is current, one that begins with x a delete marker. Pages have three.
type history struct {
	versions []string
	asked    []string // after which key and version
	err      error
	endless  bool
}

func (h *history) ListObjectVersions(
	_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	marker := aws.ToString(in.KeyMarker) + " " + aws.ToString(in.VersionIdMarker)
	h.asked = append(h.asked, marker)
	if h.err != nil && len(h.asked) > 1 {
		return nil, h.err
	}
	out := &s3.ListObjectVersionsOutput{EncodingType: in.EncodingType, IsTruncated: aws.Bool(false)}
	at := slices.Index(h.versions, marker) + 1
	for ; at < len(h.versions); at++ {
		key, version, _ := strings.Cut(h.versions[at], " ")
		if in.VersionIdMarker == nil && key <= aws.ToString(in.KeyMarker) || !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			continue
		}
		name, latest := aws.String(url.QueryEscape(key)), aws.Bool(version == strings.ToUpper(version))
		if strings.HasPrefix(strings.ToLower(version), "x") {
			out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{Key: name, VersionId: &version, IsLatest: latest})
		} else {
			out.Versions = append(out.Versions, types.ObjectVersion{
				Key: name, VersionId: &version, IsLatest: latest, Size: aws.Int64(int64(len(version))),
				ETag: aws.String(`"e` + version + `"`),
			})
		}
		if len(out.Versions)+len(out.DeleteMarkers) == 3 && at+1 < len(h.versions) {
			out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = aws.Bool(true), name, &version
			if h.endless {
				out.NextKeyMarker = nil
			}
			break
		}
	}
	return out, nil
}

func TestVersions(t *testing.T) {
	tree := []string{"a A1", "b B3", "b b2", "b b1", "c X", "c c1", "d&+é D1", "e E2", "e e1", "f F1"}
	for _, c := range []struct {
		name          string
		prefix, after string
		keys          string
		worth         int
		want, asked   string
	}{
		{"all pages", "", "", "a b d&+é e f", 0, "A1 B3 D1 E2 F1", " |b b2|c c1|e e1"},
		{"after a key", "", "b", "d&+é f", 0, "D1 F1", "b |d&+é D1"},
		{"with a prefix", "e", "", "e", 0, "E2", " "},
		{"a delete marker and a key that is not there", "", "a", "b c cc d&+é", 0, "B3 - - D1", "a |b b1"},
		{"pages end with the last key", "", "", "a", 0, "A1", " "},
		{"a page is not worth its price", "", "", "a d&+é e f", 2, "A1 - - -", " "},
		{"the rest is not worth a page", "", "", "a b d&+é", 2, "A1 B3 -", " "},
		{"too few", "", "", "a b", 3, "- -", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &history{versions: tree}
			found, pages, err := listing.Versions(t.Context(), listing.Bucket{Region: "r", Name: "b"}, h, c.prefix, c.after,
				strings.Fields(c.keys), c.worth)
			var got []string
			for _, v := range found {
				switch {
				case v == listing.Version{}:
					got = append(got, "-")
				case v.Size != int64(len(v.VersionID)) || v.ETag != "e"+v.VersionID:
					t.Errorf("%+v", v)
				default:
					got = append(got, v.VersionID)
				}
			}
			asked := strings.Join(h.asked, "|")
			if err != nil || strings.Join(got, " ") != c.want || asked != c.asked || pages != len(h.asked) {
				t.Errorf("got %v with %d pages after %q, %v; want %s after %q", got, pages, asked, err, c.want, c.asked)
			}
		})
	}
}

func TestMarkers(t *testing.T) {
	tree := []string{"a X", "a a1", "b B3", "b x2", "b b1", "c X", "c c1", "d&+é X1", "e E2", "e x1", "f XF"}
	for _, c := range []struct {
		name          string
		prefix, after string
		keys          string
		worth         int
		want, asked   string
	}{
		{"all pages", "", "", "a b c d&+é e f", 0, "a c d&+é f", " |b B3|c X|e E2"},
		{"keys that the bucket does not have", "", "", "0 a aa bb f g", 0, "a f", " |b B3|c X|e E2"},
		{"an empty range of keys", "", "f", "g h", 0, "", "f "},
		{"after a key", "", "b", "c d&+é", 0, "c d&+é", "b "},
		{"with a prefix", "f", "", "f ff", 0, "f", " "},
		{"a page is not worth its price", "", "", "a e f", 2, "a ? ?", " "},
		{"the rest is not worth a page", "", "", "a b d&+é", 2, "a ?", " "},
		{"too few", "", "", "a b", 3, "? ?", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &history{versions: tree}
			keys := strings.Fields(c.keys)
			hidden, known, pages, err := listing.Markers(t.Context(), listing.Bucket{Region: "r", Name: "b"}, h, c.prefix, c.after,
				keys, c.worth)
			var got []string
			for i, key := range keys {
				switch {
				case i >= known:
					got = append(got, "?")
				case hidden[i]:
					got = append(got, key)
				}
			}
			asked := strings.Join(h.asked, "|")
			if err != nil || strings.Join(got, " ") != c.want || asked != c.asked || pages != len(h.asked) {
				t.Errorf("got %q with %d pages after %q, %v; want %q after %q", got, pages, asked, err, c.want, c.asked)
			}
		})
	}
	// What was found stays found.
	h := &history{versions: tree, err: errEndless}
	hidden, known, pages, err := listing.Markers(t.Context(), listing.Bucket{Region: "r", Name: "b"}, h, "", "",
		[]string{"a", "b", "c", "f"}, 1)
	if !errors.Is(err, errEndless) || !strings.Contains(err.Error(), "region r") || known != 2 || pages != 1 || !hidden[0] {
		t.Errorf("got %v, %d known, %d pages, %v", hidden, known, pages, err)
	}
	if _, _, _, err := listing.Markers(
		t.Context(), listing.Bucket{Region: "r"}, &history{versions: tree, endless: true}, "", "", []string{"f"}, 1,
	); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v of a listing that does not say how it goes on", err)
	}
}

// What was found stays found, and the error says which permission is missing.
func TestVersionsFail(t *testing.T) {
	denied := &smithy.OperationError{ServiceID: "S3", OperationName: "ListObjectVersions", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}},
		Err:      &smithy.GenericAPIError{Code: "AccessDenied"},
	}}
	tree := []string{"a A1", "b B1", "c C1", "d D1"}
	keys := []string{"a", "b", "c", "d"}
	h := &history{versions: tree, err: denied}
	found, pages, err := listing.Versions(t.Context(), listing.Bucket{Region: "r", Name: "b"}, h, "", "", keys, 1)
	if !errors.Is(err, awsapi.ErrDenied) || !strings.Contains(fmt.Sprint(err), "s3:ListBucketVersions on bucket b") || pages != 1 {
		t.Errorf("got %v after %d pages", err, pages)
	}
	if found[2].VersionID != "C1" || found[3].VersionID != "" {
		t.Errorf("found %+v", found)
	}
	if _, _, err := listing.Versions(
		t.Context(), listing.Bucket{Region: "r"}, &history{versions: tree, endless: true}, "", "", keys, 1,
	); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v of a listing that does not say how it goes on", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := listing.Versions(
		ctx, listing.Bucket{Region: "r"}, &history{versions: tree, err: denied}, "", "", keys, 1,
	); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// Every key is in one stretch, in order, and none is between a stretch's After
// and its first row. What a stretch's visitor does not read is not visited.
func TestStretches(t *testing.T) {
	one, two := &listtest.Bucket{}, &listtest.Bucket{}
	var all []string
	for i := range 3000 {
		key := fmt.Sprintf("%03d/%04d", i/70, i)
		all = append(all, key)
		if i%3 > 0 {
			one.Put(key, object(1))
		}
		if i%3 < 2 {
			two.Put(key, object(1))
		}
	}
	for _, most := range []int{5, 1 << 20} {
		var mu sync.Mutex
		times := map[string]int{}
		left := 0
		err := listing.WalkStretches(t.Context(), walked([]*listtest.Bucket{one, two}), listing.Options{PageSize: 20},
			func(_ context.Context, s listing.Stretch) error {
				mu.Lock()
				defer mu.Unlock()
				last, n := s.After, 0
				for row := range s.Rows {
					times[row.Key]++
					at, _ := slices.BinarySearch(all, row.Key)
					switch {
					case last == "" && at != 0:
						t.Errorf("a stretch begins with %q and comes after nothing", row.Key)
					case last != "" && n == 0 && last < all[max(0, at-1)], last != "" && n > 0 && last != all[at-1], last >= row.Key:
						t.Errorf("%q comes after %q", row.Key, last)
					}
					last = row.Key
					if n++; n == most {
						left++
						break
					}
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		for key, n := range times {
			if n != 1 {
				t.Errorf("%q was visited %d times", key, n)
			}
		}
		if whole := most > len(all); whole != (len(times) == len(all)) || whole != (left == 0) {
			t.Errorf("%d of %d keys with at most %d of a stretch", len(times), len(all), most)
		}
	}
}
