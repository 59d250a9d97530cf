package copier

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	smithytime "github.com/aws/smithy-go/time"
)

// Two calls that resume the same upload, as when a hand-over that got no answer
// was queued twice, both copied every part that was missing.
func TestTwinsShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, req := world(20_000)
		m.before = func(r *http.Request, op string, _ int) (*reply, error) {
			if op == "Part" {
				return nil, smithytime.SleepWithContext(r.Context(), time.Second)
			}
			return nil, nil
		}
		upload := Upload{Source: req.Source, UploadID: "upload-1", PartSize: 10}
		upload.Source.ETag = unquote(ptr(etagOf(m.objects[sourcePath].body)))
		head := m.objects[sourcePath].header
		m.made = 1
		m.uploads["upload-1"] = &openUpload{
			key: replicaPath, header: kept(head), tags: m.objects[sourcePath].tags, parts: map[int][]byte{}, by: ownSession,
		}
		m.uploads["upload-1"].header.Set("X-Amz-Checksum-Algorithm", "CRC64NVME")

		type end struct {
			Result
			err error
		}
		ends := make(chan end, 2)
		for _, first := range []float64{0.1, 0.6} {
			go func() {
				got, err := inParts(m, 1, WithMultipart(10, 4), WithRandom(func() float64 { return first })).Copy(t.Context(),
					Request{Resume: &upload})
				ends <- end{got, err}
			}()
		}
		parts := 0
		outcomes := map[Outcome]int{}
		for range 2 {
			e := <-ends
			if e.err != nil {
				t.Error(e.err)
			}
			parts += e.Requests.Part
			outcomes[e.Outcome]++
			if e.Requests.List < 10 {
				t.Errorf("listed the parts %d times in all that time", e.Requests.List)
			}
		}
		if outcomes[Copied] != 1 || outcomes[Exists] != 1 {
			t.Errorf("outcomes %v, want one copied and one that finds it", outcomes)
		}
		// What both copied is what was done between two looks: a minute of four.
		if most := 2000 + 4*60*2; parts > most {
			t.Errorf("%d requests for 2000 parts, want at most %d", parts, most)
		}
		checkReplica(t, m)
	})
}
