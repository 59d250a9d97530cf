// Package store is the storage engine of the sandbox's S3: buckets, versions
// of objects, tags, multipart uploads and lists, with the semantics of S3 and
// without its protocol. It knows no HTTP, no permissions and no events.
//
// # What is promised
//
// Every write is one transaction together with its condition: it is answered
// when it is visible, it is visible as a whole, and of two writes of a key
// that both ask for its absence one fails. A process that is killed loses no
// write that was answered and leaves nothing to repair; a machine that loses
// power may lose the store, because nothing is synced to the disk.
//
// Any key of 1 to 1,024 bytes of UTF-8 is kept as it is. Keys are ordered by
// their bytes. Copying, by object or by part, references the bytes of the
// source and costs the same whatever their number, except where S3 answers
// with a checksum that the source does not have: those bytes are read once.
// Blocks of zeros take no space, so that objects of hundreds of gigabytes fit.
//
// # Which of several writes is current
//
// The one that was started last, as S3 has it: a PutObject starts when Stage
// begins to read its body, an upload in parts when it is created, a copy or a
// deletion when it is decided. LastModified is that moment, in whole seconds.
// So a write can be answered, have a version ID and a sequencer, and never
// become current
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
//
// What AWS leaves open is decided so:
//
//   - In a bucket without versions, a write that was started before the
//     current one succeeds and is not seen. One that was started before a
//     deletion is seen: nothing of the deletion is left to order it by.
//   - Sequencers order the writes of a key by when they became visible.
//   - A conditional write fails with ErrConflict if another write or a
//     deletion of the key became visible after it was started, and its
//     condition holds nevertheless. In parts, another write is a
//     *PreconditionError.
//   - A condition on a deletion is on the current version, also when the
//     deletion names a version.
package store
