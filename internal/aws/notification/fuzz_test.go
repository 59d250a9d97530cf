package notification

import (
	"strings"
	"testing"
)

// FuzzMerge edits whatever may be read as a configuration: what is put in is there,
// and without it everything is byte for byte as it was.
func FuzzMerge(f *testing.F) {
	f.Add(head+others+tail, "a/", ".jpg")
	f.Add(`<NotificationConfiguration/>`, "", "")
	f.Add("<NotificationConfiguration\n xmlns='x' ><TopicConfiguration><Id>s3fanout.media.9</Id></TopicConfiguration><![CDATA[<]]>"+
		"</NotificationConfiguration><!-- -->", "%", "+")
	f.Fuzz(func(t *testing.T, raw, prefix, suffix string) {
		d, err := Parse([]byte(raw))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		bare, err := d.Without(ours)
		if err != nil {
			t.Fatalf("without: %v\n%s", err, d.Bytes())
		}
		again, err := Parse(d.Bytes())
		if err != nil || !d.Equal(again) || len(bare.Entries()) > len(d.Entries()) {
			t.Errorf("%v: %s", err, d.Bytes())
		}
		wanted := []Entry{entry(1, prefix, suffix, "s3:ObjectCreated:Copy")}
		merged, err := bare.Merge(ours, wanted)
		if err != nil {
			return // S3 would refuse it
		}
		if again, err := merged.Merge(ours, wanted); err != nil || string(again.Bytes()) != string(merged.Bytes()) {
			t.Errorf("again: %v\n%s\n%s", err, merged.Bytes(), again.Bytes())
		}
		if gone, err := merged.Without(ours); err != nil || string(gone.Bytes()) != string(bare.Bytes()) {
			t.Errorf("%v\n%s\n%s", err, gone.Bytes(), bare.Bytes())
		}
	})
}
