package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"s3fanout/internal/operator/deadletter"
	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/printable"
)

// Filter is the choice as redrive makes it, but for the Region, which is not a
// matter of a dead letter.
func (c Letters) Filter() redrive.Filter {
	return redrive.Filter{Prefix: c.Prefix, Cause: c.Reason, Key: c.Key, MessageID: c.Message}
}

// candidate is a dead letter as redrive's filter sees it.
func candidate(l letterRow) redrive.Candidate {
	c := redrive.Candidate{MessageID: l.MessageID, SentAt: sentAt(l), Reason: cmp.Or(l.Reason, l.Detail), Cause: l.Cause}
	for _, o := range l.Objects {
		c.Objects = append(c.Objects, deadletter.Object(o))
	}
	return c
}

// choice reads which dead letters a form means.
func choice(r *http.Request) Letters {
	return Letters{
		Region: r.FormValue("region"), Reason: r.FormValue("reason"), Prefix: r.FormValue("prefix"),
		Key: r.FormValue("only"), Message: r.FormValue("message"),
	}
}

// Query names the choice in a link.
func (c Letters) Query() string {
	q := url.Values{}
	for name, value := range map[string]string{
		"region": c.Region, "reason": c.Reason, "prefix": c.Prefix, "only": c.Key, "message": c.Message,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q.Encode()
}

// replayForm is a form that replays.
type replayForm struct {
	CSRF        string
	Choice      Letters
	Text, Label string
	ID          string // of one without a label, whose text changes: it keeps the focus
}

func newReplayForm(p page, c Letters, most int, text, label string) replayForm {
	f := replayForm{CSRF: p.CSRF, Choice: c, Text: text, Label: label}
	switch {
	case label != "":
	case c.Any():
		f.ID = "replay-chosen"
	default:
		f.ID = "replay-all"
	}
	f.Choice.Most = most
	return f
}

// everyLetter leaves none out.
func everyLetter() Letters { return Letters{} }

func groupOf(g letterGroup) Letters { return Letters{Region: g.Region, Reason: g.Reason} }

func letterOf(region, message string) Letters { return Letters{Region: region, Message: message} }

func ofKey(key string) Letters { return Letters{Key: key} }

// Any says whether it leaves dead letters out.
func (c Letters) Any() bool {
	c.Most = 0
	return c != Letters{}
}

// checked is the choice of a form that replays: of Regions and keys that can be, with
// the number that the form said.
func (s *Server) checked(r *http.Request) (Letters, error) {
	if err := decodeFields(r); err != nil {
		return Letters{}, err
	}
	c := choice(r)
	most, err := strconv.Atoi(r.PostFormValue("most"))
	switch {
	case c.Region != "" && !slices.Contains(s.o.Regions, c.Region):
		return c, errors.New("these dead letters cannot be chosen: the set has no such Region")
	case checkKey(c.Prefix) != nil || checkKey(c.Key) != nil:
		return c, errors.New("these dead letters cannot be chosen: no key has that prefix")
	case err != nil || most < 1:
		return c, errors.New("the form does not say how many dead letters to replay; load the page again")
	}
	c.Most = most
	return c, nil
}

// Title names what is chosen.
func (c Letters) Title() string {
	if !c.Any() {
		return "all dead letters"
	}
	text := "dead letters"
	if c.Message != "" {
		text = "dead letter " + printable.Escape(c.Message)
	}
	if c.Reason != "" {
		text += " with the reason “" + printable.Escape(c.Reason) + "”"
	}
	if c.Prefix != "" {
		text += " of keys that begin with “" + printable.Escape(c.Prefix) + "”"
	}
	if c.Key != "" {
		text += " of “" + printable.Escape(c.Key) + "”"
	}
	if c.Region != "" {
		text += " in " + c.Region
	}
	return text
}

// Command is what a shell does the same with, empty where redrive has no flags for it:
// it takes a key or a prefix. A reason also chooses those that have it as a part.
func (c Letters) Command() string {
	if !strings.HasPrefix(c.Key, c.Prefix) && c.Key != "" {
		return ""
	}
	if c.Key != "" {
		c.Prefix = "" // the key has it
	}
	command := "s3fanout redrive"
	for _, f := range []struct{ flag, value string }{
		{"--prefix", c.Prefix}, {"--key", c.Key}, {"--message", c.Message}, {"--reason", c.Reason}, {"--region", c.Region},
	} {
		if f.value != "" {
			command += " " + f.flag + "=" + printable.Shell(f.value)
		}
	}
	return command
}
