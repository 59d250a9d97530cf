// Package s3 is the sandbox's S3: a real S3 server (versitygw, one server a
// Region over one directory) behind a front that makes it as strict as AWS.
//
// The server stores objects, versions, metadata, tags and checksums, does
// multipart uploads and ranges, and checks every signature down to the chunks
// of a streamed upload. The front adds what the server does not have:
//
//   - a bucket belongs to one Region; a request sent elsewhere is answered
//     with 301 PermanentRedirect
//   - every operation needs the permissions that AWS documents, from the
//     caller's role or the bucket's policy; a missing key is a 403 to whoever
//     may not list the bucket
//   - If-None-Match and If-Match on CopyObject, PutObject and
//     CompleteMultipartUpload are decided atomically with the write; a delete
//     marker counts as no object
//   - CopyObject carries system and user metadata, tags and the checksum's
//     algorithm, reads any version, and refuses delete markers
//   - UploadPartCopy reads any version and any key, and gives each part the
//     checksum of its own bytes; a hole in a file stays one, so that sparse
//     test objects of many gigabytes are quick and small
//   - an upload that is completed or aborted is NoSuchUpload
//   - storage classes are kept; what lies in an archive cannot be read or copied
//   - user metadata outside of ASCII is encoded as RFC 2047 says
//   - a bucket's notifications are sent as S3 words them
//   - faults and counters
//
// An operation, query parameter or x-amz- header that is not known is refused
// by its name with 501 NotImplemented, never skipped: among them ACLs, KMS
// and customer keys, Object Lock, restoring archived objects, and creating or
// deleting buckets, which only templates do. Whoever lacks the permission for
// such an operation on a bucket or an object is denied it first, as on AWS.
//
// The server keeps objects as files. What a file system cannot hold is
// refused with a clear error where AWS would take it:
//
//   - a key cannot exist beside a key that continues it with a slash ("a" and
//     "a/b"), also when only versions or a delete marker are left of one
//   - no empty, "." or ".." component in a key, no component over 255 bytes,
//     no ".sgwtmp" as the first one, none like ".name.sgwtmp.1"; a key that
//     ends in a slash has no content and no versions
//   - on ext4, an object's metadata and tags share 4 KiB
//   - deleting a key that does not exist leaves no delete marker
//
// Version ids are ULIDs, where AWS's are opaque. Where the file system has no
// extended attributes, metadata goes to files beside the objects.
//
// A Service that is started on the directory of an earlier one has its objects,
// versions and unfinished uploads, however that one ended: what it was at when
// it was killed is done or not done, as on AWS. It takes extended attributes to
// be able to.
//
// The server's working directory is its root: between Start and Close the
// whole process runs in it, so that only one Service a process can run at a
// time and relative paths have to be resolved before.
package s3
