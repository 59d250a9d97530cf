package s3

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"s3fanout/internal/sandbox/s3/store"
)

// tagging is the document of PutObjectTagging and GetObjectTagging.
type tagging struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
	Set     struct {
		Tags []store.Tag `xml:"Tag"`
	} `xml:"TagSet"`
}

// The limits of tags are in characters, not bytes
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html).
const (
	maxTags     = 10
	maxTagKey   = 128
	maxTagValue = 256
)

func errInvalidTag(message string) *apiError { return badRequest("InvalidTag", message) }

// checkTags refuses a set of tags that S3 refuses.
func checkTags(tags []store.Tag) error {
	if len(tags) > maxTags {
		return badRequest("BadRequest", "Object tags cannot be greater than 10")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || !tagText(t.Key):
			return errInvalidTag("The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > maxTagValue || !tagText(t.Value):
			return errInvalidTag("The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return errInvalidTag("System tags cannot be added/updated by requester")
		case seen[t.Key]:
			return errInvalidTag("Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	return nil
}

// tagText says whether a text has only characters that tags may have: letters,
// marks, digits and spaces of any language, and a few signs.
func tagText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Z) && !strings.ContainsRune("+-=._:/@", r)
	}) < 0
}

// parseTagHeader reads an x-amz-tagging header: tags as in a query.
func parseTagHeader(header string) ([]store.Tag, error) {
	malformed := errInvalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 " +
		"then URLEncoded URL query parameters without tag name duplicates.")
	malformed.ArgumentName, malformed.ArgumentValue = "x-amz-tagging", header
	var tags []store.Tag
	for pair := range strings.SplitSeq(header, "&") {
		if pair == "" {
			continue
		}
		name, text, _ := strings.Cut(pair, "=")
		key, errKey := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(text)
		if errKey != nil || errValue != nil || key == "" {
			return nil, malformed
		}
		for _, t := range tags {
			if t.Key == key {
				return nil, malformed
			}
		}
		tags = append(tags, store.Tag{Key: key, Value: value})
	}
	return tags, checkTags(tags)
}

func (x *exchange) getTagging() error {
	v, err := x.store.HeadObject(x.bucket, x.key, x.query.Get("versionId"))
	if err != nil {
		return err
	}
	var out tagging
	out.Set.Tags = v.Attributes.Tags
	x.setVersion(x.target.settings().versioning, v.VersionID)
	return x.answerXML(out)
}

func (x *exchange) putTagging() error {
	raw, err := x.document()
	if err != nil {
		return err
	}
	var wanted struct {
		XMLName xml.Name    `xml:"Tagging"`
		Tags    []store.Tag `xml:"TagSet>Tag"`
	}
	if err := xml.Unmarshal(raw, &wanted); err != nil {
		return errMalformedXML()
	}
	if err := checkTags(wanted.Tags); err != nil {
		return err
	}
	if err := x.setTags(wanted.Tags, eventTaggingPut); err != nil {
		return err
	}
	return x.answer(http.StatusOK)
}

func (x *exchange) deleteTagging() error {
	if err := x.setTags(nil, eventTaggingDelete); err != nil {
		return err
	}
	return x.answer(http.StatusNoContent)
}

// setTags replaces the tags of a version.
func (x *exchange) setTags(tags []store.Tag, event string) error {
	v, err := x.store.PutTags(x.bucket, x.key, x.query.Get("versionId"), tags)
	if err != nil {
		return err
	}
	versioning := x.target.settings().versioning
	x.changed(x.key, change{event: event, etag: v.ETag, versionID: versionOf(versioning, v.VersionID)})
	x.setVersion(versioning, v.VersionID)
	return nil
}
