package e2e

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/sandbox"
)

// neighbours are two sets in one account. The second is called as a part of the
// first is, and shares one Region of two with it.
var neighbours = []replicaset.Config{
	{Name: "media", Regions: []string{"us-east-1", "eu-west-1"}},
	{Name: "media-replicator", Regions: []string{"us-east-1", "ap-northeast-1"}},
}

// together is one assembly with the stacks of several.
func together(t *testing.T, assemblies ...fs.FS) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	merged := map[string]any{}
	for _, each := range assemblies {
		files := editable(t, each).files
		var manifest map[string]any
		if err := json.Unmarshal(files["manifest.json"].Data, &manifest); err != nil {
			t.Fatal(err)
		}
		artifacts := manifest["artifacts"].(map[string]any)
		if already, ok := merged["artifacts"].(map[string]any); ok {
			maps.Copy(artifacts, already)
		}
		maps.Copy(merged, manifest)
		maps.Copy(all, files)
	}
	data, err := json.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	all["manifest.json"] = &fstest.MapFile{Data: data}
	return all
}

// neighbour is the world as one of several sets sees it, and its cdk.json.
func (w *world) neighbour(set replicaset.Config) (own *world, config string) {
	w.t.Helper()
	seen := *w
	seen.regions, seen.state.Regions = set.Regions, map[string]sandbox.RegionState{}
	for _, m := range set.Members(w.state.AccountID) {
		seen.state.Regions[m.Region] = sandbox.RegionState{Bucket: m.Bucket, FunctionName: set.FunctionName()}
	}
	config = filepath.Join(w.t.TempDir(), "cdk.json")
	if err := os.WriteFile(config, []byte(`{"context":`+replicaSet(w.t, set.Name, set.Regions)+`}`), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return &seen, config
}

// TestTwoSetsInOneAccount runs two sets side by side: what is uploaded to one never
// appears in the other, each has its own dead letters, doctor finds both healthy,
// and one's removal leaves the other as it is.
func TestTwoSetsInOneAccount(t *testing.T) {
	t.Parallel()
	var assemblies []fs.FS
	for _, set := range neighbours {
		assemblies = append(assemblies, synthesize(t, replicaSet(t, set.Name, set.Regions)))
	}
	w := start(t, together(t, assemblies...))
	first, firstConfig := w.neighbour(neighbours[0])
	second, secondConfig := w.neighbour(neighbours[1])
	first.wantHealthOf(firstConfig, nil)
	second.wantHealthOf(secondConfig, nil)

	same := "the same key in both"
	ofFirst, ofSecond := object{key: "of the first", body: "1"}, object{key: "of the second", body: "2"}
	first.upload("us-east-1", ofFirst)
	first.upload("eu-west-1", object{key: same, body: "first"})
	second.upload("us-east-1", ofSecond)
	second.upload("ap-northeast-1", object{key: same, body: "second"})
	w.settle()
	for _, set := range []struct {
		*world
		own, foreign object
		body         string
	}{{first, ofFirst, ofSecond, "first"}, {second, ofSecond, ofFirst, "second"}} {
		set.wantEverywhere(set.own)
		set.wantEverywhere(object{key: same, body: set.body})
		for _, region := range set.regions {
			set.wantMissing(region, set.foreign.key)
		}
	}
	// An upload wakes the one other function of its set, and nobody else's.
	if got := invocations(w.sandbox.Stats()); got != 4 {
		t.Errorf("%d invocations for four uploads, want 4", got)
	}

	// An event that the first set's function cannot understand.
	if _, err := lambda.NewFromConfig(w.config("us-east-1")).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(neighbours[0].FunctionName()), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(`{}`),
	}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	for config, want := range map[string]int{firstConfig: 1, secondConfig: 0} {
		code, stdout, stderr := w.command("redrive", "--config", config, "--dry-run", "--output", "json")
		var report struct{ Letters []any }
		if err := json.Unmarshal(stdout, &report); err != nil || len(report.Letters) != want {
			t.Errorf("redrive: exit %d, %d dead letters, want %d: %v\n%s%s", code, len(report.Letters), want, err, stdout, stderr)
		}
	}

	changes := w.update(assemblies[1])
	if len(changes.Made)+len(changes.Updated) > 0 || len(changes.Deleted) == 0 {
		t.Errorf("the first set's removal made %v and changed %v", changes.Made, changes.Updated)
	}
	for _, gone := range slices.Concat(changes.Deleted, changes.Retained) {
		if !slices.ContainsFunc(neighbours[0].Regions, func(r string) bool {
			return gone.Stack == neighbours[0].RegionStackName(r) || gone.Stack == neighbours[0].MeshStackName(r)
		}) {
			t.Errorf("%v of another set is gone", gone)
		}
	}
	later := object{key: "after the first is gone", body: "3"}
	second.upload("us-east-1", later)
	w.settle()
	second.wantEverywhere(later)
	second.wantHealthOf(secondConfig, nil)
	// The first's buckets stay, with what is in them, and nobody copies from them.
	first.wantEverywhere(ofFirst)
	first.upload("us-east-1", object{key: "nobody listens", body: "4"})
	w.settle()
	first.wantMissing("eu-west-1", "nobody listens")
	if code, stdout, _ := w.command("verify", "--config", secondConfig); code != 0 {
		t.Errorf("verify of the second: exit %d\n%s", code, stdout)
	}
}
