package copier

import (
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"pgregory.net/rapid"

	"s3fanout/internal/policy"
)

func replacement(head s3.HeadObjectOutput) Request {
	return Request{Source: source(), Replace: &Replacement{
		Write: policy.Write{Region: "us-east-1", VersionID: "v/1?", Seconds: 1000}, Condition: policy.Condition{IfMatch: "old-2"},
		Made: 1010, Head: &head,
	}}
}

func TestReplacementOnTheWire(t *testing.T) {
	s := serve(t, copied())
	req := replacement(s3.HeadObjectOutput{
		ContentLength: aws.Int64(42), ContentType: aws.String("text/x"), ExpiresString: aws.String("not a date"),
		WebsiteRedirectLocation: aws.String("/elsewhere"),
		Metadata:                map[string]string{"owner": "me", policy.EntryName: "another's"},
	})
	got, err := New(s.client(3), target()).Copy(t.Context(), req)
	if err != nil || got.Outcome != Copied || got.Bytes != 42 || got.VersionID != "replica-v1" || got.ETag != "0123456789abcdef" {
		t.Fatalf("%+v, %v", got, err)
	}
	entry := policy.EntryFor(req.Replace.Write, req.Source.Key, 1010, 0).String()
	for name, want := range map[string]string{
		"If-Match": `"old-2"`, "If-None-Match": "", "X-Amz-Copy-Source-If-Match": `"e"`,
		"X-Amz-Metadata-Directive": "REPLACE", "X-Amz-Tagging-Directive": "COPY",
		"X-Amz-Meta-S3fanout-Origin": entry, "X-Amz-Meta-Owner": "me",
		"Content-Type": "text/x", "Expires": "not a date", "X-Amz-Website-Redirect-Location": "",
		"X-Amz-Copy-Source": "src/a%20b/%C3%BC%2B%25.txt?versionId=v%2F1%3F",
	} {
		if got := s.seen[0].Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// What S3 copies by itself has to be named here: each property of the HEAD that a
// copy by one request carries changes the request, and no other does.
func TestReplacementCarriesWhatCopiesCarry(t *testing.T) {
	named := func(head s3.HeadObjectOutput) reflect.Value {
		r := replacement(head)
		in, _ := replaceInput(*r.Replace, r.Replace.Condition, r.Source, target(), "")
		delete(in.Metadata, policy.EntryName)
		return reflect.ValueOf(*in)
	}
	plain := named(s3.HeadObjectOutput{})
	for _, p := range Fidelity() {
		if p.carriedBy == "" || p.Single != FateCopied {
			continue
		}
		var head s3.HeadObjectOutput
		text := "v"
		if field := reflect.ValueOf(&head).Elem().FieldByName(p.Field); field.Kind() == reflect.Map {
			field.Set(reflect.ValueOf(map[string]string{"k": text}))
		} else {
			field.Set(reflect.ValueOf(&text))
		}
		in := named(head)
		for i := range in.NumField() {
			f := in.Type().Field(i)
			if f.IsExported() && reflect.DeepEqual(in.Field(i).Interface(), plain.Field(i).Interface()) == (f.Name == p.carriedBy) {
				t.Errorf("HEAD's %s: request's %s is %v, and was %v", p.Field, f.Name, in.Field(i), plain.Field(i))
			}
		}
	}
}

func TestAnswersToReplacements(t *testing.T) {
	for _, tt := range []struct {
		name     string
		script   []reply
		want     Outcome // or, if empty,
		class    Class
		says     string
		requests string
	}{
		{"another object", []reply{refused(412, "PreconditionFailed", "no")}, Changed, "", "", "PUT"},
		{"a rival", []reply{refused(409, "ConditionalRequestConflict", "no")}, Changed, "", "", "PUT"},
		// Under If-Match it may be the target's that is gone.
		{"nothing there", []reply{refused(404, "NoSuchKey", "no")}, Changed, "", "", "PUT"},
		{"the source's version destroyed", []reply{refused(404, "NoSuchVersion", "no")}, Changed, "", "", "PUT"},
		{"no condition known", []reply{refused(501, "NotImplemented", "no"), copied()}, Copied, "", "", "PUT PUT!"},
		{"slow down", []reply{refused(503, "SlowDown", "no")}, "", Retryable, "SlowDown", "PUT"},
		{"an error in a 200", []reply{refused(200, "InternalError", "no")}, "", Retryable, "InternalError", "PUT"},
		{"nothing in a 200", []reply{{status: 200}}, "", Retryable, "no ETag", "PUT"},
		{"no room", []reply{refused(400, "MetadataTooLarge", "no")}, "", Permanent, "no room for the entry s3fanout-origin", "PUT"},
		{"no bucket", []reply{refused(404, "NoSuchBucket", "no")}, "", Permanent, "NoSuchBucket", "PUT"},
		{"too large for the server, though not by its HEAD",
			[]reply{
				refused(400, "EntityTooLarge", "no"), {status: 200, header: map[string]string{"Content-Length": "42"}},
				refused(400, "EntityTooLarge", "no"),
			}, "", Permanent, "EntityTooLarge", "PUT"},
		{"denied", []reply{refused(403, "AccessDenied", "no")}, "", Denied, "AccessDenied", "PUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.script...)
			got, err := New(s.client(3), target(), WithLogger(slog.New(slog.DiscardHandler))).Copy(t.Context(),
				replacement(s3.HeadObjectOutput{ContentLength: aws.Int64(42)}))
			var e *Error
			switch {
			case got.Outcome != tt.want || (err == nil) != (tt.want != ""):
				t.Errorf("got %+v, %v", got, err)
			case err != nil && (!errors.As(err, &e) || e.Class != tt.class || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("got %v, want %s with %q", err, tt.class, tt.says)
			}
			// The last one's condition is none if it says so.
			var methods []string
			for _, r := range s.seen {
				m := r.Method
				if r.Header.Get("If-Match") == "" {
					m += "!"
				}
				methods = append(methods, m)
			}
			if got := strings.Join(methods, " "); got != tt.requests {
				t.Errorf("requests %s, want %s", got, tt.requests)
			}
		})
	}
}

func TestReplacementNeedsWhatItCarries(t *testing.T) {
	for name, change := range map[string]func(*Request){
		"no version": func(r *Request) { r.Source.VersionID = "" },
		"no ETag":    func(r *Request) { r.Source.ETag = "" },
		"no HEAD":    func(r *Request) { r.Replace.Head = nil },
		"archived":   func(r *Request) { r.Replace.Head.StorageClass = types.StorageClassDeepArchive },
		"hidden":     func(r *Request) { r.Replace.Head.MissingMeta = aws.Int32(1) },
	} {
		s := serve(t, copied())
		req := replacement(s3.HeadObjectOutput{})
		change(&req)
		_, err := New(s.client(1), target()).Copy(t.Context(), req)
		var e *Error
		if !errors.As(err, &e) || e.Class != Permanent || len(s.seen) != 0 {
			t.Errorf("%s: %v after %d requests", name, err, len(s.seen))
		}
	}
}

// A replica in parts carries their number, is made on the condition, and a rival ends
// the upload.
func TestReplacementInParts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer *reply // to the completion
		want   Outcome
	}{
		{"made", nil, Copied},
		{"another object", replyOf(refused(412, "PreconditionFailed", "no")), Changed},
		{"a rival", replyOf(refused(409, "ConditionalRequestConflict", "no")), Changed},
		{"nothing there", replyOf(refused(404, "NoSuchKey", "no")), Changed},
		{"completed by another", replyOf(refused(404, "NoSuchUpload", "no")), Changed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, req := world(25)
			m.objects[replicaPath] = &stored{body: []byte("old"), header: http.Header{}, version: "o"}
			var created, completed http.Header
			m.before = func(r *http.Request, op string, _ int) (*reply, error) {
				switch op {
				case "Create":
					created = r.Header.Clone()
				case "Complete":
					completed = r.Header.Clone()
					return tt.answer, nil
				}
				return nil, nil
			}
			head := s3.HeadObjectOutput{}
			req.Replace = &Replacement{
				Write: policy.Write{Region: "r", VersionID: "v", Seconds: 7}, Condition: policy.Condition{IfMatch: "old"}, Head: &head,
			}
			req.Source.ETag = "e"
			got, err := inParts(m, 1).Copy(t.Context(), req)
			if err != nil || got.Outcome != tt.want {
				t.Fatalf("%+v, %v: %v", got, err, m.ops)
			}
			parts := got.Requests.Part
			if got, want := created.Get("X-Amz-Meta-"+policy.EntryName),
				policy.EntryFor(req.Replace.Write, req.Source.Key, 0, parts).String(); got != want || parts != 3 {
				t.Errorf("entry %q, want %q", got, want)
			}
			if completed.Get("If-Match") != `"old"` || completed.Get("If-None-Match") != "" {
				t.Errorf("completed with %v", completed)
			}
			if tt.name == "completed by another" {
				clear(m.uploads) // as S3 says
			}
			if got.Requests.Head != 1 || (got.Requests.Abort == 1) != (tt.want == Changed) || len(m.uploads) > 0 {
				t.Errorf("requests %+v, %d uploads are left", got.Requests, len(m.uploads))
			}
		})
	}
}

// A copy that a common tool makes of a replica in parts has another number of them,
// so that it is not taken for the replica.
func TestReplicasHaveAnotherNumberOfPartsThanCommonCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(ownPartsFrom, 70<<30).Draw(t, "size")
		part := planOwnPartSize(size, 0)
		if n := partCount(size, part); n == partCount(size, 8<<20) || n > maxParts || part > maxPartSize {
			t.Fatalf("%d bytes in %d parts of %d", size, n, part)
		}
	})
	for _, size := range []int64{1, 11 << 20, ownPartsFrom - 1} {
		if planOwnPartSize(size, 0) != planPartSize(size, 0) {
			t.Errorf("%d bytes are not in parts as others", size)
		}
	}
	if got := planOwnPartSize(1<<30, 3); got != planPartSize(1<<30, 3) {
		t.Errorf("parts of %d bytes, not as asked for", got)
	}
}

func replyOf(r reply) *reply { return &r }
