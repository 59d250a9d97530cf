package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/sandbox/fault"
)

// What S3 never announced is found and repaired by the schedule alone: what is
// missing, what was overwritten and what was deleted. The alarms' metrics say so, and
// another comparison finds nothing.
func TestTheScheduleRepairsWhatEventsMissed(t *testing.T) {
	t.Parallel()
	w := startReconciling(t, `"filters":[{"prefix":"films/"},{"prefix":"docs/","follow":["overwrites","deletions"]}]`, nil)
	const a, b, c = "us-east-1", "eu-west-1", "ap-northeast-1"
	for _, key := range []string{"films/same", "films/destroyed", "films/deleted", "docs/same", "docs/overwritten", "docs/deleted"} {
		w.upload(a, object{key: key, body: "first"})
	}
	w.settle()
	w.later()

	for _, region := range w.regions {
		w.fault(region, fault.S3Unannounced, 1, 0)
	}
	remove := func(region, key string, version *string) {
		t.Helper()
		_, err := w.s3(region).DeleteObject(t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String(w.bucket(region)), Key: &key, VersionId: version,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.upload(a, object{key: "films/lost", body: "lost"})
	w.upload(b, object{key: "docs/lost", body: "lost too"})
	w.upload(b, object{key: "docs/overwritten", body: "second"})
	remove(c, "docs/deleted", nil)
	remove(b, "films/deleted", nil) // stays where it is
	head, err := w.s3(b).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(w.bucket(b)), Key: aws.String("films/destroyed")})
	if err != nil {
		t.Fatal(err)
	}
	remove(b, "films/destroyed", head.VersionId)
	w.settle()
	if _, ok := w.read(b, "films/lost"); ok {
		t.Fatal("an event that was dropped arrived")
	}
	w.later()

	w.tickAll()
	w.wantEverywhere(object{key: "films/lost", body: "lost"})
	w.wantEverywhere(object{key: "films/destroyed", body: "first"})
	for key, body := range map[string]string{"docs/lost": "lost too", "docs/overwritten": "second"} {
		if got := w.wantSame(key); got != body {
			t.Errorf("%s: all Regions show %q, want %q", key, got, body)
		}
	}
	for _, region := range w.regions {
		if body, ok := w.read(region, "docs/deleted"); ok {
			t.Errorf("%s has %q, which was deleted", region, body)
		}
	}
	if body, ok := w.read(b, "films/deleted"); ok {
		t.Errorf("%s has %q again, which was deleted there", b, body)
	}
	// a lacks docs/lost, has an old docs/overwritten, and docs/deleted still; and so on.
	found := map[string]map[string]float64{
		a: {"KeysMissing": 1, "KeysDifferent": 2, "KeysRepaired": 3, "KeysUnrepaired": 0},
		b: {"KeysMissing": 2, "KeysDifferent": 1, "KeysRepaired": 3, "KeysUnrepaired": 0},
		c: {"KeysMissing": 2, "KeysDifferent": 1, "KeysRepaired": 3, "KeysUnrepaired": 0},
	}
	const keys, left = 8, 7 // nobody has docs/deleted any more
	w.wantMetrics(keys, found)
	w.tickAll()
	w.wantMetrics(keys+left, found)
	w.wantProofs(2, keys+left, found)
	for _, region := range w.regions {
		w.wantLetters(region, 0)
		if lines := w.logLines(region, `"level":"ERROR"`); lines != "" {
			t.Errorf("%s: %s", region, lines)
		}
		if lines := w.logLines(region, "key not repaired"); lines != "" {
			t.Errorf("%s: %s", region, lines)
		}
	}
}

// startReconciling runs three Regions that repair what differs, whenever their
// schedules tick. Other fields of the configuration and the function can be changed.
func startReconciling(t *testing.T, fields string, change func(properties map[string]any)) *world {
	t.Helper()
	set := editable(t, synthesize(t, `{"s3fanout":{"name":"repairing","regions":["us-east-1","eu-west-1","ap-northeast-1"],`+fields+
		`,"reconcile":{"every":"6 hours","copy":true}}}`))
	set.edit("*", func(resources map[string]any) int {
		return ofType(resources, "AWS::Lambda::Function", func(_ string, properties map[string]any) {
			variables := properties["Environment"].(map[string]any)["Variables"].(map[string]any)
			if variables[functionenv.ReconcileEvery] == nil {
				return
			}
			// Nobody waits for six hours here, nor for events that never come.
			variables[functionenv.ReconcileEvery], variables[functionenv.ReconcileGrace] = "1ms", "1ms"
			if change != nil {
				change(properties)
			}
		})
	})
	return start(t, set.files, func(c *sandbox.Config) { c.Programs = map[string]string{"reconcile": build.reconciler} })
}

// A large object for which an invocation's time does not suffice is copied by several
// ticks, each part once, which wakes nobody.
func TestALargeRepairGoesOnWithTheNextTick(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	w := startReconciling(t, `"multipartThresholdMiB":5`, func(properties map[string]any) {
		properties["Timeout"] = 4
		properties["Environment"].(map[string]any)["Variables"].(map[string]any)[functionenv.MultipartParallel] = "1"
	})
	const parts, from, to = 7, "us-east-1", "eu-west-1"
	w.fault(from, fault.S3Unannounced, 1, 0)
	o := object{key: "large", body: noise((parts-1)*plannedPart + 1)}
	w.upload(from, o)
	w.settle()
	w.later()
	w.slow(to, plannedPart) // a second a part
	ticks := 0
	for done := false; !done; ticks++ {
		if ticks > parts {
			t.Fatal("it does not come to an end")
		}
		if err := w.sandbox.Tick(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		w.settle()
		done = w.logLines(to, `"KeysRepaired":1`) != ""
	}
	w.slow(to, 0)
	if body, _ := w.read(to, o.key); body != o.body {
		t.Error("the replica has another body")
	}
	got := w.operations(to)
	if ticks < 2 || got["UploadPartCopy"] != parts || got["CreateMultipartUpload"] != 1 || got["CompleteMultipartUpload"] != 1 {
		t.Errorf("%d ticks, %v, want one upload and each of %d parts copied once", ticks, got, parts)
	}
	if n := w.unfinishedUploads(to); n != 0 {
		t.Errorf("%d unfinished uploads", n)
	}
	for _, other := range w.regions {
		if n := w.sandbox.Stats().Regions[other].Lambda.Invocations; other != to && n != 0 {
			t.Errorf("%s: the repair woke functions %d times", other, n)
		}
	}
}

// tickAll has the schedules of all Regions start their functions once, one after
// another, and waits for what these have done to come to rest.
func (w *world) tickAll() {
	w.t.Helper()
	for _, region := range w.regions {
		if err := w.sandbox.Tick(w.t.Context(), region); err != nil {
			w.t.Fatal(err)
		}
		w.settleWithin(time.Minute)
	}
}

// wantMetrics compares what the functions that compare have reported so far.
func (w *world) wantMetrics(compared float64, found map[string]map[string]float64) {
	w.t.Helper()
	for _, region := range w.regions {
		want := maps.Clone(found[region])
		want["KeysCompared"] = compared
		got, proofs := map[string]float64{}, 0
		for line := range strings.Lines(w.logLines(region, `"msg":"reconcile"`)) {
			var values map[string]any
			if err := json.Unmarshal([]byte(line), &values); err != nil {
				w.t.Fatal(err)
			}
			for name, value := range values {
				if n, is := value.(float64); is && strings.HasPrefix(name, "Keys") {
					got[name] += n
				}
			}
			if values["ProofTime"] != nil {
				proofs++
			}
		}
		if !maps.Equal(got, want) || proofs == 0 {
			w.t.Errorf("%s: %d proofs, metrics %v, want %v", region, proofs, got, want)
		}
	}
}

// wantProofs checks what the month's report says of the comparisons.
func (w *world) wantProofs(complete, compared float64, found map[string]map[string]float64) {
	w.t.Helper()
	config := filepath.Join(w.t.TempDir(), "cdk.json")
	err := os.WriteFile(config,
		[]byte(`{"context":{"s3fanout":{"name":"repairing","regions":["us-east-1","eu-west-1","ap-northeast-1"]}}}`), 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	got := map[string]map[string]float64{}
	for _, d := range w.reports(config) {
		for _, r := range d.Regions {
			if p := r.Proofs; p != nil {
				if got[r.Region] == nil {
					got[r.Region] = map[string]float64{}
				}
				for name, n := range map[string]int64{
					"complete": p.Complete, "compared": p.Compared, "KeysMissing": p.Missing, "KeysDifferent": p.Different,
					"KeysRepaired":   p.Repaired,
					"KeysUnrepaired": p.Unrepaired,
				} {
					got[r.Region][name] += float64(n)
				}
			}
		}
	}
	for _, region := range w.regions {
		want := maps.Clone(found[region])
		want["complete"], want["compared"] = complete, compared
		if !maps.Equal(got[region], want) {
			w.t.Errorf("%s: the report says %v, want %v", region, got[region], want)
		}
	}
}
