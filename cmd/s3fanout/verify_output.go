package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"s3fanout/internal/contents"
	"s3fanout/internal/table"
	"s3fanout/internal/verify"
)

// verifyDifference and verifySummary are the lines of verify --output json.
// Their names and the values of kind and why are stable.
type verifyDifference struct {
	Kind      string         `json:"kind"`
	Key       string         `json:"key"`
	Why       string         `json:"why"`
	Regions   []verifyObject `json:"regions"`
	Without   []string       `json:"without"`
	Differing []string       `json:"differing"`
}

type verifyObject struct {
	Region    string          `json:"region"`
	VersionID string          `json:"versionId,omitempty"`
	Size      int64           `json:"size"`
	ETag      string          `json:"etag"`
	Checksum  *verifyChecksum `json:"checksum,omitempty"`
	Modified  time.Time       `json:"modified"`
}

type verifyChecksum struct {
	Algorithm string `json:"algorithm"`
	Type      string `json:"type"`
	Value     string `json:"value"`
}

type verifySummary struct {
	ReplicaSet   string   `json:"replicaSet"`
	Regions      []string `json:"regions"`
	Prefix       string   `json:"prefix,omitempty"`
	Keys         int64    `json:"keys"`
	Bytes        int64    `json:"bytes"`
	Equal        int64    `json:"equal"`
	SizeOnly     int64    `json:"sizeOnly"`
	Missing      int64    `json:"missing"`
	Different    int64    `json:"different"`
	Both         int64    `json:"both"`
	Deleted      int64    `json:"deleted"`
	Unfinished   int64    `json:"unfinished"`
	ListRequests int64    `json:"listRequests"`
	HeadRequests int64    `json:"headRequests"`
	CostUSD      float64  `json:"costUSD"`
	Partial      bool     `json:"partial"`
}

// verifyOutput writes the results of verify as they come.
type verifyOutput struct {
	w      io.Writer
	notes  *progress
	set    string
	chosen []string
	flags  verifyFlags
	json   bool

	width   int // of the terminal; 0: none
	region  int // of the widest Region's name
	colours bool
}

func (a *app) newVerifyOutput(notes *progress, set string, regions []string, f verifyFlags) *verifyOutput {
	o := &verifyOutput{
		w: a.stdout, notes: notes, set: set, chosen: regions, flags: f, json: a.output == outputJSON,
		width: a.terminalWidth(a.stdout), colours: a.colours(a.stdout),
	}
	for _, r := range regions {
		o.region = max(o.region, len(r))
	}
	return o
}

// difference writes one difference.
func (o *verifyOutput) difference(d verify.Difference) error {
	switch {
	case o.json:
		return o.encode(newVerifyDifference(d))
	case o.flags.keys:
		return o.key(d)
	}
	var b strings.Builder
	for _, region := range append(d.Without, d.Differing...) {
		line := fmt.Sprintf("%-9s  %-*s  %-8s  ", d.Kind, o.region, region, d.Why)
		key := table.Printable(d.Key)
		if o.width > 0 {
			key = table.CutStart(key, max(o.width-len(line), narrowestKey))
		}
		if o.colours {
			line = verifyColour(d.Kind) + line + plain
		}
		b.WriteString(line + key + "\n")
	}
	return o.write(b.String())
}

// narrowestKey is how much of a key is shown on a terminal, however narrow.
const narrowestKey = 12

func verifyColour(k verify.Kind) string {
	if k == verify.Missing {
		return yellow
	}
	return red
}

// key writes a difference's key, once for a key that has two.
func (o *verifyOutput) key(d verify.Difference) error {
	switch {
	case d.Kind == verify.Different && len(d.Objects) < len(o.chosen):
		return nil // it was missing as well
	case strings.ContainsAny(d.Key, "\r\n"):
		o.notes.note("%s %s has a line break and is not among the lines; --output json has it", d.Kind, table.Printable(d.Key))
		return nil
	case o.width > 0:
		return o.write(table.Printable(d.Key) + "\n")
	}
	return o.write(d.Key + "\n")
}

// summary writes the end. With --keys it is a note, as the keys are for other
// programs.
func (o *verifyOutput) summary(s verify.Summary) error {
	if o.json {
		return o.encode(map[string]verifySummary{"summary": o.newSummary(s)})
	}
	lines := describeSummary(s)
	if o.flags.keys {
		for _, line := range lines {
			o.notes.note("%s", line)
		}
		return nil
	}
	return o.write(strings.Join(lines, "\n") + "\n")
}

func describeSummary(s verify.Summary) []string {
	first := fmt.Sprintf("%s, %s in each Region: %d the same, %d missing, %d different",
		keyCount(s.Keys), table.Bytes(s.Bytes), s.Equal, s.Missing, s.Different)
	for _, extra := range []struct {
		n    int64
		text string
	}{{s.Both, "both missing and different"}, {s.Gone, "deleted meanwhile"}, {s.Unfinished, "not decided"}} {
		if extra.n > 0 {
			first += fmt.Sprintf(", %d %s", extra.n, extra.text)
		}
	}
	if s.Partial {
		first = "Partial: " + first
	}
	lines := []string{first}
	if s.SizeOnly > 0 {
		lines = append(lines, fmt.Sprintf("of the same, %d by size alone: their ETags and checksums cannot be compared", s.SizeOnly))
	}
	return append(lines, fmt.Sprintf("%d LIST and %d HEAD requests, about %s", s.Lists, s.Heads, verifyUSD(costUSD(s))))
}

// costUSD is what the requests cost in us-east-1; other Regions are not much
// dearer (https://aws.amazon.com/s3/pricing/).
func costUSD(s verify.Summary) float64 {
	const list, head = 0.005 / 1000, 0.0004 / 1000
	return float64(s.Lists)*list + float64(s.Heads)*head
}

func verifyUSD(usd float64) string {
	if usd < 0.01 {
		return fmt.Sprintf("$%.6f", usd)
	}
	return fmt.Sprintf("$%.2f", usd)
}

func newVerifyDifference(d verify.Difference) verifyDifference {
	doc := verifyDifference{
		Kind: string(d.Kind), Key: d.Key, Why: d.Why, Regions: []verifyObject{},
		Without: append([]string{}, d.Without...), Differing: append([]string{}, d.Differing...),
	}
	for _, o := range d.Objects {
		object := verifyObject{Region: o.Region, VersionID: o.VersionID, Size: o.Size, ETag: o.ETag, Modified: o.Modified}
		if o.Checksum != (contents.Checksum{}) {
			c := verifyChecksum(o.Checksum)
			object.Checksum = &c
		}
		doc.Regions = append(doc.Regions, object)
	}
	return doc
}

func (o *verifyOutput) newSummary(s verify.Summary) verifySummary {
	return verifySummary{
		ReplicaSet: o.set, Regions: o.chosen, Prefix: o.flags.prefix,
		Keys: s.Keys, Bytes: s.Bytes, Equal: s.Equal, SizeOnly: s.SizeOnly, Missing: s.Missing, Different: s.Different, Both: s.Both,
		Deleted: s.Gone, Unfinished: s.Unfinished, ListRequests: s.Lists, HeadRequests: s.Heads, CostUSD: costUSD(s), Partial: s.Partial,
	}
}

func (o *verifyOutput) encode(v any) error {
	var b strings.Builder
	if err := writeJSONLine(&b, v); err != nil {
		return err
	}
	return o.write(b.String())
}

// write writes results, off the status line if that is on the same terminal.
func (o *verifyOutput) write(text string) error {
	o.notes.mu.Lock()
	defer o.notes.mu.Unlock()
	o.notes.clear()
	if _, err := io.WriteString(o.w, text); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
