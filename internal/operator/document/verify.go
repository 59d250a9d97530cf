package document

import (
	"time"

	"s3fanout/internal/operator/verify"
	"s3fanout/internal/policy"
)

// VerifyDifference is a line of verify --output json. Its names and the values of
// kind and why are stable.
type VerifyDifference struct {
	Kind      string         `json:"kind"`
	Key       string         `json:"key"`
	Why       string         `json:"why"`
	Regions   []VerifyObject `json:"regions" jsonschema:"have the key"`
	Without   []string       `json:"without" jsonschema:"lack it"`
	Deleted   []string       `json:"deleted" jsonschema:"hide it by a delete marker"`
	Differing []string       `json:"differing" jsonschema:"have something else"`
}

// VerifyObject is the key in a Region that has it.
type VerifyObject struct {
	Region    string            `json:"region"`
	VersionID string            `json:"versionId,omitempty"`
	Size      int64             `json:"size"`
	ETag      string            `json:"etag"`
	Checksum  *VerifyChecksum   `json:"checksum,omitempty"`
	Modified  time.Time         `json:"modified"`
	Tags      map[string]string `json:"tags,omitzero"`
}

// VerifyChecksum is one that S3 keeps of the object.
type VerifyChecksum struct {
	Algorithm string `json:"algorithm"`
	Type      string `json:"type"`
	Value     string `json:"value"`
}

// VerifyEnd is the last line of verify --output json.
type VerifyEnd struct {
	Summary VerifySummary `json:"summary"`
}

// VerifySummary counts what was compared.
type VerifySummary struct {
	ReplicaSet    string        `json:"replicaSet"`
	Regions       []string      `json:"regions"`
	Prefix        string        `json:"prefix,omitempty"`
	Keys          int64         `json:"keys"`
	Bytes         int64         `json:"bytes"`
	Equal         int64         `json:"equal"`
	SizeOnly      int64         `json:"sizeOnly" jsonschema:"of equal: compared by size alone"`
	Missing       int64         `json:"missing"`
	Hidden        int64         `json:"hidden" jsonschema:"of missing: under delete markers"`
	Copying       int64         `json:"copying"`
	Different     int64         `json:"different"`
	Both          int64         `json:"both" jsonschema:"missing in one Region and different in another"`
	Undeleted     int64         `json:"undeleted"`
	Unsettled     int64         `json:"unsettled"`
	Deleted       int64         `json:"deleted"`
	Unfinished    int64         `json:"unfinished" jsonschema:"not looked at again"`
	ListRequests  int64         `json:"listRequests"`
	HeadRequests  int64         `json:"headRequests"`
	TagRequests   int64         `json:"tagRequests"`
	CostUSD       float64       `json:"costUSD"`
	Partial       bool          `json:"partial" jsonschema:"the run ended early"`
	ByRegion      []VerifyCount `json:"byRegion"`
	ByPrefix      []VerifyCount `json:"byPrefix" jsonschema:"the 20 prefixes with most differences"`
	OtherPrefixes int           `json:"otherPrefixes" jsonschema:"prefixes besides these"`
}

// VerifyCount counts keys of a Region, all of them or those with a prefix.
type VerifyCount struct {
	Region    string  `json:"region"`
	Prefix    *string `json:"prefix,omitempty"`
	Missing   int64   `json:"missing"`
	Copying   int64   `json:"copying"`
	Different int64   `json:"different"`
	Undeleted int64   `json:"undeleted"`
	Unsettled int64   `json:"unsettled"`
}

// NewVerifyDifference makes the document of one difference.
func NewVerifyDifference(d verify.Difference) VerifyDifference {
	doc := VerifyDifference{
		Kind: string(d.Kind), Key: d.Key, Why: d.Why, Regions: []VerifyObject{},
		Without: append([]string{}, d.Without...), Deleted: append([]string{}, d.Deleted...), Differing: append([]string{}, d.Differing...),
	}
	for _, o := range d.Objects {
		object := VerifyObject{Region: o.Region, VersionID: o.VersionID, Size: o.Size, ETag: o.ETag, Modified: o.Modified, Tags: o.Tags}
		if o.Checksum != (policy.Checksum{}) {
			c := VerifyChecksum(o.Checksum)
			object.Checksum = &c
		}
		doc.Regions = append(doc.Regions, object)
	}
	return doc
}

// NewVerifySummary makes the document of the end of a run over these Regions, with
// what its differences were counted to.
func NewVerifySummary(set, prefix string, regions []string, s verify.Summary, counts *verify.Counts) VerifySummary {
	d := VerifySummary{
		ReplicaSet: set, Regions: regions, Prefix: prefix,
		Keys: s.Keys, Bytes: s.Bytes, Equal: s.Equal, SizeOnly: s.SizeOnly, Missing: s.Missing, Hidden: s.Deleted, Copying: s.Copying,
		Different: s.Different, Both: s.Both, Undeleted: s.Undeleted, Unsettled: s.Unsettled, Deleted: s.Gone, Unfinished: s.Unfinished,
		ListRequests: s.Lists, HeadRequests: s.Heads, TagRequests: s.Tags, CostUSD: VerifyCost(s), Partial: s.Partial,
		ByRegion: []VerifyCount{}, ByPrefix: []VerifyCount{},
	}
	for _, c := range counts.Regions() {
		d.ByRegion = append(
			d.ByRegion,
			VerifyCount{
				Region:    c.Region,
				Missing:   c.Missing,
				Copying:   c.Copying,
				Different: c.Different,
				Undeleted: c.Undeleted,
				Unsettled: c.Unsettled,
			},
		)
	}
	prefixes, others := counts.Prefixes()
	for _, c := range prefixes {
		d.ByPrefix = append(d.ByPrefix, VerifyCount{
			Region: c.Region, Prefix: &c.Prefix, Missing: c.Missing, Copying: c.Copying, Different: c.Different,
			Undeleted: c.Undeleted, Unsettled: c.Unsettled,
		})
	}
	d.OtherPrefixes = others
	return d
}

// VerifyCost is what the requests cost in us-east-1; other Regions are not much
// more expensive (https://aws.amazon.com/s3/pricing/).
func VerifyCost(s verify.Summary) float64 {
	const list, head = 0.005 / 1000, 0.0004 / 1000
	return float64(s.Lists)*list + float64(s.Heads+s.Tags)*head
}
