package copier

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/copier/internal/knob"
)

// Defaults of WithMultipart.
const (
	DefaultThreshold int64 = 256 << 20
	DefaultParallel        = 64
)

// StorageClassOfSource is the storage class that stands for the source's own;
// see WithStorageClass.
const StorageClassOfSource = "source"

// Copier copies objects to one target. It is safe for concurrent use.
type Copier struct {
	client S3
	target Target
	log    *slog.Logger
	sleep  func(context.Context, time.Duration) error
	random func() float64

	threshold    int64 // bytes; what is larger is copied in parts
	parallel     int   // parts of one copy under way
	shares       bool
	slots        chan struct{} // taken by the parts of all copies, where they share; else nil
	partSize     int64         // bytes; zero: planned
	storageClass string
	role         string // ARN; whose sessions' uploads are resumed
	restores     bool
	leftOut      string // of user metadata, where it restores

	// fallbackSaid keeps the warning about unconditional copies to one.
	fallbackSaid sync.Once
}

// Option changes a Copier at its making.
type Option func(*Copier)

// WithLogger sets where warnings go; slog.Default unless given.
func WithLogger(log *slog.Logger) Option { return func(c *Copier) { c.log = log } }

// WithMultipart says that objects of more than threshold bytes are copied in
// parts, of which up to parallel are under way at a time for each object. What
// is over MaxSize always is. A threshold below zero and fewer than one in
// parallel mean the defaults.
func WithMultipart(threshold int64, parallel int) Option {
	return func(c *Copier) {
		c.threshold, c.parallel = min(threshold, MaxSize), parallel
		if threshold < 0 {
			c.threshold = DefaultThreshold
		}
		if parallel < 1 {
			c.parallel = DefaultParallel
		}
	}
}

// WithSharedParts has parallel of WithMultipart bound the parts of all copies together,
// and with them the memory that they take.
func WithSharedParts() Option { return func(c *Copier) { c.shares = true } }

// WithStorageClass sets the storage class of replicas: empty for S3's default,
// STANDARD; one of S3's classes; or StorageClassOfSource, which costs a HEAD
// of the source before each copy by one request, and nothing for a multipart
// copy, which sends one anyway.
func WithStorageClass(class string) Option { return func(c *Copier) { c.storageClass = class } }

// Restoring is for bringing versions back in the bucket that they are in: what is
// written is an object of its own, not a replica. It has the source's storage
// class and website redirect, and its user metadata without the entry of that name
// (in lower case), which tells replicas. As with StorageClassOfSource, a HEAD of
// the source goes before each copy by one request.
func Restoring(entry string) Option {
	return func(c *Copier) { c.restores, c.leftOut, c.storageClass = true, entry, StorageClassOfSource }
}

// WithRole names, by its ARN, the role that the Copier's requests are signed as.
// Only an upload that a session of this role began is resumed: an upload's ID
// comes from outside, and must not make the Copier abort or complete what
// somebody else uploads. Without it none is.
func WithRole(arn string) Option { return func(c *Copier) { c.role = arn } }

// WithKnobs is for tests and the simulation: nobody outside of internal/copier can
// make what it takes. See package copiertest.
func WithKnobs(k knob.Knobs) Option {
	return func(c *Copier) {
		if k.Random != nil {
			c.random = k.Random
		}
		if k.PartSize > 0 {
			c.partSize = k.PartSize
		}
	}
}

// New returns a Copier to target. Copies are sent to the target's Region and
// questions about a source to the source's, whatever Region the client was
// made for.
func New(client S3, target Target, options ...Option) *Copier {
	c := &Copier{
		client: client, target: target, log: slog.Default(), sleep: smithytime.SleepWithContext, random: rand.Float64,
		threshold: DefaultThreshold, parallel: DefaultParallel,
	}
	for _, option := range options {
		option(c)
	}
	if c.shares {
		c.slots = make(chan struct{}, c.parallel)
	}
	return c
}

// inRegion sends a request to a Region; if empty, to the client's.
func inRegion(region string) func(*s3.Options) {
	return func(o *s3.Options) {
		if region != "" {
			o.Region = region
		}
	}
}

// unretried takes the SDK's retries away, so that the answers to parts are
// seen as they come: they regulate how many are under way.
func unretried(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

func (c *Copier) warnFallback(err error) {
	c.fallbackSaid.Do(func() {
		c.log.Warn("the server does not implement conditional copies: looking before copying instead, "+
			"so a key that is written in between is replaced",
			"region", c.target.Region, "bucket", c.target.Bucket, "error", err.Error())
	})
}
