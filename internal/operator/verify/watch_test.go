package verify_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/aws/listing/listtest"
	"s3fanout/internal/operator/verify"
)

// A key that is rewritten more often than the grace does not keep a run from
// ending: a Region that stood still meanwhile is named, and where all of them
// change, that is said.
func TestRunEndsWhereAKeyKeepsChanging(t *testing.T) {
	tests := []struct {
		name     string
		change   func(b []*listtest.Bucket, n int) // every four minutes
		noDates  bool
		want     map[string]string
		unsettle int64
		took     time.Duration // at most
	}{
		{"overwritten, and the others keep the first write", func(b []*listtest.Bucket, n int) {
			b[0].Put("k", object(strings.Repeat("x", 2+n), 0))
			if n == 0 {
				b[1].Put("k", object("x", time.Hour))
				b[2].Put("k", object("x", time.Hour))
			}
		}, false, map[string]string{"different k": "r1,r2 stale"}, 0, 5 * time.Minute},
		{"overwritten, by a server that sends no Date", func(b []*listtest.Bucket, n int) {
			b[0].Put("k", object(strings.Repeat("x", 2+n), 0))
			if n == 0 {
				b[1].Put("k", object("x", time.Hour))
				b[2].Put("k", object("x", time.Hour))
			}
		}, true, map[string]string{"different k": "r1,r2 stale"}, 0, 5 * time.Minute},
		{"overwritten, and one Region lacks it", func(b []*listtest.Bucket, n int) {
			b[0].Put("k", object(strings.Repeat("x", 2+n), 0))
			b[1].Put("k", object(strings.Repeat("x", 2+n), 0))
		}, false, map[string]string{"missing k": "r2 absent"}, 0, 5 * time.Minute},
		{"overwritten everywhere with something else", func(b []*listtest.Bucket, n int) {
			for i := range b {
				b[i].Put("k", object(strings.Repeat("x", 1+i+3*n), 0))
			}
		}, false, map[string]string{"unsettled k": "r1,r2 changing"}, 1, 10 * time.Minute},
		{"deleted and uploaded again", func(b []*listtest.Bucket, n int) {
			if n%2 == 0 {
				b[0].Put("k", object("new", 0))
				b[1].Hide("k", time.Now())
			} else {
				b[0].Hide("k", time.Now())
				b[1].Put("k", object("new", 0))
			}
			b[2].Put("k", object("new", 0))
		}, false, map[string]string{"unsettled k": "r1 changing"}, 1, 10 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, o := buckets(3)
				if tt.noDates {
					for i := range b {
						b[i].Now = func() time.Time { return time.Time{} }
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
				defer cancel()
				tt.change(b, 0)
				users := make(chan struct{})
				go func() {
					defer close(users)
					for n := 1; ctx.Err() == nil; n++ {
						select {
						case <-time.After(4 * time.Minute):
							tt.change(b, n)
						case <-ctx.Done():
						}
					}
				}()
				start := time.Now()
				got, s, err := found(ctx, o)
				if err != nil {
					t.Fatal(err)
				}
				wantFound(t, got, tt.want)
				if took := time.Since(start); took > tt.took+time.Second {
					t.Errorf("took %v, want at most %v", took, tt.took)
				}
				if s.Unsettled != tt.unsettle || s.Unequal() != 1 || s.Keys != 1 || s.Unfinished != 0 {
					t.Errorf("got %+v", s)
				}
				cancel()
				<-users
			})
		})
	}
}

// Somebody deletes a key in one Region after the other: while that is going on it
// is no difference, and if it stops halfway it is.
func TestRunWaitsForDeletionsUnderWay(t *testing.T) {
	tests := []struct {
		name   string
		ago    time.Duration // the deletion in the first Region
		marker bool
		second time.Duration // the deletion in the second Region; 0: none
		denied bool          // the versions may not be listed
		want   map[string]string
		gone   int64
		took   time.Duration // at most
	}{
		{"the second follows", 10 * time.Second, true, 30 * time.Second, false, nil, 1, time.Minute},
		{"the second does not follow", time.Minute, true, 0, false, map[string]string{"missing k": "r0 deleted"}, 0, 4 * time.Minute},
		{"deleted long ago", time.Hour, true, 0, false, map[string]string{"missing k": "r0 deleted"}, 0, 0},
		{"deleted long ago, and nobody may know when", time.Hour, true, 0, true, map[string]string{"missing k": "r0 deleted"}, 0,
			5 * time.Minute},
		{"without versions, after it was listed", 0, false, 30 * time.Second, false, nil, 1, time.Minute},
		{"without versions, and the second does not follow", 0, false, 0, false, map[string]string{"missing k": "r0 absent"}, 0,
			5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, o := buckets(2)
				for i := range b {
					b[i].Put("k", object("x", 2*time.Hour))
				}
				if tt.marker {
					b[0].Hide("k", time.Now().Add(-tt.ago))
				} else { // listings differ, so that the key is looked at
					b[1].Put("k", object("xx", 2*time.Hour))
				}
				b[0].Before = func(_ context.Context, operation, _ string) error {
					if operation == "HeadObject" && !tt.marker {
						b[0].Delete("k")
					}
					if operation == "ListObjectVersions" && tt.denied {
						return listtest.Refused(http.StatusForbidden, "AccessDenied")
					}
					return nil
				}
				if tt.second > 0 {
					time.AfterFunc(tt.second, func() { b[1].Delete("k") })
				}
				start := time.Now()
				got, s, err := found(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				wantFound(t, got, tt.want)
				if took := time.Since(start); took > tt.took+time.Second || s.Gone != tt.gone {
					t.Errorf("took %v, want at most %v; %+v", took, tt.took, s)
				}
				if asked := b[0].Asked("ListObjectVersions"); asked > 1 {
					t.Errorf("asked for the date of the marker %d times", asked)
				}
				lists := b[0].Asked("ListObjectVersions")
				if tt.denied {
					lists++ // it was sent, and refused
				}
				for i := range b {
					n, _ := b[i].Requests()
					lists += n
				}
				if s.Lists != int64(lists) || (lists > 2) != tt.marker {
					t.Errorf("%d LISTs were counted, %d were sent", s.Lists, lists)
				}
				if (s.Unanswered != nil) != tt.denied {
					t.Errorf("could not ask: %v", s.Unanswered)
				}
				if deleted := s.Deleted == 1; deleted != (tt.marker && len(tt.want) > 0) {
					t.Errorf("%d are missing as they were deleted", s.Deleted)
				}
			})
		})
	}
}

// How old an object is, S3's clock says, which dated it, and not this machine's,
// whether that is ahead or behind: also of an upload in parts, whose date is when
// it began.
func TestRunGoesByTheClockOfS3(t *testing.T) {
	for _, ahead := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, -24 * time.Hour, 24 * time.Hour} {
		for _, etag := range []string{`"0123-2"`, `"0123"`} {
			synctest.Test(t, func(t *testing.T) {
				s3now := func() time.Time { return time.Now().Add(ahead) }
				b, o := buckets(2)
				o2 := object("x", 0)
				o2.ETag = aws.String(etag)
				age := time.Minute
				if strings.Contains(etag, "-") {
					age = 8 * time.Minute // and completed just now
				}
				o2.LastModified = aws.Time(s3now().Add(-age))
				b[0].Put("k", o2)
				for i := range b {
					b[i].Now = s3now
				}
				start := time.Now()
				got, _, err := found(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				wantFound(t, got, map[string]string{"missing k": "r1 absent"})
				took, want := time.Since(start), 4*time.Minute
				if strings.Contains(etag, "-") {
					want = 5 * time.Minute
				}
				if took < want-2*time.Second || took > want+2*time.Second {
					t.Errorf("with S3's clock ahead by %v, %s was waited for %v, want %v", ahead, etag, took, want)
				}
			})
		}
	}
}

// A large key that a function is copying is not lost: it is called so where S3
// names an upload of the function's own role that still moves.
func TestRunNamesWhatIsBeingCopied(t *testing.T) {
	const ours = "arn:aws:sts::111122223333:assumed-role/replicator-r1/replicator"
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	tests := []struct {
		name   string
		size   string
		upload *listtest.Upload
		denied bool
		want   map[string]string
		lists  int64 // beside those of the keys
	}{
		{"by the function", "large", &listtest.Upload{Initiator: ours, Initiated: ago(time.Hour), Last: ago(time.Minute)}, false,
			map[string]string{"copying k": "r1 copying", "missing k": "r2 absent"}, 3},
		{"by the function, which has stopped", "large",
			&listtest.Upload{Initiator: ours, Initiated: ago(time.Hour), Last: ago(16 * time.Minute)}, false,
			map[string]string{"missing k": "r1,r2 absent"}, 3},
		{"by somebody else", "large",
			&listtest.Upload{Initiator: "arn:aws:iam::111122223333:user/ann", Initiated: ago(time.Minute), Last: ago(0)}, false,
			map[string]string{"missing k": "r1,r2 absent"}, 3},
		{"by nobody", "large", nil, false, map[string]string{"missing k": "r1,r2 absent"}, 2},
		{"not in parts", "small", &listtest.Upload{Initiator: ours, Initiated: ago(time.Minute), Last: ago(0)}, false,
			map[string]string{"missing k": "r1,r2 absent"}, 0},
		{"nobody may know", "large", &listtest.Upload{Initiator: ours, Initiated: ago(time.Hour), Last: ago(time.Minute)}, true,
			map[string]string{"missing k": "r1,r2 absent"}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, o := buckets(3)
			o.Large = 5
			for i := range o.Buckets {
				o.Buckets[i].RoleARN = "arn:aws:iam::111122223333:role/replicator-" + o.Buckets[i].Region
			}
			b[0].Put("k", object(map[string]string{"small": "12345", "large": "123456"}[tt.size], time.Hour))
			if tt.upload != nil {
				b[1].Begin("k", *tt.upload)
			}
			if tt.denied {
				for i := range b {
					b[i].Before = func(_ context.Context, operation, _ string) error {
						if operation == "ListMultipartUploads" {
							return listtest.Refused(http.StatusForbidden, "AccessDenied")
						}
						return nil
					}
				}
			}
			got, s, err := found(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			wantFound(t, got, tt.want)
			if s.Lists-3 != tt.lists || s.Unequal() != 1 || s.Missing != 1 || (s.Unanswered != nil) != tt.denied {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// A key that all Regions without it are copying is copying and not missing.
func TestRunCountsWhatIsBeingCopied(t *testing.T) {
	b, o := buckets(2)
	o.Large, o.Buckets[1].RoleARN = 1, "arn:aws:iam::111122223333:role/role"
	b[0].Put("k", object("body", time.Hour))
	b[1].Begin("k", listtest.Upload{Initiator: "arn:aws:sts::111122223333:assumed-role/role/x", Initiated: time.Now(), Last: time.Now()})
	got, s, err := found(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	wantFound(t, got, map[string]string{"copying k": "r1 copying"})
	if s.Copying != 1 || s.Missing != 0 || s.Unequal() != 1 {
		t.Errorf("got %+v", s)
	}
}

// Tags are compared where that is asked for, at a request for each key in each
// Region, and cost nothing otherwise.
func TestRunComparesTags(t *testing.T) {
	for _, asked := range []bool{false, true} {
		b, o := buckets(2)
		o.Tags = asked
		for i := range b {
			for _, key := range []string{"none", "same", "other", "one", "parts"} {
				b[i].Put(key, object("x", time.Hour))
				if key == "parts" {
					p := object("x", 48*time.Hour) // not completed just now
					p.ETag = aws.String([]string{`"a-2"`, `"b-3"`}[i])
					b[i].Put(key, p)
				}
			}
			b[i].Tag("same", map[string]string{"a": "1", "b": "2"})
			b[i].Tag("other", map[string]string{"a": []string{"1", "2"}[i]})
			b[i].Tag("parts", map[string]string{"a": []string{"1", "2"}[i]})
		}
		b[1].Tag("one", map[string]string{"a": ""})
		want := map[string]string(nil)
		if asked {
			want = map[string]string{"different other": "r1 tags", "different one": "r1 tags", "different parts": "r1 tags"}
		}
		var tags []map[string]string
		got := map[string]string{}
		s, err := verify.Run(t.Context(), o, func(d verify.Difference) error {
			got[string(d.Kind)+" "+d.Key] += strings.Join(append(d.Without, d.Differing...), ",") + " " + d.Why
			if d.Key == "other" {
				tags = []map[string]string{d.Objects[0].Tags, d.Objects[1].Tags}
			}
			return nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantFound(t, got, want)
		requests := b[0].Asked("GetObjectTagging") + b[1].Asked("GetObjectTagging")
		if int64(requests) != s.Tags || asked && requests != 2*(4+1)+2*2 || !asked && requests != 0 {
			t.Errorf("%d requests, counted %d", requests, s.Tags)
		}
		if asked && (len(tags) != 2 || tags[0]["a"] != "1" || tags[1]["a"] != "2") {
			t.Errorf("tags of the difference: %v", tags)
		}
	}
}

// Who may not read tags is told so, and no key is taken for one without.
func TestRunMayNotReadTags(t *testing.T) {
	b, o := buckets(2)
	o.Tags = true
	for i := range b {
		b[i].Put("k", object("x", time.Hour))
	}
	b[1].Before = func(_ context.Context, operation, _ string) error {
		if operation == "GetObjectTagging" {
			return listtest.Refused(http.StatusForbidden, "AccessDenied")
		}
		return nil
	}
	s, err := verify.Run(t.Context(), o, func(verify.Difference) error { return errors.New("a difference") }, nil)
	if err == nil || !strings.Contains(err.Error(), "region r1") || s.Equal != 0 {
		t.Errorf("got %v, %+v", err, s)
	}
}
