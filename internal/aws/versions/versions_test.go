package versions

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// entries are those of an answer: "v1", or "m1" for a marker, after the key and a
// slash where that is not "a b".
func entries(list ...string) string {
	var b strings.Builder
	for _, text := range list {
		key, id, other := strings.Cut(text, "/")
		if !other {
			key, id = "a b", text
		}
		name, more := "Version", `<ETag>"e-`+id+`"</ETag><Size>3</Size>`
		if id[0] == 'm' {
			name, more = "DeleteMarker", ""
		}
		fmt.Fprintf(&b, `<%s><Key>%s</Key><VersionId>%s</VersionId><IsLatest>false</IsLatest>`+
			`<LastModified>2026-11-20T10:15:30.000Z</LastModified>%s<Owner><ID>Version</ID></Owner></%s>`,
			name, strings.ReplaceAll(url.QueryEscape(key), "%2F", "/"), id, more, name)
	}
	return b.String()
}

func listed(inside string) string {
	return `<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>` +
		inside + `</ListVersionsResult>`
}

func cutOff(key, id string) string {
	return `<IsTruncated>true</IsTruncated><NextKeyMarker>` + key + `</NextKeyMarker><NextVersionIdMarker>` + id + `</NextVersionIdMarker>`
}

func TestList(t *testing.T) {
	const failed = "error"
	for _, tt := range []struct {
		name, body, from string
		want, next       string // the IDs, or "error: " and what it says
	}{
		{"none", listed(""), "", "", ""},
		{"in S3's order, though of one second", listed(entries("v5", "m4", "v3", "v2", "m1", "m0")), "", "v5 m4 v3 v2 m1 m0", ""},
		{"markers first", listed(entries("m2", "v1")), "", "m2 v1", ""},
		{"keys that begin so", listed(entries("v1", "a bc/v9", "a bd/m8")), "", "v1", ""},
		{"a page", listed(cutOff("a+b", "m1") + entries("v2", "m1")), "", "v2 m1", "m1"},
		{"a page that ends elsewhere", listed(cutOff("a+bc", "v9") + entries("v1", "a bc/v9")), "", "v1", ""},
		{"a page that goes on elsewhere", listed(cutOff("a+bc", "v9") + entries("v1")), "", "v1", ""},
		{"a page that does not say how it goes on", listed(`<IsTruncated>true</IsTruncated>` + entries("v1")), "",
			"error: cut off without a token for the next page", ""},
		{"a page that goes on where it began", listed(cutOff("a+b", "v1") + entries("v1")), "v1",
			"error: cut off without a token for the next page", ""},
		{"no XML", "<html><body>Welcome", "", "error: ", ""},
		{"a key that is not encoded", listed(`<Version><Key>%zz</Key><VersionId>v</VersionId></Version>`), "",
			"error: invalid URL escape", ""},
		{"refused", failed, "", "error: AccessDenied", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var query url.Values
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				query = r.URL.Query()
				if tt.body == failed {
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code></Error>`)
					return
				}
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, RetryMaxAttempts: 1,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
				})})
			page, err := List(t.Context(), client, "eu-west-1", "bucket", "a b", tt.from)
			if says, wrong := strings.CutPrefix(tt.want, "error: "); wrong {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("got %+v, %v, want %q", page, err, says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, v := range page.Stack {
				ids = append(ids, v.ID)
				if v.Marker != (v.ID[0] == 'm') || v.Modified != 1795169730 || !v.Marker && (v.ETag != "e-"+v.ID || v.Size != 3) || v.Read {
					t.Errorf("%+v", v)
				}
			}
			if got := strings.Join(ids, " "); got != tt.want || page.Next != tt.next {
				t.Errorf("got %q, then %q, want %q, then %q", got, page.Next, tt.want, tt.next)
			}
			if query.Get("prefix") != "a b" || query.Get("version-id-marker") != tt.from || query.Has("key-marker") != (tt.from != "") {
				t.Errorf("asked %v", query)
			}
		})
	}
}

// model answers without a server.
type model struct {
	*s3.Client
	out s3.ListObjectVersionsOutput
}

func (m model) ListObjectVersions(
	context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options),
) (*s3.ListObjectVersionsOutput, error) {
	return &m.out, nil
}

// An order that is not the answer's is noticed.
func TestListOfAModel(t *testing.T) {
	for _, tt := range []struct {
		order []Kind
		ok    bool
	}{{[]Kind{}, true}, {nil, false}, {[]Kind{Marker}, false}} {
		var m model
		if tt.order != nil {
			SetOrder(&m.out.ResultMetadata, tt.order)
		}
		if _, err := List(t.Context(), m, "", "b", "k", ""); (err == nil) != tt.ok {
			t.Errorf("order %v: %v", tt.order, err)
		}
	}
	var metadata middleware.Metadata
	if metadata.Get(orderKey{}) != nil {
		t.Error("an order of nothing")
	}
}
