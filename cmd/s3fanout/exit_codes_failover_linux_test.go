package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"s3fanout/internal/sandbox/snapshot"
)

// failover runs the commands of access points against a sandbox that has one, first
// with all well, then with a Region whose S3 is away. It returns the flag of their
// configuration.
func (e *exitTable) failover() (config string) {
	e.t.Helper()
	plain := e.running
	defer func() { e.running = plain }()
	path := filepath.Join(e.dir, "points.json")
	set := `{"context":{"s3fanout":{"name":"s3fanout","regions":["us-east-1","eu-west-1","ap-northeast-1"],"accessPoint":{}}}}`
	if err := os.WriteFile(path, []byte(set), 0o600); err != nil {
		e.t.Fatal(err)
	}
	config = " --config " + path
	e.running = runSandbox(e.t, "--templates", e.withPoint())
	points := e.state.AccessPoints
	e.env = append(e.env, "HTTPS_PROXY="+points.Proxies["eu-west-1"], "AWS_CA_BUNDLE="+points.CABundle)
	const away = " --away-from eu-west-1"
	e.run(
		exits{"failover status" + config, 0}, exits{"failover shift --yes" + away + config, 0},
		exits{"failover shift --to us-east-1" + config, 3},
		exits{"failover shift --yes --to us-east-1,eu-west-1,ap-northeast-1" + config, 0},
		exits{"failover drill --yes --for 1s --every 1s --settle 0s" + away + config, 0},
	)
	e.unread("failover status"+config, "failover shift --dry-run"+away+config, "failover drill --dry-run"+away+config)
	e.run(
		exits{"sandbox fault --region us-east-1 --kind s3-unavailable --rate 1", 0},
		exits{"failover status" + config, 3}, exits{"failover drill --yes" + away + config, 3},
	)
	return config
}

// withPoint is a directory with the committed templates and an access point over all
// buckets.
func (e *exitTable) withPoint() string {
	e.t.Helper()
	directory := filepath.Join(e.dir, "with-point")
	if err := os.CopyFS(directory, snapshot.FS()); err != nil {
		e.t.Fatal(err)
	}
	path := filepath.Join(directory, "s3fanout-us-east-1-mesh.template.json")
	text, err := os.ReadFile(path)
	if err != nil {
		e.t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		e.t.Fatal(err)
	}
	var buckets []any
	for _, region := range e.state.Regions {
		buckets = append(buckets, map[string]any{"Bucket": region.Bucket})
	}
	template["Resources"].(map[string]any)["Point"] = map[string]any{
		"Type": "AWS::S3::MultiRegionAccessPoint", "Properties": map[string]any{"Regions": buckets},
	}
	if text, err = json.Marshal(template); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		e.t.Fatal(err)
	}
	return directory
}
