package copier

import (
	"mime"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPropertiesSurvive draws everything that an object can be stored with.
// User metadata is drawn as S3 shows it, non-ASCII encoded by RFC 2047.
func TestPropertiesSurvive(t *testing.T) {
	word := rapid.StringMatching(`[a-z][a-z0-9-]{0,20}`)
	// What a header can hold at its ends and inside.
	text := rapid.StringMatching(`[!-~]([ -~]{0,40}[!-~])?`)
	value := rapid.OneOf(text,
		rapid.Map(rapid.StringN(1, 30, 120), func(s string) string {
			return strings.ReplaceAll(mime.BEncoding.Encode("UTF-8", "ü"+strings.ToValidUTF8(s, "?")), "\n", "")
		}),
		rapid.StringMatching(`[äöüß🐘日本]{1,10}`)) // as servers show it that do not encode
	tagText := rapid.StringMatching(`[\p{L}\p{N} +\-=._:/@]{1,40}`)
	rapid.Check(t, func(rt *rapid.T) {
		m, req := world(rapid.IntRange(11, 99).Draw(rt, "size"))
		o := m.objects[sourcePath]
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language",
			"Cache-Control", "Expires", "X-Amz-Website-Redirect-Location"} {
			if rapid.Bool().Draw(rt, "has "+name) {
				o.header.Set(name, text.Draw(rt, name))
			}
		}
		bytes := 0
		for k, v := range rapid.MapOfN(word, value, 0, 20).Draw(rt, "metadata") {
			if bytes += len(k) + len(v); bytes <= 2048 {
				o.header.Set("X-Amz-Meta-"+k, v)
			}
		}
		o.tags = nil
		for k, v := range rapid.MapOfN(tagText, tagText, 0, 10).Draw(rt, "tags") {
			o.tags = append(o.tags, [2]string{k, v})
		}
		if _, err := inParts(m, 1).Copy(t.Context(), req); err != nil {
			rt.Fatal(err)
		}
		got := m.objects[replicaPath]
		names := map[string]bool{}
		for _, h := range []http.Header{o.header, got.header} {
			for name := range h {
				names[name] = true
			}
		}
		for name := range names {
			if a, b := o.header.Get(name), got.header.Get(name); a != b {
				rt.Errorf("%s: got %q, want %q", name, b, a)
			}
		}
		if len(got.tags) != len(o.tags) {
			rt.Fatalf("tags: got %q, want %q", got.tags, o.tags)
		}
		for i := range o.tags {
			if got.tags[i] != o.tags[i] {
				rt.Errorf("tag: got %q, want %q", got.tags[i], o.tags[i])
			}
		}
	})
}
