package sandbox

import (
	"context"
	"encoding/json"

	"s3fanout/internal/sandbox/custom"
	"s3fanout/internal/sandbox/template"
)

// customResource is what the sandbox can do with AWS::CloudFormation::CustomResource
// and all that is called Custom::…: ask the function that the template names.
func customResource() kind {
	return kind{
		make: makeCustom, check: custom.Validate, fixed: []string{"ServiceToken"}, update: updateCustom, remove: removeCustom,
	}
}

// ask sends a request about a resource, and makes of the answer what templates
// can refer to.
func (d *deployment) ask(ctx context.Context, t target, r custom.Request) (template.Created, error) {
	r.Region, r.LogicalID, r.ResourceType = t.region, t.logicalID, t.kind
	r.StackID = template.NewStackInfo(AccountID, t.region, t.stack).StackID
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(d.ending, stop)()
	answer, err := d.custom.Send(ctx, r)
	return template.Created{Ref: answer.PhysicalID, Attributes: answer.Attributes}, err
}

func makeCustom(ctx context.Context, d *deployment, t target, properties json.RawMessage) (template.Created, error) {
	return d.ask(ctx, t, custom.Request{Type: custom.Create, Properties: properties})
}

func updateCustom(ctx context.Context, d *deployment, t target, old resource, properties json.RawMessage) (template.Created, error) {
	return d.ask(ctx, t, custom.Request{
		Type: custom.Update, PhysicalID: old.created.Ref, Properties: properties, OldProperties: old.properties,
	})
}

func removeCustom(ctx context.Context, d *deployment, t target, old resource) error {
	_, err := d.ask(ctx, t, custom.Request{Type: custom.Delete, PhysicalID: old.created.Ref, Properties: old.properties})
	return err
}
