package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/aws/errorcode"
	"s3fanout/internal/aws/notification"
	"s3fanout/internal/function/client"
	"s3fanout/internal/function/functionenv"
)

// reserve is what is kept of an invocation's time to undo and to answer.
const reserve = 20 * time.Second

// undoTimeout bounds the taking back of what was written for nothing.
const undoTimeout = 8 * time.Second

type adopter struct {
	getenv func(string) string
	log    *slog.Logger
}

// handle does what a request asks for and returns the resource's ID. It is a
// cfn.CustomResourceFunction.
func (a *adopter) handle(ctx context.Context, event cfn.Event) (id string, _ map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			a.log.Error("panic", "value", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("the function panicked: %v", r)
		}
		err = oneLine(err)
	}()
	id = event.PhysicalResourceID
	if event.RequestType == cfn.RequestCreate {
		id = event.LogicalResourceID + untouched // until something may be written
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	if event.RequestType == cfn.RequestDelete && strings.HasSuffix(id, untouched) {
		return id, nil, nil
	}
	p, err := read(event.ResourceProperties)
	if err != nil {
		return id, nil, err
	}
	buckets, err := a.client(p.Account)
	if err != nil {
		return id, nil, err
	}
	w := work{
		properties: p,
		client:     buckets,
		store:      notification.Bucket{Client: buckets, Name: p.Bucket},
		region:     a.getenv(functionenv.Region),
		log:        a.log,
	}
	switch event.RequestType {
	case cfn.RequestCreate:
		id = p.physicalID()
		wrote, err := w.adopt(ctx)
		if err != nil && !wrote {
			id += untouched
		}
		return id, nil, err
	case cfn.RequestUpdate:
		// What was adopted before is not refused for what its owner did since: a
		// deployment that is rolled back must not fail once more.
		add := w.adopt
		if id == p.physicalID() {
			add = w.add
		}
		if _, err := add(ctx); err != nil {
			return id, nil, err
		}
		if id == p.physicalID() && replaces(event, p) {
			a.clean(ctx, event.OldResourceProperties)
		}
		return p.physicalID(), nil, nil
	case cfn.RequestDelete:
		return id, nil, w.remove(ctx)
	}
	return id, nil, fmt.Errorf("request type %q is not known", event.RequestType)
}

// clean takes the entries out of the bucket of an update that failed, or was
// ended, before its answer said that it had become another resource: no deletion
// will follow for that one. It need not succeed.
func (a *adopter) clean(ctx context.Context, raw map[string]any) {
	p, err := read(raw)
	if err != nil {
		return
	}
	buckets, err := a.client(p.Account)
	if err == nil {
		w := work{
			properties: p,
			client:     buckets,
			store:      notification.Bucket{Client: buckets, Name: p.Bucket},
			region:     a.getenv(functionenv.Region),
			log:        a.log,
		}
		err = w.remove(ctx)
	}
	if err != nil {
		a.log.Warn("take the entries out of the bucket of an update that failed", "bucket", p.Bucket, "error", err.Error())
	}
}

func (a *adopter) client(account string) (*s3.Client, error) {
	credentials, err := client.Credentials(a.getenv)
	if err != nil {
		return nil, err
	}
	return client.S3(a.getenv, client.HTTP(1), credentials, account)
}

// work is one request's.
type work struct {
	properties
	client *s3.Client
	store  notification.Store
	region string
	log    *slog.Logger
}

// adopt gives a bucket that is new to the set the entries that it should have. It
// reports whether a write may have come through that was not taken back.
func (w work) adopt(ctx context.Context) (wrote bool, err error) {
	if err := w.versioned(ctx); err != nil {
		return false, err
	}
	return w.add(ctx)
}

// add gives the bucket the entries that it should have, as adopt does.
func (w work) add(ctx context.Context) (wrote bool, err error) {
	looked, had := false, false // entries of the set's, which an update that fails leaves
	var changed notification.Changed
	err = w.persist(ctx, func() error {
		c, err := notification.Change(ctx, w.store, false, func(d notification.Document) (notification.Document, error) {
			if !looked {
				looked, had = true, w.has(d)
			}
			return d.Merge(w.IDPrefix, w.entries())
		})
		changed.Wrote, changed.Raced = changed.Wrote || c.Wrote, changed.Raced || c.Raced
		return err
	})
	w.report("adopted", changed, err)
	if err == nil || !changed.Wrote || had {
		return changed.Wrote, w.explain(err)
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	if undone := w.remove(undo); undone != nil {
		return true, fmt.Errorf("%w; what was written could not be taken back: %w", w.explain(err), undone)
	}
	return false, w.explain(err)
}

// has reports whether the configuration has entries of the set's.
func (w work) has(d notification.Document) bool {
	for _, e := range d.Entries() {
		if strings.HasPrefix(e.ID, w.IDPrefix) {
			return true
		}
	}
	return false
}

// remove takes the set's entries out. Destinations are not checked: the others'
// stay as they are, and one that is broken must not keep the set's entries in. A
// bucket that does not exist has none, nor has one in another Region, which tells no
// topic here.
func (w work) remove(ctx context.Context) error {
	changed, err := notification.Change(ctx, w.store, true, func(d notification.Document) (notification.Document, error) {
		return d.Without(w.IDPrefix)
	})
	if _, elsewhere := w.elsewhere(err); elsewhere || errorcode.Of(err) == "NoSuchBucket" {
		err = nil
	}
	w.report("released", changed, err)
	return w.explain(err)
}

// versioned reports that the bucket keeps no versions. Copies name the version
// that an event names.
func (w work) versioned(ctx context.Context) error {
	var status types.BucketVersioningStatus
	err := w.persist(ctx, func() error {
		out, err := w.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &w.Bucket})
		if err == nil {
			status = out.Status
		}
		return err
	})
	if err != nil {
		return w.explain(err)
	}
	if status != types.BucketVersioningStatusEnabled {
		return fmt.Errorf("versioning of bucket %s is not on, and is not switched on without being asked; "+
			"aws s3api put-bucket-versioning --region %s --bucket %s --versioning-configuration Status=Enabled, then deploy again",
			w.Bucket, w.region, w.Bucket)
	}
	return nil
}

func (w work) report(what string, changed notification.Changed, err error) {
	attributes := []any{"bucket", w.Bucket, "wrote", changed.Wrote}
	if changed.Raced {
		w.log.Warn("somebody else wrote the bucket's notifications at the same time; check that theirs are complete", attributes...)
	}
	if err != nil {
		w.log.Error(what, append(attributes, "error", err.Error())...)
		return
	}
	w.log.Info(what, attributes...)
}

// isRefusal says that nothing helps but what the error's line says.
func isRefusal(err error) bool {
	var overlap *notification.OverlapError
	return errors.As(err, &overlap) || errors.Is(err, notification.ErrRaced) || errors.Is(err, notification.ErrNotShown)
}
