package document

import "time"

// Backfill is what backfill --output json writes. Its names and the
// values of class are stable.
type Backfill struct {
	ReplicaSet  string           `json:"replicaSet"`
	DryRun      bool             `json:"dryRun"`
	Interrupted bool             `json:"interrupted"`
	Refused     bool             `json:"refused"`
	Different   int              `json:"different"`
	Left        int              `json:"left"`
	Error       string           `json:"error,omitempty"`
	Targets     []BackfillTarget `json:"targets"`
	// Wins and Conflicts are of keys that are followed.
	Wins      []BackfillWins     `json:"wins"`
	Conflicts []BackfillConflict `json:"conflicts"`
	Requests  BackfillShared     `json:"requests"`
	Failures  []CopyFailure      `json:"failures"`
	Estimate  *BackfillEstimate  `json:"estimate,omitempty"`
}

// BackfillTarget is what was found and copied for one Region.
type BackfillTarget struct {
	Region       string       `json:"region"`
	Missing      int          `json:"missing"`
	MissingBytes int64        `json:"missingBytes"`
	NoSource     int          `json:"noSource"`
	Deleted      int          `json:"deleted"`
	Copying      int          `json:"copying"`
	Copied       int          `json:"copied"`
	Exists       int          `json:"exists"`
	Diverged     int          `json:"diverged"`
	SourceGone   int          `json:"sourceGone"`
	Failed       int          `json:"failed"`
	Left         int          `json:"left"`
	Bytes        int64        `json:"bytes"`
	Stale        int          `json:"stale"`
	Replaced     int          `json:"replaced"`
	Undeleted    int          `json:"undeleted"`
	Hidden       int          `json:"hidden"`
	Kept         int          `json:"kept"`
	Destroyed    int          `json:"destroyed"`
	Requests     CopyRequests `json:"requests"`
}

// CopyRequests are those that copies send.
type CopyRequests struct {
	Copy     int `json:"copy"`
	Head     int `json:"head"`
	Tags     int `json:"tags"`
	Create   int `json:"create"`
	Part     int `json:"part"`
	List     int `json:"list"`
	Complete int `json:"complete"`
	Abort    int `json:"abort"`
	Delete   int `json:"delete"`
}

// BackfillWins counts the keys for which a Region's write wins over others.
type BackfillWins struct {
	Region string `json:"region"`
	Keys   int    `json:"keys"`
}

// BackfillConflict is a key under which Regions have different writes.
type BackfillConflict struct {
	Key     string    `json:"key"`
	Wins    string    `json:"wins"`
	Written time.Time `json:"written"`
	Deleted bool      `json:"deleted"`
	Loses   []string  `json:"loses"`
}

// BackfillShared are those that serve all targets.
type BackfillShared struct {
	List int `json:"list"`
	Head int `json:"head"`
}

// CopyFailure is a key that could not be copied.
type CopyFailure struct {
	Region string `json:"region"`
	Key    string `json:"key"`
	Class  string `json:"class"`
	Reason string `json:"reason"`
}

// BackfillEstimate is what a dry run expects, without storage.
type BackfillEstimate struct {
	Requests        CopyRequests       `json:"requests"`
	Transfer        []BackfillTransfer `json:"transfer"`
	RequestDollars  float64            `json:"requestDollars"`
	TransferDollars float64            `json:"transferDollars"`
	Dollars         float64            `json:"dollars"`
	AssumedPrices   []string           `json:"assumedPrices"`
}

// BackfillTransfer is what would go from one Region to another.
type BackfillTransfer struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Bytes int64  `json:"bytes"`
}
