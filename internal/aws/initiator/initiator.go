// Package initiator tells who began a multipart upload, by what S3 says of it.
package initiator

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Writer is who wrote something, seen from a Region's function. The values are
// stable.
type Writer string

// What can be known of a writer.
const (
	ByReplicator Writer = "replicator" // a session of the function's role: the function, or a backfill, which copies as it does
	ByOther      Writer = "other"
	ByUnknown    Writer = "unknown"
)

// Of is who began an upload, as S3 names them; empty if it names nobody.
func Of(i *types.Initiator) string {
	if i == nil || i.ID == nil {
		return ""
	}
	return *i.ID
}

// Judge tells whether who began an upload is a role, or a session of it. For
// users AWS promises an ARN; for sessions its pages do not say, and it is the
// session's or the role's
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Initiator.html). What is
// no ARN, such as the account's canonical ID, proves nothing, and nor does
// anything where roleARN is not the ARN of a role.
func Judge(began, roleARN string) Writer {
	role, err := arn.Parse(roleARN)
	resource, isRole := strings.CutPrefix(role.Resource, "role/")
	if err != nil || role.Service != "iam" || !isRole || !arn.IsARN(began) {
		return ByUnknown
	}
	if began == roleARN {
		return ByReplicator
	}
	// A role's path is not in its sessions' ARNs.
	role.Service, role.Resource = "sts", "assumed-role/"+resource[strings.LastIndexByte(resource, '/')+1:]+"/"
	if session, ok := strings.CutPrefix(began, role.String()); ok && session != "" && !strings.Contains(session, "/") {
		return ByReplicator
	}
	return ByOther
}
