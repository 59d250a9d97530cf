package copier

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// foreignUpload is an upload to resume that the role did not begin.
type foreignUpload struct{ id, by string }

func (e *foreignUpload) Error() string {
	if !arn.IsARN(e.by) {
		return fmt.Sprintf("upload %s is left as it is: S3 does not say that this function's role began it, but names %q; "+
			"copy the object with s3fanout backfill", e.id, e.by)
	}
	return fmt.Sprintf("upload %s was begun by %s, not by this function's role, and is left as it is: "+
		"whoever asked to resume it forged that; delete the dead letter, and see who may write to the queue or invoke the function", e.id, e.by)
}

// BegunBy reports whether an upload was begun in a session of the role, by S3's
// word in an answer to ListParts: the function resumes no other. For users AWS promises an ARN; for sessions its pages do not say, and
// it is the session's or the role's
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Initiator.html). What is
// no ARN, such as the account's canonical ID, proves nothing.
func BegunBy(roleARN string, parts *s3.ListPartsOutput) bool {
	initiator := InitiatorOf(parts)
	role, err := arn.Parse(roleARN)
	if err != nil || role.Service != "iam" {
		return false
	}
	if initiator == roleARN {
		return true
	}
	// A role's path is not in its sessions' ARNs.
	name := role.Resource[strings.LastIndexByte(role.Resource, '/')+1:]
	role.Service, role.Resource = "sts", "assumed-role/"+name+"/"
	session, ok := strings.CutPrefix(initiator, role.String())
	return ok && session != "" && !strings.Contains(session, "/")
}

// InitiatorOf is who began an upload, as S3 names them; empty if it names nobody.
func InitiatorOf(parts *s3.ListPartsOutput) string {
	if parts.Initiator == nil {
		return ""
	}
	return deref(parts.Initiator.ID)
}
