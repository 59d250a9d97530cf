package copier

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// foreignUpload is an upload to resume that the role did not begin.
type foreignUpload struct{ id, by string }

func (e *foreignUpload) Error() string {
	if !arn.IsARN(e.by) {
		return fmt.Sprintf("upload %s is left as it is: S3 does not say that this function's role began it, but names %q; "+
			"copy the object with s3fanout backfill", e.id, e.by)
	}
	return fmt.Sprintf("upload %s was begun by %s, not by this function's role, and is left as it is: "+
		"whoever asked to resume it forged that; delete the dead letter, and see who may write to the queue or invoke the function",
		e.id, e.by)
}
