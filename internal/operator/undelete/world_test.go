package undelete_test

import (
	"log/slog"
	"testing"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/undelete"
	"s3fanout/internal/policy"
	"s3fanout/internal/proof/buckets"
)

// world has members that are the sandbox's.
type world struct {
	*buckets.Buckets
	t *testing.T
}

func newWorld(t *testing.T, regions ...string) world {
	t.Helper()
	return world{buckets.New(t, regions...), t}
}

func (w world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// members are those of the world, with the copier that the command uses.
func (w world) members() []undelete.Member {
	var members []undelete.Member
	for _, region := range w.Regions {
		client, bucket := w.Clients[region], buckets.Name(region)
		members = append(members, undelete.Member{
			Region: region, Bucket: bucket, S3: client,
			Copier: copier.New(client, copier.Target{Region: region, Bucket: bucket},
				copier.Restoring(policy.EntryName), copier.WithLogger(slog.New(slog.DiscardHandler))),
		})
	}
	return members
}
