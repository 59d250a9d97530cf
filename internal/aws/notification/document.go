// Package notification edits a bucket's notification configuration without
// touching what others have put there.
//
// S3 knows one configuration for a whole bucket: whoever adds an entry reads all
// of it and writes all of it back. This package keeps the bytes that S3 gave and
// cuts and adds entries in them, so that what it does not understand, such as a
// kind of destination that is newer than this code, is written back as it was.
// S3 has no condition for that write; see Change for what that means.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
package notification

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Kind is the kind of an entry's destination, under the name of its element.
type Kind string

// The kinds of entries. EventBridge is none: it has neither events nor keys.
const (
	Topic    Kind = "TopicConfiguration"
	Queue    Kind = "QueueConfiguration"
	Function Kind = "CloudFunctionConfiguration"
)

// destination is the element that holds the destination's ARN.
func (k Kind) destination() string {
	switch k {
	case Topic:
		return "Topic"
	case Queue:
		return "Queue"
	case Function:
		return "CloudFunction"
	}
	return ""
}

// Entry is one entry of a configuration: which events of which keys S3 tells
// whom.
type Entry struct {
	Kind        Kind
	ID          string
	Destination string // ARN
	Events      []string
	// Prefix and Suffix choose keys; empty for all. They are URL-encoded, as S3
	// has them.
	Prefix, Suffix string
}

// Document is a configuration as S3 gave it. Its zero value is not valid: use
// Parse. It does not change.
type Document struct {
	raw      []byte
	children []child
	// Where the root's contents begin and end in raw.
	from, to int
}

// child is one element of a document.
type child struct {
	from, to  int // in raw
	entry     Entry
	isEntry   bool
	canonical string // equal for what means the same
}

// root is the name of a configuration's root.
const root = "NotificationConfiguration"

// Parse reads a configuration.
func Parse(raw []byte) (Document, error) {
	d := Document{raw: raw}
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	began := false
	for {
		at := int(decoder.InputOffset())
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && began {
			return d, nil
		}
		if err != nil {
			return Document{}, fmt.Errorf("read a notification configuration: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if !began {
				if token.Name.Local != root {
					return Document{}, fmt.Errorf("read a notification configuration: the root is %s", token.Name.Local)
				}
				began = true
				if d.from = int(decoder.InputOffset()); bytes.HasSuffix(raw[:d.from], []byte("/>")) {
					return Parse(opened(raw, at, d.from))
				}
				continue
			}
			n, err := readNode(decoder, token, 1)
			if err != nil {
				return Document{}, fmt.Errorf("read a notification configuration: %w", err)
			}
			c := child{from: at, to: int(decoder.InputOffset()), canonical: n.canonical()}
			c.entry, c.isEntry = n.entry()
			d.children = append(d.children, c)
		case xml.EndElement:
			d.to = at
		}
	}
}

// opened is the document with start and end tags in place of an empty root, which
// is at from to to.
func opened(raw []byte, from, to int) []byte {
	tag := string(raw[from : to-len("/>")])
	name, _, _ := strings.Cut(strings.TrimPrefix(tag, "<"), " ")
	return slices.Concat(raw[:from], []byte(tag+"></"+strings.TrimSpace(name)+">"), raw[to:])
}

// Bytes is the configuration as XML. Do not change it.
func (d Document) Bytes() []byte { return d.raw }

// Entries are the configuration's entries, in their order.
func (d Document) Entries() []Entry {
	var entries []Entry
	for _, c := range d.children {
		if c.isEntry {
			entries = append(entries, c.entry)
		}
	}
	return entries
}

// Equal reports whether two configurations mean the same. The order of elements
// does not count, nor does the case of a filter's "Prefix": S3 does not keep
// either.
func (d Document) Equal(o Document) bool {
	return slices.Equal(d.canonical(), o.canonical())
}

func (d Document) canonical() []string {
	var all []string
	for _, c := range d.children {
		all = append(all, c.canonical)
	}
	slices.Sort(all)
	return all
}

// with is the document without the entries that go, and with those that come.
func (d Document) with(goes func(Entry) bool, come []Entry) (Document, error) {
	var out bytes.Buffer
	at := 0
	for _, c := range d.children {
		if c.isEntry && goes(c.entry) {
			out.Write(d.raw[at:c.from])
			at = c.to
		}
	}
	out.Write(d.raw[at:d.to])
	for _, e := range come {
		e.write(&out)
	}
	out.Write(d.raw[d.to:])
	return Parse(out.Bytes())
}

// write appends the entry as XML.
func (e Entry) write(out *bytes.Buffer) {
	element := func(name, text string) {
		fmt.Fprintf(out, "<%s>", name)
		_ = xml.EscapeText(out, []byte(text)) // a buffer takes everything
		fmt.Fprintf(out, "</%s>", name)
	}
	fmt.Fprintf(out, "<%s>", e.Kind)
	element("Id", e.ID)
	element(e.Kind.destination(), e.Destination)
	for _, event := range e.Events {
		element("Event", event)
	}
	if e.Prefix != "" || e.Suffix != "" {
		out.WriteString("<Filter><S3Key>")
		for _, rule := range []struct{ name, value string }{{"prefix", e.Prefix}, {"suffix", e.Suffix}} {
			if rule.value != "" {
				out.WriteString("<FilterRule>")
				element("Name", rule.name)
				element("Value", rule.value)
				out.WriteString("</FilterRule>")
			}
		}
		out.WriteString("</S3Key></Filter>")
	}
	fmt.Fprintf(out, "</%s>", e.Kind)
}

// maxDepth is more than any configuration has.
const maxDepth = 32

// node is an element that may have any form.
type node struct {
	name     string
	text     string
	children []node
}

func readNode(decoder *xml.Decoder, start xml.StartElement, depth int) (node, error) {
	n := node{name: start.Name.Local}
	if depth > maxDepth {
		return node{}, errors.New("it is nested too deep")
	}
	for {
		token, err := decoder.Token()
		if err != nil {
			return node{}, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			inner, err := readNode(decoder, token, depth+1)
			if err != nil {
				return node{}, err
			}
			n.children = append(n.children, inner)
		case xml.CharData:
			n.text += string(token)
		case xml.EndElement:
			return n, nil
		}
	}
}

// canonical writes the element so that what means the same is the same text.
func (n node) canonical() string {
	text := strings.TrimSpace(n.text)
	if n.name == "Name" {
		text = strings.ToLower(text) // of a filter's rule
	}
	var inner []string
	for _, c := range n.children {
		// S3 may or may not write a filter that chooses all keys.
		if s := c.canonical(); s != "(Filter)" && s != "(S3Key)" {
			inner = append(inner, s)
		}
	}
	slices.Sort(inner)
	parts := append([]string{n.name}, inner...)
	if text != "" {
		parts = append(parts, fmt.Sprintf("%q", text))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

// entry reads the element as an entry, if it is one.
func (n node) entry() (Entry, bool) {
	e := Entry{Kind: Kind(n.name)}
	destination := e.Kind.destination()
	if destination == "" {
		return Entry{}, false
	}
	for _, c := range n.children {
		text := strings.TrimSpace(c.text)
		switch c.name {
		case "Id":
			e.ID = text
		case destination:
			e.Destination = text
		case "Event":
			e.Events = append(e.Events, text)
		case "Filter":
			e.Prefix, e.Suffix = c.keys()
		}
	}
	return e, true
}

// keys reads a filter.
func (n node) keys() (prefix, suffix string) {
	for _, key := range n.children {
		for _, rule := range key.children {
			var name, value string
			for _, part := range rule.children {
				switch part.name {
				case "Name":
					name = strings.ToLower(strings.TrimSpace(part.text))
				case "Value":
					value = part.text
				}
			}
			switch name {
			case "prefix":
				prefix = value
			case "suffix":
				suffix = value
			}
		}
	}
	return prefix, suffix
}
