package console

import (
	"cmp"
	"slices"
	"strings"
)

func hasPrefix(key, prefix string) bool { return strings.HasPrefix(key, prefix) }

// prefixes counts keys one level below a prefix, up to the next slash, as the console
// of S3 shows them. Keys without a further slash are not counted: they are listed by
// themselves.
type prefixes struct {
	within string
	counts map[string]int
}

func newPrefixes(within string) *prefixes { return &prefixes{within, map[string]int{}} }

func (p *prefixes) add(key string) {
	rest, ok := strings.CutPrefix(key, p.within)
	if !ok {
		return
	}
	if name, _, folder := strings.Cut(rest, "/"); folder {
		p.counts[p.within+name+"/"]++
	}
}

// list has the largest prefixes, and says how many there are besides.
func (p *prefixes) list(most int) (list []prefixCount, more int) {
	for prefix, n := range p.counts {
		list = append(list, prefixCount{prefix, n})
	}
	slices.SortFunc(list, func(a, b prefixCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Prefix, b.Prefix))
	})
	more = max(0, len(list)-most)
	return list[:len(list)-more], more
}

// crumb is a step from all keys down to a prefix.
type crumb struct{ Prefix, Name string }

// crumbs are the prefixes above one, the shortest first. Of very many the middle ones
// are left out.
func crumbs(prefix string) []crumb {
	var list []crumb
	for from := 0; from < len(prefix); {
		end := len(prefix)
		if i := strings.IndexByte(prefix[from:], '/'); i >= 0 {
			end = from + i + 1
		}
		list = append(list, crumb{prefix[:end], prefix[from:end]})
		from = end
	}
	if len(list) > 12 {
		list = slices.Concat(list[:4], []crumb{{list[len(list)-8].Prefix, "…"}}, list[len(list)-7:])
	}
	return list
}
