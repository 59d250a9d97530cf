package s3

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

type attributesResult struct {
	XMLName      xml.Name          `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string            `xml:",omitempty"`
	Checksum     *checksumElements `xml:",omitempty"`
	Parts        *attributesParts  `xml:"ObjectParts,omitempty"`
	StorageClass string            `xml:",omitempty"`
	Size         *int64            `xml:"ObjectSize,omitempty"`
}

type attributesParts struct {
	Count       int              `xml:"PartsCount"`
	Marker      *int             `xml:"PartNumberMarker,omitempty"`
	Next        *int             `xml:"NextPartNumberMarker,omitempty"`
	MaxParts    *int             `xml:"MaxParts,omitempty"`
	IsTruncated *bool            `xml:"IsTruncated,omitempty"`
	Parts       []attributesPart `xml:"Part"`
}

type attributesPart struct {
	PartNumber int
	Size       int64
	checksumElements
}

// getAttributes answers GetObjectAttributes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html).
func (x *exchange) getAttributes() error {
	var wanted []string
	for _, list := range x.header.Values("X-Amz-Object-Attributes") {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				wanted = append(wanted, name)
			}
		}
	}
	if len(wanted) == 0 {
		return errInvalidRequest("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	for _, name := range wanted {
		if !slices.Contains([]string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}, name) {
			return errInvalidArgument("Invalid attribute name specified.")
		}
	}
	o, err := x.store.OpenObject(x.bucket, x.key, x.query.Get("versionId"))
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }() // only read
	v := o.Version()
	var out attributesResult
	for _, name := range wanted {
		switch name {
		case "ETag":
			out.ETag = v.ETag
		case "Checksum":
			if sum := elementsOf(v.Checksum); v.Checksum.Value != "" {
				out.Checksum = &sum
			}
		case "ObjectParts":
			if out.Parts, err = x.attributesParts(o); err != nil {
				return err
			}
		case "StorageClass":
			out.StorageClass = shownClass(v.Attributes.StorageClass)
		case "ObjectSize":
			out.Size = &v.Size
		}
	}
	x.w.Header().Set("Last-Modified", httpTime(v.LastModified))
	x.setVersion(x.target.settings().versioning, v.VersionID)
	return x.answerXML(out)
}

// attributesParts tells of the parts of an object: how many, and a page of them
// if the upload named a checksum.
func (x *exchange) attributesParts(o *store.Object) (*attributesParts, error) {
	parts := o.PartList()
	if len(parts) == 0 {
		return nil, nil
	}
	out := &attributesParts{Count: len(parts)}
	if parts[0].Checksum == "" {
		return out, nil
	}
	most, marker := maxPage, 0
	for header, into := range map[string]*int{"x-amz-max-parts": &most, "x-amz-part-number-marker": &marker} {
		text := x.header.Get(header)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, errInvalidParameter(header, text, "Argument "+header+" must be an integer between 0 and 2147483647")
		}
		*into = n
	}
	most = min(most, maxPage)
	truncated, next := false, 0
	for _, p := range parts {
		if p.Number <= marker {
			continue
		}
		if len(out.Parts) == most {
			truncated = true
			break
		}
		entry := attributesPart{PartNumber: p.Number, Size: p.Size}
		*entry.of(o.Version().Checksum.Algorithm) = p.Checksum
		out.Parts, next = append(out.Parts, entry), p.Number
	}
	out.Marker, out.Next, out.MaxParts, out.IsTruncated = &marker, &next, &most, &truncated
	return out, nil
}
