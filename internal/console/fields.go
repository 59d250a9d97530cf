package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// fits says whether a field of text can hold a key: browsers drop line breaks there, and
// HTML has no NUL
// (https://html.spec.whatwg.org/multipage/input.html#text-(type=text)-state-and-search-state-(type=search)).
func fits(key string) bool { return !strings.ContainsAny(key, "\r\n\x00") }

// decodeFields reads a posted form, and what the pages carry percent-encoded in it as if
// it were as it is. Hidden fields hold keys so: HTML's parser makes a line feed of a
// carriage return, and a form that is sent has both for either.
func decodeFields(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errors.New("this form cannot be read; load the page again")
	}
	for _, name := range []string{"reason", "prefix", "only", "key"} {
		for _, value := range r.PostForm[name+"-encoded"] {
			text, err := url.QueryUnescape(value)
			if err != nil {
				return errors.New("this form has a key that cannot be decoded; load the page again")
			}
			r.Form[name], r.PostForm[name] = append(r.Form[name], text), append(r.PostForm[name], text)
		}
	}
	return nil
}
