package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/sandbox/network"
)

// A request takes as long as S3 does to answer, a copy from another Region a round
// trip more, and what is beyond a prefix's rate is refused.
func TestNetworkTakesItsTime(t *testing.T) {
	n := network.AWS(1, here)
	w := newWorld(t, func(c *Config) { c.Network = n })
	took := func(f func() error) time.Duration {
		t.Helper()
		begun := time.Now()
		if err := f(); err != nil {
			t.Fatal(err)
		}
		return time.Since(begun)
	}
	put := func() error { w.put(t, here, hereBucket, "k", "body"); return nil }
	if d := took(put); d < 15*time.Millisecond {
		t.Errorf("a write took %v", d)
	}
	way := n.RoundTrip(here, there)
	if d := took(func() error { w.put(t, there, farBucket, "k", "body"); return nil }); d < 15*time.Millisecond+way {
		t.Errorf("a write from %s to %s took %v, and the way takes %v", here, there, d, way)
	}
	copied := func() error {
		_, err := w.client(there).CopyObject(t.Context(), &sdk.CopyObjectInput{
			Bucket: aws.String(farBucket), Key: aws.String("k"), CopySource: aws.String(hereBucket + "/k"),
		})
		return err
	}
	if least := 15*time.Millisecond + 2*way; took(copied) < least {
		t.Errorf("a copy from %s to %s, asked for in %s, took less than %v", here, there, here, least)
	}

	n.BytesPerSecond = 10 << 20
	large := strings.Repeat("x", 1<<20)
	if d := took(func() error { w.put(t, here, hereBucket, "large", large); return nil }); d < 100*time.Millisecond {
		t.Errorf("a MiB at 10 MiB a second took %v", d)
	}

	for n.Admit(hereBucket, "busy/", true, time.Now().Add(time.Hour)) { // so that nothing is left for now
	}
	_, err := w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(hereBucket), Key: aws.String("busy/k")})
	wantCode(t, err, 503, "SlowDown")
	w.put(t, here, hereBucket, "idle/k", "x")
	deleted, err := w.client(here).DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: aws.String(hereBucket),
		Delete: &types.Delete{Objects: []types.ObjectIdentifier{
			{Key: aws.String("busy/k")}, {Key: aws.String("idle/k")},
		}}})
	if err != nil || len(deleted.Deleted) != 1 || len(deleted.Errors) != 1 || *deleted.Errors[0].Code != "SlowDown" {
		t.Errorf("deleting a key of a busy prefix and one of an idle one: got %+v, %v", deleted, err)
	}

	for n.Admit(hereBucket, "read/", false, time.Now().Add(time.Hour)) {
	}
	_, err = w.client(there).CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String(farBucket), Key: aws.String("c"), CopySource: aws.String(hereBucket + "/read/k"),
	})
	wantCode(t, err, 503, "SlowDown")
}
