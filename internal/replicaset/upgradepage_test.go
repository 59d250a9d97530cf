package replicaset

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The steps of docs/upgrade.md by which a Region joins and leaves an access point
// are deployments, so each has to be a valid configuration, also where objects are
// reached through access points alone. What the page says is refused is refused.
func TestStepsOfAccessPoints(t *testing.T) {
	page, err := os.ReadFile("../../docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## A Region joins or leaves an access point\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var steps []string
	for _, m := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(section, -1) {
		steps = append(steps, strings.TrimSpace(m[1]))
	}
	if len(steps) != 3 {
		t.Fatalf("the page shows %d configurations, want one for a Region that joins and two for one that leaves", len(steps))
	}
	const joined, all = `"regions": ["us-east-1", "eu-west-1", "us-west-2"]`, `"regions": ["us-east-1", "eu-west-1", "ap-northeast-1"]`
	fewer, point, ok := strings.Cut(steps[2], ",\n")
	if !ok {
		t.Fatalf("what leaves in one deployment is on one line: %s", steps[2])
	}
	for _, tt := range []struct {
		what, fields, want string
	}{
		{"joins", joined + ", " + steps[0], ""},
		{"leaves, while clients move", all + ", " + steps[1], ""},
		{"has left", steps[2], ""},
		{"leaves, and the access point before it", all + ", " + point, "s3fanout.access: nobody could reach the bucket in ap-northeast-1"},
		{"leaves, and the access point after it",
			fewer + `, "accessPoint": {"points": [{"name": "main", "regions": ["us-east-1", "ap-northeast-1"]}]}`,
			"s3fanout.accessPoint.points[0].regions[1]: ap-northeast-1 is not one of regions"},
	} {
		config, err := Parse([]byte(`{"name": "s3fanout", "access": "access-point-only", "directAccessArns": [], ` + tt.fields + `}`))
		if err == nil {
			err = config.Validate()
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("a Region %s: got %v, want %q", tt.what, err, tt.want)
		}
	}
}
