package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"
)

// doctor wants no finding but those that the target's differences explain.
func doctor(ctx context.Context, w *world) (string, error) {
	out, err := w.s3fanout(ctx, "doctor", "--output", "json")
	if err != nil {
		return "", err
	}
	var d struct {
		Findings []struct{ Check, Region, Severity, What string }
	}
	if err := json.Unmarshal([]byte(out.stdout), &d); err != nil {
		return "", fmt.Errorf("doctor ended with %d and no document: %s", out.code, out.last())
	}
	expected := map[string]bool{} // and whether it was there
	for _, difference := range w.target.differences() {
		for _, check := range difference.findings {
			expected[check] = false
		}
	}
	var unexpected, explained []string
	for _, f := range d.Findings {
		if _, ok := expected[f.Check]; ok {
			if !expected[f.Check] {
				explained = append(explained, f.Check)
			}
			expected[f.Check] = true
		} else if f.Severity != "note" {
			unexpected = append(unexpected, f.Region+": "+f.Check+": "+f.What)
		}
	}
	for check, there := range expected {
		if !there {
			unexpected = append(unexpected, check+" is expected and not there any more")
		}
	}
	if len(unexpected) > 0 {
		return "", fmt.Errorf("doctor found %s", strings.Join(unexpected, "; "))
	}
	if len(explained) > 0 {
		return "found as expected here: " + strings.Join(explained, ", "), nil
	}
	return "nothing found", nil
}

const lagPrefix = "lag/"

// copies uploads small objects to all Regions in turn and watches the lists of
// the others.
func copies(ctx context.Context, w *world) (string, error) {
	const resolution = 200 * time.Millisecond
	sent := map[string]time.Time{}
	missing := map[string]map[string]bool{} // by Region
	for _, region := range w.regions {
		missing[region] = map[string]bool{}
	}
	look := func(ctx context.Context) (left int, err error) {
		for _, region := range w.regions {
			if len(missing[region]) == 0 {
				continue
			}
			pages := s3.NewListObjectsV2Paginator(w.clients[region].s3, &s3.ListObjectsV2Input{Bucket: aws.String(w.bucket(region)),
				Prefix: aws.String(lagPrefix)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return left, fmt.Errorf("list %s: %w", region, err)
				}
				for _, o := range page.Contents {
					if key := aws.ToString(o.Key); missing[region][key] {
						delete(missing[region], key)
						w.lag = append(w.lag, time.Since(sent[key]))
					}
				}
			}
			left += len(missing[region])
		}
		return left, nil
	}
	for i := range w.o.objects {
		from := w.regions[i%len(w.regions)]
		key := fmt.Sprintf("%s%s/%04d", lagPrefix, from, i)
		if _, err := w.put(ctx, from, key, text(key)); err != nil {
			return "", err
		}
		sent[key] = time.Now()
		for _, region := range w.regions {
			if region != from {
				missing[region][key] = true
			}
		}
		if i%5 == 4 { // so that what arrives early is seen early
			if _, err := look(ctx); err != nil {
				return "", err
			}
		}
	}
	err := poll(ctx, resolution, arrival, func(ctx context.Context) (bool, string, error) {
		left, err := look(ctx)
		return left == 0, fmt.Sprintf("%d replicas are missing", left), err
	})
	slices.Sort(w.lag)
	return fmt.Sprintf("%d uploads, %d replicas", w.o.objects, len(w.lag)), err
}

// percentile of sorted values, by nearest rank.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func properties(ctx context.Context, w *world) (string, error) {
	o := object{
		body: []byte("with properties"), metadata: map[string]string{"origin": "suite", "note": "plain"},
		tags: "team=platform&cost+center=42", contentType: "application/x-suite", cacheControl: "max-age=60",
	}
	const key = "properties/one"
	from := w.regions[0]
	if _, err := w.put(ctx, from, key, o); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, key); err != nil {
		return "", err
	}
	for _, region := range w.regions {
		head, err := w.head(ctx, region, key)
		if err != nil {
			return "", err
		}
		delete(head.Metadata, "s3fanout-origin") // of a replica in a set that follows
		body, err := w.read(ctx, region, key)
		if err != nil {
			return "", err
		}
		tags, err := w.clients[region].s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: aws.String(w.bucket(region)),
			Key: aws.String(key)})
		if err != nil {
			return "", err
		}
		got := url.Values{}
		for _, tag := range tags.TagSet {
			got.Set(aws.ToString(tag.Key), aws.ToString(tag.Value))
		}
		if !bytes.Equal(body, o.body) || !maps.Equal(head.Metadata, o.metadata) || aws.ToString(head.ContentType) != o.contentType ||
			aws.ToString(
				head.CacheControl,
			) != o.cacheControl || got.Get("team") != "platform" || got.Get("cost center") != "42" || len(got) != 2 {
			return "", fmt.Errorf("%s: the replica has %d bytes, metadata %v, type %q, cache %q, tags %v", region, len(body), head.Metadata,
				aws.ToString(head.ContentType), aws.ToString(head.CacheControl), got)
		}
	}
	return "", nil
}

// oddNames are keys that S3 takes, and that have broken tools.
func oddNames() []string {
	return []string{
		"a", "a/b", "a//b", "/leading", "trailing/", "dot/./dot", ".hidden", "..x", "space in it", " leading space", "trailing space ",
		"plus+and%2Bpercent", "%00", "100%", "quote'\"<>&", "back\\slash", "ümlaut/ключ/日本語/🚚", "e\u0301", "tab\tand~tilde",
		"a:b;c,d=e?f#g", "*.{x}[y]!",
		strings.Repeat("k", 1024), strings.Repeat("long/", 200) + "end",
	}
}

// oddKeys uploads each odd key in one Region. A folder marker and an empty
// object have no bytes.
func oddKeys(ctx context.Context, w *world) (string, error) {
	names := oddNames()
	for i, key := range names {
		o := text("odd " + key)
		if strings.HasSuffix(key, "/") || i%3 == 0 {
			o.body = nil
		}
		if _, err := w.put(ctx, w.regions[i%len(w.regions)], key, o); err != nil {
			return "", err
		}
	}
	for _, key := range names {
		if err := w.arrives(ctx, key); err != nil {
			return "", err
		}
	}
	_, err := w.wantCode(ctx, 0, "verify", "--grace", "20s")
	return fmt.Sprintf("%d keys", len(names)), err
}

// parts uploads an object of three parts.
func parts(ctx context.Context, w *world) (string, error) {
	const key, size = "parts/large", 17 << 20
	body := make([]byte, size)
	rand.Read(body) // never fails: crypto/rand aborts the program instead
	from := w.regions[len(w.regions)-1]
	if _, err := w.put(ctx, from, key, object{body: body}); err != nil {
		return "", err
	}
	if err := w.arrives(ctx, key); err != nil {
		return "", err
	}
	for _, region := range w.regions {
		got, err := w.read(ctx, region, key)
		if err != nil {
			return "", err
		}
		if !bytes.Equal(got, body) {
			return "", fmt.Errorf("%s: the replica's %d bytes are not the %d uploaded", region, len(got), size)
		}
		if region == from {
			continue
		}
		head, err := w.head(ctx, region, key)
		if err != nil {
			return "", err
		}
		if etag := aws.ToString(head.ETag); !strings.Contains(etag, "-") {
			return "", fmt.Errorf("%s: the ETag %s is not that of a copy in parts", region, etag)
		}
	}
	return "17 MiB", nil
}

// once wants a single version of every key in every Region, and no delete
// marker, now and after a while in which a loop would write again. Where a copy's
// condition is ignored, two functions that copy to each other at the same moment
// can each write once more, and then stop.
func once(ctx context.Context, w *world) (string, error) {
	const quiet = 5 * time.Second
	before, most, twice := -1, 1, 0
	if w.has(conditionIgnored) {
		most = len(w.regions)
	}
	for range 2 {
		total := 0
		twice = 0
		for _, region := range w.regions {
			list, err := w.versions(ctx, region, "")
			if err != nil {
				return "", err
			}
			keys := map[string]int{}
			for _, v := range list {
				keys[v.key]++
			}
			for key, n := range keys {
				if n > most {
					return "", fmt.Errorf("%s: %q has %d versions", region, key, n)
				}
				if n > 1 {
					twice++
				}
			}
			total += len(list)
		}
		if before >= 0 && total != before {
			return "", fmt.Errorf("%d versions became %d while nobody uploaded", before, total)
		}
		if before >= 0 {
			note := fmt.Sprintf("%d versions in %d Regions", total, len(w.regions))
			if twice > 0 {
				note += fmt.Sprintf(", %d keys written more than once, all at rest", twice)
			}
			return note, nil
		}
		before = total
		if smithytime.SleepWithContext(ctx, quiet) != nil {
			return "", context.Cause(ctx)
		}
	}
	return "", nil
}
