// Package sim runs the replica set against a model of AWS in which every step
// can fail, and checks after each run that what is promised holds. It has no
// code of its own, only tests; docs/internals/reliability.md says what is promised, what
// is modelled and what is not.
//
// What runs is the real deciding code: the function's handler (package
// replicator) with the real copier, and the real redrive, backfill and verify.
// What is modelled is S3, SNS, asynchronous Lambda and SQS, at the interfaces
// that this code has to the SDK's clients.
//
// Follow mode has schedules of its own, with another model of S3, the real follower,
// scheduled reconcile, backfill, undelete and explain, and an oracle that judges by what users did: the files follow_*_test.go.
//
// One run is a schedule: a few uploads and deletions, and faults. Everything in
// it follows from a seed. Time is virtual (testing/synctest), and each decision
// of the model is a hash of the seed and of what is decided on, such as the
// third attempt of an invocation to copy a certain part. So a seed replays,
// and leaving out one upload or one fault changes as little as possible of the
// rest; that is how a failing schedule is made smaller.
package sim
