package event

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"
)

// FuzzContinuation checks that what is encoded is read back the same, and that
// what cannot be is refused.
func FuzzContinuation(f *testing.F) {
	f.Add("us-east-1", "b", "k", "v", "e", "u", int64(9), int64(5), 0, int64(1763632530))
	f.Add("r", "b", "\xff", "", "", "u", int64(1)<<62, int64(5)<<30, -1, int64(-1)<<60)
	f.Fuzz(func(t *testing.T, region, bucket, key, version, etag, upload string, size, part int64, handovers int, at int64) {
		c := Continuation{
			Source: Record{
				Region: region, Bucket: bucket, Key: key, VersionID: version, ETag: etag, Size: size, EventTime: time.Unix(at, 0).UTC(),
			},
			UploadID: upload, PartSize: part, Handovers: handovers,
		}
		raw, err := EncodeContinuation(c)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
			return
		}
		in, err := ParseInvocation(raw)
		if err != nil || in.Continuation == nil {
			t.Fatalf("%s is not read: %v", raw, err)
		}
		if y := c.Source.EventTime.Year(); y < 0 || y > 9999 {
			c.Source.EventTime = time.Time{}
		}
		if !reflect.DeepEqual(*in.Continuation, c) {
			t.Errorf("got %+v, want %+v", *in.Continuation, c)
		}
	})
}

// FuzzRestart checks that a payload that is no continuation stays as it is, and
// one that is begins at zero and is otherwise the same.
func FuzzRestart(f *testing.F) {
	f.Add(
		[]byte(`{"s3fanout":{"version":1,"continue":{"source":{"region":"r","bucket":"b","key":"k","size":9},"uploadId":"u","partSize":5,` +
			`"handovers":3}}}`),
	)
	f.Add([]byte(`{"Records":[]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		was, _ := ParseInvocation(payload)
		got := Restart(payload)
		if was.Continuation == nil {
			if !bytes.Equal(got, payload) {
				t.Fatalf("%s became %s", payload, got)
			}
			return
		}
		now, err := ParseInvocation(got)
		was.Continuation.Handovers = 0
		if err != nil || !reflect.DeepEqual(now, was) {
			t.Errorf("%s became %s (%v)", payload, got, err)
		}
	})
}
