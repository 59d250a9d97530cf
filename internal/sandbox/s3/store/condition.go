package store

import "fmt"

// decide evaluates a write's condition on the key's current version. started
// is when the write was, or zero if that is now; deleted says whether the
// current version was deleted since, if no row tells.
func (t *txn) decide(b *bucket, key string, c Condition, started Started, deleted bool) error {
	if c == (Condition{}) {
		return nil
	}
	var current version
	found := false
	if order, row := t.current(b, key); row != nil {
		v, err := t.decodeVersion(order, row, false)
		if err != nil {
			return err
		}
		current, found = *v, !v.marker
		if v.marker && started.order != 0 && v.sequence > started.order {
			deleted = true
		}
	}
	overtaken := found && started.order != 0 && current.sequence > started.order
	switch {
	case c.IfNoneMatch && found:
		return &PreconditionError{Condition: "If-None-Match"}
	case c.IfMatch != "" && !found:
		return fmt.Errorf("%w: s3://%s/%s", ErrNoSuchKey, b.name, key)
	case c.IfMatch != "" && c.IfMatch != "*" && c.IfMatch != current.etag:
		return &PreconditionError{Condition: "If-Match"}
	case overtaken || c.IfNoneMatch && deleted:
		return fmt.Errorf("%w: s3://%s/%s", ErrConflict, b.name, key)
	}
	return nil
}

// Check decides a condition without writing, so that a hopeless upload can end
// before its body is read. PutObject decides it again.
func (s *Store) Check(bucketName, key string, c Condition) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return s.read(func(t *txn) error {
		b, err := t.bucket(bucketName)
		if err != nil {
			return err
		}
		return t.decide(b, key, c, Started{}, false)
	})
}
