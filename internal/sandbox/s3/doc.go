// Package s3 is the sandbox's S3: the REST protocol and what S3 decides before
// and around its store, which is package store.
//
// It understands path and virtual-hosted style requests; bodies signed as a
// whole, in chunks or not at all, with checksums before or after them; ranges,
// conditions and every header that an object keeps; and answers and refuses in
// S3's words. Beyond objects:
//
//   - a bucket belongs to one Region; a request sent elsewhere is answered
//     with 301 PermanentRedirect
//   - every operation needs the permissions that AWS documents, from the
//     caller's role or the bucket's policy; a missing key is a 403 to whoever
//     may not list the bucket
//   - a bucket's notifications are sent to topics, queues and functions as S3
//     words them, about what was created, removed or tagged, and shown as they
//     were set
//   - storage classes are kept; what lies in an archive cannot be read or copied
//   - user metadata outside of ASCII is encoded as RFC 2047 says
//   - faults and counters
//
// An operation, query parameter or x-amz- header that is not known is refused
// by its name with 501 NotImplemented, never skipped: among them ACLs, KMS
// and customer keys, Object Lock, and restoring archived objects. Whoever lacks
// the permission for such an operation on a bucket or an object is denied it
// first, as on AWS.
//
// Checksums of XXHASH are refused in the same way. Version and upload IDs are
// opaque, as AWS's are.
//
// A Service that is started on the directory of an earlier one has its objects,
// versions and unfinished uploads, however that one ended: a request that was
// not answered is done or not done, as on AWS. It also has the buckets that
// requests made, with their versioning, notifications, policy and encryption;
// those of templates are made again by templates. Several Services can run in a process, each with a
// directory of its own.
package s3
