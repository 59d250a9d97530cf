package copier

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A continuation that names somebody else's open upload of the same key had it
// aborted where the key was there, and else completed with parts of ours. It is
// refused, and the upload stays as it is.
func TestUploadOfOthersIsNotTouched(t *testing.T) {
	for name, by := range map[string]string{
		"a user":                        "arn:aws:iam::111122223333:user/alice", // bad input: cp-12
		"another role":                  "arn:aws:sts::111122223333:assumed-role/media-replicator-us-east-1/media-replicator",
		"a role whose name is longer":   "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1-x/media-replicator",
		"another account's role":        "arn:aws:sts::444455556666:assumed-role/media-replicator-eu-west-1/media-replicator",
		"a session without a name":      "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/",
		"a user whose name is the ARN":  "arn:aws:iam::111122223333:user/" + ownSession,
		"the account":                   "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
		"nobody":                        "",
		"the role's ARN with something": ownRole + "/x",
	} {
		for _, there := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s there=%t", name, there), func(t *testing.T) {
				m, upload := stoppedUpload(t)
				m.uploads["upload-1"].by = by
				if there {
					m.objects[replicaPath] = m.objects[sourcePath]
				}
				_, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload})
				var e *Error
				if !errors.As(err, &e) || e.Class != Permanent || e.Upload != nil || !strings.Contains(err.Error(), "delete the dead letter") {
					t.Errorf("got %v, want a permanent error that does not offer to resume", err)
				}
				if got := m.uploads["upload-1"]; got == nil || len(got.parts) != 4 || len(m.uploads) != 1 {
					t.Error("the upload was touched")
				}
				if !slices.Equal(m.ops, []string{"List"}) {
					t.Errorf("requests %v, want the question whose it is", m.ops)
				}
			})
		}
	}
}

func TestOwnUploadIsKnownByEitherARN(t *testing.T) {
	const path = "arn:aws-us-gov:iam::111122223333:role/teams/media/replicator"
	for _, c := range []struct{ role, by string }{
		{ownRole, ownSession}, {ownRole, ownRole},
		{ownRole, "arn:aws:sts::111122223333:assumed-role/media-replicator-eu-west-1/an-operator@example.org"},
		{path, "arn:aws-us-gov:sts::111122223333:assumed-role/replicator/f"},
	} {
		if !begunBy(c.role, c.by) {
			t.Errorf("%s: %s is not taken for a session of it", c.role, c.by)
		}
	}
	if begunBy("", "") || begunBy("", ownSession) {
		t.Error("without a role, anybody's upload is taken for its own")
	}
}

// Before, a resumed copy copied all parts that were missing to learn that the
// key was there.
func TestResumeLooksAtTheTargetFirst(t *testing.T) {
	m, upload := stoppedUpload(t)
	m.objects[replicaPath] = m.objects[sourcePath]
	got, err := inParts(m, 1).Copy(t.Context(), Request{Resume: &upload})
	if err != nil || got.Outcome != Exists {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := []string{"List", "List", "Head", "Abort"}; !slices.Equal(m.ops, want) {
		t.Errorf("requests %v, want %v", m.ops, want)
	}
}

func TestOpenUploadsAreThoseOfTheRole(t *testing.T) {
	m := newMemory()
	for i, u := range []openUpload{
		{key: "dst/a b", by: ownSession}, {key: "dst/a b", by: "arn:aws:iam::111122223333:user/alice"},
		{key: "dst/a b/ü\x01&", by: ownSession}, {key: "dst/a c", by: ownSession}, {key: "dst/b", by: ownSession},
	} {
		m.uploads[fmt.Sprint("upload-", i)] = &u
	}
	var got []string
	for u, err := range OpenUploads(t.Context(), m.client(1), target(), "a ", ownRole) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Initiated.IsZero() {
			t.Errorf("%s: no time", u.UploadID)
		}
		got = append(got, u.UploadID+" "+u.Key)
	}
	if want := []string{"upload-0 a b", "upload-2 a b/ü\x01&", "upload-3 a c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(m.ops); n != 2 {
		t.Errorf("%d requests for two pages", n)
	}
	for range OpenUploads(t.Context(), m.client(1), target(), "", ownRole) {
		break // ends without another page
	}
	if n := len(m.ops); n != 3 {
		t.Errorf("%d requests after a list that was left, want 3", n)
	}
	m.before = func(*http.Request, string, int) (*reply, error) { return ptr(refused(403, "AccessDenied", "x")), nil }
	for _, err := range OpenUploads(t.Context(), m.client(1), target(), "", ownRole) {
		if errorCode(err) != codeAccessDenied {
			t.Errorf("got %v", err)
		}
	}
}

// listUploads answers in pages of two, as S3 does: by key, then by upload.
func (m *memory) listUploads(bucket string, q url.Values) reply {
	const page = 2
	type listed struct{ key, id string }
	var all []listed
	for id, u := range m.uploads {
		if key, ok := strings.CutPrefix(u.key, strings.TrimSuffix(bucket, "/")+"/"); ok && strings.HasPrefix(key, q.Get("prefix")) {
			all = append(all, listed{key, id})
		}
	}
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.key+"\x00"+a.id, b.key+"\x00"+b.id) })
	if after := q.Get("key-marker"); after != "" {
		all = slices.DeleteFunc(all, func(l listed) bool { return l.key+"\x00"+l.id <= after+"\x00"+q.Get("upload-id-marker") })
	}
	var b strings.Builder
	b.WriteString("<ListMultipartUploadsResult>")
	for _, l := range all[:min(page, len(all))] {
		fmt.Fprintf(&b, "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>2026-11-20T12:00:00Z</Initiated><Initiator><ID>%s</ID></Initiator></Upload>",
			url.QueryEscape(l.key), l.id, m.uploads[l.id].by)
	}
	if len(all) > page {
		last := all[page-1]
		fmt.Fprintf(&b, "<IsTruncated>true</IsTruncated><NextKeyMarker>%s</NextKeyMarker><NextUploadIdMarker>%s</NextUploadIdMarker>", url.QueryEscape(last.key), last.id)
	}
	return reply{status: 200, body: b.String() + "</ListMultipartUploadsResult>"}
}
