package explain

import (
	"slices"
	"testing"
	"time"
)

func TestOrigins(t *testing.T) {
	up, copied := object("a", noon), object("a", noon.Add(2*time.Second))
	nothing := Origin{}
	uploaded := Origin{Likely: LikelyUpload}
	replica := Origin{Likely: LikelyReplica, Of: us, After: 2 * time.Second}
	for _, tc := range []struct {
		what  string
		facts Facts
		want  []Origin
	}{
		{"one and two copies", world(up, copied, copied), []Origin{uploaded, replica, replica}},
		{"of the same second", world(up, object("a", noon), copied), []Origin{nothing, nothing, nothing}},
		{"one of another kind", world(up, object("b", noon.Add(time.Second)), copied), []Origin{uploaded, nothing, replica}},
		{"of one that was deleted",
			world(nil, object("a", noon.Add(3*time.Second)), copied,
				in(us, versions(marker(now), Version{VersionID: "v", Size: 10, ETag: "a", Modified: noon}))),
			[]Origin{nothing, {Likely: LikelyReplica, Of: us, After: 3 * time.Second}, replica}},
		{"of one that was overwritten",
			world(object("b", now), nil, copied,
				in(us, versions(Version{VersionID: "v-b", Size: 10, ETag: "b", Modified: now}, Version{
					VersionID: "v", Size: 10, ETag: "a", Modified: noon,
				}))),
			[]Origin{nothing, nothing, replica}},
		{"deleted and copied back", world(object("a", noon.Add(time.Minute)), copied, nil,
			in(us, versions(Version{VersionID: "v-a", Size: 10, ETag: "a", Modified: noon.Add(time.Minute)}))),
			[]Origin{{Likely: LikelyReplica, Of: eu, After: 58 * time.Second}, uploaded, nothing}},
		{"alone", world(up, nil, nil), []Origin{nothing, nothing, nothing}},
	} {
		if got := Origins(tc.facts); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.what, got, tc.want)
		}
	}
}

func TestALeftOutKeyIsMissingNowhere(t *testing.T) {
	if got := States(world(object("a", noon), nil, nil, leftOut)); !slices.Equal(got, []State{Present, LeftOut, LeftOut}) {
		t.Errorf("got %v", got)
	}
}
