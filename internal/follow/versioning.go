package follow

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/copier"
)

// versioningHolds is how long the target is taken to keep versions after S3 said
// so. Nobody may suspend versioning; this is for the case that somebody does.
const versioningHolds = 3 * time.Minute

// checkVersioning refuses to write where the write would destroy what it replaces
// or hides.
func (t *task) checkVersioning(ctx context.Context) error {
	t.mu.Lock()
	fresh := !t.versioned.IsZero() && t.now().Sub(t.versioned) < versioningHolds
	t.mu.Unlock()
	if fresh {
		return nil
	}
	asked := t.now()
	t.result.Requests.Versioning++
	out, err := t.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &t.target.Bucket}, inRegion(t.target.Region))
	switch {
	case err != nil:
		return t.failure("ask for the versioning of the target before following a change of", err)
	case out.Status == types.BucketVersioningStatusSuspended:
		return t.failure(opFollow, errUnversioned(t.targetLocation(), "versioning is suspended"))
	case out.Status != types.BucketVersioningStatusEnabled:
		return t.failure(opFollow, errUnversioned(t.targetLocation(), "versioning was never enabled"))
	}
	t.mu.Lock()
	t.versioned = asked
	t.mu.Unlock()
	return nil
}

// forgetVersioning has the next write ask again.
func (t *task) forgetVersioning() {
	t.mu.Lock()
	t.versioned = time.Time{}
	t.mu.Unlock()
}

// keepsVersion says of the version that a write has made that the bucket keeps
// versions.
func keepsVersion(id string) bool { return id != "" && id != "null" }

// errUnversioned says what to do about a bucket that does not keep what is replaced.
func errUnversioned(at location, why string) error {
	return copier.Lasting(
		fmt.Errorf(
			"bucket %s (%s) does not keep versions: %s; follow mode would destroy what it replaces: "+
				"enable versioning, then run s3fanout redrive",
			at.bucket,
			at.region,
			why,
		),
	)
}
