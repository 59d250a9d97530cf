package copier

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

var update = flag.Bool("update", false, "write docs/fidelity.md anew")

func TestFidelityIsComplete(t *testing.T) {
	listed := make(map[string]int)
	for _, p := range Fidelity() {
		listed[p.Field]++
		for _, fate := range []Fate{p.Single, p.Multipart} {
			if fate != FateCopied && fate != FateConfigured && fate != FateDropped {
				t.Errorf("%s: no fate %q", p.Field, fate)
			}
			if fate != FateCopied && p.Why == "" {
				t.Errorf("%s is %s without a reason", p.Field, fate)
			}
		}
	}
	fields := reflect.TypeFor[s3.HeadObjectOutput]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if !f.IsExported() {
			continue
		}
		if listed[f.Name] != 1 {
			t.Errorf("HeadObjectOutput.%s is listed %d times in Fidelity, want once: decide its fate", f.Name, listed[f.Name])
		}
		delete(listed, f.Name)
	}
	for name := range listed {
		t.Errorf("HeadObjectOutput has no field %s", name)
	}
}

// TestCreateCarriesWhatFidelityPromises sets one field of the HEAD at a time
// and sees which field of the request changes.
func TestCreateCarriesWhatFidelityPromises(t *testing.T) {
	plain := reflect.ValueOf(*createInput(source(), target(), &s3.HeadObjectOutput{}, nil, ""))
	for _, p := range Fidelity() {
		var head s3.HeadObjectOutput
		field := reflect.ValueOf(&head).Elem().FieldByName(p.Field)
		text := "v"
		switch field.Interface().(type) {
		case *string:
			field.Set(reflect.ValueOf(&text))
		case map[string]string:
			field.Set(reflect.ValueOf(map[string]string{"k": text}))
		case *time.Time:
			field.Set(reflect.ValueOf(new(time.Time)))
		default:
			if field.Kind() != reflect.String {
				continue // flags and numbers, none of which is carried
			}
			field.SetString(text)
		}
		in := reflect.ValueOf(*createInput(source(), target(), &head, nil, ""))
		for i := range in.NumField() {
			name := in.Type().Field(i).Name
			if !in.Type().Field(i).IsExported() {
				continue
			}
			changed := !reflect.DeepEqual(in.Field(i).Interface(), plain.Field(i).Interface())
			if changed != (name == p.carriedBy) {
				t.Errorf("HEAD's %s: request's %s changed: %t, table says it is carried by %q", p.Field, name, changed, p.carriedBy)
			}
			if changed && !reflect.DeepEqual(in.Field(i).Interface(), field.Interface()) {
				t.Errorf("HEAD's %s: carried as %v", p.Field, in.Field(i).Interface())
			}
		}
	}
}

func TestFidelityIsDocumented(t *testing.T) {
	const path = "../../docs/fidelity.md"
	want := fidelityPage()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table says: go test ./internal/copier -run Documented -update", path)
	}
}

func fidelityPage() string {
	var b strings.Builder
	b.WriteString(`<!-- Generated from internal/copier/fidelity_table_test.go: go test ./internal/copier -run Documented -update -->
# What a replica has of its source

Objects up to a threshold (256 MiB unless configured) are copied by one request, larger ones in parts. Either way S3 moves
the bytes; none passes through the function.

## Integrity
A copy by one request is checked by S3, which carries the checksum along. A multipart copy asks S3 for a checksum of the
whole replica:

| the source has | the replica gets | compared |
|---|---|---|
| CRC64NVME, CRC32C or CRC32 of the whole object | the same | by S3, when the upload is completed: an upload with another checksum never becomes an object |
| SHA or other hashes, a composite checksum of parts, or none | CRC64NVME of the whole object | not the checksum: no such one can be made of parts without reading the object |

In both cases every part is copied from the one version that the event named, on the condition that its ETag is still the
one the copy began with, and S3 completes the upload only if the sizes of the parts add up to the source's. A mismatch is an
error; the upload is aborted, nothing becomes visible, and the source is not touched. (All of this is S3's own doing: a
compatible server that ignores the checksum it is told to compare is found out only after the fact, and reported.)

S3 gives new objects a CRC64NVME of the whole object unless the uploader asks for another checksum, so the first row is the
common one.

## Requests and permissions of a multipart copy
| request | times | permission |
|---|---|---|
| HeadObject of the target | 1 | ` + "`s3:GetObject`, `s3:ListBucket`" + ` at the target |
| HeadObject of the source's version | 1 | ` + "`s3:GetObjectVersion`, `s3:ListBucket`" + ` at the source |
| GetObjectTagging of the source's version | 1 | ` + "`s3:GetObjectVersionTagging`" + ` at the source |
| CreateMultipartUpload | 1 | ` + "`s3:PutObject`, and `s3:PutObjectTagging`" + ` if there are tags |
| UploadPartCopy | 1 a part | ` + "`s3:GetObjectVersion` at the source, `s3:PutObject`" + ` at the target |
| CompleteMultipartUpload | 1 | ` + "`s3:PutObject`" + ` |
| ListParts, when resumed | 1 for each 1,000 parts | ` + "`s3:ListMultipartUploadParts`" + ` |
| AbortMultipartUpload, when given up | 1 | ` + "`s3:AbortMultipartUpload`" + ` |

Sources without a version need ` + "`s3:GetObject` and `s3:GetObjectTagging`" + ` instead of the permissions for versions.

## Properties
`)
	b.WriteString("| property, as `HeadObject` calls it | copy by one request | multipart copy | |\n|---|---|---|---|\n")
	for _, p := range Fidelity() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", p.Field, p.Single, p.Multipart, p.Why)
	}
	b.WriteString(`
Two things that ` + "`HeadObject`" + ` does not report are dropped as well: access control lists, because S3 preserves them in no copy, and
annotations, because each would be billed as a request and need permissions of its own.

Where later changes are [followed](what-wins.md), a replica has one entry of user metadata that its source has not, ` + "`s3fanout-origin`" + `, and
the table holds otherwise. S3 then copies none of the metadata by itself, so that objects with metadata that HTTP headers cannot show are
an error at any size, and so are those that have no room for the entry in S3's 2 KB.
`)
	return b.String()
}
