package replicaset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Adopts reports whether the member in region is a bucket that exists already,
// which the set neither makes nor removes.
func (c Config) Adopts(region string) bool { return c.Buckets[region] != "" }

// adoptsAll reports whether the set makes no bucket at all.
func (c Config) adoptsAll() bool {
	return len(c.Regions) > 0 && !slices.ContainsFunc(c.Regions, func(region string) bool { return !c.Adopts(region) })
}

// AdopterName is the name of the function, and of its role, that puts the set's
// configuration into the notifications of an adopted bucket. Both serve that one
// bucket: another bucket gets others, so that those which take the configuration
// out of the old bucket still may.
func (m Member) AdopterName() string {
	digest := sha256.Sum256([]byte(m.Region + "/" + m.Bucket))
	return m.Set + "-adopt-" + hex.EncodeToString(digest[:4])
}

// AdopterLogGroupName is the name of the log group of that function.
func (m Member) AdopterLogGroupName() string { return "/aws/lambda/" + m.AdopterName() }

// AdopterLogGroupARN is the ARN of that log group, without the ":*" that stands
// for its streams.
func (m Member) AdopterLogGroupARN() string {
	return m.ARN("logs", "log-group:"+m.AdopterLogGroupName())
}

// validateBuckets assumes that the Regions and the name are valid.
func (c Config) validateBuckets() error {
	for _, region := range slices.Sorted(maps.Keys(c.BucketKeyARNs)) {
		field := "bucketKeyArns." + excerpt([]byte(region))
		if !c.Contains(region) || !c.Adopts(region) {
			return fmt.Errorf(
				"%s: buckets names no bucket there; name it, or remove the key (encryption is for buckets that the set makes)",
				field,
			)
		}
		if err := checkKeyARN(region, c.BucketKeyARNs[region]); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
	}
	if c.Buckets == nil {
		return nil
	}
	if len(c.Buckets) == 0 {
		return fmt.Errorf("buckets: the object is empty; name a bucket, or leave buckets out to have all of them made")
	}
	regions := slices.Sorted(maps.Keys(c.Buckets))
	for i, region := range regions {
		field, bucket := "buckets."+excerpt([]byte(region)), c.Buckets[region]
		if _, ok := lookUp(region); !ok {
			return fmt.Errorf("%s: it is not an AWS Region; %s", field, hint(region))
		}
		if !c.Contains(region) {
			return fmt.Errorf("%s: it is not one of regions; add it there, or remove it here", field)
		}
		if err := checkBucketName(bucket); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		for _, other := range regions[:i] {
			if c.Buckets[other] == bucket {
				return fmt.Errorf("%s: %s is given for %s already; a bucket is in one Region: remove one", field, bucket, other)
			}
		}
		for _, other := range c.Regions {
			if !c.Adopts(other) && c.makes(other, bucket) {
				return fmt.Errorf("%s: %s is the name of the bucket that the set makes in %s; name it for %s, or name another",
					field, bucket, other, other)
			}
		}
	}
	if c.adoptsAll() {
		for _, f := range []struct{ name, value string }{{"bucketNamespace", c.BucketNamespace}, {"accessLogBucket", c.AccessLogBucket}} {
			if f.value != "" {
				return fmt.Errorf("%s: it is for buckets that the set makes, and buckets names one for every Region; leave it out", f.name)
			}
		}
	}
	return nil
}

// makes reports whether the set, in some account, makes a bucket of that name.
func (c Config) makes(region, bucket string) bool {
	before, after, _ := strings.Cut(c.madeBucketName(accountPart, region), accountPart)
	rest, begins := strings.CutPrefix(bucket, before)
	id, ends := strings.CutSuffix(rest, after)
	return begins && ends && len(id) == accountIDLength && strings.Trim(id, "0123456789") == ""
}

// checkBucketName reports how name breaks S3's rules for the names of general
// purpose buckets, and says what to write instead. The names with capitals and
// underscores that us-east-1 took before March 2018 are refused too: not
// everything that S3 offers works with them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func checkBucketName(name string) error {
	shown := excerpt([]byte(name))
	switch {
	case name == "":
		return fmt.Errorf("the name is empty; give the bucket's name, or leave the Region out to have a bucket made")
	case strings.HasPrefix(name, "arn:"):
		return fmt.Errorf("%s is an ARN; give the bucket's name, which is what follows the last colon", shown)
	case strings.HasPrefix(name, "s3://") || strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://"):
		return fmt.Errorf("%s is an address; give the bucket's name alone", shown)
	case strings.Contains(name, "/"):
		return fmt.Errorf("%s has a slash; give the bucket's name alone, and choose keys with filters", shown)
	case len(name) < 3 || len(name) > maxBucketName:
		return fmt.Errorf("%s is %d characters long; a bucket's name has 3 to %d", shown, len(name), maxBucketName)
	case !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`).MatchString(name) || strings.Contains(name, ".."):
		return fmt.Errorf(
			"%s is not a bucket's name; it has lower-case letters, digits, hyphens and single dots, "+
				"and begins and ends with a letter or digit",
			shown,
		)
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return fmt.Errorf("%s is an IP address, which cannot be a bucket's name; give the bucket's name", shown)
	}
	for _, suffix := range []struct{ end, what string }{
		{"-s3alias", "an access point's alias"},
		{"--ol-s3", "an alias of an Object Lambda access point"},
		{".mrap", "a Multi-Region Access Point"},
		{"--x-s3", "a directory bucket, which has no notifications"},
		{"--table-s3", "a table bucket"},
	} {
		if strings.HasSuffix(name, suffix.end) {
			return fmt.Errorf("%s is the name of %s; give the name of a general purpose bucket", shown, suffix.what)
		}
	}
	return nil
}

// Announcement is one entry that the set has in a bucket's notifications: which
// events of which keys S3 tells the Region's topic.
type Announcement struct {
	ID     string
	Events []string
	Filter Filter // whose Prefix and Suffix choose keys, not encoded; empty for all
}

// AnnouncementPrefix begins the IDs of the set's entries in the notifications of
// the buckets that it adopts. No other set's IDs begin with it.
func (c Config) AnnouncementPrefix() string { return "s3fanout." + c.Name + "." }

// Announcements are the entries that the set has in the notifications of each
// bucket that it adopts: one, or one for each filter.
func (c Config) Announcements() []Announcement {
	if len(c.Filters) == 0 {
		return []Announcement{{ID: c.AnnouncementPrefix() + "1", Events: c.Events(c.Follow)}}
	}
	var all []Announcement
	for i, f := range c.Filters {
		all = append(all, Announcement{ID: c.AnnouncementPrefix() + strconv.Itoa(i+1), Events: c.Events(c.FollowOf(f)), Filter: f})
	}
	return all
}
