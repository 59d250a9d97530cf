package listing_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"pgregory.net/rapid"

	"s3fanout/internal/aws/listing"
)

// stacked is a bucket with all versions of its keys, newest first: one that
// begins with x is a delete marker, made at the second that follows.
type stacked struct {
	keys      map[string][]string
	inclusive bool // a key marker alone includes the key, as AWS's words could be read

	mu    sync.Mutex
	pages int
	most  int // versions of a page
}

func second(version string) time.Time {
	var n int
	_, _ = fmt.Sscanf(version[1:], "%d", &n)
	return time.Unix(int64(n), 0)
}

func (s *stacked) ListObjectVersions(
	_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	s.mu.Lock()
	s.pages++
	s.mu.Unlock()
	out := &s3.ListObjectVersionsOutput{EncodingType: in.EncodingType, IsTruncated: aws.Bool(false)}
	after, n := aws.ToString(in.KeyMarker), 0
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		if !strings.HasPrefix(key, aws.ToString(in.Prefix)) || key < after || key == after && in.VersionIdMarker == nil && !s.inclusive {
			continue
		}
		for i, v := range s.keys[key] {
			if key == after && in.VersionIdMarker != nil && i <= slices.Index(s.keys[key], *in.VersionIdMarker) {
				continue
			}
			if n == min(s.most, int(*in.MaxKeys)) {
				out.IsTruncated = aws.Bool(true)
				return out, nil
			}
			n++
			name := url.QueryEscape(key)
			out.NextKeyMarker, out.NextVersionIdMarker = &name, &v
			if v[0] == 'x' {
				out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
					Key: &name, VersionId: &v, IsLatest: aws.Bool(i == 0), LastModified: aws.Time(second(v)),
				})
			} else {
				out.Versions = append(out.Versions, types.ObjectVersion{
					Key: &name, VersionId: &v, IsLatest: aws.Bool(i == 0), LastModified: aws.Time(second(v)),
					Size: aws.Int64(int64(len(v))), ETag: aws.String(`"` + v + `"`),
				})
			}
		}
	}
	return out, nil
}

// shown is what a walk has to tell of a key: "object", or "object first last" if
// markers hide it.
func shown(stack []string) string {
	at := slices.IndexFunc(stack, func(v string) bool { return v[0] != 'x' })
	object, above := "", stack
	if at >= 0 {
		object, above = stack[at], stack[:at]
	}
	if len(above) == 0 {
		return object
	}
	return fmt.Sprintf("%s %d %d", object, second(above[len(above)-1]).Unix(), second(above[0]).Unix())
}

func describe(o *listing.Object) string {
	switch {
	case o == nil:
		return "none"
	case o.Deletion != nil:
		return fmt.Sprintf("%s %d %d", o.VersionID, o.Deletion.First.Unix(), o.Deletion.Last.Unix())
	}
	return o.VersionID
}

// A walk of versions visits each key once, deleted ones too, with its newest
// version and when the markers above that were made, wherever pages are cut.
func TestWalkOfDeletedKeys(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		buckets := make([]*stacked, rapid.IntRange(1, 3).Draw(rt, "buckets"))
		list := make([]listing.Bucket, len(buckets))
		union := map[string]bool{}
		for i := range buckets {
			b := &stacked{
				keys: map[string][]string{}, inclusive: rapid.Bool().Draw(rt, "inclusive"), most: rapid.IntRange(1, 12).Draw(rt, "page"),
			}
			for _, k := range rapid.SliceOfN(key(), 0, 40).Draw(rt, "keys") {
				n := rapid.IntRange(1, 6).Draw(rt, "versions")
				var stack []string
				for v := n; v > 0; v-- {
					kind := "v"
					if rapid.Bool().Draw(rt, "marker") {
						kind = "x"
					}
					stack = append(stack, fmt.Sprint(kind, 10*v))
				}
				b.keys[k], union[k] = stack, true
			}
			buckets[i], list[i] = b, listing.Bucket{Region: fmt.Sprint(i), Name: "b", Versions: b}
		}
		prefix := rapid.SampledFrom([]string{"", "", "logs/", "a"}).Draw(rt, "prefix")
		var mu sync.Mutex
		seen, pages := map[string][]string{}, 0
		err := listing.Walk(t.Context(), list, listing.Options{
			Prefix: prefix, Deleted: true, PageSize: int32(rapid.IntRange(1, 20).Draw(rt, "page size")),
			Listed: func(_, n int) { mu.Lock(); pages += n; mu.Unlock() },
		}, func(_ context.Context, row listing.Row) error {
			mu.Lock()
			defer mu.Unlock()
			if seen[row.Key] != nil {
				rt.Errorf("%q was visited twice", row.Key)
			}
			for _, o := range row.Objects {
				seen[row.Key] = append(seen[row.Key], describe(o))
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		sent := 0
		for i, b := range buckets {
			sent += b.pages
			for k := range union {
				if !strings.HasPrefix(k, prefix) {
					delete(union, k)
					continue
				}
				want := "none"
				if stack, ok := b.keys[k]; ok {
					want = shown(stack)
				}
				if seen[k] == nil || seen[k][i] != want {
					rt.Errorf("%q, %v: got %v, want %s in bucket %d", k, b.keys[k], seen[k], want, i)
				}
			}
		}
		if len(seen) != len(union) {
			rt.Errorf("%d keys were visited, want %d", len(seen), len(union))
		}
		if pages > sent || pages < 1 {
			rt.Errorf("told of %d requests, sent were %d", pages, sent)
		}
	})
}

// A marker of the version's own second is not known to be above it, unless it is
// the newest of all. One that was made while the version was uploaded in parts seems to
// be above it.
func TestDeletionWithinASecond(t *testing.T) {
	for _, tt := range []struct{ stack, want string }{
		{"x50 v50", "v50 50 50"},
		{"x60 v50 x50 v40", "v50 60 60"},
		{"x60 x50 v50", "v50 60 60"},
		{"x60 x55 v50 x50", "v50 55 60"},
		{"x60 x55", " 55 60"},
		{"x70 v20 x50", "v20 50 70"},
	} {
		b := &stacked{keys: map[string][]string{"k": strings.Fields(tt.stack)}, most: 9}
		got := ""
		err := listing.Walk(t.Context(), []listing.Bucket{{Region: "r", Versions: b}}, listing.Options{Deleted: true},
			func(_ context.Context, row listing.Row) error {
				got = describe(row.Objects[0])
				return nil
			})
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q, want %q (%v)", tt.stack, got, tt.want, err)
		}
	}
}

// What no listing of versions says ends the walk with the Region's name, and
// does not go on for ever.
func TestBadListingsOfVersions(t *testing.T) {
	name := func(s string) *string { return &s }
	version := func(key string) types.ObjectVersion {
		return types.ObjectVersion{Key: name(key), VersionId: name("v"), IsLatest: aws.Bool(true)}
	}
	marker := types.DeleteMarkerEntry{Key: name("a"), VersionId: name("x"), IsLatest: aws.Bool(true)}
	for _, tt := range []struct {
		want  string
		pages []s3.ListObjectVersionsOutput
	}{
		{"not in the order of the keys' bytes",
			[]s3.ListObjectVersionsOutput{{Versions: []types.ObjectVersion{version("b"), version("a")}}}},
		{"an object without a key", []s3.ListObjectVersionsOutput{{Versions: []types.ObjectVersion{version("")}}}},
		{"cut off without a token for the next page",
			[]s3.ListObjectVersionsOutput{{Versions: []types.ObjectVersion{version("a")}, IsTruncated: aws.Bool(true)}}},
		{"repeats its token", []s3.ListObjectVersionsOutput{
			{DeleteMarkers: []types.DeleteMarkerEntry{marker}, IsTruncated: aws.Bool(true), NextKeyMarker: name("a"),
				NextVersionIdMarker: name("x")},
		}},
		{`invalid URL escape "%"`,
			[]s3.ListObjectVersionsOutput{{Versions: []types.ObjectVersion{version("100%")}, EncodingType: types.EncodingTypeUrl}}},
	} {
		s := &scriptedVersions{pages: tt.pages}
		err := listing.Walk(t.Context(), []listing.Bucket{{Region: "eu-west-1", Name: "b", Versions: s}},
			listing.Options{Deleted: true, Parallel: 1},
			func(context.Context, listing.Row) error { return nil })
		if err == nil || !strings.HasPrefix(err.Error(), "region eu-west-1: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want …%s", err, tt.want)
		}
	}
}

// scriptedVersions answers with these pages in turn, and the last one for ever.
type scriptedVersions struct {
	pages []s3.ListObjectVersionsOutput
	calls int
}

func (s *scriptedVersions) ListObjectVersions(
	ctx context.Context, _ *s3.ListObjectVersionsInput, _ ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	if s.calls++; s.calls > 100 {
		return nil, errEndless
	}
	return &s.pages[min(s.calls, len(s.pages))-1], ctx.Err()
}
