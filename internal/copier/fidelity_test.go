package copier

import (
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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
	for _, p := range Fidelity() { // a fate without a list of its own would be on none
		if !regexp.MustCompile(`\b` + p.Field + `\b`).MatchString(want) {
			t.Errorf("the page does not have %s, which is %s by one request and %s in parts", p.Field, p.Single, p.Multipart)
		}
	}
	if string(got) != want {
		t.Errorf("%s is not what the table says: go test ./internal/copier -run Documented -update", path)
	}
}

func fidelityPage() string {
	var b strings.Builder
	b.WriteString(`<!-- Generated from internal/copier/fidelity_table_test.go: go test ./internal/copier -run Documented -update -->
# What a replica has of its source

Objects up to 256 MiB (` + "`multipartThresholdMiB`" + `) are copied by one request, larger ones in parts. S3 moves the bytes.

## Integrity
S3 copies and checks the checksum of an object that is copied by one request. In parts, S3 computes one of the whole replica:

| checksum of the source | of the replica | compared |
|---|---|---|
| CRC64NVME (S3's default), CRC32C or CRC32 of the whole object | the same | by S3, before the replica becomes visible |
| other hashes, or of parts, or none | CRC64NVME | sizes and ETags only |

Every part is of the version that the event named, on the condition that its ETag has not changed. A mismatch is an error and nothing
becomes visible.

## Properties
Names are those of ` + "`HeadObject`" + `.
`)
	for _, fate := range []struct {
		single, multipart Fate
		title             string
	}{
		{FateCopied, FateCopied, "Copied"},
		{FateCopied, FateDropped, "Copied by one request, dropped in parts"},
		{FateDropped, FateCopied, "Dropped by one request, copied in parts"},
		{FateConfigured, FateConfigured, "Set by configuration"},
		{FateDropped, FateDropped, "Dropped"},
	} {
		b.WriteString("\n**" + fate.title + "**\n")
		var order []string
		fields := map[string][]string{} // by the reason
		for _, p := range Fidelity() {
			if p.Single != fate.single || p.Multipart != fate.multipart {
				continue
			}
			if len(fields[p.Why]) == 0 {
				order = append(order, p.Why)
			}
			fields[p.Why] = append(fields[p.Why], p.Field)
		}
		for _, why := range order {
			item := strings.Join(fields[why], ", ")
			if why != "" {
				item += ": " + why
			}
			b.WriteString(wrapped("- "+item, 130))
		}
	}
	b.WriteString(`
Dropped as well: access control lists, which S3 preserves in no copy, and annotations, each of which would be billed as a request.

With [` + "`follow`" + `](what-wins.md) a ` +
		`replica also has ` + "`s3fanout-origin`" + ` in its user metadata. Objects without room for it, or with metadata that
HTTP headers cannot show, are then an error at any size.
`)
	return b.String()
}

// wrapped is an item of a list in lines of at most so many characters.
func wrapped(item string, columns int) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(item) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line+" "+word) > columns:
			lines, line = append(lines, line), "  "+word
		default:
			line += " " + word
		}
	}
	return strings.Join(append(lines, line), "\n") + "\n"
}
