package functionenv

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

func full() Config {
	return Config{
		Target: replicaset.Member{Set: "media", Region: "eu-west-1", Account: "111122223333", Bucket: "media-eu"},
		Sources: replicaset.Members{
			{Set: "media", Region: "ap-south-1", Account: "111122223333", Bucket: "media-ap"},
			{Set: "media", Region: "us-east-1", Account: "111122223333", Bucket: "media-us"},
		},
		FunctionName:       "media-replicator",
		Role:               "arn:aws:iam::111122223333:role/media-replicator-eu-west-1",
		MultipartThreshold: 5 << 30, MultipartParallel: 32, ReplicaStorageClass: "source", ReplicationTime: 5 * time.Minute,
		ReplicationTimeEvents: true,
		Follow: replicaset.FollowRules{
			Set: replicaset.Follow{Overwrites: true, Deletions: true, Tags: true},
			Filters: []replicaset.Filter{
				{Prefix: "logs/", OwnFollow: true},
				{Prefix: "a b,c:d/é", Suffix: "+.jpg", OwnFollow: true, Follow: replicaset.Follow{Overwrites: true, Tags: true}},
			},
		},
		Exclude: replicaset.Exclusions{{Prefix: "tmp/"}, {Suffix: ".part"}, {Prefix: "a b,c:d/é", Suffix: "+~"}},
	}
}

// decode reads the variables as the function does, Lambda's own included.
func decode(variables map[string]string, c Config) (Config, error) {
	all := maps.Clone(variables)
	maps.Copy(all, map[string]string{Region: c.Target.Region, FunctionName: c.FunctionName})
	return Decode(func(name string) string { return all[name] })
}

func TestDecodeReadsWhatEncodeWrites(t *testing.T) {
	bare := full()
	bare.MultipartThreshold, bare.MultipartParallel, bare.ReplicaStorageClass = 0, 0, ""
	bare.Follow, bare.Exclude, bare.ReplicationTime, bare.ReplicationTimeEvents = replicaset.FollowRules{}, nil, 0, false
	for _, want := range []Config{full(), bare} {
		got, err := decode(Encode(want), want)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	names := slices.Sorted(maps.Keys(Encode(bare)))
	if want := []string{Account, ReplicaSet, Role, SourceBuckets, TargetBucket}; !slices.Equal(names, want) {
		t.Errorf("variables %v, want none for what is not given: %v", names, want)
	}
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ name, value string }{
		{ReplicaSet, ""},
		{Account, ""},
		{Account, "1111-2222-3333"}, // bad input: fn-48
		{Account, "11112222333x"},
		{TargetBucket, ""},
		{Role, ""},
		{SourceBuckets, ""},
		{SourceBuckets, "us-east-1"},
		{SourceBuckets, "us-east-1=a,eu-west-2=a"}, // bad input: fn-44
		{MultipartThreshold, "0"},
		{MultipartThreshold, "-1"},
		{MultipartThreshold, "256 MiB"},
		{MultipartThreshold, "9223372036854775808"}, // bad input: fn-45
		{ReplicationTime, "0"},
		{ReplicationTimeEvents, "yes"},
		{ReplicationTime, "15m0s"},
		{ReplicationTime, "86401"},
		{MultipartParallel, "0"},
		{MultipartParallel, "4294967296"},
		{MultipartParallel, "x"},
		{Follow, "d"},
		{Follow, "overwrites"},
		{Follow, "to"},
		{FollowFilters, "o:logs/"},
		{FollowFilters, "o:%zz:"},
		{FollowFilters, "x:logs/:"},
		{FollowFilters, "od:logs/:,"},
		{Exclude, "tmp/"},
		{Exclude, "tmp/:,"},
		{Exclude, ":"}, // bad input: fn-52
		{Exclude, "%zz:"},
		{Exclude, ":a:b%"},
	} {
		variables := Encode(full())
		variables[tt.name] = tt.value
		_, err := decode(variables, full())
		if err == nil || !strings.Contains(err.Error(), tt.name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%q: got %v, want one line that names it", tt.name, tt.value, err)
		}
	}
}

// The function is asked by key, and has to say what the configuration says.
func TestTheFunctionFollowsWhatTheSetFollows(t *testing.T) {
	overwrites := replicaset.Follow{Overwrites: true}
	deletions := replicaset.Follow{Overwrites: true, Deletions: true}
	set := replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Follow: deletions, FollowSince: time.Unix(1_800_000_000, 0).UTC(),
		Filters: []replicaset.Filter{
			{Prefix: "films/"},
			{Prefix: "logs/", OwnFollow: true},
			{Prefix: "a+b c/", Suffix: ".jpg", OwnFollow: true, Follow: overwrites},
			{Prefix: "same/", OwnFollow: true, Follow: deletions},
		},
	}
	c := Of(set, set.Member("111122223333", "eu-west-1"))
	read, err := decode(Encode(c), c)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]replicaset.Follow{
		"films/a": deletions, "logs/a": {}, "a+b c/1.jpg": overwrites, "same/a": deletions,
	} {
		if got, fromSet := read.FollowFor(key), set.FollowFor(key); got != want || fromSet != want {
			t.Errorf("%q: the function follows %v, the set %v, want %v", key, got, fromSet, want)
		}
	}
	if !read.Follow.Since.Equal(set.FollowSince) {
		t.Errorf("following since %v, want %v", read.Follow.Since, set.FollowSince)
	}
	if got, want := Encode(c)[FollowFilters], "::logs/:"; strings.Contains(got, want) || strings.Contains(got, "same/") {
		t.Errorf("%s = %q", FollowFilters, got)
	}
}
