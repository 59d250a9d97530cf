package s3

import (
	"encoding/base64"
	"encoding/xml"
	"math"
	"net/url"
	"strconv"
	"strings"

	"s3fanout/internal/sandbox/s3/store"
)

// maxPage is how many entries a list has at most, whatever it is asked for.
const maxPage = 1000

// owner is who owns what there is: the account.
type owner struct {
	ID string
}

type prefixEntry struct{ Prefix string }

// objectEntry is an object in a list.
type objectEntry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int64
	Owner             *owner `xml:",omitempty"`
	StorageClass      string
}

// listing is what lists of objects have in common.
type listing struct {
	Name         string
	Prefix       string
	Delimiter    string `xml:",omitempty"`
	MaxKeys      int
	EncodingType string `xml:",omitempty"`
	IsTruncated  bool
	Contents     []objectEntry
	Prefixes     []prefixEntry `xml:"CommonPrefixes"`
}

type listResult struct {
	XMLName    xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Marker     string
	NextMarker string `xml:",omitempty"`
	listing
}

type listResultV2 struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	KeyCount              int
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	listing
}

// encoder returns how a list writes what is made of keys: encoded on demand,
// since XML cannot hold every character of a key
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, EncodingType).
func (x *exchange) encoder() (encode func(string) string, name string, err error) {
	switch name = x.query.Get("encoding-type"); name {
	case "":
		return func(s string) string { return s }, "", nil
	case "url":
		return encodeKey, name, nil
	}
	return nil, "", errInvalidParameter("encoding-type", name, "Invalid Encoding Method specified in Request")
}

func errInvalidParameter(name, value, message string) *apiError {
	e := errInvalidArgument(message)
	e.ArgumentName, e.ArgumentValue = name, value
	return e
}

// number reads a parameter that is a number of entries, up to the most that S3
// lists.
func (x *exchange) number(name string) (int, error) {
	if x.query.Get(name) == "" {
		return maxPage, nil
	}
	n, err := x.integer(name)
	return min(n, maxPage), err
}

// integer reads a parameter that is not negative.
func (x *exchange) integer(name string) (int, error) {
	text := x.query.Get(name)
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n > math.MaxInt32:
		return 0, errInvalidParameter(name, text, "Provided "+name+" not an integer or within integer range")
	case n < 0:
		return 0, errInvalidParameter(name, text, "Argument "+name+" must be an integer between 0 and 2147483647")
	}
	return n, nil
}

// list makes a page of objects after a key or a common prefix.
func (x *exchange) list(after string, showOwner bool) (l listing, encode func(string) string, next string, err error) {
	encode, encoding, err := x.encoder()
	if err != nil {
		return l, nil, "", err
	}
	most, err := x.number("max-keys")
	if err != nil {
		return l, nil, "", err
	}
	prefix, delimiter := x.query.Get("prefix"), x.query.Get("delimiter")
	page, err := x.store.ListObjects(x.bucket, store.List{Prefix: prefix, Delimiter: delimiter, After: after, MaxKeys: most})
	if err != nil {
		return l, nil, "", err
	}
	l = listing{
		Name: x.bucket, Prefix: encode(prefix), Delimiter: encode(delimiter), MaxKeys: most,
		EncodingType: encoding, IsTruncated: page.Truncated,
	}
	for _, v := range page.Objects {
		entry := objectEntry{
			Key: encode(v.Key), LastModified: xmlTime(v.LastModified), ETag: quote(v.ETag),
			ChecksumAlgorithm: string(v.Checksum.Algorithm), ChecksumType: string(v.Checksum.Type),
			Size: v.Size, StorageClass: shownClass(v.Attributes.StorageClass),
		}
		if showOwner {
			entry.Owner = &owner{x.target.ownerID}
		}
		l.Contents = append(l.Contents, entry)
	}
	l.Prefixes = prefixEntries(page.Prefixes, encode)
	return l, encode, page.Next, nil
}

func prefixEntries(prefixes []string, encode func(string) string) (list []prefixEntry) {
	for _, p := range prefixes {
		list = append(list, prefixEntry{encode(p)})
	}
	return list
}

func (x *exchange) listObjects() error {
	marker := x.query.Get("marker")
	l, encode, next, err := x.list(marker, true)
	if err != nil {
		return err
	}
	out := listResult{Marker: encode(marker), listing: l}
	if l.Delimiter != "" && l.IsTruncated { // without one, the last key is the marker
		out.NextMarker = encode(next)
	}
	return x.answerXML(out)
}

func (x *exchange) listObjectsV2() error {
	if kind := x.query.Get("list-type"); kind != "2" {
		return errInvalidParameter("list-type", kind, "Invalid List Type specified in Request")
	}
	token, after := x.query.Get("continuation-token"), x.query.Get("start-after")
	begin := after
	if x.query.Has("continuation-token") {
		var err error
		if begin, err = readToken(token); err != nil {
			return err
		}
	}
	l, encode, next, err := x.list(begin, x.query.Get("fetch-owner") == "true")
	if err != nil {
		return err
	}
	out := listResultV2{ContinuationToken: token, StartAfter: encode(after), KeyCount: len(l.Contents) + len(l.Prefixes), listing: l}
	if l.IsTruncated {
		out.NextContinuationToken = newToken(next)
	}
	return x.answerXML(out)
}

// newToken makes a continuation token, which is opaque to clients.
func newToken(next string) string { return base64.URLEncoding.EncodeToString([]byte(next)) }

func readToken(token string) (string, error) {
	next, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(next) == 0 {
		return "", errInvalidParameter("continuation-token", token, "The continuation token provided is incorrect")
	}
	return string(next), nil
}

// encodeKey encodes a key as events and lists have it: as a form value, with
// slashes left alone.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
