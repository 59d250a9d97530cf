package document

import "time"

// VerifyDifference is a line of verify --output json. Its names and the values of
// kind and why are stable.
type VerifyDifference struct {
	Kind      string         `json:"kind"`
	Key       string         `json:"key"`
	Why       string         `json:"why"`
	Regions   []VerifyObject `json:"regions"`
	Without   []string       `json:"without"`
	Deleted   []string       `json:"deleted"`
	Differing []string       `json:"differing"`
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
	SizeOnly      int64         `json:"sizeOnly"`
	Missing       int64         `json:"missing"`
	Hidden        int64         `json:"hidden"`
	Copying       int64         `json:"copying"`
	Different     int64         `json:"different"`
	Both          int64         `json:"both"`
	Undeleted     int64         `json:"undeleted"`
	Unsettled     int64         `json:"unsettled"`
	Deleted       int64         `json:"deleted"`
	Unfinished    int64         `json:"unfinished"`
	ListRequests  int64         `json:"listRequests"`
	HeadRequests  int64         `json:"headRequests"`
	TagRequests   int64         `json:"tagRequests"`
	CostUSD       float64       `json:"costUSD"`
	Partial       bool          `json:"partial"`
	ByRegion      []VerifyCount `json:"byRegion"`
	ByPrefix      []VerifyCount `json:"byPrefix"`
	OtherPrefixes int           `json:"otherPrefixes"`
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
