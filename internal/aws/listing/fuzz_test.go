package listing_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/listing"
	"s3fanout/internal/aws/listing/listtest"
)

// pieces cuts the input into keys of any bytes: a byte that says how long the
// key is, and the key. At most so many.
func pieces(raw []byte, most int) []string {
	var keys []string
	for len(raw) > 1 && len(keys) < most {
		n := min(int(raw[0])%24+1, len(raw)-1)
		keys = append(keys, string(raw[1:1+n]))
		raw = raw[1+n:]
	}
	return keys
}

// FuzzWalk checks that whatever keys two buckets have, in pages of whatever
// size and split or not, each is visited once with what there is.
func FuzzWalk(f *testing.F) {
	f.Add([]byte("\x02a/b\x01a\x03%2Bc"), []byte("\x02a/b"), uint8(1), "")
	f.Add([]byte("\x04\xff\xfe\x00\x01\x01\x00"), []byte("\x04\xff\xfe\x00\x01"), uint8(2), "\xff")
	f.Fuzz(func(t *testing.T, left, right []byte, size uint8, prefix string) {
		// Enough keys for a split, derived from those that were given.
		fill := func(raw []byte) (*listtest.Bucket, map[string]bool) {
			b, all := &listtest.Bucket{}, map[string]bool{}
			for _, k := range pieces(raw, 40) {
				for _, suffix := range []string{"", "/", "0", "~", "é", "\xff"} {
					b.Put(k+suffix, object(int64(len(all))))
					all[k+suffix] = true
				}
			}
			return b, all
		}
		one, ones := fill(left)
		two, twos := fill(right)
		var v visits
		err := listing.Walk(t.Context(), walked([]*listtest.Bucket{one, two}),
			listing.Options{Prefix: prefix, PageSize: int32(size%20) + 1}, v.visit)
		if err != nil {
			t.Fatal(err)
		}
		union := maps.Clone(ones)
		maps.Copy(union, twos)
		for k := range union {
			want := 0
			if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
				want = 1
			}
			if v.times[k] != want {
				t.Fatalf("%q was visited %d times, want %d", k, v.times[k], want)
			}
			if want == 1 && ((v.sizes[k][0] >= 0) != ones[k] || (v.sizes[k][1] >= 0) != twos[k]) {
				t.Fatalf("%q: visited with %v, there are %t and %t", k, v.sizes[k], ones[k], twos[k])
			}
		}
		for k := range v.times {
			if !union[k] {
				t.Fatalf("%q was visited and is nowhere", k)
			}
		}
	})
}

// hostile answers with what a broken or hostile server might: the keys, tokens
// and flags that the script says, over and over.
type hostile struct {
	script []byte
	calls  int
	most   int
}

var errEndless = errors.New("the walk does not end")

func (h *hostile) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if h.calls++; h.calls > h.most {
		return nil, errEndless
	}
	next := func() byte {
		if len(h.script) == 0 {
			return 0
		}
		c := h.script[0]
		h.script = append(h.script[1:], c)
		return c
	}
	flags := next()
	out := &s3.ListObjectsV2Output{}
	if flags&1 != 0 {
		out.EncodingType = types.EncodingTypeUrl
	}
	if flags&2 != 0 {
		out.IsTruncated = aws.Bool(true)
	}
	if flags&4 != 0 {
		out.NextContinuationToken = aws.String(string(rune('a' + next()%3)))
	}
	for range next() % 4 {
		o := types.Object{}
		if c := next(); c&1 == 0 {
			key := make([]byte, c%5)
			for i := range key {
				key[i] = next()
			}
			o.Key = aws.String(string(key))
		}
		if c := next(); c&1 == 0 {
			o.Size, o.ETag = aws.Int64(-int64(c)), aws.String(`"`[:c>>1&1])
		}
		out.Contents = append(out.Contents, o)
	}
	return out, nil
}

// FuzzWalkOfAHostileListing checks that no answers make a walk panic, or visit a
// key twice. An answer that says nothing about a key and asks to go on forever
// is bounded by the answers, not by the walk.
func FuzzWalkOfAHostileListing(f *testing.F) {
	f.Add([]byte("\x07a\x02b\x00\x02c"))
	f.Add([]byte{0x02, 0x00})
	f.Add([]byte{0x06, 0x00, 0x01, 0x02, 'b', 0x00, 0x02, 'a', 0x00})
	f.Fuzz(func(t *testing.T, script []byte) {
		h := &hostile{script: slices.Clone(script), most: 200}
		var v visits
		err := listing.Walk(t.Context(), []listing.Bucket{{Region: "r", Name: "b", Client: h}},
			listing.Options{Parallel: 1, PageSize: 3}, v.visit)
		for k, n := range v.times {
			if n != 1 {
				t.Errorf("%q was visited %d times (%v)", k, n, err)
			}
		}
	})
}
