package health

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/aws/smithy-go"

	"s3fanout/internal/replicaset"
)

// store is as much of S3 as a probe needs: versions and uploads by key. No
// server at hand ignores or refuses a condition, or dies between two requests.
type store struct {
	mu       sync.Mutex
	versions map[string][]string // by /bucket/key, the IDs
	uploads  map[string]string   // by ID, /bucket/key
	at       time.Time           // of all of them
	n        int
	// answer to a write under If-None-Match over a key that exists; "" writes.
	condition string
	deny      string // refuses this request, as in "DELETE"
	initiator string // of all uploads; "" is a session of the Region's role
	before    func(request string)
	requests  []string
}

func newStore() *store {
	return &store{versions: map[string][]string{}, uploads: map[string]string{}, at: time.Now(), condition: "412 PreconditionFailed"}
}

// requestName is such as "PUT copy", "POST uploads" or "GET versions".
func requestName(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"versions", "uploads", "uploadId"} {
		if q.Has(name) {
			return r.Method + " " + name
		}
	}
	if r.Header.Get("X-Amz-Copy-Source") != "" {
		return r.Method + " copy"
	}
	return r.Method
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := requestName(r)
	if s.before != nil {
		s.before(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, name)
	q, path := r.URL.Query(), r.URL.Path
	refuse := func(answer string) {
		status, code, _ := strings.Cut(answer, " ")
		var n int
		_, _ = fmt.Sscan(status, &n)
		w.WriteHeader(n)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>m</Message></Error>", code)
	}
	exists := len(s.versions[path]) > 0
	switch {
	case name == s.deny:
		refuse("403 AccessDenied")
	case r.Header.Get("X-Amz-Expected-Bucket-Owner") != account:
		refuse("400 NoOwnerSaid")
	case name == "GET versions":
		type version struct{ Key, VersionId, LastModified string }
		type list struct {
			XMLName xml.Name `xml:"ListVersionsResult"`
			Version []version
		}
		var l list
		for p, ids := range s.versions {
			for _, id := range ids {
				_, key, _ := strings.Cut(p[1:], "/")
				if strings.HasPrefix(p, path+"/"+q.Get("prefix")) {
					l.Version = append(l.Version, version{key, id, s.at.UTC().Format(time.RFC3339)})
				}
			}
		}
		_ = xml.NewEncoder(w).Encode(l)
	case name == "GET uploads":
		type upload struct{ Key, UploadId, Initiated string }
		type list struct {
			XMLName xml.Name `xml:"ListMultipartUploadsResult"`
			Upload  []upload
		}
		var l list
		for id, p := range s.uploads {
			if _, key, _ := strings.Cut(p[1:], "/"); strings.HasPrefix(p, path+"/"+q.Get("prefix")) {
				l.Upload = append(l.Upload, upload{key, id, s.at.UTC().Format(time.RFC3339)})
			}
		}
		_ = xml.NewEncoder(w).Encode(l)
	case name == "DELETE":
		s.versions[path] = slices.DeleteFunc(s.versions[path], func(id string) bool { return id == q.Get("versionId") })
		if len(s.versions[path]) == 0 {
			delete(s.versions, path)
		}
		w.WriteHeader(http.StatusNoContent)
	case name == "DELETE uploadId":
		delete(s.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case name == "POST uploads":
		s.n++
		id := fmt.Sprint("upload", s.n)
		s.uploads[id] = path
		_, _ = fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case name == "GET uploadId":
		by := s.initiator
		if by == "" {
			by = "arn:aws:sts::" + account + ":assumed-role/media-replicator-" + path[strings.LastIndexByte(path, '/')+1:] +
				"/media-replicator-operator"
		}
		_, _ = fmt.Fprintf(w, "<ListPartsResult><Initiator><ID>%s</ID></Initiator></ListPartsResult>", by)
	case name == "PUT uploadId":
		w.Header().Set("ETag", `"p"`)
	case r.Header.Get("If-None-Match") == "*" && exists && s.condition != "":
		refuse(s.condition)
	default: // PUT, PUT copy, POST uploadId
		s.n++
		s.versions[path] = append(s.versions[path], fmt.Sprint("v", s.n))
		delete(s.uploads, q.Get("uploadId"))
		if name != "PUT" {
			_, _ = fmt.Fprint(w, "<Result><ETag>e</ETag></Result>")
		}
	}
}

// left is all that is there.
func (s *store) left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Collect(maps.Keys(s.versions))
	return append(list, slices.Collect(maps.Values(s.uploads))...)
}

// probe makes a probe of a healthy set against the store.
func (s *store) probe(ctx context.Context, t *testing.T, change func(*Facts)) (Facts, error) {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	}
	facts := healthy()
	if change != nil {
		change(&facts)
	}
	probers := NewProbers(config, facts.Set, account, facts.Set.Regions)
	for region, p := range probers {
		p.Write = p.Remove // the store knows no roles
		probers[region] = p
	}
	err := Probe(ctx, &facts, Check(facts), probers, "name", time.Now())
	return facts, err
}

func TestProbeTellsWhatAServerDoesWithTheCondition(t *testing.T) {
	for _, c := range []struct {
		condition string
		want      []string // check and severity, of each Region
	}{
		{"412 PreconditionFailed", nil},
		{"", []string{"copy-condition failed", "multipart-condition failed"}},
		{"501 NotImplemented", []string{"copy-condition warning", "multipart-condition warning"}},
		{"500 InternalError", []string{"copy-condition unknown"}},
		{"403 AccessDenied", []string{"copy-condition unknown"}},
	} {
		s := newStore()
		s.condition = c.condition
		facts, err := s.probe(t.Context(), t, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, f := range Check(facts) {
			got[f.Region] = append(got[f.Region], f.Check+" "+string(f.Severity))
			if f.Severity == Unknown {
				wantUnknown(t, f)
				if !strings.Contains(f.Fix, "--probe") {
					t.Errorf("fix %q does not probe again", f.Fix)
				}
			}
		}
		for _, region := range facts.Set.Regions {
			if !slices.Equal(got[region], c.want) {
				t.Errorf("%q: %s: %q, want %q", c.condition, region, got[region], c.want)
			}
		}
		if left := s.left(); len(left) > 0 {
			t.Errorf("%q: left behind: %q", c.condition, left)
		}
		for _, key := range s.requests {
			if strings.HasPrefix(key, "PUT") {
				return
			}
		}
		t.Errorf("%q: nothing was written: %q", c.condition, s.requests)
	}
}

// AWS does not say how S3 names the sessions of roles, and the function resumes
// only what its own role began.
func TestProbeTellsWhomS3NamesForAnUpload(t *testing.T) {
	s := newStore()
	s.initiator = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
	facts, err := s.probe(t.Context(), t, nil)
	if err != nil {
		t.Fatal(err)
	}
	findings := Check(facts)
	if len(findings) != len(facts.Set.Regions) {
		t.Errorf("findings %+v, want one of each Region", findings)
	}
	for _, f := range findings {
		if f.Check != checkInitiator || f.Severity != Failed || !strings.Contains(f.What, s.initiator) {
			t.Errorf("finding %+v", f)
		}
	}
}

// Wherever it is interrupted, nothing is left.
func TestAnInterruptedProbeLeavesNothing(t *testing.T) {
	for _, at := range []string{"PUT", "PUT copy", "POST uploads", "GET uploadId", "PUT uploadId", "POST uploadId"} {
		for _, condition := range []string{"412 PreconditionFailed", ""} {
			s := newStore()
			s.condition = condition
			ctx, cancel := context.WithCancel(t.Context())
			s.before = func(request string) {
				if request == at {
					cancel()
				}
			}
			facts, err := s.probe(ctx, t, nil)
			cancel()
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want that it was interrupted", at, err)
			}
			if left := s.left(); len(left) > 0 || !slices.Contains(s.requests, at) {
				t.Errorf("%s: left behind: %q, after %q", at, left, s.requests)
			}
			for _, r := range facts.Regions {
				if r.Scratch.Why != "" {
					t.Errorf("%s: %+v", at, r.Scratch)
				}
			}
		}
	}
}

// Who may not remove, writes nothing.
func TestProbeWritesNothingThatItMayNotRemove(t *testing.T) {
	for deny, action := range map[string]string{
		"DELETE": "s3:DeleteObjectVersion", "GET versions": "s3:ListBucketVersions", "GET uploads": "s3:ListBucketMultipartUploads",
	} {
		s := newStore()
		s.deny = deny
		facts, err := s.probe(t.Context(), t, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Check(facts) {
			wantUnknown(t, f)
			if f.Check != checkCopyIf || !strings.Contains(f.What, "nothing was written") ||
				!strings.Contains(f.Fix, "allow "+action+" to ") {
				t.Errorf("%s: %s: %q, fix %q", deny, f.Check, f.What, f.Fix)
			}
		}
		if slices.ContainsFunc(s.requests, func(r string) bool { return strings.HasPrefix(r, "PUT") || strings.HasPrefix(r, "POST") }) {
			t.Errorf("%s: requests %q write", deny, s.requests)
		}
	}
}

// What is denied is said of whoever needs it: the caller, or the function's
// role.
func TestProbeSaysWhoLacksAPermission(t *testing.T) {
	p := probe{region: "eu-west-1", bucket: "b", role: "media-replicator-eu-west-1"}
	denied := func(service, operation string) error {
		return &smithy.OperationError{
			ServiceID: service, OperationName: operation, Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"},
		}
	}
	for _, c := range []struct {
		err       error
		why, next string
	}{
		// The SDK makes the session within the first request that needs it.
		{&smithy.OperationError{ServiceID: "S3", OperationName: "PutObject", Err: denied("STS", "AssumeRole")},
			"sts:AssumeRole on role media-replicator-eu-west-1 is denied", "operatorArns if that is set"},
		{denied("S3", "CopyObject"), "s3:PutObject on s3://b/.s3fanout/probe/* is denied", "role-permissions has a finding"},
		{denied("S3", "DeleteObject"), "s3:DeleteObjectVersion on", "allow s3:DeleteObjectVersion to {caller}"},
	} {
		look := p.unanswered("", c.err)
		if !strings.Contains(look.Why, c.why) || !strings.Contains(look.Next, c.next) || !strings.HasSuffix(look.Next, askProbe) {
			t.Errorf("why %q, next %q; want %q and %q", look.Why, look.Next, c.why, c.next)
		}
	}
}

// What could not be removed after all is said.
func TestProbeSaysWhatItLeft(t *testing.T) {
	s := newStore()
	s.before = func(request string) {
		if request == "POST uploadId" {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.deny = "DELETE"
		}
	}
	facts, err := s.probe(t.Context(), t, func(f *Facts) { f.Regions = f.Regions[:1] })
	if err != nil {
		t.Fatal(err)
	}
	findings := Check(facts)
	if len(findings) != 1 || findings[0].Check != CheckLeftovers ||
		!strings.Contains(findings[0].What, "s3://media-111122223333-us-east-1/.s3fanout/probe/name/us-east-1") {
		t.Errorf("findings %+v, want what was left", findings)
	}
}

// Where a filter is not right, or not known, the object could be replicated:
// it is not written.
func TestProbeWritesNothingThatCouldBeReplicated(t *testing.T) {
	for name, change := range map[string]func(*Region){
		"no filter":    func(r *Region) { r.Subscriptions.Value[1].Settings.Value.FilterPolicy = "" },
		"not told":     func(r *Region) { r.Subscriptions = Look[[]Subscription]{Why: "denied"} },
		"another role": func(r *Region) { r.Role.Value.ID = "AROAOTHER" },
		"no role":      func(r *Region) { r.Role = Look[Role]{State: Absent} },
		"no bucket":    func(r *Region) { r.Bucket = Look[Bucket]{State: Absent} },
	} {
		s := newStore()
		facts, err := s.probe(t.Context(), t, func(f *Facts) {
			f.Regions = f.Regions[:1]
			change(&f.Regions[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.requests) > 0 || facts.Regions[0].Conditions.State != Unanswered {
			t.Errorf("%s: requests %q, conditions %+v", name, s.requests, facts.Regions[0].Conditions)
		}
	}
}

// A probe that was killed is cleaned up after by the next; one that runs is
// left alone.
func TestProbeRemovesWhatAKilledOneLeft(t *testing.T) {
	for age, want := range map[time.Duration]int{time.Minute: 2, time.Hour: 0} {
		s := newStore()
		s.at = time.Now().Add(-age)
		path := "/media-111122223333-us-east-1/" + replicaset.ProbePrefix + "/other/us-east-1"
		s.versions[path], s.uploads["u"] = []string{"v"}, path
		s.versions["/media-111122223333-us-east-1/key"] = []string{"mine"}
		if _, err := s.probe(t.Context(), t, nil); err != nil {
			t.Fatal(err)
		}
		if left := s.left(); len(left) != want+1 || !slices.Contains(left, "/media-111122223333-us-east-1/key") {
			t.Errorf("after %s: left %q, want %d and the user's own", age, left, want)
		}
	}
}
