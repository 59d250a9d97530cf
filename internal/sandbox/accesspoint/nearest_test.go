package accesspoint

import "testing"

func TestNearest(t *testing.T) {
	p := Point{
		Buckets: []Bucket{{Region: "ap-northeast-1"}, {Region: "eu-west-1", Passive: true}, {Region: "us-east-1"}, {Region: "us-west-2"}},
	}
	for client, want := range map[string]string{
		"us-east-1": "us-east-1", "us-east-2": "us-east-1", "us-west-1": "us-west-2", "eu-west-1": "us-east-1", "eu-central-1": "us-east-1",
		"ap-southeast-2": "ap-northeast-1", "sa-east-1": "us-east-1", "ap-northeast-2": "ap-northeast-1",
	} {
		if got := p.Nearest(client); got.Region != want {
			t.Errorf("from %s to %s, want %s", client, got.Region, want)
		}
	}
}
