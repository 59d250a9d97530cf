package distance

import (
	"math"
	"testing"
)

func TestBetween(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64 // kilometres, within 3 %
	}{
		{"us-east-1", "eu-west-1", 5450}, {"eu-west-1", "eu-west-2", 460}, {"ap-northeast-1", "ap-southeast-2", 7820},
		{"us-west-2", "us-east-1", 3500},
		{"ap-northeast-1", "us-west-2", 7750}, // over the date line
	} {
		if got := Between(tt.a, tt.b); math.Abs(got-tt.want) > tt.want*0.03 || got != Between(tt.b, tt.a) {
			t.Errorf("%s to %s: %.0f km, want about %.0f", tt.a, tt.b, got, tt.want)
		}
	}
	if Between("us-east-1", "us-east-1") != 0 || Between("us-east-1", "xx-new-1") < 20000 {
		t.Error("a Region is not where it is, or an unknown one is near")
	}
}
