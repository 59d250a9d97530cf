package sandbox

import (
	"bytes"
	"context"
	"encoding/json"

	"s3fanout/internal/sandbox/states"
	"s3fanout/internal/sandbox/template"
)

// machineProperties are the properties of AWS::StepFunctions::StateMachine that the
// sandbox knows. Nothing runs the machine.
type machineProperties struct {
	StateMachineName string
	StateMachineType string
	RoleArn          string
	Definition       json.RawMessage
	Tags             []tag
}

func readMachine(raw json.RawMessage) (m states.Machine, err error) {
	var p machineProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return m, err
	}
	return states.Machine{Name: p.StateMachineName, Type: p.StateMachineType, RoleARN: p.RoleArn, Definition: string(p.Definition)}, nil
}

func makeMachine(_ context.Context, d *deployment, t target, raw json.RawMessage) (template.Created, error) {
	m, err := readMachine(raw)
	if err != nil {
		return template.Created{}, err
	}
	if m.Name == "" {
		m.Name = physicalName(t)
	}
	arn, err := d.states.Create(t.region, m)
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: arn, Attributes: map[string]string{"Arn": arn, "Name": m.Name}}, nil
}

func updateMachine(_ context.Context, d *deployment, _ target, old resource, raw json.RawMessage) error {
	m, err := readMachine(raw)
	if err != nil {
		return err
	}
	if was, ok := d.states.Get(old.created.Ref); ok {
		m.Name = was.Name
	}
	return d.states.Update(old.created.Ref, m)
}

func removeMachine(_ context.Context, d *deployment, _ target, old resource) error {
	d.states.Delete(old.created.Ref)
	return nil
}

// machineDrift finds a state machine that was changed or deleted by hand.
func machineDrift(d *deployment, _ target, old resource) (drift, error) {
	want, err := readMachine(old.properties)
	if err != nil {
		return drift{}, err
	}
	have, ok := d.states.Get(old.created.Ref)
	if !ok {
		return drift{gone: true}, nil
	}
	var changed []string
	if !sameJSON(have.Definition, want.Definition) {
		changed = append(changed, "Definition")
	}
	if have.RoleARN != want.RoleARN {
		changed = append(changed, "RoleArn")
	}
	return drift{properties: changed}, nil
}

func sameJSON(a, b string) bool {
	var compactA, compactB bytes.Buffer
	return json.Compact(&compactA, []byte(a)) == nil && json.Compact(&compactB, []byte(b)) == nil &&
		bytes.Equal(compactA.Bytes(), compactB.Bytes())
}
