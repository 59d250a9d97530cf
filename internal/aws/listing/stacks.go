package listing

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/awsapi"
)

// listStacks sends one request for a page of versions after a key, and makes
// one entry of all versions of a key. It sends more only while the last key of
// the page has shown delete markers alone, unless once is set. The token of the next page is the last
// key: what else that key has is of no interest.
func (w *walk) listStacks(ctx context.Context, b *Bucket, after string, keys int32, once bool) page {
	in := &s3.ListObjectVersionsInput{Bucket: &b.Name, MaxKeys: &keys, EncodingType: types.EncodingTypeUrl}
	if w.options.Prefix != "" {
		in.Prefix = &w.options.Prefix
	}
	if after != "" {
		in.KeyMarker = &after
	}
	fail := func(format string, args ...any) page {
		return page{err: fmt.Errorf("region %s: bucket %s: "+format, append([]any{b.Region, b.Name}, args...)...)}
	}
	var p page
	for {
		out, err := b.Versions.ListObjectVersions(ctx, in)
		if err != nil {
			return page{err: awsapi.Explain(b.Region, "bucket "+b.Name, err)}
		}
		found, err := keysOf(out)
		if err != nil {
			return fail("%w", err)
		}
		for _, k := range found {
			n := len(p.entries)
			switch {
			case k.key == "":
				return fail("a listing has an object without a key")
			case n > 0 && k.key == p.entries[n-1].key && !p.entries[n-1].decided():
				p.entries[n-1].object.under(k)
			case k.key == after: // its older versions
			case n > 0 && k.key <= p.entries[n-1].key || k.key < after:
				return fail("%w", errOrder)
			default:
				p.entries = append(p.entries, entry{key: k.key, object: k.object()})
			}
		}
		if !aws.ToBool(out.IsTruncated) || once && len(p.entries) == 0 {
			return p
		}
		next, err := DecodeKey(out.EncodingType, aws.ToString(out.NextKeyMarker))
		if err != nil || next == "" {
			return fail("a listing of versions is cut off without a token for the next page")
		}
		if n := len(p.entries); n > 0 && (once || p.entries[n-1].decided()) {
			p.token = &p.entries[n-1].key
			return p
		}
		if next == aws.ToString(in.KeyMarker) && aws.ToString(out.NextVersionIdMarker) == aws.ToString(in.VersionIdMarker) {
			return fail("a listing repeats its token, and so would never end")
		}
		in.KeyMarker, in.VersionIdMarker = &next, out.NextVersionIdMarker
		p.extra++
	}
}

// decided says that older versions of the key change nothing.
func (e entry) decided() bool { return e.object.Deletion == nil || e.object.VersionID != "" }

// versioned is what a page has of one key: its newest version there, if any, and
// its delete markers, newest first.
//
// An answer has versions and delete markers in two lists. S3 says of one of them
// that it is the newest of all; else their times tell which is above which.
type versioned struct {
	key     string
	newest  *types.ObjectVersion
	markers []types.DeleteMarkerEntry
}

// object is what the key has, if the page has its newest version or marker.
func (k versioned) object() Object {
	o := k.version()
	if len(k.markers) > 0 && (k.newest == nil || aws.ToBool(k.markers[0].IsLatest)) {
		at := aws.ToTime(k.markers[0].LastModified)
		o.Deletion = &Deletion{First: at, Last: at}
		o.Deletion.extend(k.markers[1:], k.newest)
	}
	return o
}

// under takes in what the next page has of an object of which only delete
// markers were seen. Versions come newest first, so all that comes is below them.
func (o *Object) under(k versioned) {
	d := o.Deletion
	*o = k.version()
	o.Deletion = d
	d.extend(k.markers, k.newest)
}

// extend takes in older markers that are above a version, nil for none.
func (d *Deletion) extend(markers []types.DeleteMarkerEntry, newest *types.ObjectVersion) {
	for _, m := range markers {
		at := aws.ToTime(m.LastModified)
		if newest != nil && !at.After(aws.ToTime(newest.LastModified)) {
			return
		}
		d.First = at
	}
}

func (k versioned) version() Object {
	if k.newest == nil {
		return Object{}
	}
	return Object{
		Size: aws.ToInt64(k.newest.Size), ETag: trim(aws.ToString(k.newest.ETag)), Modified: aws.ToTime(k.newest.LastModified),
		StorageClass: string(k.newest.StorageClass), VersionID: aws.ToString(k.newest.VersionId),
	}
}

// keysOf takes a page of versions apart into its keys, in order.
func keysOf(out *s3.ListObjectVersionsOutput) ([]versioned, error) {
	var keys []versioned
	versions, markers := out.Versions, out.DeleteMarkers
	for len(versions)+len(markers) > 0 {
		var heads []string
		if len(versions) > 0 {
			heads = append(heads, aws.ToString(versions[0].Key))
		}
		if len(markers) > 0 {
			heads = append(heads, aws.ToString(markers[0].Key))
		}
		k, raw := versioned{}, ""
		for i, head := range heads {
			key, err := DecodeKey(out.EncodingType, head)
			if err != nil {
				return nil, err
			}
			if i == 0 || key < k.key {
				k.key, raw = key, head
			}
		}
		for ; len(versions) > 0 && aws.ToString(versions[0].Key) == raw; versions = versions[1:] {
			if k.newest == nil {
				k.newest = &versions[0]
			}
		}
		n := 0
		for n < len(markers) && aws.ToString(markers[n].Key) == raw {
			n++
		}
		k.markers, markers = markers[:n], markers[n:]
		keys = append(keys, k)
	}
	return keys, nil
}
