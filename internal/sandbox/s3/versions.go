package s3

import (
	"encoding/xml"
	"errors"

	"s3fanout/internal/sandbox/s3/store"
)

// versionEntry is a version or a delete marker in a list. Both stand in one
// order, so that their names are decided entry by entry.
type versionEntry struct {
	XMLName           xml.Name
	Key               string
	VersionID         string `xml:"VersionId"`
	IsLatest          bool
	LastModified      string
	ETag              string `xml:",omitempty"`
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              *int64 `xml:",omitempty"`
	StorageClass      string `xml:",omitempty"`
	Owner             owner
}

type versionsResult struct {
	XMLName         xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name            string
	Prefix          string
	KeyMarker       string
	VersionIDMarker string `xml:"VersionIdMarker"`
	NextKeyMarker   string `xml:",omitempty"`
	NextVersionID   string `xml:"NextVersionIdMarker,omitempty"`
	Delimiter       string `xml:",omitempty"`
	MaxKeys         int
	EncodingType    string `xml:",omitempty"`
	IsTruncated     bool
	Versions        []versionEntry
	Prefixes        []prefixEntry `xml:"CommonPrefixes"`
}

func (x *exchange) listVersions() error {
	encode, encoding, err := x.encoder()
	if err != nil {
		return err
	}
	most, err := x.number("max-keys")
	if err != nil {
		return err
	}
	marker, versionMarker := x.query.Get("key-marker"), x.query.Get("version-id-marker")
	if x.query.Has("version-id-marker") {
		switch {
		case versionMarker == "":
			return errInvalidParameter("version-id-marker", "", "A version-id marker cannot be empty.")
		case marker == "":
			return errInvalidParameter("version-id-marker", versionMarker, "A version-id marker cannot be specified without a key marker.")
		}
	}
	prefix, delimiter := x.query.Get("prefix"), x.query.Get("delimiter")
	page, err := x.store.ListVersions(x.bucket, store.ListVersions{
		Prefix: prefix, Delimiter: delimiter, KeyMarker: marker, VersionIDMarker: versionMarker, MaxKeys: most,
	})
	if err != nil {
		return err
	}
	out := versionsResult{
		Name: x.bucket, Prefix: encode(prefix), Delimiter: encode(delimiter), MaxKeys: most, EncodingType: encoding,
		KeyMarker: encode(marker), VersionIDMarker: versionMarker, IsTruncated: page.Truncated,
		NextKeyMarker: encode(page.NextKey), NextVersionID: page.NextVersionID, Prefixes: prefixEntries(page.Prefixes, encode),
	}
	for _, v := range page.Versions {
		entry := versionEntry{
			XMLName: xml.Name{Local: "DeleteMarker"}, Key: encode(v.Key), VersionID: v.VersionID, IsLatest: v.Latest,
			LastModified: xmlTime(v.LastModified), Owner: owner{x.target.ownerID},
		}
		if !v.DeleteMarker {
			entry.XMLName.Local, entry.ETag, entry.Size = "Version", quote(v.ETag), &v.Size
			entry.ChecksumAlgorithm, entry.ChecksumType = string(v.Checksum.Algorithm), string(v.Checksum.Type)
			entry.StorageClass = shownClass(v.Attributes.StorageClass)
		}
		out.Versions = append(out.Versions, entry)
	}
	return x.answerXML(out)
}

// uploadEntry is an upload in a list.
type uploadEntry struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         owner
	Owner             owner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

type uploadsResult struct {
	XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket         string
	KeyMarker      string
	UploadIDMarker string `xml:"UploadIdMarker"`
	NextKeyMarker  string `xml:",omitempty"`
	NextUploadID   string `xml:"NextUploadIdMarker,omitempty"`
	Delimiter      string `xml:",omitempty"`
	Prefix         string
	EncodingType   string `xml:",omitempty"`
	MaxUploads     int
	IsTruncated    bool
	Uploads        []uploadEntry `xml:"Upload"`
	Prefixes       []prefixEntry `xml:"CommonPrefixes"`
}

func (x *exchange) listUploads() error {
	encode, encoding, err := x.encoder()
	if err != nil {
		return err
	}
	most, err := x.number("max-uploads")
	if err != nil {
		return err
	}
	marker, uploadMarker := x.query.Get("key-marker"), x.query.Get("upload-id-marker")
	if marker == "" {
		uploadMarker = "" // it means nothing then, as S3 says
	}
	prefix, delimiter := x.query.Get("prefix"), x.query.Get("delimiter")
	page, err := x.store.ListUploads(x.bucket, store.ListUploads{
		Prefix: prefix, Delimiter: delimiter, KeyMarker: marker, UploadIDMarker: uploadMarker, MaxUploads: most,
	})
	if errors.Is(err, store.ErrInvalidUploadID) {
		return errInvalidParameter("upload-id-marker", uploadMarker, "Invalid uploadId marker")
	}
	if err != nil {
		return err
	}
	out := uploadsResult{
		Bucket: x.bucket, Prefix: encode(prefix), Delimiter: encode(delimiter), MaxUploads: most, EncodingType: encoding,
		KeyMarker: encode(marker), UploadIDMarker: uploadMarker, IsTruncated: page.Truncated,
		NextKeyMarker: encode(page.NextKey), NextUploadID: page.NextUploadID, Prefixes: prefixEntries(page.Prefixes, encode),
	}
	for _, u := range page.Uploads {
		out.Uploads = append(out.Uploads, uploadEntry{
			Key: encode(u.Key), UploadID: u.UploadID, Initiator: owner{u.Initiator}, Owner: owner{x.target.ownerID},
			StorageClass: shownClass(u.Attributes.StorageClass), Initiated: xmlTime(u.Initiated),
			ChecksumAlgorithm: string(u.Algorithm), ChecksumType: string(u.ChecksumType),
		})
	}
	return x.answerXML(out)
}

// partEntry is a part in a list.
type partEntry struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
	checksumElements
}

type partsResult struct {
	XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket            string
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         owner
	Owner             owner
	StorageClass      string
	PartNumberMarker  int
	NextPartNumber    int `xml:"NextPartNumberMarker,omitempty"`
	MaxParts          int
	IsTruncated       bool
	ChecksumAlgorithm string      `xml:",omitempty"`
	ChecksumType      string      `xml:",omitempty"`
	Parts             []partEntry `xml:"Part"`
}

func (x *exchange) listParts() error {
	most, err := x.number("max-parts")
	if err != nil {
		return err
	}
	marker := 0
	if x.query.Get("part-number-marker") != "" {
		if marker, err = x.integer("part-number-marker"); err != nil {
			return err
		}
	}
	page, err := x.store.ListParts(x.bucket, x.key, x.query.Get("uploadId"), marker, most)
	if err != nil {
		return err
	}
	u := page.Upload
	out := partsResult{
		Bucket: x.bucket, Key: x.key, UploadID: u.UploadID, Initiator: owner{u.Initiator}, Owner: owner{x.target.ownerID},
		StorageClass: shownClass(u.Attributes.StorageClass), PartNumberMarker: marker, NextPartNumber: page.Next, MaxParts: most,
		IsTruncated: page.Truncated, ChecksumAlgorithm: string(u.Algorithm), ChecksumType: string(u.ChecksumType),
	}
	for _, p := range page.Parts {
		out.Parts = append(out.Parts, partEntry{p.Number, xmlTime(p.LastModified), quote(p.ETag), p.Size, elementsOf(shownSum(u, p))})
	}
	return x.answerXML(out)
}
