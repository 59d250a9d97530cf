package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"s3fanout/internal/sandbox/custom"
	"s3fanout/internal/sandbox/template"
)

// Change is one resource that an update was about.
type Change struct {
	Region     string   `json:"region"`
	Stack      string   `json:"stack"`
	LogicalID  string   `json:"logicalId"`
	Type       string   `json:"type"`
	Properties []string `json:"properties,omitempty"` // those that changed, of an updated one
}

// Changes are what an update did, each in the order in which it was done.
type Changes struct {
	Made    []Change `json:"made"`
	Updated []Change `json:"updated"`
	Deleted []Change `json:"deleted"`
	// Retained are no longer in the templates but stay: their DeletionPolicy
	// says so.
	Retained []Change `json:"retained"`
	// RolledBack were made or changed in the stack that failed, and are deleted or
	// changed back.
	RolledBack []Change `json:"rolledBack,omitempty"`
}

// RefusedError is an update that cannot be made. Nothing was changed.
type RefusedError struct{ error }

// Unwrap returns the error without its mark.
func (e RefusedError) Unwrap() error { return e.error }

// Update makes what runs into what another assembly says, as `cdk deploy --all`
// does and, for stacks that are not in the assembly, `cdk destroy`. What an
// earlier assembly made is known by Region, stack and logical id.
//
// Stack by stack, what is new is made and what differs is changed, each after
// what it depends on; then what the stack no longer has is deleted, in the
// reverse order of its creation, unless its DeletionPolicy is Retain. Stacks
// that are gone come last, in reverse order too. What was changed or removed by
// hand, as far as that can be done here, is put back, as --revert-drift of the
// cdk command does. Events go on meanwhile, and
// functions that are busy finish what they do (see lambda.UpdateFunction).
//
// A RefusedError tells that nothing was changed: the assembly is wrong, a
// change would need another resource in place of the old one, which the sandbox
// does not do, or another update is under way. After any other error the stack
// that failed is rolled back, those before it are done, and those after it were not
// begun, as the Changes tell; the same update may be tried again and goes on from
// there.
//
// A Region that comes is served from then on, and one that goes is served still:
// its bucket is there.
func (s *Sandbox) Update(ctx context.Context, assembly fs.FS) (Changes, error) {
	return s.change(ctx, func() (*template.Assembly, error) { return template.Load(assembly) })
}

// Destroy deletes all that the templates made, as `cdk destroy --all` does; what
// they say is to be retained stays. Errors are as Update's, and an Update may
// follow.
func (s *Sandbox) Destroy(ctx context.Context) (Changes, error) {
	return s.change(ctx, func() (*template.Assembly, error) { return &template.Assembly{}, nil })
}

func (s *Sandbox) change(ctx context.Context, load func() (*template.Assembly, error)) (Changes, error) {
	refuse := func(err error) (Changes, error) { return noChanges(), RefusedError{err} }
	if !s.updating.TryLock() {
		return refuse(errors.New("another deployment is under way; wait for its end"))
	}
	defer s.updating.Unlock()
	if s.closed {
		return refuse(errors.New("the sandbox has stopped"))
	}
	a, err := load()
	if err != nil {
		return refuse(err)
	}
	switch partition, err := a.Partition(); {
	case err != nil:
		return refuse(err)
	case partition != s.partition && len(a.Stacks) > 0:
		return refuse(fmt.Errorf("the stacks are in the partition %s, and the sandbox is in %s; start another one", partition, s.partition))
	}
	if err := s.plan(ctx, a); err != nil {
		return refuse(err)
	}
	for _, region := range a.Regions() {
		s.addRegion(region)
	}
	changes, err := s.deploy(ctx, a)
	err = errors.Join(err, s.openPoints(ctx)) // the stacks before one that failed are done
	if err == nil {
		err = s.dir.change(a)
	}
	if s.updated != nil {
		s.updated(s.State())
	}
	return changes, err
}

func noChanges() Changes {
	return Changes{Made: []Change{}, Updated: []Change{}, Deleted: []Change{}, Retained: []Change{}}
}

// addRegion lets a Region be served.
func (s *Sandbox) addRegion(region string) {
	s.counters.Add(region)
	s.faults.Add(region)
	s.s3.AddRegion(region)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.regions, region) {
		s.regions = append(s.regions, region)
		slices.Sort(s.regions)
	}
}

// resourceKey says which resource of which stack.
type resourceKey struct{ region, stack, logicalID string }

func (k resourceKey) target(kind string) target {
	return target{stack: k.stack, region: k.region, logicalID: k.logicalID, kind: kind}
}

func (k resourceKey) change(kind string, properties []string) Change {
	return Change{Region: k.region, Stack: k.stack, LogicalID: k.logicalID, Type: kind, Properties: properties}
}

// plan goes through an update without changing anything and returns the first
// reason against it.
func (s *Sandbox) plan(ctx context.Context, a *template.Assembly) error {
	_, err := a.Deploy(
		ctx,
		AccountID,
		func(_ context.Context, stack template.StackInfo, r template.Resource, properties json.RawMessage) (template.Created, error) {
			key := resourceKey{stack.Region, stack.Name, r.LogicalID}
			k, inert, err := kindOf(r.Type)
			if err != nil || inert {
				return template.Created{Ref: r.LogicalID, Pending: true}, err
			}
			if err := k.checkProperties(properties); err != nil {
				return template.Created{}, err
			}
			if err := s.mayRun(a, r.Type, properties); err != nil {
				return template.Created{}, err
			}
			old, exists := s.resources[key]
			if !exists {
				return template.Created{Ref: "<" + r.LogicalID + ">", Pending: true}, s.mayMake(r.Type, properties)
			}
			known := old.created
			known.Pending = k.check != nil // it may answer with what it had not
			return known, mayChange(old, k, r.Type, properties)
		},
	)
	return err
}

// kindOf returns what the sandbox can do with a type of resource.
func kindOf(resourceType string) (k kind, inert bool, err error) {
	if _, ok := inertTypes()[resourceType]; ok {
		return kind{}, true, nil
	}
	if custom.IsType(resourceType) {
		return customResource(), false, nil
	}
	k, ok := kinds()[resourceType]
	if !ok {
		return kind{}, false, fmt.Errorf("the sandbox does not support this resource type; it supports %s", strings.Join(supported(), ", "))
	}
	return k, false, nil
}

// mayMake finds what is sure to fail: a bucket that an earlier stack left
// behind still has its name.
func (s *Sandbox) mayMake(resourceType string, properties json.RawMessage) error {
	if resourceType != "AWS::S3::Bucket" {
		return nil
	}
	var p bucketProperties
	if err := template.DecodeProperties(properties, &p); err != nil {
		return err
	}
	if s.s3.HasBucket(p.BucketName) {
		return fmt.Errorf("the bucket %s already exists, as one that an earlier stack retained does", p.BucketName)
	}
	return nil
}

// mayRun finds a function whose program is not there.
func (s *Sandbox) mayRun(a *template.Assembly, resourceType string, properties json.RawMessage) error {
	if resourceType != "AWS::Lambda::Function" {
		return nil
	}
	var p functionProperties
	if err := template.DecodeProperties(properties, &p); err != nil {
		return err
	}
	_, _, err := s.program(a, p.Code.S3Key)
	return err
}

func mayChange(old resource, k kind, resourceType string, properties json.RawMessage) error {
	if old.kind != resourceType {
		return fmt.Errorf("it is an %s so far; the sandbox does not put a resource of another type in its place", old.kind)
	}
	changed, err := changedProperties(old.properties, properties)
	if err != nil {
		return err
	}
	for _, name := range changed {
		if !k.changes(name) {
			return fmt.Errorf("property %s: the sandbox can't change it while the resource lives; %s", name, canChange(k))
		}
	}
	return nil
}

// checkProperties finds properties that are not supported.
func (k kind) checkProperties(properties json.RawMessage) error {
	if k.check != nil {
		return k.check(properties)
	}
	return template.DecodeProperties(properties, k.properties())
}

// changes tells whether a property can change while the resource lives.
func (k kind) changes(property string) bool {
	if len(k.fixed) > 0 {
		return !slices.Contains(k.fixed, property)
	}
	return slices.Contains(k.inPlace, property)
}

func canChange(k kind) string {
	if len(k.fixed) > 0 {
		return "it can change all but " + strings.Join(k.fixed, ", ")
	}
	if len(k.inPlace) == 0 {
		return "AWS would put a new one in its place"
	}
	return "it can change " + strings.Join(k.inPlace, ", ")
}

// changedProperties names the properties that differ, in order.
func changedProperties(before, after json.RawMessage) ([]string, error) {
	var old, now map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(before, &old), json.Unmarshal(after, &now)); err != nil {
		return nil, err
	}
	all := maps.Clone(old)
	maps.Copy(all, now)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		// Both are written with sorted members.
		if !bytes.Equal(old[name], now[name]) {
			list = append(list, name)
		}
	}
	return list, nil
}
