package console

import "regexp"

// phrase is a part of a hint: a command, or the words between commands.
type phrase struct {
	Text    string
	Command bool
}

// A command of a hint ends where the next word is no argument of it. Those of s3fanout
// take flags, and values that have a digit or are quoted; those of others go up to a
// semicolon or a comma. What is in double quotes is the name of something.
var hintPattern = func() *regexp.Regexp {
	const (
		quoted = `(?:\$'(?:[^'\\]|\\.)*'|'[^']*')`
		word   = `(?:` + quoted + `|\\.|[^\s;,'"])+`
		value  = `[A-Za-z/:._{}-]*(?:` + quoted + `|[0-9])(?:` + word + `)?`
		own    = `s3fanout (?:failover [a-z]+|sandbox [a-z]+|[a-z]+)(?: (?:--[a-z-]+(?:=` + word + `)?|` + value + `))*`
		others = `(?:aws [a-z0-9]+ (?:[a-z0-9]+-[a-z0-9-]+|tail|unsubscribe|publish)|npx cdk [a-z]+)(?: ` + word + `)*`
	)
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\b(` + own + `|` + others + `)`)
}()

// phrases tells the commands of a hint from its words.
func phrases(hint string) []phrase {
	var list []phrase
	from := 0
	for _, at := range hintPattern.FindAllStringSubmatchIndex(hint, -1) {
		if at[2] < 0 {
			continue
		}
		if at[2] > from {
			list = append(list, phrase{Text: hint[from:at[2]]})
		}
		list = append(list, phrase{Text: hint[at[2]:at[3]], Command: true})
		from = at[3]
	}
	if from < len(hint) {
		list = append(list, phrase{Text: hint[from:]})
	}
	return list
}
