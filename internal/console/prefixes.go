package console

import (
	"cmp"
	"slices"
	"strings"

	"s3fanout/internal/operator/document"
)

func hasPrefix(key, prefix string) bool { return strings.HasPrefix(key, prefix) }

// prefixesOf counts the differences one level below a prefix, up to the next slash,
// as the console of S3 shows keys.
func prefixesOf(differences []document.VerifyDifference, within string) []prefixCount {
	counts := map[string]*prefixCount{}
	for _, d := range differences {
		rest, ok := strings.CutPrefix(d.Key, within)
		if !ok {
			continue
		}
		name, _, folder := strings.Cut(rest, "/")
		if folder {
			name += "/"
		}
		name = within + name
		if counts[name] == nil {
			counts[name] = &prefixCount{Prefix: name, Leaf: !folder}
		}
		counts[name].Count++
	}
	var list []prefixCount
	for _, c := range counts {
		if !c.Leaf { // keys are listed by themselves
			list = append(list, *c)
		}
	}
	slices.SortFunc(list, func(a, b prefixCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Prefix, b.Prefix))
	})
	return list[:min(len(list), mostRows)]
}
