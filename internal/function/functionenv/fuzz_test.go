package functionenv

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"

	"s3fanout/internal/replicaset"
)

// FuzzDecode checks that no environment makes the function panic, and that what
// it accepts is written and read back the same.
func FuzzDecode(f *testing.F) {
	f.Add("media", "media-eu", "us-east-1=media-us,ap-south-1=media-ap", "", "", "STANDARD_IA")
	f.Add("media", "media-eu", "us-east-1=a,us-east-1=a", "-1", "9999999999999999999", "")
	f.Add("m", "b", "=,==", "0x10", "1e3", "\n")
	f.Fuzz(func(t *testing.T, set, target, sources, threshold, parallel, class string) {
		values := map[string]string{
			ReplicaSet: set, TargetBucket: target, SourceBuckets: sources, MultipartThreshold: threshold, MultipartParallel: parallel,
			ReplicaStorageClass: class, Role: "arn:aws:iam::111122223333:role/r", Region: "eu-west-1", FunctionName: "media-replicator",
			Account: "111122223333",
		}
		c, err := Decode(func(name string) string { return values[name] })
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		again := Encode(c)
		again[Region], again[FunctionName] = "eu-west-1", "media-replicator"
		back, err := Decode(func(name string) string { return again[name] })
		slices.SortFunc(c.Sources, func(a, b replicaset.Member) int { return cmp.Compare(a.Region+"="+a.Bucket, b.Region+"="+b.Bucket) })
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("got %+v and %v, want %+v", back, err, c)
		}
	})
}

// FuzzDecodeFollow does the same for what is followed.
func FuzzDecodeFollow(f *testing.F) {
	f.Add("od", "o:a%20b/:.jpg,:logs/:")
	f.Add("", "od:%2c:%3A")
	f.Add("d", "::,")
	f.Add("odt", "odt:a+b:\n")
	f.Fuzz(func(t *testing.T, set, filters string) {
		decodeBoth := func(set, filters string) (replicaset.FollowRules, error) {
			return decodeFollow(func(name string) string { return map[string]string{Follow: set, FollowFilters: filters}[name] })
		}
		rules, err := decodeBoth(set, filters)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		again := map[string]string{}
		encodeFollow(rules, again)
		back, err := decodeBoth(again[Follow], again[FollowFilters])
		if err != nil || !reflect.DeepEqual(back, rules) {
			t.Errorf("got %+v and %v, want %+v", back, err, rules)
		}
	})
}

// FuzzDecodeExclude does the same for what is left out.
func FuzzDecodeExclude(f *testing.F) {
	f.Add("tmp/:,:.part")
	f.Add("a%20b:%2C%3a")
	f.Add("::,\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := decodeExclude(func(string) string { return text })
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		again := map[string]string{}
		encodeExclude(list, again)
		back, err := decodeExclude(func(name string) string { return again[name] })
		if err != nil || !reflect.DeepEqual(back, list) {
			t.Errorf("got %+v and %v, want %+v", back, err, list)
		}
	})
}
