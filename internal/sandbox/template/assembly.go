// Package template reads synthesized CloudFormation templates and deploys them
// onto whatever its caller makes of the resources.
//
// Load reads a cloud assembly, which is what `cdk synth` writes to cdk.out. Deploy
// goes through the stacks and their resources in an order that the templates
// allow, resolves the intrinsic functions, and hands each resource's
// properties, now plain JSON, to the caller, once. Among the orders that are
// allowed it takes an unkind one, so that a missing dependency shows: a bucket
// comes as early, and a policy as late, as what is declared permits.
//
// Everything that it does not know (an element of a template, an intrinsic
// function, a kind of artifact) is an error that names stack, resource and
// place. There are no nested stacks or macros; what of a deployment is new,
// changed or gone, and rolling back, is for the caller.
package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"s3fanout/internal/replicaset"
	"s3fanout/internal/strictjson"
)

// manifestName is the file at an assembly's root that names its stacks.
const manifestName = "manifest.json"

// Assembly is a parsed cloud assembly. It does not change and may be used
// concurrently.
type Assembly struct {
	Stacks []*Stack // in the order of deployment

	programs programs
}

// Stack is one stack of an assembly.
type Stack struct {
	Name   string
	Region string

	accountID    string // "" if the stack is not made for one account
	dependencies []string
	template     *parsed
}

// Load reads the assembly at the root of a file system. The errors name the
// stack, and the resource if there is one.
func Load(fsys fs.FS) (*Assembly, error) {
	raw, err := fs.ReadFile(fsys, manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: name the directory that `cdk synth` wrote, as cdk.out", manifestName)
	}
	if err != nil {
		return nil, fmt.Errorf("read the assembly: %w", err)
	}
	artifacts, all, err := readManifest(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	a := &Assembly{}
	if a.programs, err = readPrograms(fsys, all); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	stacks := map[string]*Stack{}
	for _, id := range sortedKeys(artifacts) {
		if stacks[id], err = readStack(fsys, id, artifacts[id]); err != nil {
			return nil, fmt.Errorf("stack %s: %w", id, err)
		}
	}
	if a.Stacks, err = orderStacks(stacks); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	if _, err := a.Partition(); err != nil {
		return nil, err
	}
	return a, nil
}

// Regions lists the Regions of the stacks, sorted, each once.
func (a *Assembly) Regions() []string {
	var list []string
	for _, s := range a.Stacks {
		list = append(list, s.Region)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Partition returns the partition that all Regions are in, as "aws".
func (a *Assembly) Partition() (string, error) {
	found := ""
	for _, s := range a.Stacks {
		p := replicaset.Partition(s.Region)
		if found != "" && p != found {
			return "", fmt.Errorf("the stacks are in two partitions, %s and %s", found, p)
		}
		found = p
	}
	return found, nil
}

// artifact is one entry of the manifest. Only what a deployment depends on is read.
type artifact struct {
	Type         string   `json:"type"`
	Environment  string   `json:"environment"`
	Dependencies []string `json:"dependencies"`
	Properties   struct {
		TemplateFile string         `json:"templateFile"`
		StackName    string         `json:"stackName"`
		Parameters   map[string]any `json:"parameters"`
	} `json:"properties"`
}

// isInertArtifact knows the artifacts that make nothing in an account, or that the
// caller brings itself (the functions' code, see Program).
func isInertArtifact(kind string) bool {
	return slices.Contains([]string{assetManifest, "cdk:tree", "cdk:feature-flag-report"}, kind)
}

// readManifest returns the artifacts that are stacks, by their ids, and all
// artifacts as they stand there. The stacks' dependencies are stacks, too:
// others are left out.
func readManifest(raw json.RawMessage) (stacks map[string]artifact, all json.RawMessage, err error) {
	var manifest struct {
		Artifacts json.RawMessage   `json:"artifacts"`
		Missing   []json.RawMessage `json:"missing"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, nil, fmt.Errorf("not a manifest: %w", err)
	}
	if len(manifest.Missing) > 0 {
		return nil, nil, errors.New("the synthesis lacks context that is looked up in an account; run `cdk synth` with credentials first")
	}
	if manifest.Artifacts == nil {
		return nil, nil, errors.New("names no artifacts")
	}
	members, err := strictjson.Members(manifest.Artifacts)
	if err != nil {
		return nil, nil, fmt.Errorf("artifacts: %w", err)
	}
	stacks = map[string]artifact{}
	inert := map[string]bool{}
	for _, m := range members {
		var art artifact
		if err := json.Unmarshal(m.Value, &art); err != nil {
			return nil, nil, fmt.Errorf("artifact %s: %w", m.Name, err)
		}
		switch {
		case isInertArtifact(art.Type):
			inert[m.Name] = true
		case art.Type == "aws:cloudformation:stack":
			stacks[m.Name] = art
		case art.Type == "cdk:cloud-assembly":
			return nil, nil, fmt.Errorf(
				"artifact %s is a nested assembly (a Stage), which is not supported; name its directory instead",
				m.Name,
			)
		default:
			return nil, nil, fmt.Errorf("artifact %s: type %q is not supported", m.Name, art.Type)
		}
	}
	if len(stacks) == 0 {
		return nil, nil, errors.New("names no stacks")
	}
	for _, id := range sortedKeys(stacks) {
		art := stacks[id]
		art.Dependencies = slices.DeleteFunc(art.Dependencies, func(d string) bool { return inert[d] })
		for _, d := range art.Dependencies {
			if _, ok := stacks[d]; !ok {
				return nil, nil, fmt.Errorf("stack %s depends on %s, which is not there", id, d)
			}
		}
		stacks[id] = art
	}
	return stacks, manifest.Artifacts, nil
}

// environmentPattern is aws://<account>/<region>.
var environmentPattern = regexp.MustCompile(`^aws://([^/]+)/([^/]+)$`)

func readStack(fsys fs.FS, id string, art artifact) (*Stack, error) {
	s := &Stack{Name: id, dependencies: art.Dependencies}
	if art.Properties.StackName != "" {
		s.Name = art.Properties.StackName
	}
	environment := environmentPattern.FindStringSubmatch(art.Environment)
	if environment == nil {
		return nil, fmt.Errorf("environment %q is not aws://<account>/<region>", art.Environment)
	}
	s.Region = environment[2]
	if environment[1] != "unknown-account" {
		s.accountID = environment[1]
	}
	switch {
	case s.Region == "unknown-region":
		return nil, errors.New("is made for no Region; set env.region where the CDK app makes it")
	case replicaset.Partition(s.Region) == "":
		return nil, fmt.Errorf("%q is not an AWS Region", s.Region)
	case len(art.Properties.Parameters) > 0:
		return nil, errors.New("values for parameters are not supported")
	}
	raw, err := fs.ReadFile(fsys, art.Properties.TemplateFile)
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	if s.template, err = parseTemplate(raw); err != nil {
		return nil, err
	}
	return s, nil
}

// orderStacks puts dependencies first. Of several possible orders it takes the
// one in which a stack comes as soon as it can, those with dependencies before
// the others.
func orderStacks(stacks map[string]*Stack) ([]*Stack, error) {
	names := make([]string, 0, len(stacks))
	seen := map[string]string{} // region and name -> artifact
	for name, s := range stacks {
		names = append(names, name)
		key := s.Region + " " + s.Name
		if other, ok := seen[key]; ok {
			return nil, fmt.Errorf("%s and %s are both stack %s in %s", min(name, other), max(name, other), s.Name, s.Region)
		}
		seen[key] = name
	}
	slices.SortFunc(names, func(a, b string) int {
		if da, db := len(stacks[a].dependencies), len(stacks[b].dependencies); (da > 0) != (db > 0) {
			return db - da
		}
		return strings.Compare(a, b)
	})
	sorted, cycle := sortByDependency(names, func(name string) []string { return stacks[name].dependencies })
	if cycle != nil {
		return nil, fmt.Errorf("the stacks depend on each other: %s", strings.Join(cycle, " -> "))
	}
	list := make([]*Stack, 0, len(sorted))
	for _, name := range sorted {
		list = append(list, stacks[name])
	}
	return list, nil
}
