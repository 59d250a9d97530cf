package registers_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/registers"
	"s3fanout/internal/policy"
	"s3fanout/internal/proof/buckets"
)

const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"

func asked(w *buckets.Buckets) []registers.Bucket {
	var list []registers.Bucket
	for _, region := range w.Regions {
		list = append(list, registers.Bucket{Region: region, Name: buckets.Name(region), Client: w.Clients[region]})
	}
	return list
}

func look(t *testing.T, list []registers.Bucket, key string) []registers.Sight {
	t.Helper()
	sights := make([]registers.Sight, len(list))
	for i, bucket := range list {
		var err error
		if sights[i], err = registers.Look(t.Context(), bucket, key); err != nil {
			t.Fatal(err)
		}
	}
	return sights
}

// What a bucket says is read off its object, or off what its marker hides, with as
// few requests as that takes.
func TestLook(t *testing.T) {
	w := buckets.New(t, a, b, c)
	version := w.Put(a, "k", "one")
	written := w.Now().Unix()
	w.Pass(time.Minute)
	w.Replicate(a, b, "k")
	w.Pass(time.Minute)
	w.Remove(a, "k")
	w.Remove(a, "k")
	sights := look(t, asked(w), "k")
	write := policy.Write{Region: a, VersionID: version, Seconds: written}
	for i, want := range []struct {
		deleted, replica, has bool
		heads, lists          int
	}{{true, false, true, 2, 1}, {false, true, true, 1, 0}, {false, false, false, 1, 0}} {
		s := sights[i]
		register, ok := s.Register()
		if ok != want.has || register.Deleted != want.deleted ||
			ok && (register.Write.Write != write || register.Write.Replica != want.replica) {
			t.Errorf("%s: got %+v, %t", s.Region, register, ok)
		}
		if s.Heads != want.heads || s.Lists != want.lists {
			t.Errorf("%s: %d HEADs and %d lists, want %d and %d", s.Region, s.Heads, s.Lists, want.heads, want.lists)
		}
		if s.Date.IsZero() {
			t.Errorf("%s: no Date", s.Region)
		}
	}
	if !sights[0].Modified.Equal(w.Now()) || sights[0].State().Presence != policy.Deleted {
		t.Errorf("the marker is of %v, want %v: %+v", sights[0].Modified, w.Now(), sights[0].State())
	}
	if s := sights[1].State(); !s.Here() || s.Size != 3 || s.VersionID == "" {
		t.Errorf("got %+v", s)
	}
}

// Where two writes of a Region are of one second, its list tells.
func TestStandListsWhereItHasTo(t *testing.T) {
	w := buckets.New(t, a, b)
	w.Put(a, "k", "one")
	w.Replicate(a, b, "k")
	w.Put(a, "k", "two")
	list := asked(w)
	standing, _, lists, err := registers.Stand(t.Context(), list, look(t, list, "k"), "k", time.Time{}, true)
	if err != nil || lists != 1 || standing.Greatest != 0 || len(standing.Stale) != 1 {
		t.Errorf("got %+v after %d lists, %v", standing, lists, err)
	}
	w.Replicate(a, b, "k")
	standing, _, lists, err = registers.Stand(t.Context(), list, look(t, list, "k"), "k", time.Time{}, true)
	if err != nil || lists != 0 || !standing.Converged() {
		t.Errorf("got %+v after %d lists, %v", standing, lists, err)
	}
}

// A write is destroyed where it was made, if that is a member.
func TestDestroyed(t *testing.T) {
	w := buckets.New(t, a, b)
	version := w.Put(a, "k", "one")
	write := policy.Write{Region: a, VersionID: version, Seconds: w.Now().Unix()}
	list := asked(w)
	for _, tt := range []struct {
		among []registers.Bucket
		want  bool
		heads int
	}{{list, false, 1}, {list[1:], false, 0}} {
		if got, heads, err := registers.Destroyed(t.Context(), tt.among, "k", write); err != nil || got != tt.want || heads != tt.heads {
			t.Errorf("got %t by %d HEADs, %v", got, heads, err)
		}
	}
	w.Remove(a, "k", version)
	if got, _, err := registers.Destroyed(t.Context(), list, "k", write); err != nil || !got {
		t.Errorf("after it was destroyed: got %t, %v", got, err)
	}
}

// Where versioning was suspended, the version called null is another one with each
// write. Whoever follows takes the one before for destroyed, and so does who asks here;
// the command would otherwise send it again and again.
func TestDestroyedByAnotherNull(t *testing.T) {
	w := buckets.New(t, a, b)
	name := buckets.Name(a)
	if _, err := w.Clients[a].PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
	}); err != nil {
		t.Fatal(err)
	}
	w.Put(a, "k", "one")
	write := policy.Write{Region: a, VersionID: "null", Seconds: w.Now().Unix()}
	for _, want := range []bool{false, true} {
		if got, _, err := registers.Destroyed(t.Context(), asked(w), "k", write); err != nil || got != want {
			t.Errorf("got %t, %v, want %t", got, err, want)
		}
		w.Pass(time.Second)
		w.Put(a, "k", "two")
	}
}
