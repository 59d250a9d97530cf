package template

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"s3fanout/internal/replicaset"
)

// Created is what CloudFormation knows of a resource once it exists: what Ref
// gives, and what Fn::GetAtt gives by the attribute's name.
type Created struct {
	Ref        string
	Attributes map[string]string

	// Pending is for who only looks at what a deployment would do: any attribute
	// that is not known yet has a value that stands for what will be.
	Pending bool
}

// attribute returns an attribute of a resource.
func (c Created) attribute(id, name string) (string, bool) {
	v, ok := c.Attributes[name]
	if !ok && c.Pending {
		return "<" + id + "." + name + ">", true
	}
	return v, ok
}

// StackInfo says which stack a resource is made for.
type StackInfo struct {
	Name      string
	Region    string
	Partition string
	AccountID string
	StackID   string // ARN
}

// Create makes one resource from its properties, which are plain JSON: an
// object, {} if the template gives none.
type Create func(ctx context.Context, stack StackInfo, r Resource, properties json.RawMessage) (Created, error)

// Outputs are the outputs of the stacks: by stack, then by the output's name.
type Outputs map[string]map[string]string

// Deploy calls create once for every resource of every stack, each after what
// it depends on, and returns the outputs. It stops at the first error; what
// was made until then stays. Exports can be imported within a Region alone.
func (a *Assembly) Deploy(ctx context.Context, accountID string, create Create) (Outputs, error) {
	return a.DeployStacks(ctx, accountID, create, func(_ StackInfo, failure error) error { return failure })
}

// Done is called for each stack after its last resource and before the next
// stack's first, or with the error that ended it. What it returns, unless nil,
// ends the deployment.
type Done func(stack StackInfo, failure error) error

// DeployStacks is Deploy with a call of done for each stack.
func (a *Assembly) DeployStacks(ctx context.Context, accountID string, create Create, done Done) (Outputs, error) {
	outputs := Outputs{}
	exports := map[string]map[string]string{} // by Region
	for _, stack := range a.Stacks {
		if exports[stack.Region] == nil {
			exports[stack.Region] = map[string]string{}
		}
		out, err := stack.deploy(ctx, accountID, exports[stack.Region], create)
		if err = done(stack.info(accountID), err); err != nil {
			return nil, fmt.Errorf("stack %s: %w", stack.Name, err)
		}
		outputs[stack.Name] = out
	}
	return outputs, nil
}

func (stack *Stack) deploy(ctx context.Context, accountID string, exports map[string]string, create Create) (map[string]string, error) {
	if stack.accountID != "" && stack.accountID != accountID {
		return nil, fmt.Errorf("is made for account %s, not for %s; synthesize it without an account in env", stack.accountID, accountID)
	}
	info := stack.info(accountID)
	s := &scope{
		template: stack.template, pseudo: info.pseudoParameters(), exports: exports,
		created: map[string]Created{}, skipped: map[string]bool{}, known: map[string]bool{},
	}
	ids, _ := stack.template.order() // Load has refused a template without an order
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.make(ctx, info, stack.template.resources[id], create); err != nil {
			return nil, fmt.Errorf("resource %s (%s): %w", id, stack.template.resources[id].Type, err)
		}
	}
	return s.outputs()
}

// make resolves one resource's properties and has it created.
func (s *scope) make(ctx context.Context, info StackInfo, r *Resource, create Create) error {
	if r.condition != "" {
		holds, err := s.condition(r.condition)
		if err != nil {
			return err
		}
		if !holds {
			s.skipped[r.LogicalID] = true
			return nil
		}
	}
	properties := r.properties
	if properties == nil {
		properties = map[string]any{}
	}
	resolved, err := s.resolve(properties, "Properties")
	if err != nil {
		return err
	}
	if _, ok := resolved.(map[string]any); !ok {
		return at("Properties", errors.New("not an object"))
	}
	raw, err := encodeTree(resolved)
	if err != nil {
		return err
	}
	created, err := create(ctx, info, *r, raw)
	if err != nil {
		return err
	}
	s.created[r.LogicalID] = created
	return nil
}

// outputs resolves the outputs and adds the exports to the Region's.
func (s *scope) outputs() (map[string]string, error) {
	values := map[string]string{}
	for _, name := range sortedKeys(s.template.outputs) {
		path := "Outputs." + name
		output, err := objectOf(s.template.outputs[name], path)
		if err != nil {
			return nil, err
		}
		if c, ok := output["Condition"]; ok {
			name, _ := c.(string)
			holds, err := s.condition(name)
			if err != nil {
				return nil, at(path, err)
			}
			if !holds {
				continue
			}
		}
		if values[name], err = s.text(output["Value"], join(path, "Value")); err != nil {
			return nil, err
		}
		if err := s.export(output["Export"], values[name], join(path, "Export")); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (s *scope) export(v any, value, path string) error {
	if v == nil {
		return nil
	}
	object, _ := v.(map[string]any)
	if len(object) != 1 || object["Name"] == nil {
		return at(path, errors.New("not an object with a Name"))
	}
	name, err := s.text(object["Name"], join(path, "Name"))
	if err != nil {
		return err
	}
	if _, taken := s.exports[name]; taken {
		return at(path, fmt.Errorf("%s is exported by another stack in %s", name, s.pseudo["AWS::Region"]))
	}
	s.exports[name] = value
	return nil
}

func (stack *Stack) info(accountID string) StackInfo {
	return NewStackInfo(accountID, stack.Region, stack.Name)
}

// NewStackInfo is what there is to know of a stack by its name and place.
func NewStackInfo(accountID, region, name string) StackInfo {
	info := StackInfo{Name: name, Region: region, Partition: replicaset.Partition(region), AccountID: accountID}
	// The last part is a UUID in AWS. Here it follows from the rest, so that
	// two deployments of one assembly are the same.
	id := sha256.Sum256([]byte(accountID + " " + region + " " + name))
	info.StackID = fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%x-%x-%x-%x-%x",
		info.Partition, region, accountID, name, id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	return info
}

func (i StackInfo) pseudoParameters() map[string]string {
	suffix := "amazonaws.com"
	if i.Partition == "aws-cn" {
		suffix = "amazonaws.com.cn"
	}
	return map[string]string{
		"AWS::AccountId": i.AccountID,
		"AWS::Region":    i.Region,
		"AWS::Partition": i.Partition,
		"AWS::URLSuffix": suffix,
		"AWS::StackName": i.Name,
		"AWS::StackId":   i.StackID,
	}
}
