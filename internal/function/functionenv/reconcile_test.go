package functionenv

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

func fullReconcile() Reconcile {
	return Reconcile{
		Config: full(), OpaqueETags: true, Every: 36 * time.Hour, Copy: true, Table: "media-reconcile", KeyRanges: 40, Rate: 20,
		Grace:   time.Minute,
		Filters: []replicaset.Filter{{Prefix: "films/"}, {Prefix: "a b,c:d/é", Suffix: "+.jpg"}, {Suffix: ".mp4"}},
	}
}

func decodeReconcile(variables map[string]string) (Reconcile, error) {
	all := maps.Clone(variables)
	maps.Copy(all, map[string]string{Region: full().Target.Region, FunctionName: full().FunctionName})
	return DecodeReconcile(func(name string) string { return all[name] })
}

func TestDecodeReconcileReadsWhatEncodeWrites(t *testing.T) {
	bare := fullReconcile()
	bare.OpaqueETags, bare.Copy, bare.KeyRanges, bare.Rate, bare.Grace, bare.Filters = false, false, 0, 0, 0, nil
	for _, want := range []Reconcile{fullReconcile(), bare} {
		got, err := decodeReconcile(EncodeReconcile(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if n := len(EncodeReconcile(bare)) - len(Encode(bare.Config)); n != 3 {
		t.Errorf("%d variables beside the replicator's, want none for what is not given", n)
	}
}

func TestDecodeReconcileNamesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ name, value string }{
		{TargetBucket, ""},
		{ReconcileEvery, ""},
		{ReconcileEvery, "1 day"}, // bad input: fn-54
		{ReconcileEvery, "-1h"},
		{ReconcileCopy, ""},
		{ReconcileCopy, "yes"},
		{ReconcileTable, ""},
		{ReconcileRanges, "0"},
		{ReconcileRate, "fast"},
		{ReconcileGrace, "none"},
		{OpaqueETags, "1"},
		{Filters, "films/"},
		{Filters, "films/:,:"}, // bad input: fn-55
		{Filters, "%zz:"},
	} {
		variables := EncodeReconcile(fullReconcile())
		variables[tt.name] = tt.value
		_, err := decodeReconcile(variables)
		if err == nil || !strings.Contains(err.Error(), tt.name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%q: got %v, want one line that names it", tt.name, tt.value, err)
		}
	}
}

// The function decides by key, and has to say what the configuration says.
func TestReconcileMatchesWhatTheSetCopies(t *testing.T) {
	set := replicaset.Config{
		Name: "media", Regions: []string{"us-east-1", "eu-west-1"}, Encryption: replicaset.EncryptionKMS,
		Reconcile: &replicaset.Reconcile{Every: 6 * time.Hour, Copy: true, KeyRanges: 10},
		Filters: []replicaset.Filter{
			{Prefix: "films/"}, {Prefix: "logs/", Suffix: ".gz", OwnFollow: true, Follow: replicaset.Follow{Overwrites: true}},
		},
		Exclude: replicaset.Exclusions{{Prefix: "films/tmp/"}},
	}
	r := OfReconcile(set, set.Member("111122223333", "eu-west-1"))
	read, err := decodeReconcile(EncodeReconcile(r))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"films/a", "films/tmp/a", "logs/a.gz", "logs/a", "other"} {
		if got, want := read.Matches(key), set.Matches(key); got != want {
			t.Errorf("%q: copied %t, want %t", key, got, want)
		}
	}
	if read.Every != 6*time.Hour || !read.Copy || read.KeyRanges != 10 || !read.OpaqueETags || read.Table != "media-reconcile" ||
		r.FunctionName != "media-reconcile" {
		t.Errorf("got %+v", read)
	}
	if want := set.Member("111122223333", "eu-west-1").RoleARN(); r.Role != want {
		t.Errorf("it writes as %s, want the replicator's role %s", r.Role, want)
	}
}

func TestPrefixesCoverWhatMatches(t *testing.T) {
	for _, tt := range []struct {
		filters []replicaset.Filter
		want    []string
	}{
		{nil, []string{""}},
		{[]replicaset.Filter{{Prefix: "b/"}, {Prefix: "a/", Suffix: ".x"}, {Prefix: "a/b/", Suffix: ".y"}, {Prefix: "a"}},
			[]string{"a", "b/"}},
		{[]replicaset.Filter{{Prefix: "a/"}, {Suffix: ".x"}}, []string{""}},
	} {
		if got := (Reconcile{Filters: tt.filters}).Prefixes(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: got %q, want %q", tt.filters, got, tt.want)
		}
	}
}

// The infrastructure names the sessions that may repair, and the functions know them
// by the name of the function: both have to mean the same sessions.
func TestSessionsOfRepairsHaveOneName(t *testing.T) {
	for _, name := range []string{"s3fanout", "media"} {
		set := replicaset.Config{Name: name}
		if got, want := ReconcileSession(set.FunctionName()), set.ReconcileSession(); got != want {
			t.Errorf("the functions expect %q, the infrastructure allows %q", got, want)
		}
	}
}
