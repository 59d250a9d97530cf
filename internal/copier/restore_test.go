package copier

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

const originEntry = "x-origin"

// A version that is brought back is an object of its own: it has all that the
// version had, but not the entry that would make it somebody's replica.
func TestRestoring(t *testing.T) {
	for _, size := range []int{5, 95} {
		for _, replica := range []bool{true, false} {
			m, req := world(size)
			o := m.objects[sourcePath]
			for name, value := range map[string]string{
				"Content-Encoding": "gzip", "Content-Disposition": "inline", "Content-Language": "de", "Cache-Control": "no-cache",
				"Expires":                         "never",
				"X-Amz-Website-Redirect-Location": "/there", "X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Meta-Empty": "",
			} {
				o.header.Set(name, value)
			}
			if replica {
				o.header.Set("X-Amz-Meta-X-Origin", "1,eu-west-1")
			}
			directive := ""
			m.before = func(r *http.Request, op string, _ int) (*reply, error) {
				if op == "Copy" {
					directive = r.Header.Get("X-Amz-Metadata-Directive") + "+" + r.Header.Get("X-Amz-Tagging-Directive")
				}
				return nil, nil
			}
			got, err := inParts(m, 1, Restoring(originEntry)).Copy(t.Context(), req)
			if err != nil || got.Outcome != Copied {
				t.Fatalf("%d bytes: got %+v, %v", size, got, err)
			}
			restored := m.objects[replicaPath].header
			if _, has := restored["X-Amz-Meta-X-Origin"]; has {
				t.Errorf("%d bytes: it has the entry of a replica", size)
			}
			if want := map[bool]string{true: "REPLACE+COPY", false: "COPY+COPY"}[replica]; size == 5 && directive != want {
				t.Errorf("got directives %s, want %s", directive, want)
			}
			o.header.Del("X-Amz-Meta-X-Origin")
			checkReplica(t, m)
			checkCounts(t, m, got.Requests)
		}
	}
}

// Nothing is lost for the sake of the entry.
func TestRestoringWhatHeadersCannotShow(t *testing.T) {
	for _, replica := range []bool{true, false} {
		m, req := world(5)
		m.objects[sourcePath].header.Set("X-Amz-Missing-Meta", "1")
		if replica {
			m.objects[sourcePath].header.Set("X-Amz-Meta-X-Origin", "1,eu-west-1")
		}
		got, err := inParts(m, 1, Restoring(originEntry)).Copy(t.Context(), req)
		if !replica {
			if err != nil || got.Outcome != Copied {
				t.Errorf("got %+v, %v", got, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Class != Permanent || !strings.Contains(err.Error(), "copy this version yourself") ||
			m.objects[replicaPath] != nil {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}
