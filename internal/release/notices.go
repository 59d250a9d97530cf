package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// linkedPrograms are what a release consists of.
var linkedPrograms = []string{"./cmd/s3fanout", "./infra/app", "./lambda", "./lambda/adopt", "./lambda/reconcile"}

// systems are those that a release is for.
var systems = []string{"linux", "darwin", "windows"}

// linkedModule is a module, or an npm package, of which a release has something.
type linkedModule struct {
	path, version string
	dir           string
	licence       string   // its SPDX identifier
	files         []string // with the licence and the notices
}

// linkedModules are those of all systems, in order, without this one. It is an
// error if the licence of one is not known, or does not let the programs be given
// away under their own.
func linkedModules() ([]linkedModule, error) {
	byPath := map[string]linkedModule{}
	for _, system := range systems {
		args := append([]string{"list", "-deps", "-json=Module"}, linkedPrograms...)
		cmd := exec.Command("go", args...) //nolint:gosec,noctx // until it ends
		cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
		}
		for packages := json.NewDecoder(bytes.NewReader(out)); ; {
			var p struct {
				Module *struct {
					Path, Version, Dir string
					Main               bool
				}
			}
			if err := packages.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			if m := p.Module; m != nil && !m.Main {
				byPath[m.Path] = linkedModule{path: m.Path, version: m.Version, dir: m.Dir}
			}
		}
	}
	out, err := exec.Command("go", "env", "GOVERSION", "GOROOT").Output() //nolint:noctx // until it ends
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	version, root, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	byPath["Go"] = linkedModule{path: "Go", version: version, dir: root}
	var modules []linkedModule
	for _, m := range byPath {
		if err := m.read(); err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.path, m.version, err)
		}
		modules = append(modules, m)
	}
	packages, err := vendored(vendoredDir)
	if err != nil {
		return nil, err
	}
	modules = slices.AppendSeq(modules, maps.Values(packages))
	slices.SortFunc(modules, func(a, b linkedModule) int { return strings.Compare(a.path, b.path) })
	return modules, nil
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// read finds the files with the module's licence.
func (m *linkedModule) read() error {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !licenceFile.MatchString(entry.Name()) {
			continue
		}
		path := filepath.Join(m.dir, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m.files = append(m.files, path)
		if m.licence == "" {
			m.licence = licenceOf(string(text))
		}
	}
	if m.licence == "" {
		return fmt.Errorf("no licence is known in %s; look at it, and let licenceOf know it if it permits what is done", m.dir)
	}
	return nil
}

// licenceOf is the SPDX identifier of a text, empty if it is none of those under
// which programs may be linked and given away without more than a notice.
func licenceOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(part string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(part)) }
	switch {
	case has("Apache License Version 2.0"), has("Apache License, Version 2.0"):
		return "Apache-2.0"
	case has("Permission is hereby granted, free of charge") && has(`THE SOFTWARE IS PROVIDED "AS IS"`):
		return "MIT"
	case has("Zero-Clause BSD"):
		return "0BSD"
	case has("Permission to use, copy, modify, and/or distribute this software for any purpose"),
		has("Permission to use, copy, modify, and distribute this software for any purpose"):
		return "ISC"
	case has("Redistribution and use in source and binary forms") && has("endorse or promote products"):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	}
	return ""
}

// thirdPartyNotices are the licences of what the programs link, each text once.
func thirdPartyNotices() ([]byte, error) {
	modules, err := linkedModules()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "The programs of s3fanout contain the modules below. "+
		"s3fanout-cdk also contains the AWS CDK for Node.js and jsii, from the\n"+
		"modules of github.com/aws, with notices of their own inside.\n\n")
	for _, m := range modules {
		fmt.Fprintf(&b, "%-70s %-45s %s\n", m.path, m.version, m.licence)
	}
	texts, order := map[string][]string{}, []string{}
	for _, m := range modules {
		for _, file := range m.files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			key := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
			if texts[key] == nil {
				order = append(order, key)
			}
			texts[key] = append(texts[key], m.path)
		}
	}
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(texts[text], "\n"), text)
	}
	return b.Bytes(), nil
}
