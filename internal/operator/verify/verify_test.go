package verify_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"pgregory.net/rapid"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/listing/listtest"
	"s3fanout/internal/operator/verify"
	"s3fanout/internal/policy"
)

func object(body string, age time.Duration) s3.HeadObjectOutput {
	return s3.HeadObjectOutput{
		ContentLength: aws.Int64(int64(len(body))), ETag: aws.String(`"` + body + `"`), VersionId: aws.String("v-" + body),
		LastModified: aws.Time(time.Now().Add(-age)),
	}
}

func buckets(n int) ([]*listtest.Bucket, verify.Options) {
	var list []*listtest.Bucket
	var o verify.Options
	for i := range n {
		b := &listtest.Bucket{}
		list = append(list, b)
		o.Buckets = append(o.Buckets, verify.Bucket{Region: fmt.Sprintf("r%d", i), Name: "b", Client: b})
	}
	o.Grace = verify.DefaultGrace
	return list, o
}

// found runs a comparison and describes each difference in a word.
func found(ctx context.Context, o verify.Options) (map[string]string, verify.Summary, error) {
	got := map[string]string{}
	summary, err := verify.Run(ctx, o, func(d verify.Difference) error {
		got[string(d.Kind)+" "+d.Key] += strings.Join(append(d.Without, d.Differing...), ",") + " " + d.Why
		return nil
	}, nil)
	return got, summary, err
}

func wantFound(t interface{ Errorf(string, ...any) }, got, want map[string]string) {
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o := buckets(3)
		for i := range b {
			b[i].Put("same", object("x", time.Hour))
			b[i].Put("parts", s3.HeadObjectOutput{
				ContentLength: aws.Int64(9), ETag: aws.String(fmt.Sprintf(`"etag-%d"`, i+2)), LastModified: aws.Time(time.Now()),
				ChecksumCRC64NVME: aws.String("AAA="), ChecksumType: types.ChecksumTypeFullObject,
			})
			kms := object(fmt.Sprintf("%02d", i), time.Hour)
			kms.ServerSideEncryption = types.ServerSideEncryptionAwsKms
			b[i].Put("kms", kms)
			b[i].Put("other", object([]string{"one", "one", "two"}[i], time.Duration(9-i)*time.Hour))
		}
		b[0].Put("a\nb +%", object("x", time.Hour))
		b[1].Put("both", object("a", time.Hour))
		b[2].Put("both", object("bb", time.Minute*30))
		got, s, err := found(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		wantFound(t, got, map[string]string{
			"missing a\nb +%": "r1,r2 absent", "different other": "r2 etag", "missing both": "r0 absent", "different both": "r2 size",
		})
		want := verify.Summary{
			Keys: 6, Bytes: 1 + 9 + 2 + 3 + 1 + 2, Equal: 3, SizeOnly: 1, Missing: 2, Different: 2, Both: 1, Lists: 3, Heads: 5 * 3,
		}
		if s != want {
			t.Errorf("got %+v, want %+v", s, want)
		}
	})
}

// What is under way while the buckets are compared is no difference, what does
// not arrive in time is one, and the run takes no longer than it has to.
func TestRunWaitsForWhatIsNew(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // of a replica; 0: none comes
		gone  time.Duration // the object is deleted; 0: it is not
		age   time.Duration // of the object when the run begins
		grace time.Duration
		want  map[string]string
		took  time.Duration // at most
	}{
		{"arrives soon", 10 * time.Second, 0, 0, 5 * time.Minute, nil, 20 * time.Second},
		{"arrives late", 4 * time.Minute, 0, 0, 5 * time.Minute, nil, 5 * time.Minute},
		{"arrives at the last moment", 5*time.Minute - time.Second, 0, 0, 5 * time.Minute, nil, 5 * time.Minute},
		{"does not arrive", 0, 0, 0, 5 * time.Minute, map[string]string{"missing k": "r1 absent"}, 5 * time.Minute},
		{"is older", 0, 0, 3 * time.Minute, 5 * time.Minute, map[string]string{"missing k": "r1 absent"}, 2 * time.Minute},
		{"is old", 0, 0, 5 * time.Minute, 5 * time.Minute, map[string]string{"missing k": "r1 absent"}, 0},
		{"no grace", 0, 0, 0, 0, map[string]string{"missing k": "r1 absent"}, 0},
		{"is deleted", 0, time.Minute, 0, 5 * time.Minute, nil, 2 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, o := buckets(2)
				o.Grace = tt.grace
				b[0].Put("k", object("x", tt.age))
				if tt.after > 0 {
					time.AfterFunc(tt.after, func() { b[1].Put("k", object("x", 0)) })
				}
				if tt.gone > 0 {
					time.AfterFunc(tt.gone, func() { b[0].Delete("k") })
				}
				start := time.Now()
				got, s, err := found(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				wantFound(t, got, tt.want)
				if took := time.Since(start); took > tt.took {
					t.Errorf("took %v, want at most %v", took, tt.took)
				}
				if gone := s.Gone == 1; gone != (tt.gone > 0) {
					t.Errorf("counted %d deleted keys", s.Gone)
				}
				if s.Heads > 40 {
					t.Errorf("%d HEADs", s.Heads)
				}
			})
		})
	}
}

// More new keys than are waited for at a time hold the listing up, and none is
// forgotten.
func TestRunHoldsManyNewKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o := buckets(2)
		const n = 3000
		for i := range n {
			key := fmt.Sprintf("%06d", i)
			b[0].Put(key, object("x", 0))
			if i%3 > 0 {
				time.AfterFunc(time.Duration(i%200)*time.Second, func() { b[1].Put(key, object("x", 0)) })
			}
		}
		var most atomic.Int64
		missing := 0
		s, err := verify.Run(t.Context(), o, func(verify.Difference) error { missing++; return nil }, func(p verify.Progress) {
			most.Store(max(most.Load(), p.Waiting))
		})
		if err != nil || missing != n/3 || s.Missing != n/3 || s.Equal != n-n/3 || s.Unfinished != 0 {
			t.Errorf("%d missing, %+v, %v; want %d missing", missing, s, err, n/3)
		}
		if m := most.Load(); m == 0 || m > 1024 {
			t.Errorf("%d keys were waited for at a time", m)
		}
	})
}

// Whatever is in the buckets and whatever is written meanwhile: a difference
// that is there from beginning to end is reported, one that goes away within
// the grace is not.
func TestRunFindsTheSetDifference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		count, regions := rapid.IntRange(0, 150).Draw(rt, "keys"), rapid.IntRange(2, 4).Draw(rt, "regions")
		parallel, size := rapid.IntRange(1, 8).Draw(rt, "parallel"), rapid.IntRange(1, 30).Draw(rt, "page size")
		nasty := []rune("ab/ +%&<\n\x01é日\U0001F600")
		random := rand.New(rand.NewPCG(seed, 1))
		want, got := map[string]string{}, map[string]string{}
		synctest.Test(t, func(t *testing.T) {
			b, o := buckets(regions)
			o.Parallel, o.PageSize = parallel, int32(size)
			for i := range b {
				b[i].Before = func(context.Context, string, string) error {
					<-time.After(time.Duration(1+i) * 50 * time.Millisecond)
					return nil
				}
			}
			for n := range count {
				key := fmt.Sprintf("%c%c%d", nasty[random.IntN(len(nasty))], nasty[random.IntN(len(nasty))], n)
				shape := random.IntN(6)
				var without, others []string
				for i := range b {
					region, here := fmt.Sprintf("r%d", i), random.IntN(3) > 0 || i == n%regions
					switch shape {
					case 0, 1: // everywhere
						b[i].Put(key, object("x", time.Hour))
					case 2: // missing somewhere for long
						if here {
							b[i].Put(key, object("x", time.Hour))
						} else {
							without = append(without, region)
						}
					case 3: // different somewhere for long
						if here {
							b[i].Put(key, object("x", 2*time.Hour))
						} else {
							b[i].Put(key, object("yy", time.Hour))
							others = append(others, region)
						}
					default: // comes, and is everywhere within the grace; before, or meanwhile
						age := time.Duration(random.IntN(240)) * time.Second
						if shape == 5 {
							age = -time.Duration(random.IntN(3000)) * time.Millisecond
						}
						if here && age > 0 {
							b[i].Put(key, object("x", age))
						} else {
							wait := -age
							if !here {
								wait = max(wait, 0) + time.Duration(random.IntN(50))*time.Second
							}
							time.AfterFunc(wait, func() { b[i].Put(key, object("x", 0)) })
						}
					}
				}
				if len(without) > 0 {
					want["missing "+key] = strings.Join(without, ",") + " absent"
				}
				if len(others) > 0 {
					want["different "+key] = strings.Join(others, ",") + " size"
				}
			}
			var s verify.Summary
			var err error
			if got, s, err = found(t.Context(), o); err != nil {
				rt.Error(err)
			}
			if s.Keys != s.Equal+s.Missing+s.Different-s.Both+s.Gone || s.Unfinished != 0 || s.Partial {
				rt.Errorf("the sum is not right: %+v", s)
			}
		})
		wantFound(rt, got, want)
	})
}

func TestRunEndsEarly(t *testing.T) {
	fill := func(b []*listtest.Bucket) {
		for i := range 300 {
			key := fmt.Sprint(i)
			b[0].Put(key, object("x", time.Hour))
			if i%10 > 0 {
				b[1].Put(key, object("x", time.Hour))
			}
		}
		b[0].Put("new", object("x", 0))
	}
	pipe := errors.New("broken pipe")
	tests := []struct {
		name   string
		before func(cancel func()) func(context.Context, string, string) error
		emit   error
		want   error
	}{
		{"a listing is denied", func(func()) func(context.Context, string, string) error {
			return func(_ context.Context, operation, _ string) error {
				if operation == "ListObjectsV2" {
					return listtest.Refused(http.StatusForbidden, "AccessDenied")
				}
				return nil
			}
		}, nil, awsapi.ErrDenied},
		{"a HEAD is denied", func(func()) func(context.Context, string, string) error {
			return func(_ context.Context, operation, _ string) error {
				if operation == "HeadObject" {
					return listtest.Refused(http.StatusForbidden, "Forbidden")
				}
				return nil
			}
		}, nil, awsapi.ErrDenied},
		{"interrupted while it waits", func(cancel func()) func(context.Context, string, string) error {
			return func(_ context.Context, _, key string) error {
				if key == "new" {
					time.AfterFunc(30*time.Second, cancel)
				}
				return nil
			}
		}, nil, context.Canceled},
		{"the result cannot be written", func(func()) func(context.Context, string, string) error { return nil }, pipe, pipe},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				b, o := buckets(2)
				fill(b)
				b[1].Before = tt.before(cancel)
				o.PageSize = 20
				s, err := verify.Run(ctx, o, func(verify.Difference) error { return tt.emit }, nil)
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if !s.Partial || strings.Contains(tt.name, "waits") && s.Unfinished != 1 {
					t.Errorf("got %+v, want a partial one", s)
				}
			})
		})
	}
}

// The objects of a difference are what somebody needs to act on it.
func TestDifferenceNamesTheObjects(t *testing.T) {
	b, o := buckets(3)
	one, two := object("one", 2*time.Hour), object("three", time.Hour)
	one.ChecksumSHA256, one.ChecksumType = aws.String("AAA="), types.ChecksumTypeFullObject
	b[1].Put("k", two)
	b[2].Put("k", one)
	var got []verify.Difference
	if _, err := verify.Run(t.Context(), o, func(d verify.Difference) error { got = append(got, d); return nil }, nil); err != nil {
		t.Fatal(err)
	}
	objects := []verify.Object{
		{Region: "r1", VersionID: "v-three", Size: 5, ETag: "three", Modified: *two.LastModified},
		{Region: "r2", VersionID: "v-one", Size: 3, ETag: "one",
			Checksum: policy.Checksum{Algorithm: "SHA256", Type: "FULL_OBJECT", Value: "AAA="}, Modified: *one.LastModified},
	}
	if len(got) != 2 || !reflect.DeepEqual(got[0].Objects, objects) || got[0].Kind != verify.Missing || got[1].Kind != verify.Different {
		t.Errorf("got %+v, want a missing and a different one with %+v", got, objects)
	}
}
