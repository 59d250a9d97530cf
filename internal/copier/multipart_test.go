package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	sourcePath  = "src/a b/ü+%.txt"
	replicaPath = "dst/a b/ü+%.txt"
)

// world is a memory with one source of size bytes, copied in parts of 10.
func world(size int) (*memory, Request) {
	m := newMemory()
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * 7)
	}
	h := http.Header{}
	h.Set("Content-Type", "text/x-test")
	h.Set("X-Amz-Meta-Who", "=?UTF-8?B?w7w=?=")
	h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	h.Set("X-Amz-Checksum-Crc64nvme", crc64nvme(body))
	o := source()
	o.Size = int64(size)
	m.objects[sourcePath] = &stored{body: body, header: h, tags: [][2]string{{"k 1+", "v/ü&="}}, version: o.VersionID}
	return m, Request{Source: o}
}

func inParts(m *memory, attempts int, options ...Option) *Copier {
	return New(m.client(attempts), target(), append([]Option{
		WithMultipart(10, 4), WithPartSize(10), WithRole(ownRole), WithSleep(new(naps).sleep), WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)...)
}

// checkReplica fails unless the replica is the source's equal and no upload
// stays behind.
func checkReplica(t *testing.T, m *memory) {
	t.Helper()
	m.check(t)
	want, got := m.objects[sourcePath], m.objects[replicaPath]
	if got == nil || !bytes.Equal(got.body, want.body) {
		t.Fatal("the replica is not there or not right")
	}
	for name := range want.header {
		if a, b := want.header.Get(name), got.header.Get(name); a != b {
			t.Errorf("%s: got %q, want %q", name, b, a)
		}
	}
	if !slices.Equal(got.tags, want.tags) {
		t.Errorf("tags: got %q, want %q", got.tags, want.tags)
	}
	if len(m.uploads) != 0 {
		t.Errorf("%d uploads stay open", len(m.uploads))
	}
}

func TestMultipartOnTheWire(t *testing.T) {
	m, req := world(95)
	var regions, conditions []string
	m.before = func(r *http.Request, op string, _ int) (*reply, error) {
		if op == "Part" || op == "Create" {
			return nil, nil
		}
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "AKIAEXAMPLE/")
		regions = append(regions, op+" "+strings.Split(scope, "/")[1])
		conditions = append(conditions, r.Header.Get("If-None-Match"))
		return nil, nil
	}
	got, err := inParts(m, 1).Copy(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Outcome: Copied, Requests: Requests{Head: 2, Tags: 1, Create: 1, Part: 10, Complete: 1},
		Bytes: 95, VersionID: "replica-v1", ETag: unquote(ptr(etagOf(m.objects[sourcePath].body))), PartsDone: 10, PartsTotal: 10,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	checkReplica(t, m)
	if want := []string{"Head eu-west-1", "Head us-east-1", "Tags us-east-1", "Complete eu-west-1"}; !slices.Equal(regions, want) {
		t.Errorf("Regions: got %v, want %v", regions, want)
	}
	if got := conditions[len(conditions)-1]; got != "*" {
		t.Errorf("completed on condition %q", got)
	}
}

func ptr[T any](v T) *T { return &v }

func TestSizesAroundTheLimits(t *testing.T) {
	for size, want := range map[int]string{
		0: "Copy", 1: "Copy", 9: "Copy", 10: "Copy",
		11: "Head Head Tags Create Part Part Complete", 20: "Head Head Tags Create Part Part Complete",
		21: "Head Head Tags Create Part Part Part Complete",
	} {
		m, req := world(size)
		got, err := inParts(m, 1).Copy(t.Context(), req)
		if err != nil || got.Outcome != Copied || got.Bytes != int64(size) {
			t.Errorf("%d bytes: got %+v, %v", size, got, err)
			continue
		}
		if ops := strings.Join(m.ops, " "); ops != want {
			t.Errorf("%d bytes: got %s, want %s", size, ops, want)
		}
		checkReplica(t, m)
	}
}

func TestTheEventCanBeWrongAboutTheSize(t *testing.T) {
	m, req := world(95)
	req.Source.Size = 5
	m.before = func(_ *http.Request, op string, _ int) (*reply, error) {
		if op == "Copy" {
			return ptr(
				refused(400, "InvalidRequest",
					"The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"),
			), nil
		}
		return nil, nil
	}
	if got, err := inParts(m, 1).Copy(t.Context(), req); err != nil || got.Outcome != Copied || got.Bytes != 95 {
		t.Errorf("said too small: got %+v, %v", got, err)
	}
	checkReplica(t, m)

	m, req = world(5)
	req.Source.Size = 95
	if got, err := inParts(m, 1).Copy(t.Context(), req); err != nil || got.Outcome != Copied || got.Bytes != 5 || got.Requests.Copy != 1 {
		t.Errorf("said too large: got %+v, %v", got, err)
	}
	checkReplica(t, m)
}

// TestMultipartOutcomes changes the world when an operation arrives.
func TestMultipartOutcomes(t *testing.T) {
	other := &stored{body: []byte("other"), version: "o"}
	answer := func(status int, code string) func(*memory) *reply {
		return func(*memory) *reply { return ptr(refused(status, code, code)) }
	}
	for _, tt := range []struct {
		name  string
		on    string // the operation; its first arrival, or if it ends in *, all
		then  func(*memory) *reply
		want  Outcome // or, if empty,
		class Class
		made  int // uploads
	}{
		{"replica is there", "Head", func(m *memory) *reply { m.objects[replicaPath] = m.objects[sourcePath]; return nil }, Exists, "", 0},
		{"race lost", "Complete", func(m *memory) *reply { m.objects[replicaPath] = m.objects[sourcePath]; return nil }, Exists, "", 1},
		{"another object is there", "Head", func(m *memory) *reply { m.objects[replicaPath] = other; return nil }, Diverged, "", 0},
		{"race lost to another object", "Complete", func(m *memory) *reply { m.objects[replicaPath] = other; return nil }, Diverged, "", 1},
		{"race lost to what vanished", "Complete", answer(412, "PreconditionFailed"), Copied, "", 2},
		{"source gone at the tags", "Tags", func(m *memory) *reply { delete(m.objects, sourcePath); return nil }, SourceGone, "", 0},
		{"source gone in the middle", "Part", func(m *memory) *reply { delete(m.objects, sourcePath); return nil }, SourceGone, "", 1},
		{"source changed in the middle", "Part", func(m *memory) *reply { m.objects[sourcePath].body = []byte("new"); return nil }, "",
			Retryable, 1},
		{"conflict, then copied", "Complete", answer(409, "ConditionalRequestConflict"), Copied, "", 2},
		{"conflict for ever", "Complete*", answer(409, "ConditionalRequestConflict"), "", Retryable, maxUploads},
		{"upload aborted by others", "Part", func(m *memory) *reply { clear(m.uploads); return nil }, Copied, "", 2},
		{"upload aborted by others for ever", "Part*", func(m *memory) *reply { clear(m.uploads); return nil }, "", Retryable, maxUploads},
		{"upload completed by others", "Complete", func(m *memory) *reply {
			clear(m.uploads)
			m.objects[replicaPath] = m.objects[sourcePath]
			return nil
		}, Exists, "", 1},
		{"no condition known", "Complete", answer(501, "NotImplemented"), Copied, "", 1},
		{"no condition known, race lost", "Complete", func(m *memory) *reply {
			m.objects[replicaPath] = other
			return ptr(refused(501, "NotImplemented", "x"))
		}, Diverged, "", 1},
		{"create denied", "Create", answer(403, "AccessDenied"), "", Denied, 0},
		{"part denied", "Part", answer(403, "AccessDenied"), "", Denied, 1},
		{"part archived", "Part", answer(403, "InvalidObjectState"), "", Permanent, 1},
		{"source bucket gone", "Part", answer(404, "NoSuchBucket"), "", Permanent, 1},
		{"bad digest", "Complete", answer(400, "BadDigest"), "", Retryable, 1},
		{"corrupt parts", "Part", func(m *memory) *reply { m.corrupt = true; return nil }, "", Retryable, 1},
		{"sizes do not add up", "Complete", answer(400, "InvalidRequest"), "", Retryable, 1},
		{"parts too small", "Complete", func(m *memory) *reply { m.minPart = 11; return nil }, "", Permanent, 1},
		{"abort denied", "Abort*", answer(403, "AccessDenied"), Copied, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, req := world(95)
			on, all := strings.CutSuffix(tt.on, "*")
			seen := 0
			m.before = func(_ *http.Request, op string, _ int) (*reply, error) {
				m.mu.Lock()
				defer m.mu.Unlock()
				if op != on {
					return nil, nil
				}
				if seen++; seen > 1 && !all {
					return nil, nil
				}
				return tt.then(m), nil
			}
			var waits naps
			got, err := inParts(m, 1, WithSleep(waits.sleep)).Copy(t.Context(), req)
			if got.Outcome != tt.want {
				t.Errorf("outcome: got %q (%v), want %q", got.Outcome, err, tt.want)
			}
			if again := max(0, tt.made-1); tt.want == Copied && len(waits.took) != again {
				t.Errorf("waited %d times for %d new uploads", len(waits.took), again)
			}
			var e *Error
			if tt.class != "" && (!errors.As(err, &e) || e.Class != tt.class || e.Upload != nil) {
				t.Errorf("got %v, want a %s error without an upload", err, tt.class)
			}
			if m.made != tt.made {
				t.Errorf("made %d uploads, want %d", m.made, tt.made)
			}
			if len(m.uploads) != 0 {
				t.Error("an upload stays open")
			}
			if tt.want == "" && m.objects[replicaPath] != nil {
				t.Error("a replica is visible after an error")
			}
			if tt.want == Exists && got.Bytes != 0 {
				t.Errorf("Exists with %d bytes", got.Bytes)
			}
			if tt.want == Copied {
				checkReplica(t, m)
			}
			m.check(t)
			checkCounts(t, m, got.Requests)
		})
	}
}

// checkCounts compares the counters with what arrived.
func checkCounts(t *testing.T, m *memory, got Requests) {
	t.Helper()
	seen := map[string]int{}
	for _, op := range m.ops {
		seen[op]++
	}
	want := map[string]int{"Copy": got.Copy, "Head": got.Head, "Tags": got.Tags, "Create": got.Create,
		"Part": got.Part, "List": got.List, "Complete": got.Complete, "Abort": got.Abort}
	maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
	if !maps.Equal(seen, want) {
		t.Errorf("counted %v for requests %v", want, seen)
	}
}

func TestHeadThatFindsNothingIsExplained(t *testing.T) {
	for _, tt := range []struct {
		code string
		want Outcome
	}{{"NoSuchKey", SourceGone}, {"NoSuchVersion", SourceGone}, {"NoSuchBucket", ""}, {"", ""}} {
		m, req := world(95)
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			switch {
			case op == "Head" && strings.HasPrefix(r.URL.Path, "/src/"):
				return &reply{status: 404}, nil
			case op == "Tags" && tt.code != "":
				return ptr(refused(404, tt.code, "x")), nil
			}
			return nil, nil
		}
		got, err := inParts(m, 1).Copy(t.Context(), req)
		if got.Outcome != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: got %q, %v, want %q", tt.code, got.Outcome, err, tt.want)
		}
	}
}

// TestMultipartCancellation cancels the context at every request.
func TestMultipartCancellation(t *testing.T) {
	for n := 1; n <= 16; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			m, req := world(95)
			m.before = func(_ *http.Request, op string, i int) (*reply, error) {
				if i == n && op != "Abort" {
					cancel()
					return nil, context.Canceled
				}
				return nil, nil
			}
			got, err := inParts(m, 1, WithMultipart(10, 1)).Copy(ctx, req)
			if n <= 15 && !errors.Is(err, context.Canceled) || n == 16 && err != nil {
				t.Errorf("got %+v, %v", got, err)
			}
			if len(m.uploads) != 0 {
				t.Error("an upload stays open")
			}
		})
	}
}

var _ S3 = (*s3.Client)(nil)
