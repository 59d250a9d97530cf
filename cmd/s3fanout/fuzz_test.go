package main

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"s3fanout/internal/replicaset"
)

// FuzzKeyOf checks that s3://BUCKET/KEY of a bucket of the set gives back the
// key, and that everything else is the key itself or one line of refusal.
func FuzzKeyOf(f *testing.F) {
	for _, seed := range []string{
		"films/one.mp4", "s3://media-111122223333-eu-west-1/films/one.mp4", "s3://", "s3:///k", "s3://media-111122223333-eu-west-1",
		"s3://x\x1b[2J/k", "\xff", "S3://b/k",
	} {
		f.Add(seed)
	}
	set := replicaset.Config{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}}
	own := "s3://" + set.Member("111122223333", "eu-west-1").Bucket + "/"
	f.Fuzz(func(t *testing.T, argument string) {
		for _, form := range []string{argument, own + argument} {
			err := checkKey(form)
			var key string
			if err == nil {
				key, err = keyOf(form, set, "111122223333")
			}
			if err != nil {
				var usage usageError
				if !errors.As(err, &usage) || strings.ContainsAny(oneLine(err.Error()), "\n\r\x1b") ||
					strings.ContainsAny(err.Error(), "\n\r\x1b") {
					t.Errorf("%q: error %q", form, err)
				}
				continue
			}
			if key == "" || len(key) > 1024 || !utf8.ValidString(key) ||
				form != key && form != own+key && !strings.HasSuffix(form, "/"+key) {
				t.Errorf("%q: got key %q", form, key)
			}
		}
		if key, err := keyOf(own+argument, set, "111122223333"); err == nil && key != argument {
			t.Errorf("%q: got key %q", own+argument, key)
		}
	})
}

// FuzzAge checks that an age is more than nothing, and that days are days.
func FuzzAge(f *testing.F) {
	for _, seed := range []string{
		"90m", "12h", "2d", "1.5d", "-2d", "d", "0d", "32767d", "32768d", "1h2d", "+1d", "9223372036854775807ns", "NaN",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var a age
		if err := a.Set(text); err != nil {
			if a.Duration != 0 || a.text != "" {
				t.Errorf("%q was refused and left %v", text, a)
			}
			return
		}
		if a.Duration <= 0 || a.String() != text || strings.HasSuffix(text, "d") && a.Duration%(24*time.Hour) != 0 {
			t.Errorf("%q: got %v", text, a.Duration)
		}
	})
}

// FuzzParseSize checks that a size is a plain decimal number and not negative.
func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{
		"500GB", "1.5TiB", "1e3", "0x1p4", "8EiB", "NaN", "-0", "1_0", " 1 GB", "1e400", ".5kB", "7.9999999999999999EiB",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseSize(text)
		if err != nil {
			if got != 0 || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("%q: got %d and %q", text, got, err)
			}
			return
		}
		if got < 0 || strings.Trim(strings.TrimSpace(text), "0123456789.eE+-BkKMGTPi ") != "" {
			t.Errorf("%q: got %d", text, got)
		}
	})
}

// FuzzCommandLine checks that no value of a flag makes the command do anything
// but refuse in one line, where nothing can be asked of AWS.
func FuzzCommandLine(f *testing.F) {
	f.Add("redrive", "--region", "eu-west-1\nx")
	f.Add("cost", "--bytes", "NaN")
	f.Add("verify", "--prefix", "\x1b[31m")
	f.Add("backfill", "--to", "")
	f.Add("redriv", "--output", "yaml")
	f.Fuzz(func(t *testing.T, command, flag, value string) {
		switch command {
		case "sandbox", "demo", "completion", "help", "__complete", "__completeNoDesc":
			t.Skip("these do without a configuration")
		}
		var out, problem strings.Builder
		args := []string{"--config", "testdata/absent/cdk.json", command, flag, value}
		code := run(t.Context(), args, strings.NewReader(""), &out, &problem, func(string) string { return "" })
		if code == exitDone {
			if problem.String() != "" {
				t.Errorf("%q: done, with %q", args, problem.String())
			}
			return
		}
		text := problem.String()
		if code != exitUsage || !strings.HasPrefix(text, "s3fanout: ") || strings.Count(text, "\n") != 1 ||
			strings.ContainsAny(text, "\r\x1b\x00") {
			t.Errorf("%q: exit code %d, %q", args, code, text)
		}
	})
}
