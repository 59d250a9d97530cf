package lambda

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"s3fanout/internal/sandbox/iam"
)

// tagsPrefix comes before the ARN of what has the tags.
const tagsPrefix = "/2017-03-31/tags/"

// What a tag may be (https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html).
const (
	mostTags        = 50
	longestTagKey   = 128 // characters
	longestTagValue = 256
)

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// serveTags answers ListTags, TagResource and UntagResource
// (https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html).
func (s *Service) serveTags(w http.ResponseWriter, r *http.Request, region string, caller iam.Caller) error {
	escaped, _ := strings.CutPrefix(r.URL.EscapedPath(), tagsPrefix)
	arn, err := url.PathUnescape(escaped)
	if err != nil || !strings.HasPrefix(arn, "arn:") {
		return invalid("%q is not the ARN of a function", escaped)
	}
	functionARN, err := s.resolve(region, arn)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	keys := query["tagKeys"]
	if query.Del("tagKeys"); len(query) > 0 {
		return checkQuery(query)
	}
	action := map[string]string{
		http.MethodGet: "lambda:ListTags", http.MethodPost: "lambda:TagResource", http.MethodDelete: "lambda:UntagResource",
	}[r.Method]
	if action == "" {
		return &Error{
			Status:  http.StatusNotImplemented,
			Code:    "NotImplemented",
			Message: "The sandbox's Lambda has no operation " + r.Method + " " + tagsPrefix + "{ARN}.",
		}
	}
	f, err := s.authorize(caller, action, functionARN)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		return json.NewEncoder(w).Encode(struct{ Tags map[string]string }{f.shownTags()})
	case http.MethodPost:
		var in struct{ Tags map[string]string }
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			return &Error{
				Status:  http.StatusBadRequest,
				Code:    "InvalidRequestContentException",
				Message: "Could not parse request body into json: " + err.Error(),
			}
		}
		if err := f.tag(in.Tags); err != nil {
			return err
		}
	default:
		if len(keys) == 0 {
			return invalid("tagKeys is missing")
		}
		f.untag(keys)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// shownTags are the function's tags, an empty object for none. f.mu is held.
func (f *function) shownTags() map[string]string {
	shown := map[string]string{}
	maps.Copy(shown, f.tags)
	return shown
}

// tag adds tags and replaces those of the same keys, all or none. f.mu is held.
func (f *function) tag(tags map[string]string) error {
	if len(tags) == 0 {
		return invalid("Tags is missing or empty")
	}
	merged := f.shownTags()
	maps.Copy(merged, tags)
	if err := checkTags(merged); err != nil {
		return err
	}
	f.tags = merged
	return nil
}

// untag removes tags; those that are not there change nothing. f.mu is held.
func (f *function) untag(keys []string) {
	left := f.shownTags()
	for _, key := range keys {
		delete(left, key)
	}
	f.tags = left
}

func checkTags(tags map[string]string) error {
	if len(tags) > mostTags {
		return invalid("a function has at most %d tags", mostTags)
	}
	for key, value := range tags {
		switch {
		case key == "" || utf8.RuneCountInString(key) > longestTagKey || !tagText.MatchString(key):
			return invalid("the tag key %q is empty, too long, or has characters that tags may not have", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalid("the tag key %q begins with aws:, which is AWS's", key)
		case utf8.RuneCountInString(value) > longestTagValue || !tagText.MatchString(value):
			return invalid("the value of the tag %q is too long, or has characters that tags may not have", key)
		}
	}
	return nil
}

// retag makes the tags of a template into those of another, and leaves tags that
// were added by hand. f.mu is held.
func (f *function) retag(before, after map[string]string) {
	var gone []string
	for key := range before {
		if _, stays := after[key]; !stays {
			gone = append(gone, key)
		}
	}
	f.untag(gone)
	maps.Copy(f.tags, after)
}
