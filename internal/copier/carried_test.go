package copier

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestArchivedSources(t *testing.T) {
	for _, tt := range []struct {
		class, status, restore string
		ok                     bool
	}{
		{class: "GLACIER"},
		{class: "DEEP_ARCHIVE", restore: `ongoing-request="true"`},
		{class: "DEEP_ARCHIVE", restore: `ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"`, ok: true},
		{class: "INTELLIGENT_TIERING", status: "ARCHIVE_ACCESS"},
		{class: "INTELLIGENT_TIERING", ok: true},
		{class: "GLACIER_IR", ok: true},
	} {
		m, req := world(95)
		h := m.objects[sourcePath].header
		h.Set("X-Amz-Storage-Class", tt.class)
		h.Set("X-Amz-Archive-Status", tt.status)
		h.Set("X-Amz-Restore", tt.restore)
		got, err := inParts(m, 1).Copy(t.Context(), req)
		if tt.ok {
			if err != nil || got.Outcome != Copied {
				t.Errorf("%+v: got %+v, %v", tt, got, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Class != Permanent || !strings.Contains(err.Error(), "restore it first") || m.made != 0 {
			t.Errorf("%+v: got %v after %v", tt, err, m.ops)
		}
	}
}

func TestStorageClass(t *testing.T) {
	for _, tt := range []struct{ option, source, want string }{
		{"", "STANDARD_IA", ""}, {"GLACIER_IR", "", "GLACIER_IR"}, {"source", "STANDARD_IA", "STANDARD_IA"}, {"source", "", ""},
	} {
		for _, size := range []int{5, 95} {
			m, req := world(size)
			if tt.source != "" {
				m.objects[sourcePath].header.Set("X-Amz-Storage-Class", tt.source)
			}
			got, err := inParts(m, 1, WithStorageClass(tt.option)).Copy(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if class := m.objects[replicaPath].header.Get("X-Amz-Storage-Class"); class != tt.want {
				t.Errorf("%+v, %d bytes: got %q", tt, size, class)
			}
			if heads := map[bool]int{true: 1}[tt.option == StorageClassOfSource]; size == 5 && got.Requests.Head != heads {
				t.Errorf("%+v: %d HEADs before a copy by one request, want %d", tt, got.Requests.Head, heads)
			}
		}
	}
}

func TestHiddenMetadataGoesByOneRequest(t *testing.T) {
	m, req := world(95)
	m.objects[sourcePath].header.Set("X-Amz-Missing-Meta", "1")
	got, err := inParts(m, 1).Copy(t.Context(), req)
	if err != nil || got.Requests.Copy != 1 || m.made != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Over 5 GiB no request carries what headers cannot hold: that is an error, and
// no upload is begun, rather than a replica that lacks it.
func TestWhatOnlyOneRequestCarriesIsNotDropped(t *testing.T) {
	var tags strings.Builder
	for i := range 10 {
		fmt.Fprintf(&tags, "<Tag><Key>%d</Key><Value>%s</Value></Tag>", i, strings.Repeat("ü", 256))
	}
	for name, tt := range map[string]struct {
		hidden bool
		tags   string
		says   string
	}{
		"hidden metadata": {true, "", "user metadata that only a copy by one request can carry"},
		"long tags":       {false, tags.String(), "bytes of request headers"},
	} {
		t.Run(name, func(t *testing.T) {
			m, req := world(95)
			req.Source.Size = MaxSize + 1
			m.before = func(r *http.Request, op string, _ int) (*reply, error) {
				switch {
				case op == "Tags":
					return &reply{status: 200, body: "<Tagging><TagSet>" + tt.tags + "</TagSet></Tagging>"}, nil
				case op == "Head" && strings.HasPrefix(r.URL.Path, "/src/"):
					h := map[string]string{"ETag": `"e"`, "Content-Length": strconv.FormatInt(MaxSize+1, 10)}
					if tt.hidden {
						h["X-Amz-Missing-Meta"] = "1"
					}
					return &reply{status: 200, header: h}, nil
				}
				return nil, nil
			}
			_, err := New(m.client(1), target(), WithSleep(new(naps).sleep)).Copy(t.Context(), req)
			var e *Error
			if !errors.As(err, &e) || e.Class != Permanent || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want a permanent error that says %q", err, tt.says)
			}
			if m.made != 0 || m.objects[replicaPath] != nil {
				t.Error("something was written")
			}
		})
	}
}

// Ten long tags are more than the headers of one request may hold.
func TestTagsTooLongForHeadersGoByOneRequest(t *testing.T) {
	var set strings.Builder
	for i := range 10 {
		fmt.Fprintf(&set, "<Tag><Key>%d</Key><Value>%s</Value></Tag>", i, strings.Repeat("ü", 256))
	}
	tags := reply{status: 200, body: "<Tagging><TagSet>" + set.String() + "</TagSet></Tagging>"}
	m, req := world(95)
	m.before = func(_ *http.Request, op string, _ int) (*reply, error) {
		if op == "Tags" {
			return &tags, nil
		}
		return nil, nil
	}
	got, err := inParts(m, 1).Copy(t.Context(), req)
	if err != nil || got.Outcome != Copied || got.Requests.Copy != 1 || m.made != 0 {
		t.Errorf("got %+v, %v, want one CopyObject", got, err)
	}
}

// A key that is missing where a request names the target alone is not the
// source's: nothing may end as SourceGone by it.
func TestMissingKeyOfTheTargetIsNotAGoneSource(t *testing.T) {
	for _, op := range []string{"Create", "Complete"} {
		m, req := world(95)
		m.before = func(_ *http.Request, did string, _ int) (*reply, error) {
			if did == op {
				return &reply{
					status: 404, body: "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>",
				}, nil
			}
			return nil, nil
		}
		if got, err := inParts(m, 1).Copy(t.Context(), req); err == nil {
			t.Errorf("%s: got %+v, want an error", op, got)
		}
	}
}

func TestChecksumAlgorithmIsTheSources(t *testing.T) {
	for _, tt := range []struct{ algorithm, kind, want string }{
		{"CRC64NVME", "FULL_OBJECT", "CRC64NVME"}, {"CRC32", "FULL_OBJECT", "CRC32"}, {"CRC32C", "FULL_OBJECT", "CRC32C"},
		{"CRC32C", "COMPOSITE", "CRC64NVME"}, {"SHA256", "FULL_OBJECT", "CRC64NVME"}, {"", "", "CRC64NVME"},
	} {
		m, req := world(95)
		o := m.objects[sourcePath]
		o.header = http.Header{}
		if tt.kind != "" {
			o.header.Set("X-Amz-Checksum-Type", tt.kind)
			o.header.Set("X-Amz-Checksum-"+tt.algorithm, crcOf(tt.algorithm, o.body)) // not one at all for the others
		}
		demanded := false
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			if op == "Complete" {
				demanded = r.Header.Get("X-Amz-Checksum-"+tt.want) != ""
			}
			return nil, nil
		}
		if _, err := inParts(m, 1).Copy(t.Context(), req); err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		if got := m.objects[replicaPath].header.Get("X-Amz-Checksum-" + tt.want); got != crcOf(tt.want, o.body) {
			t.Errorf("%+v: the replica has %q", tt, got)
		}
		if comparable := tt.algorithm == tt.want; demanded != comparable {
			t.Errorf("%+v: value demanded: %t", tt, demanded)
		}
	}
}

func TestReplicaWithAnotherChecksumIsAnError(t *testing.T) {
	m, req := world(95)
	m.after = func(_ *http.Request, op string, _ int) (*reply, error) {
		if op == "Complete" {
			return &reply{
				status: 200,
				body: "<CompleteMultipartUploadResult><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>" +
					"</CompleteMultipartUploadResult>",
			}, nil
		}
		return nil, nil
	}
	_, err := inParts(m, 1).Copy(t.Context(), req)
	var e *Error
	if !errors.As(err, &e) || e.Class != Permanent || !strings.Contains(err.Error(), "CRC64NVME") {
		t.Errorf("got %v", err)
	}
}
