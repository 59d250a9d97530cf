package policy

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
)

// EntryName is the name of the user metadata that says of a replica which write it
// is of: the name without x-amz-meta-, as HeadObject answers and requests have it.
const EntryName = "s3fanout-origin"

const (
	entryVersion = "1"
	// bindingSeconds is how far a replica's LastModified may be from the second in
	// its entry. What users copy later, metadata and all, is a write of theirs.
	bindingSeconds = 30
	// hashChars are 72 bits, so that no two keys of a bucket have the same by chance.
	hashChars = 12
)

// Entry is what a replica carries. It counts only where it was put; see Binds.
type Entry struct {
	Write
	// Hash is of the key: see HashOf.
	Hash string
	// Made is when the replica was made, in seconds since 1970 by the clock of its
	// Region; zero in the entry of a replica in parts.
	Made int64
	// Parts is the number of the replica's parts; zero if it was copied by one
	// request. LastModified of an upload in parts may be when it began, or when it
	// was completed, so that a second says nothing.
	Parts int
}

// EntryFor is the entry of a replica of w that is made at a second, or of parts
// if their number is not zero.
func EntryFor(w Write, key string, made int64, parts int) Entry {
	e := Entry{Write: w, Hash: HashOf(key), Parts: parts}
	if parts == 0 {
		e.Made = made
	}
	return e
}

// HashOf is a short hash of a key.
func HashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:hashChars]
}

// String is the entry's value: ASCII without spaces, so that HTTP carries it as
// it is. ParseEntry reads it.
func (e Entry) String() string {
	how := "t" + strconv.FormatInt(e.Made, 10)
	if e.Parts > 0 {
		how = "p" + strconv.Itoa(e.Parts)
	}
	return strings.Join([]string{
		entryVersion, url.QueryEscape(e.Region), url.QueryEscape(e.VersionID), strconv.FormatInt(e.Seconds, 10), e.Hash, how,
	}, ";")
}

// ParseEntry reads what String wrote, and nothing else. Anybody can write
// metadata: what is no entry, or one of a format to come, is not an error but a
// user's own.
func ParseEntry(value string) (Entry, bool) {
	fields := strings.Split(value, ";")
	if len(fields) != 6 || fields[0] != entryVersion || fields[5] == "" {
		return Entry{}, false
	}
	region, regionErr := url.QueryUnescape(fields[1])
	version, versionErr := url.QueryUnescape(fields[2])
	seconds, secondsErr := strconv.ParseInt(fields[3], 10, 64)
	number, numberErr := strconv.ParseInt(fields[5][1:], 10, 64)
	for _, err := range []error{regionErr, versionErr, secondsErr, numberErr} {
		if err != nil {
			return Entry{}, false
		}
	}
	e := Entry{Write: Write{Region: region, VersionID: version, Seconds: seconds}, Hash: fields[4]}
	if fields[5][0] == 'p' {
		e.Parts = int(number)
	} else {
		e.Made = number
	}
	if e.Region == "" || e.VersionID == "" || e.String() != value {
		return Entry{}, false // not as it is written
	}
	return e, true
}

// Binds says that the entry was put on this version, and did not come with a copy
// that a user made of a replica: to another key, later, or in other parts.
//
// A replica is made after its write, so that an entry cannot claim a later one.
func (e Entry) Binds(key string, modified int64, etag string) bool {
	if e.Hash != HashOf(key) || e.Seconds > modified {
		return false
	}
	if e.Parts > 0 {
		return strings.HasSuffix(etag, "-"+strconv.Itoa(e.Parts))
	}
	apart := modified - e.Made
	return -bindingSeconds <= apart && apart <= bindingSeconds
}
