package template

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"s3fanout/internal/replicaset"
)

// assetManifest is the kind of artifact that says where a stack's files come
// from and under which keys a deployment puts them.
const assetManifest = "cdk:asset-manifest"

// programs are the display names of the assembly's assets, by the key that a
// template has for them; nil for an assembly without asset manifests.
type programs map[string]string

// readPrograms reads the asset manifests that the assembly names.
func readPrograms(fsys fs.FS, artifacts json.RawMessage) (programs, error) {
	var named map[string]struct {
		Type       string `json:"type"`
		Properties struct {
			File string `json:"file"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(artifacts, &named); err != nil {
		return nil, err
	}
	var all programs
	for _, id := range sortedKeys(named) {
		if named[id].Type != assetManifest {
			continue
		}
		raw, err := fs.ReadFile(fsys, named[id].Properties.File)
		if err != nil {
			return nil, fmt.Errorf("artifact %s: %w", id, err)
		}
		var manifest struct {
			Files map[string]struct {
				DisplayName  string `json:"displayName"`
				Destinations map[string]struct {
					ObjectKey string `json:"objectKey"`
				} `json:"destinations"`
			} `json:"files"`
		}
		if err := json.Unmarshal(raw, &manifest); err != nil {
			return nil, fmt.Errorf("%s: not a manifest of assets: %w", named[id].Properties.File, err)
		}
		if all == nil {
			all = programs{}
		}
		for _, file := range manifest.Files {
			for _, destination := range file.Destinations {
				all[destination.ObjectKey] = file.DisplayName
			}
		}
	}
	return all, nil
}

// Program names the program that a function's code is: the last but one
// element of its asset's directory, as function of build/function/arm64. An
// assembly whose assets were left out has keys such as function.zip instead.
func (a *Assembly) Program(key string) (string, error) {
	if a.programs == nil {
		if name, ok := strings.CutSuffix(key, ".zip"); ok {
			return name, nil
		}
		return "", fmt.Errorf("the code's key %q does not end in .zip, and the assembly has no assets", key)
	}
	dir, ok := a.programs[key]
	if !ok {
		return "", fmt.Errorf("no asset of the assembly has the code's key %q; run `cdk synth` again", key)
	}
	program, processor := path.Base(path.Dir(dir)), path.Base(dir)
	if !slices.Contains([]string{replicaset.ARM64, replicaset.X86}, processor) || program == "." || program == "/" {
		return "", fmt.Errorf(
			"the code's asset is displayed as %q, which does not say its program; "+
				"make its display name the directory, as build/function/arm64", dir,
		)
	}
	return program, nil
}
