package initiator_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/initiator"
)

func TestJudge(t *testing.T) {
	const (
		role   = "arn:aws:iam::111122223333:role/media-replicator-eu-west-1"
		inPath = "arn:aws-us-gov:iam::111122223333:role/teams/media/replicator"
		as     = "arn:aws:sts::111122223333:assumed-role/"
	)
	for _, tt := range []struct {
		began, role string
		want        initiator.Writer
	}{
		{as + "media-replicator-eu-west-1/media-replicator", role, initiator.ByReplicator},
		{as + "media-replicator-eu-west-1/an-operator@example.org", role, initiator.ByReplicator},
		{role, role, initiator.ByReplicator},
		{"arn:aws-us-gov:sts::111122223333:assumed-role/replicator/f", inPath, initiator.ByReplicator},
		{as + "media-replicator-eu-west-10/x", role, initiator.ByOther},
		{as + "media-replicator-eu-west-1/", role, initiator.ByOther},
		{as + "media-replicator-eu-west-1/a/b", role, initiator.ByOther},
		{"arn:aws:sts::444455556666:assumed-role/media-replicator-eu-west-1/media-replicator", role, initiator.ByOther},
		{"arn:aws-cn:sts::111122223333:assumed-role/media-replicator-eu-west-1/media-replicator", role, initiator.ByOther},
		{"arn:aws:iam::111122223333:user/" + as + "media-replicator-eu-west-1/x", role, initiator.ByOther},
		{role + "/x", role, initiator.ByOther},
		{"arn:aws:iam::111122223333:user/ann", role, initiator.ByOther},
		{"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be", role, initiator.ByUnknown},
		{"", role, initiator.ByUnknown},
		{"", "", initiator.ByUnknown},
		{role, "", initiator.ByUnknown},
		{role, "media-replicator-eu-west-1", initiator.ByUnknown},
		{"arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/ann", initiator.ByUnknown},
	} {
		if got := initiator.Judge(tt.began, tt.role); got != tt.want {
			t.Errorf("%q, of %q: got %s, want %s", tt.began, tt.role, got, tt.want)
		}
	}
}

func TestOf(t *testing.T) {
	if got := initiator.Of(&types.Initiator{ID: aws.String("a")}); got != "a" {
		t.Errorf("got %q", got)
	}
	if initiator.Of(nil) != "" || initiator.Of(&types.Initiator{}) != "" {
		t.Error("nobody has a name")
	}
}
