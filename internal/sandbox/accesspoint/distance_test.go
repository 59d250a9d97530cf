package accesspoint

import (
	"math"
	"testing"
)

func TestApart(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64 // kilometres, within 3 %
	}{
		{"us-east-1", "eu-west-1", 5450}, {"eu-west-1", "eu-west-2", 460}, {"ap-northeast-1", "ap-southeast-2", 7820}, {"us-west-2", "us-east-1", 3500},
		{"ap-northeast-1", "us-west-2", 7750}, // over the date line
	} {
		if got := apart(tt.a, tt.b); math.Abs(got-tt.want) > tt.want*0.03 || got != apart(tt.b, tt.a) {
			t.Errorf("%s to %s: %.0f km, want about %.0f", tt.a, tt.b, got, tt.want)
		}
	}
	if apart("us-east-1", "us-east-1") != 0 || apart("us-east-1", "xx-new-1") < 20000 {
		t.Error("a Region is not where it is, or an unknown one is near")
	}
}

func TestNearest(t *testing.T) {
	p := Point{Buckets: []Bucket{{Region: "ap-northeast-1"}, {Region: "eu-west-1", Passive: true}, {Region: "us-east-1"}, {Region: "us-west-2"}}}
	for client, want := range map[string]string{
		"us-east-1": "us-east-1", "us-east-2": "us-east-1", "us-west-1": "us-west-2", "eu-west-1": "us-east-1", "eu-central-1": "us-east-1",
		"ap-southeast-2": "ap-northeast-1", "sa-east-1": "us-east-1", "ap-northeast-2": "ap-northeast-1",
	} {
		if got := p.Nearest(client); got.Region != want {
			t.Errorf("from %s to %s, want %s", client, got.Region, want)
		}
	}
}
